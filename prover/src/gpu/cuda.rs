//! CUDA: the driver's interface, with kernels that NVRTC compiles for the device. Both libraries are opened when a device is looked for.

#![allow(unsafe_code)]

use core::ffi::{c_char, c_int, c_void};
use core::ptr;
use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{
    self, CUcontext, CUdevice, CUdevice_attribute, CUevent, CUevent_flags, CUfunction, CUmemPool_attribute,
    CUmodule, CUresult, CUstream,
};
use cudarc::nvrtc;
use std::collections::HashMap;
use std::ffi::CString;

use super::cache::Kept;
use super::driver::{Arg, Driver, Handle};
use super::source::source;
use crate::device::{DeviceError, DeviceInfo, Interface};

/// As much of a compiler's log as an error shows.
const LOG_SHOWN: usize = 2000;

fn refused(what: &'static str) -> impl Fn(DriverError) -> DeviceError {
    move |error| DeviceError::Driver { what, code: format!("{:?}", error.0) }
}

/// Whether the driver's library is there. The functions of `cudarc` panic where it is not.
fn is_present() -> bool {
    // SAFETY: opens a library by the names of the CUDA driver, whose initialisation is the vendor's.
    unsafe { sys::is_culib_present() }
}

/// The devices; none without a driver, or if it does not start.
pub(super) fn list() -> Vec<DeviceInfo> {
    if !is_present() || result::init().is_err() {
        return Vec::new();
    }
    let count = result::device::get_count().unwrap_or(0);
    (0..count).filter_map(|number| describe(number).ok()).collect()
}

fn attribute(device: CUdevice, which: CUdevice_attribute) -> Result<i32, DriverError> {
    // SAFETY: the device came from the driver.
    unsafe { result::device::get_attribute(device, which) }
}

/// The compute capability, as in sm_90.
fn capability(device: CUdevice) -> Result<(i32, i32), DriverError> {
    Ok((
        attribute(device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
        attribute(device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
    ))
}

fn describe(number: c_int) -> Result<DeviceInfo, DriverError> {
    let device = result::device::get(number)?;
    let mut version = 0;
    // SAFETY: writes one number.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result()?;
    // SAFETY: the device came from the driver.
    let memory = unsafe { result::device::total_mem(device) }? as u64;
    let (major, minor) = capability(device)?;
    let local = attribute(device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK)?;
    let units = attribute(device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?;
    Ok(DeviceInfo {
        interface: Interface::Cuda,
        number: number.unsigned_abs() as usize,
        name: result::device::get_name(device)?,
        driver: format!("CUDA {}.{}, sm_{major}{minor}", version / 1000, version % 1000 / 10),
        is_accelerator: true,
        memory,
        largest_allocation: memory,
        local_memory: u64::from(local.unsigned_abs()),
        units: units.unsigned_abs(),
    })
}

/// A device with its kernels compiled.
pub(super) fn open(wanted: &DeviceInfo) -> Result<Box<dyn Driver>, DeviceError> {
    let number = c_int::try_from(wanted.number).unwrap_or(c_int::MAX);
    let device = result::device::get(number).map_err(refused("the device"))?;
    let (major, minor) = capability(device).map_err(refused("the device's capability"))?;
    // SAFETY: the device came from the driver.
    let context = unsafe { result::primary_ctx::retain(device) }.map_err(refused("a context"))?;
    let mut driver = Cuda {
        info: wanted.clone(),
        device,
        context,
        stream: ptr::null_mut(),
        event: ptr::null_mut(),
        module: ptr::null_mut(),
        functions: HashMap::new(),
        marked: false,
    };
    driver.enter()?;
    driver.stream =
        result::stream::create(result::stream::StreamKind::NonBlocking).map_err(refused("a stream"))?;
    driver.event =
        result::event::create(CUevent_flags::CU_EVENT_DISABLE_TIMING).map_err(refused("an event"))?;
    driver.keep_memory().map_err(refused("a memory pool"))?;
    driver.load(&format!("sm_{major}{minor}"))?;
    Ok(Box::new(driver))
}

#[derive(Debug)]
struct Cuda {
    info: DeviceInfo,
    device: CUdevice,
    context: CUcontext,
    stream: CUstream,
    event: CUevent,
    module: CUmodule,
    functions: HashMap<&'static str, CUfunction>,
    marked: bool,
}

// SAFETY: the driver's objects may be used from any thread on which their context is current, and every method makes it so.
unsafe impl Send for Cuda {}

impl Cuda {
    /// Makes the context this thread's.
    fn enter(&self) -> Result<(), DeviceError> {
        // SAFETY: the context was retained by this value and is released when it is dropped.
        unsafe { result::ctx::set_current(self.context) }.map_err(refused("its context"))
    }

    /// Lets the pool that allocations come from keep what is given back.
    fn keep_memory(&self) -> Result<(), DriverError> {
        let mut most = u64::MAX;
        // SAFETY: the device is the driver's own, the pool its, and this attribute's value a 64-bit number.
        unsafe {
            let pool = result::device::get_default_mem_pool(self.device)?;
            let attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            result::mem_pool::set_attribute(pool, attribute, (&raw mut most).cast())
        }
    }

    /// Takes the compiled program that was kept, or compiles the source and keeps that.
    fn load(&mut self, architecture: &str) -> Result<(), DeviceError> {
        let kept = Kept::of(&self.info);
        if let Some(cubin) = kept.load() {
            // SAFETY: a whole program that this module compiled for this device and driver; its digest was compared.
            if let Ok(module) = unsafe { result::module::load_data(cubin.as_ptr().cast()) } {
                self.module = module;
                return Ok(());
            }
        }
        let cubin = compile(&self.info, architecture)?;
        // SAFETY: a whole program, as the compiler gave it.
        self.module = unsafe { result::module::load_data(cubin.as_ptr().cast()) }
            .map_err(refused("the compiled kernels"))?;
        kept.store(&cubin);
        Ok(())
    }

    fn function(&mut self, name: &'static str) -> Result<CUfunction, DeviceError> {
        if let Some(function) = self.functions.get(name) {
            return Ok(*function);
        }
        let unknown = || DeviceError::Driver { what: name, code: "no name of a kernel".to_owned() };
        let name_c = CString::new(name).map_err(|_| unknown())?;
        // SAFETY: the module is loaded for as long as this value lives.
        let function = unsafe { result::module::get_function(self.module, name_c) }.map_err(refused(name))?;
        self.functions.insert(name, function);
        Ok(function)
    }
}

/// The kernels, compiled for an architecture.
fn compile(info: &DeviceInfo, architecture: &str) -> Result<Vec<u8>, DeviceError> {
    let failed = |log: String| DeviceError::Compilation { device: info.to_string(), log };
    // SAFETY: opens a library by the names of NVRTC, whose initialisation is the vendor's.
    if !unsafe { nvrtc::sys::is_culib_present() } {
        let log = "the compiler libnvrtc was not found: install it with the CUDA toolkit, or use the device by OpenCL";
        return Err(failed(log.to_owned()));
    }
    let source = CString::new(source()).map_err(|error| failed(error.to_string()))?;
    let program = nvrtc::result::create_program(&source, None).map_err(|error| failed(error.to_string()))?;
    let options = [format!("--gpu-architecture={architecture}")];
    // SAFETY: the program is the one just made, used here alone and destroyed once, after its last use. The buffer has the size that the
    // compiler states.
    unsafe {
        let compiled = nvrtc::result::compile_program(program, &options);
        let end = match compiled {
            Ok(()) => {
                let mut size = 0;
                let sized = nvrtc::sys::nvrtcGetCUBINSize(program, &raw mut size).result();
                let mut cubin = vec![0u8; size];
                sized
                    .and_then(|()| {
                        nvrtc::sys::nvrtcGetCUBIN(program, cubin.as_mut_ptr().cast::<c_char>()).result()
                    })
                    .map(|()| cubin)
                    .map_err(|error| failed(error.to_string()))
            }
            Err(error) => {
                let log = nvrtc::result::get_program_log(program).unwrap_or_default();
                let log: String = log
                    .iter()
                    .map(|&c| char::from(u8::from_ne_bytes(c.to_ne_bytes())))
                    .take(LOG_SHOWN)
                    .collect();
                Err(failed(format!("{error}: {log}")))
            }
        };
        let _ = nvrtc::result::destroy_program(program);
        end
    }
}

impl Driver for Cuda {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn allocate(&mut self, bytes: usize) -> Result<Option<Handle>, DeviceError> {
        self.enter()?;
        // SAFETY: the stream is this value's, and the only one on which the memory is used.
        match unsafe { result::malloc_async(self.stream, bytes) } {
            Ok(pointer) => Ok(Some(Handle(pointer))),
            Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => Ok(None),
            Err(error) => Err(refused("memory")(error)),
        }
    }

    fn free(&mut self, memory: Handle) {
        if self.enter().is_ok() {
            // SAFETY: allocated on this stream and given back once, behind the work that uses it.
            let _ = unsafe { result::free_async(memory.0, self.stream) };
        }
    }

    fn clear(&mut self, memory: Handle, bytes: usize) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: the memory has so many bytes.
        unsafe { result::memset_d8_async(memory.0, 0, bytes, self.stream) }.map_err(refused("a fill"))
    }

    fn write(&mut self, memory: Handle, offset: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: the caller has checked that the range lies in the memory; the copy is waited for, so `bytes` outlives it.
        unsafe {
            result::memcpy_htod_async(memory.0 + offset as u64, bytes, self.stream)
                .and_then(|()| result::stream::synchronize(self.stream))
        }
        .map_err(refused("a copy to the device"))
    }

    fn read(&mut self, memory: Handle, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: the caller has checked that the range lies in the memory; the copy is waited for, so `bytes` is borrowed throughout.
        unsafe {
            result::memcpy_dtoh_async(bytes, memory.0 + offset as u64, self.stream)
                .and_then(|()| result::stream::synchronize(self.stream))
        }
        .map_err(refused("a copy from the device"))
    }

    fn launch(
        &mut self,
        kernel: &'static str,
        groups: u32,
        threads: u32,
        args: &[Arg<'_>],
    ) -> Result<(), DeviceError> {
        self.enter()?;
        let function = self.function(kernel)?;
        // Each argument in eight bytes, of which a number takes the first four: CUDA's machines are little-endian.
        let mut values: Vec<u64> = args
            .iter()
            .map(|arg| match arg {
                Arg::Number(number) => u64::from(*number),
                Arg::Memory(memory) => memory.handle().0,
            })
            .collect();
        let mut pointers: Vec<*mut c_void> =
            values.iter_mut().map(|value| (&raw mut *value).cast()).collect();
        // SAFETY: a function of the loaded module; the pointers are to its arguments, which the driver copies before it returns. The kernels are
        // this crate's own: they stay in the memory that they are given, of which each launch says the size.
        unsafe {
            result::launch_kernel(function, (groups, 1, 1), (threads, 1, 1), 0, self.stream, &mut pointers)
        }
        .map_err(refused(kernel))
    }

    fn mark(&mut self) -> Result<(), DeviceError> {
        self.enter()?;
        // SAFETY: both are this value's.
        unsafe { result::event::record(self.event, self.stream) }.map_err(refused("a mark"))?;
        self.marked = true;
        Ok(())
    }

    fn reached(&mut self) -> Result<bool, DeviceError> {
        if !self.marked {
            return Ok(true);
        }
        self.enter()?;
        // SAFETY: the event is this value's.
        match unsafe { result::event::query(self.event) } {
            Ok(()) => Ok(true),
            Err(DriverError(CUresult::CUDA_ERROR_NOT_READY)) => Ok(false),
            Err(error) => Err(refused("the work that it was given")(error)),
        }
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        if self.enter().is_err() {
            return;
        }
        // SAFETY: each was made by this value, is released once, and is not used after this.
        unsafe {
            if !self.module.is_null() {
                let _ = result::module::unload(self.module);
            }
            if !self.event.is_null() {
                let _ = result::event::destroy(self.event);
            }
            if !self.stream.is_null() {
                let _ = result::stream::destroy(self.stream);
            }
            let _ = result::primary_ctx::release(self.device);
        }
    }
}
