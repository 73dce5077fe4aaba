//! Proving on a GPU: the transforms and the multi-scalar multiplications, over OpenCL or CUDA.
//!
//! ```text
//!   Gpu: open, sums (a proof's), msm, quotient, check, measure
//!    ├─ residents   a key's points, kept on the device          ├─ check      every kernel against the CPU
//!    ├─ msm         digits, sort, sums by bucket, reduction     └─ schedule   what the CPU does beside the device
//!    ├─ transform   six transforms, three passes
//!    └─ driver      memory within a limit, time-outs, loss      source   one kernel source for both interfaces
//!        ├─ opencl                                              cache    compiled kernels between runs
//!        └─ cuda
//! ```
//!
//! The libraries of both interfaces are opened when a device is looked for. Neither is needed to build or to start the program.
//! Nothing that a device says is believed: a proof is verified before it is returned, whatever computed it.

mod cache;
mod check;
mod cuda;
mod driver;
mod msm;
mod opencl;
mod residents;
mod schedule;
mod source;
mod transform;

pub use check::Measured;
pub use schedule::Rates;
pub(crate) use schedule::{Share, Sizes};
pub use source::source;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::short_weierstrass::{Affine, Projective};
use ark_ff::{AdditiveGroup, UniformRand};
use core::ops::Range;
use core::time::Duration;
use rand::Rng;
use rand::rngs::OsRng;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::device::{DeviceError, DeviceInfo};
use crate::encoding::{Encoding, FIELD_BYTES};
use crate::key::{KeyError, ProvingKey, Section};
use crate::msm as on_cpu;
use crate::progress::{Options, phase, start_phase_in};
use crate::qap::Rows;
use driver::{Device, Limits, Memory};
use msm::{Bases, Group, Scalars, Windows};
use residents::Residents;
use transform::Factors;

/// How a device is used.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// The most bytes of the device's memory; nine tenths of it if this is open.
    pub memory: Option<u64>,
    /// How long the device may work without finishing before it counts as hung.
    pub timeout: Duration,
    /// Pairs of a multiplication that are worked on at once; as many as there is memory for if this is open.
    pub chunk: Option<usize>,
    /// Whether a part of every multiplication, chosen at random, is computed on the CPU as well and compared.
    pub paranoid: bool,
    /// The rates of the device and of the CPU by which the work is shared; measured and kept if this is open.
    pub rates: Option<(Rates, Rates)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { memory: None, timeout: Duration::from_secs(60), chunk: None, paranoid: false, rates: None }
    }
}

/// Pairs of a multiplication that are computed again with [`Settings::paranoid`].
const COMPARED: usize = 1024;

/// A device that has shown that it computes as the CPU does.
#[derive(Debug)]
pub struct Gpu {
    device: Arc<Device>,
    settings: Settings,
    /// Held for the length of a proof: proofs on one device take turns, since each uses all of it.
    state: Mutex<State>,
}

/// What stays on the device between proofs.
#[derive(Debug, Default)]
struct State {
    factors: HashMap<u32, Arc<Factors>>,
    residents: Residents,
}

/// The sums of a proof that a device has computed; those left to the CPU are `None`.
#[derive(Debug, Default)]
pub(crate) struct DeviceSums {
    pub(crate) h: G1Projective,
    pub(crate) l: G1Projective,
    pub(crate) a: Option<G1Projective>,
    pub(crate) b_g1: Option<G1Projective>,
    pub(crate) b_g2: Option<G2Projective>,
}

/// Why a device gave no sums.
#[derive(Debug)]
pub(crate) enum GpuError {
    /// The key's points.
    Key(KeyError),
    /// The device.
    Device(DeviceError),
}

impl From<DeviceError> for GpuError {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl From<KeyError> for GpuError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// Every device that a driver on this machine offers, those of CUDA first. Processors behind OpenCL are among them.
#[must_use]
pub fn list() -> Vec<DeviceInfo> {
    let mut devices = cuda::list();
    devices.extend(opencl::list());
    devices
}

impl Gpu {
    /// Opens the device with this selector (`cuda:0`, `opencl:1`), or the first accelerator there is, compiles the kernels for it, and
    /// compares what they compute with the CPU.
    ///
    /// # Errors
    /// If there is no such device, or it does not do what it should.
    pub fn open(selector: Option<&str>, settings: Settings) -> Result<Self, DeviceError> {
        let devices = list();
        let found = match selector {
            Some(selector) => devices.iter().find(|info| info.selector() == selector),
            None => devices.iter().find(|info| info.is_accelerator),
        };
        let info = found.ok_or_else(|| match selector {
            None => DeviceError::None,
            Some(asked) => DeviceError::Unknown {
                asked: asked.to_owned(),
                present: devices.iter().map(DeviceInfo::selector).collect::<Vec<_>>().join(", "),
            },
        })?;
        // Some OpenCL compilers are not made for two contexts at once.
        static OPENING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = settings.memory.unwrap_or(info.memory / 10 * 9);
        let driver = match info.interface {
            crate::device::Interface::Cuda => cuda::open(info)?,
            crate::device::Interface::OpenCl => opencl::open(info)?,
        };
        let device = Device::new(driver, Limits { memory, wait: settings.timeout });
        let gpu = Self { device, settings, state: Mutex::default() };
        check::quick(&gpu)?;
        Ok(gpu)
    }

    /// The device.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        self.device.info()
    }

    /// Compares every kernel with the CPU on random, boundary and skewed inputs.
    ///
    /// # Errors
    /// The first difference, or a failure of the device.
    pub fn check(&self) -> Result<(), DeviceError> {
        check::full(self)
    }

    /// Measures the device, and the CPU beside it.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn measure(&self, log_size: u32) -> Result<Measured, DeviceError> {
        check::measure(self, log_size)
    }

    /// Runs a kernel that takes about so long: 2^20 steps for each of `rounds`. For tests of time-outs.
    ///
    /// # Errors
    /// If it does not end in time.
    #[doc(hidden)]
    pub fn spin(&self, rounds: u32) -> Result<(), DeviceError> {
        let out = self.device.allocate(4 * driver::GROUP as usize, false)?;
        let args = [driver::Arg::Number(rounds), driver::Arg::Memory(&out)];
        self.device.launch("spin", 1, driver::GROUP, &args)?;
        self.device.wait("spin")
    }

    /// Σ scalar · point in G1, over as many pairs as the shorter slice has.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn msm_g1(&self, points: &[G1Affine], scalars: &[Fr]) -> Result<G1Projective, DeviceError> {
        self.msm(points, scalars)
    }

    /// Σ scalar · point in G2, over as many pairs as the shorter slice has.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn msm_g2(&self, points: &[G2Affine], scalars: &[Fr]) -> Result<G2Projective, DeviceError> {
        self.msm(points, scalars)
    }

    fn msm<C: Group>(&self, points: &[Affine<C>], scalars: &[Fr]) -> Result<Projective<C>, DeviceError>
    where
        Affine<C>: Encoding,
    {
        let count = points.len().min(scalars.len());
        let (Some(points), Some(scalars)) = (points.get(..count), scalars.get(..count)) else {
            return Ok(Projective::ZERO);
        };
        let _turn = self.turn();
        let mut bytes = vec![0; count * <Affine<C> as Encoding>::BYTES];
        for (point, bytes) in points.iter().zip(bytes.chunks_exact_mut(<Affine<C> as Encoding>::BYTES)) {
            point.encode(bytes);
        }
        let values = upload_elements(&self.device, scalars)?;
        let scalars_on_device = Scalars { values: &values, first: 0, indices: None };
        let windows = Windows::choose(count, msm::sample(count, |index| scalars.get(index)));
        msm::multiply(
            &self.device,
            Bases::Streamed(&bytes),
            scalars_on_device,
            0..count,
            windows,
            self.settings.chunk,
        )
    }

    /// The values of a b - c on the odd points, as [`engine::quotient`](crate::engine::quotient) has them, from rows of equal length,
    /// a power of two.
    ///
    /// # Errors
    /// A failure of the device.
    pub fn quotient(&self, a: &[Fr], b: &[Fr]) -> Result<Vec<Fr>, DeviceError> {
        let mut state = self.turn();
        let factors = self.factors(&mut state, a.len())?;
        let values = transform::quotient(&self.device, &factors, a, b)?;
        read_elements(&self.device, &values, a.len())
    }

    /// What of a proof the device should do, by measurements that are made once for each device and kept.
    pub(crate) fn share(&self, sizes: Sizes) -> Result<Share, DeviceError> {
        let (device, cpu) = self.settings.rates.map_or_else(|| schedule::rates(self), Ok)?;
        Ok(Share::choose(sizes, schedule::LOG_MEASURED, device, cpu))
    }

    fn turn(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The factors of transforms of this length, made once. Those of other lengths are given back.
    fn factors(&self, state: &mut State, length: usize) -> Result<Arc<Factors>, DeviceError> {
        if !length.is_power_of_two() || length > 1 << crate::r1cs::MAX_LOG2_DOMAIN {
            let code = format!("a length of {length}");
            return Err(DeviceError::Driver { what: "a transform", code });
        }
        let log_length = length.ilog2();
        if let Some(factors) = state.factors.get(&log_length) {
            return Ok(Arc::clone(factors));
        }
        state.factors.clear();
        let factors = Arc::new(Factors::new(&self.device, log_length)?);
        state.factors.insert(log_length, Arc::clone(&factors));
        Ok(factors)
    }

    /// The sums of a proof, but for those that `left` names.
    pub(crate) fn sums(
        &self,
        key: &ProvingKey,
        rows: &Rows,
        assignment: &[Fr],
        left: &[Section],
        options: &Options<'_>,
    ) -> Result<DeviceSums, GpuError> {
        let mut state = self.turn();
        let around = tracing::Span::current();
        state.residents.make_room_for(key);
        let running = start_phase_in!(options, &around, phase::PROVE_QAP, 1);
        let quotient = match self.transformed(&mut state, rows) {
            // What stayed from earlier proofs makes room.
            Err(DeviceError::OutOfMemory { .. }) => {
                state.residents.clear();
                self.transformed(&mut state, rows)?
            }
            quotient => quotient?,
        };
        self.device.wait("the transforms")?;
        running.finish();
        let mut sums = DeviceSums::default();
        let proof = OneProof { gpu: self, key, comparisons: RefCell::default() };
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_H, 1);
        let scalars = Source { values: &quotient, first: 0, indices: None, on_cpu: None };
        sums.h = proof.multiply(&mut state.residents, Section::H, &scalars)?;
        running.finish();
        drop(quotient);
        let values = upload_elements(&self.device, assignment)?;
        let witness = key.num_instance();
        let direct = Source { values: &values, first: witness, indices: None, on_cpu: Some(assignment) };
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_L, 1);
        sums.l = proof.multiply(&mut state.residents, Section::L, &direct)?;
        running.finish();
        let gathered =
            |section| Source { values: &values, first: 0, indices: Some(section), on_cpu: Some(assignment) };
        if !left.contains(&Section::A) {
            let running = start_phase_in!(options, &around, phase::PROVE_MSM_A, 1);
            sums.a = Some(proof.multiply(&mut state.residents, Section::A, &gathered(Section::AIndices))?);
            running.finish();
        }
        if !left.contains(&Section::BG1) {
            let running = start_phase_in!(options, &around, phase::PROVE_MSM_B_G1, 1);
            sums.b_g1 =
                Some(proof.multiply(&mut state.residents, Section::BG1, &gathered(Section::BIndices))?);
            running.finish();
        }
        if !left.contains(&Section::BG2) {
            let running = start_phase_in!(options, &around, phase::PROVE_MSM_B_G2, 1);
            sums.b_g2 =
                Some(proof.multiply(&mut state.residents, Section::BG2, &gathered(Section::BIndices))?);
            running.finish();
        }
        // The CPU's part is over many threads, of which one may take up another proof: it must find the device free.
        drop(state);
        proof.comparisons.into_inner().into_iter().try_for_each(|compare| compare())?;
        Ok(sums)
    }

    fn transformed(&self, state: &mut State, rows: &Rows) -> Result<Memory, DeviceError> {
        let factors = self.factors(state, rows.a.len())?;
        transform::quotient(&self.device, &factors, &rows.a, &rows.b)
    }
}

/// Where a multiplication of a proof has its scalars.
struct Source<'a> {
    values: &'a Memory,
    first: usize,
    /// The section of the key whose indices choose the scalars.
    indices: Option<Section>,
    /// The values, if the CPU has them.
    on_cpu: Option<&'a [Fr]>,
}

struct OneProof<'a> {
    gpu: &'a Gpu,
    key: &'a ProvingKey,
    /// What the CPU is to compute again.
    comparisons: RefCell<Vec<Comparison<'a>>>,
}

type Comparison<'a> = Box<dyn FnOnce() -> Result<(), GpuError> + 'a>;

impl<'a> OneProof<'a> {
    fn multiply<C>(
        &self,
        residents: &mut Residents,
        section: Section,
        scalars: &Source<'_>,
    ) -> Result<Projective<C>, GpuError>
    where
        C: Group + crate::curve::Curve<Coordinate: on_cpu::Kept>,
        Affine<C>: Encoding,
    {
        let (gpu, key) = (self.gpu, self.key);
        let device = &gpu.device;
        let bytes = key.section(section);
        let held = residents.points(device, key, section)?;
        let bases = held.as_deref().map_or(Bases::Streamed(bytes), Bases::Resident);
        let indices = scalars.indices.map(|section| residents.indices(device, key, section)).transpose()?;
        let points = bytes.len() / <Affine<C> as Encoding>::BYTES;
        let choice = scalars.indices.map(|section| key.indices(section));
        let (count, windows) = match scalars.on_cpu {
            // The quotient is as good as random.
            None => (points, Windows::for_uniform(points)),
            Some(values) => {
                let count =
                    choice.map_or(values.len().saturating_sub(scalars.first), <[u32]>::len).min(points);
                let scalar = |index: usize| scalar_of(values, scalars.first, choice, index);
                (count, Windows::choose(count, msm::sample(count, scalar)))
            }
        };
        let on_device = Scalars { values: scalars.values, first: scalars.first, indices: indices.as_deref() };
        let sum = |range: Range<usize>| {
            msm::multiply::<C>(device, bases, on_device, range, windows, gpu.settings.chunk)
        };
        if gpu.settings.paranoid {
            self.compare::<C>(section, scalars, count, sum)?;
        }
        Ok(sum(0..count)?)
    }

    /// Computes a part of a multiplication on the device, to be compared with the CPU's result.
    fn compare<C>(
        &self,
        section: Section,
        scalars: &Source<'_>,
        count: usize,
        sum: impl Fn(Range<usize>) -> Result<Projective<C>, DeviceError>,
    ) -> Result<(), GpuError>
    where
        C: Group + crate::curve::Curve<Coordinate: on_cpu::Kept>,
        Affine<C>: Encoding,
    {
        let length = count.min(COMPARED);
        let start = OsRng.gen_range(0..=count - length);
        let choice = scalars.indices.map(|section| self.key.indices(section));
        let values: Vec<Fr> = match scalars.on_cpu {
            Some(values) => (start..start + length)
                .map(|index| scalar_of(values, scalars.first, choice, index).copied().unwrap_or(Fr::ZERO))
                .collect(),
            None => {
                let mut bytes = Zeroizing::new(vec![0; length * FIELD_BYTES]);
                self.gpu.device.read(scalars.values, start * FIELD_BYTES, &mut bytes)?;
                decode_elements(&bytes)?
            }
        };
        let values = Zeroizing::new(values);
        let found = sum(start..start + length)?;
        let bytes = <Affine<C> as Encoding>::BYTES;
        let points =
            self.key.section(section).get(start * bytes..(start + length) * bytes).unwrap_or_default();
        self.comparisons.borrow_mut().push(Box::new(move || {
            let expected: Projective<C> =
                on_cpu::msm(&on_cpu::KeyPoints(points), values[..].into()).map_err(
                    |on_cpu::NotReduced { index }| KeyError::NotReduced { section, index: start + index },
                )?;
            if found == expected {
                return Ok(());
            }
            Err(DeviceError::Wrong { what: format!("a part of the multiplication of section {section}") }
                .into())
        }));
        Ok(())
    }
}

fn scalar_of<'a>(values: &'a [Fr], first: usize, choice: Option<&[u32]>, index: usize) -> Option<&'a Fr> {
    match choice {
        Some(choice) => choice.get(index).and_then(|&index| values.get(index as usize)),
        None => values.get(first + index),
    }
}

/// Elements as a device has them: their limbs in Montgomery form, lowest byte first.
fn encode(elements: impl Iterator<Item = Fr>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for element in elements {
        element.0.0.iter().for_each(|limb| bytes.extend_from_slice(&limb.to_le_bytes()));
    }
    bytes
}

/// Elements that are copied at a time.
const COPIED: usize = 1 << 16;

fn write_elements(device: &Device, memory: &Memory, offset: usize, values: &[Fr]) -> Result<(), DeviceError> {
    for (index, values) in values.chunks(COPIED).enumerate() {
        let bytes = Zeroizing::new(encode(values.iter().copied()));
        device.write(memory, offset + index * COPIED * FIELD_BYTES, &bytes)?;
    }
    Ok(())
}

/// Secret values on the device.
fn upload_elements(device: &Arc<Device>, values: &[Fr]) -> Result<Memory, DeviceError> {
    let memory = device.allocate(values.len() * FIELD_BYTES, true)?;
    write_elements(device, &memory, 0, values)?;
    Ok(memory)
}

fn decode_elements(bytes: &[u8]) -> Result<Vec<Fr>, DeviceError> {
    let values = bytes.chunks_exact(FIELD_BYTES).map(Fr::decode).collect::<Option<_>>();
    values.ok_or_else(|| DeviceError::Wrong { what: "a field element".to_owned() })
}

fn read_elements(device: &Device, memory: &Memory, count: usize) -> Result<Vec<Fr>, DeviceError> {
    let mut bytes = Zeroizing::new(vec![0; count * FIELD_BYTES]);
    device.read(memory, 0, &mut bytes)?;
    decode_elements(&bytes)
}

/// A scalar of full size, for measurements.
fn random_scalars(count: usize) -> Vec<Fr> {
    (0..count).map(|_| Fr::rand(&mut OsRng)).collect()
}
