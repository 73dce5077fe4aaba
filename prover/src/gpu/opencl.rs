//! OpenCL: the loader library is opened when it is first needed, and its absence is an empty list of devices.

#![allow(unsafe_code)]

use cl3::command_queue::{
    create_command_queue, enqueue_fill_buffer, enqueue_marker_with_wait_list, enqueue_nd_range_kernel,
    enqueue_read_buffer, enqueue_write_buffer, flush, release_command_queue,
};
use cl3::context::{create_context, release_context};
use cl3::device::{
    CL_DEVICE_GLOBAL_MEM_SIZE, CL_DEVICE_LOCAL_MEM_SIZE, CL_DEVICE_MAX_COMPUTE_UNITS,
    CL_DEVICE_MAX_MEM_ALLOC_SIZE, CL_DEVICE_NAME, CL_DEVICE_TYPE, CL_DEVICE_TYPE_ALL, CL_DEVICE_TYPE_CPU,
    CL_DEVICE_VERSION, CL_DRIVER_VERSION, get_device_ids, get_device_info,
};
use cl3::error_codes::error_text;
use cl3::event::{CL_EVENT_COMMAND_EXECUTION_STATUS, get_event_info, release_event};
use cl3::info_type::InfoType;
use cl3::kernel::{create_kernel, release_kernel, set_kernel_arg};
use cl3::memory::{CL_MEM_READ_WRITE, create_buffer, release_mem_object};
use cl3::platform::get_platform_ids;
use cl3::program::{
    CL_PROGRAM_BINARIES, CL_PROGRAM_BUILD_LOG, build_program, create_program_with_binary,
    create_program_with_source, get_program_build_info, get_program_info, release_program,
};
use cl3::types::{
    CL_BLOCKING, cl_command_queue, cl_context, cl_device_id, cl_event, cl_int, cl_kernel, cl_mem, cl_program,
};
use core::ffi::{CStr, c_void};
use core::ptr;
use std::collections::HashMap;
use std::ffi::CString;

use super::cache::Kept;
use super::driver::{Arg, Driver, Handle};
use super::source::source;
use crate::device::{DeviceError, DeviceInfo, Interface};

/// The compiler's options: the language that every device has.
const OPTIONS: &CStr = c"-cl-std=CL1.2";
/// As much of a compiler's log as an error shows.
const LOG_SHOWN: usize = 2000;
/// Error codes that mean that there is no memory: of the object, of the device's resources, of the host.
const NO_MEMORY: [cl_int; 4] = [-4, -5, -6, -61];
/// The execution status of a command that is done; a negative one is an error.
const COMPLETE: cl_int = 0;

fn refused(what: &'static str) -> impl Fn(cl_int) -> DeviceError {
    move |code| DeviceError::Driver { what, code: error_text(code).to_string() }
}

/// Every device of every platform.
fn all() -> Vec<(cl_device_id, DeviceInfo)> {
    let platforms = get_platform_ids().unwrap_or_default();
    let ids = platforms
        .into_iter()
        .flat_map(|platform| get_device_ids(platform, CL_DEVICE_TYPE_ALL).unwrap_or_default());
    ids.filter_map(|id| Some((id, describe(id)?)))
        .enumerate()
        .map(|(number, (id, info))| (id, DeviceInfo { number, ..info }))
        .collect()
}

fn describe(id: cl_device_id) -> Option<DeviceInfo> {
    let info = |what| get_device_info(id, what).ok();
    let text = |what| Some(String::from(info(what)?).trim_end_matches('\0').trim().to_owned());
    let number = |what| match info(what)? {
        InfoType::Ulong(value) => Some(value),
        InfoType::Uint(value) => Some(u64::from(value)),
        _ => None,
    };
    Some(DeviceInfo {
        interface: Interface::OpenCl,
        number: 0,
        name: text(CL_DEVICE_NAME)?,
        driver: format!("{}, {}", text(CL_DEVICE_VERSION)?, text(CL_DRIVER_VERSION)?),
        is_accelerator: number(CL_DEVICE_TYPE)? & CL_DEVICE_TYPE_CPU == 0,
        memory: number(CL_DEVICE_GLOBAL_MEM_SIZE)?,
        largest_allocation: number(CL_DEVICE_MAX_MEM_ALLOC_SIZE)?,
        local_memory: number(CL_DEVICE_LOCAL_MEM_SIZE)?,
        units: u32::try_from(number(CL_DEVICE_MAX_COMPUTE_UNITS)?).ok()?,
    })
}

/// The devices.
pub(super) fn list() -> Vec<DeviceInfo> {
    all().into_iter().map(|(_, info)| info).collect()
}

/// A device with its kernels compiled.
pub(super) fn open(wanted: &DeviceInfo) -> Result<Box<dyn Driver>, DeviceError> {
    let found = all().into_iter().find(|(_, info)| info == wanted);
    let (id, info) = found.ok_or_else(|| DeviceError::Lost(format!("{wanted} is no longer there")))?;
    let context = create_context(&[id], ptr::null(), None, ptr::null_mut()).map_err(refused("a context"))?;
    let mut driver = OpenCl {
        id,
        info,
        context,
        queue: ptr::null_mut(),
        program: ptr::null_mut(),
        kernels: HashMap::new(),
        mark: ptr::null_mut(),
    };
    // SAFETY: the device is the one that the context was made for.
    #[allow(deprecated, reason = "its successor is not in OpenCL 1.2")]
    let queue = unsafe { create_command_queue(context, id, 0) };
    driver.queue = queue.map_err(refused("a queue"))?;
    driver.build()?;
    Ok(Box::new(driver))
}

#[derive(Debug)]
struct OpenCl {
    id: cl_device_id,
    info: DeviceInfo,
    context: cl_context,
    queue: cl_command_queue,
    program: cl_program,
    kernels: HashMap<&'static str, cl_kernel>,
    /// The event of the last mark, or null.
    mark: cl_event,
}

// SAFETY: OpenCL's objects may be used from any thread; the exception, setting the arguments of one kernel from two threads at once,
// needs two owners, and this value is the only one of its kernels.
unsafe impl Send for OpenCl {}

impl OpenCl {
    /// Takes the compiled program that was kept, or compiles the source and keeps that.
    fn build(&mut self) -> Result<(), DeviceError> {
        let kept = Kept::of(&self.info);
        if let Some(binary) = kept.load() {
            // SAFETY: the device is the context's. The binary is one that this driver gave for this device; a driver checks what it loads.
            if let Ok(program) = unsafe { create_program_with_binary(self.context, &[self.id], &[&binary]) } {
                self.program = program;
                if build_program(program, &[self.id], OPTIONS, None, ptr::null_mut()).is_ok() {
                    return Ok(());
                }
                self.release_program();
            }
        }
        self.program =
            create_program_with_source(self.context, &[source()]).map_err(refused("the kernels' source"))?;
        build_program(self.program, &[self.id], OPTIONS, None, ptr::null_mut()).map_err(|code| {
            let log = get_program_build_info(self.program, self.id, CL_PROGRAM_BUILD_LOG);
            let log = log.map_or_else(|_| error_text(code).to_string(), String::from);
            let log = log.chars().take(LOG_SHOWN).collect();
            DeviceError::Compilation { device: self.info.to_string(), log }
        })?;
        if let Ok(InfoType::VecVecUchar(binaries)) = get_program_info(self.program, CL_PROGRAM_BINARIES)
            && let Some(binary) = binaries.first().filter(|binary| !binary.is_empty())
        {
            kept.store(binary);
        }
        Ok(())
    }

    fn release_program(&mut self) {
        if !self.program.is_null() {
            // SAFETY: it was made by this value, is not null, and is not used after this.
            let _ = unsafe { release_program(self.program) };
            self.program = ptr::null_mut();
        }
    }

    fn kernel(&mut self, name: &'static str) -> Result<cl_kernel, DeviceError> {
        if let Some(kernel) = self.kernels.get(name) {
            return Ok(*kernel);
        }
        let name_c = CString::new(name).map_err(|_| refused("a kernel's name")(-46))?;
        let kernel = create_kernel(self.program, &name_c).map_err(refused("a kernel"))?;
        self.kernels.insert(name, kernel);
        Ok(kernel)
    }

    fn forget(event: cl_event) {
        if !event.is_null() {
            // SAFETY: the event came from a call of this module, which releases each once.
            let _ = unsafe { release_event(event) };
        }
    }
}

fn memory(handle: Handle) -> cl_mem {
    handle.0 as usize as cl_mem
}

impl Driver for OpenCl {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn allocate(&mut self, bytes: usize) -> Result<Option<Handle>, DeviceError> {
        // SAFETY: no host memory is given, and the flags ask for none.
        match unsafe { create_buffer(self.context, CL_MEM_READ_WRITE, bytes, ptr::null_mut()) } {
            Ok(memory) => Ok(Some(Handle(memory as usize as u64))),
            Err(code) if NO_MEMORY.contains(&code) => Ok(None),
            Err(code) => Err(refused("memory")(code)),
        }
    }

    fn free(&mut self, handle: Handle) {
        // SAFETY: the handle is a buffer of this context, given back once by its owner; OpenCL keeps it until the commands that
        // use it are done.
        let _ = unsafe { release_mem_object(memory(handle)) };
    }

    fn clear(&mut self, handle: Handle, bytes: usize) -> Result<(), DeviceError> {
        let zero = 0u8;
        // SAFETY: the buffer has `bytes` bytes; the pattern is one byte, which OpenCL copies before it returns.
        let event = unsafe {
            enqueue_fill_buffer(
                self.queue,
                memory(handle),
                (&raw const zero).cast(),
                1,
                0,
                bytes,
                0,
                ptr::null(),
            )
        };
        Self::forget(event.map_err(refused("a fill"))?);
        Ok(())
    }

    fn write(&mut self, handle: Handle, offset: usize, bytes: &[u8]) -> Result<(), DeviceError> {
        // SAFETY: the caller has checked that the range lies in the buffer; the call blocks, so `bytes` outlives the copy.
        let event = unsafe {
            enqueue_write_buffer(
                self.queue,
                memory(handle),
                CL_BLOCKING,
                offset,
                bytes.len(),
                bytes.as_ptr().cast(),
                0,
                ptr::null(),
            )
        };
        Self::forget(event.map_err(refused("a copy to the device"))?);
        Ok(())
    }

    fn read(&mut self, handle: Handle, offset: usize, bytes: &mut [u8]) -> Result<(), DeviceError> {
        // SAFETY: the caller has checked that the range lies in the buffer; the call blocks, so `bytes` is borrowed throughout.
        let event = unsafe {
            enqueue_read_buffer(
                self.queue,
                memory(handle),
                CL_BLOCKING,
                offset,
                bytes.len(),
                bytes.as_mut_ptr().cast(),
                0,
                ptr::null(),
            )
        };
        Self::forget(event.map_err(refused("a copy from the device"))?);
        Ok(())
    }

    fn launch(
        &mut self,
        name: &'static str,
        groups: u32,
        threads: u32,
        args: &[Arg<'_>],
    ) -> Result<(), DeviceError> {
        let kernel = self.kernel(name)?;
        for (index, arg) in (0u32..).zip(args) {
            let number;
            let buffer;
            let (size, value): (usize, *const c_void) = match arg {
                Arg::Number(given) => {
                    number = *given;
                    (size_of::<u32>(), (&raw const number).cast())
                }
                Arg::Memory(given) => {
                    buffer = memory(given.handle());
                    (size_of::<cl_mem>(), (&raw const buffer).cast())
                }
            };
            // SAFETY: `value` points to `size` bytes, which OpenCL copies before it returns.
            unsafe { set_kernel_arg(kernel, index, size, value) }
                .map_err(refused("an argument of a kernel"))?;
        }
        let (global, local) = (groups as usize * threads as usize, threads as usize);
        // SAFETY: one dimension, and pointers to one number each; the arguments are set. The kernels are this crate's own: they stay in the
        // memory that they are given, of which each launch says the size.
        let event = unsafe {
            enqueue_nd_range_kernel(
                self.queue,
                kernel,
                1,
                ptr::null(),
                &raw const global,
                &raw const local,
                0,
                ptr::null(),
            )
        };
        Self::forget(event.map_err(refused(name))?);
        Ok(())
    }

    fn mark(&mut self) -> Result<(), DeviceError> {
        // SAFETY: no events are waited for.
        let event = unsafe { enqueue_marker_with_wait_list(self.queue, 0, ptr::null()) };
        Self::forget(core::mem::replace(&mut self.mark, event.map_err(refused("a mark"))?));
        flush(self.queue).map_err(refused("a flush"))
    }

    fn reached(&mut self) -> Result<bool, DeviceError> {
        if self.mark.is_null() {
            return Ok(true);
        }
        let status =
            get_event_info(self.mark, CL_EVENT_COMMAND_EXECUTION_STATUS).map_err(refused("a mark"))?;
        match status {
            InfoType::Int(status) if status < COMPLETE => Err(refused("the work that it was given")(status)),
            InfoType::Int(status) => Ok(status == COMPLETE),
            _ => Err(refused("a mark")(COMPLETE)),
        }
    }
}

impl Drop for OpenCl {
    fn drop(&mut self) {
        Self::forget(self.mark);
        for (_, kernel) in self.kernels.drain() {
            // SAFETY: each was made by this value and is released once.
            let _ = unsafe { release_kernel(kernel) };
        }
        self.release_program();
        if !self.queue.is_null() {
            // SAFETY: made by this value, released once.
            let _ = unsafe { release_command_queue(self.queue) };
        }
        // SAFETY: made by this value, released once.
        let _ = unsafe { release_context(self.context) };
    }
}
