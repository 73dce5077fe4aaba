//! Where the sums of a proof are computed: on the CPU, on a device, or on both.
//!
//! ```text
//!   rows a, b ─► quotient ─► h ─┐
//!   assignment ──► l, a, b_g1 ──┼─► Sums
//!              └─► b_g2 ────────┘          what follows (assembly, verification) is the same whatever computed them
//! ```

use ark_bn254::{Fr, G1Projective, G2Projective};
use core::fmt;
#[cfg(feature = "gpu")]
use std::sync::Arc;
use tracing::dispatcher::{get_default, with_default};
use zeroize::Zeroizing;

use crate::device::{DeviceError, DeviceInfo};
#[cfg(feature = "gpu")]
use crate::gpu::{DeviceSums, Gpu, GpuError, Share, Sizes};
use crate::key::{KeyError, ProvingKey, Section};
use crate::msm::Scalars;
use crate::progress::{Options, phase, start_phase_in};
use crate::qap::{self, Rows};

/// The five sums of a proof, before its constants are added.
pub(crate) struct Sums {
    pub(crate) h: G1Projective,
    pub(crate) l: G1Projective,
    pub(crate) a: G1Projective,
    pub(crate) b_g1: G1Projective,
    pub(crate) b_g2: G2Projective,
}

/// Why there are no [`Sums`].
#[derive(Debug)]
pub(crate) enum SumsError {
    /// The key's points.
    Key(KeyError),
    /// The key's matrices.
    Matrices,
    /// The device.
    #[cfg_attr(not(feature = "gpu"), allow(dead_code, reason = "only devices fail so"))]
    Device(DeviceError),
}

impl From<KeyError> for SumsError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// What proves: the CPU, or a device.
///
/// Cheap to clone; clones share the device and what stays on it.
#[derive(Clone, Debug, Default)]
pub struct Backend(Kind);

#[derive(Clone, Debug, Default)]
enum Kind {
    #[default]
    Cpu,
    /// This device and nothing else.
    #[cfg(feature = "gpu")]
    Gpu(Arc<Gpu>),
    /// This device, the CPU, or both, whatever is faster; the CPU where the device fails.
    #[cfg(feature = "gpu")]
    Either(Arc<Gpu>),
    /// The CPU, since there is no device.
    #[cfg(feature = "gpu")]
    NoDevice(DeviceError),
}

/// What computed the sums of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ran {
    /// The device, if it had a part in it.
    pub device: Option<DeviceInfo>,
    /// Whether the CPU had: alone, or beside the device.
    pub cpu: bool,
    /// Why the CPU did what a device might have done.
    pub reason: Option<String>,
}

impl Ran {
    fn on_cpu(reason: Option<String>) -> Self {
        Self { device: None, cpu: true, reason }
    }

    /// `cpu`, `gpu` or `gpu+cpu`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match (&self.device, self.cpu) {
            (None, _) => "cpu",
            (Some(_), false) => "gpu",
            (Some(_), true) => "gpu+cpu",
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Some(device) = &self.device {
            write!(f, " ({device})")?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}

impl Backend {
    /// The CPU.
    #[must_use]
    pub fn cpu() -> Self {
        Self::default()
    }

    /// This device. A proof that it cannot make is an error.
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn gpu(gpu: Gpu) -> Self {
        Self(Kind::Gpu(Arc::new(gpu)))
    }

    /// This device and the CPU, as is faster; the CPU alone where there is no device or it fails. Either is logged and told by [`Ran`].
    #[cfg(feature = "gpu")]
    #[must_use]
    pub fn auto(gpu: Result<Gpu, DeviceError>) -> Self {
        Self(match gpu {
            Ok(gpu) => Kind::Either(Arc::new(gpu)),
            Err(error) => {
                tracing::info!(%error, "proving on the CPU");
                Kind::NoDevice(error)
            }
        })
    }

    /// Whether the CPU takes over what a device did not do, or did wrong.
    pub(crate) fn continues_on_cpu(&self) -> bool {
        #[cfg(feature = "gpu")]
        if matches!(self.0, Kind::Either(_)) {
            return true;
        }
        false
    }

    /// The sums of a proof, and what computed them.
    pub(crate) fn sums(
        &self,
        key: &ProvingKey,
        rows: Rows,
        assignment: &[Fr],
        options: &Options<'_>,
    ) -> Result<(Sums, Ran), SumsError> {
        let reason = match &self.0 {
            Kind::Cpu => None,
            #[cfg(feature = "gpu")]
            Kind::NoDevice(error) => Some(error.to_string()),
            #[cfg(feature = "gpu")]
            Kind::Gpu(gpu) => {
                let sums = sums_on_device(gpu, key, &rows, assignment, &[], options);
                rows.erase();
                let ran = Ran { device: Some(gpu.info().clone()), cpu: false, reason: None };
                return Ok((sums?, ran));
            }
            #[cfg(feature = "gpu")]
            Kind::Either(gpu) => match gpu.share(sizes(key)) {
                Ok(Share::Cpu) => Some("it is the faster here".to_owned()),
                Ok(Share::Device(left)) => {
                    match sums_on_device(gpu, key, &rows, assignment, &left, options) {
                        Err(SumsError::Device(error)) => Some(error.to_string()),
                        sums => {
                            rows.erase();
                            let ran =
                                Ran { device: Some(gpu.info().clone()), cpu: !left.is_empty(), reason: None };
                            return Ok((sums?, ran));
                        }
                    }
                }
                Err(error) => Some(error.to_string()),
            },
        };
        if let (Some(reason), true) = (&reason, self.continues_on_cpu()) {
            tracing::warn!(%reason, "the proof is made on the CPU");
        }
        Ok((sums_on_cpu(key, rows, assignment, options)?, Ran::on_cpu(reason)))
    }

    /// The sums on the CPU, after a device's did not make a proof that holds.
    pub(crate) fn sums_again(
        key: &ProvingKey,
        rows: Rows,
        assignment: &[Fr],
        options: &Options<'_>,
    ) -> Result<(Sums, Ran), SumsError> {
        let reason = "the device computed a proof that does not hold".to_owned();
        tracing::error!(%reason, "the proof is made again on the CPU");
        Ok((sums_on_cpu(key, rows, assignment, options)?, Ran::on_cpu(Some(reason))))
    }
}

#[cfg(feature = "gpu")]
fn sizes(key: &ProvingKey) -> Sizes {
    Sizes {
        domain: key.domain_size(),
        l: key.num_witness(),
        a: key.indices(Section::AIndices).len(),
        b: key.indices(Section::BIndices).len(),
    }
}

/// The sums on a device, but for those `left` to the CPU, which it computes meanwhile.
#[cfg(feature = "gpu")]
fn sums_on_device(
    gpu: &Gpu,
    key: &ProvingKey,
    rows: &Rows,
    assignment: &[Fr],
    left: &[Section],
    options: &Options<'_>,
) -> Result<Sums, SumsError> {
    let (around, subscriber) = (tracing::Span::current(), get_default(Clone::clone));
    let (in_a, in_b) = (key.indices(Section::AIndices), key.indices(Section::BIndices));
    let on_cpu = || {
        let mut sums = DeviceSums::default();
        if left.contains(&Section::BG2) {
            let running = start_phase_in!(options, &around, phase::PROVE_MSM_B_G2, 1);
            sums.b_g2 = Some(key.multiply(Section::BG2, Scalars::gathered(assignment, in_b))?);
            running.finish();
        }
        if left.contains(&Section::A) {
            let running = start_phase_in!(options, &around, phase::PROVE_MSM_A, 1);
            sums.a = Some(key.multiply(Section::A, Scalars::gathered(assignment, in_a))?);
            running.finish();
        }
        if left.contains(&Section::BG1) {
            let running = start_phase_in!(options, &around, phase::PROVE_MSM_B_G1, 1);
            sums.b_g1 = Some(key.multiply(Section::BG1, Scalars::gathered(assignment, in_b))?);
            running.finish();
        }
        Ok::<_, SumsError>(sums)
    };
    let on_device = || around.in_scope(|| gpu.sums(key, rows, assignment, left, options));
    let (cpu, device) =
        rayon::join(|| with_default(&subscriber, on_cpu), || with_default(&subscriber, on_device));
    let (cpu, device) = (cpu?, device?);
    Ok(Sums {
        h: device.h,
        l: device.l,
        a: device.a.or(cpu.a).unwrap_or_default(),
        b_g1: device.b_g1.or(cpu.b_g1).unwrap_or_default(),
        b_g2: device.b_g2.or(cpu.b_g2).unwrap_or_default(),
    })
}

#[cfg(feature = "gpu")]
impl From<GpuError> for SumsError {
    fn from(error: GpuError) -> Self {
        match error {
            GpuError::Key(error) => Self::Key(error),
            GpuError::Device(error) => Self::Device(error),
        }
    }
}

/// The sums on the CPU, over all cores.
fn sums_on_cpu(
    key: &ProvingKey,
    rows: Rows,
    assignment: &[Fr],
    options: &Options<'_>,
) -> Result<Sums, SumsError> {
    let witness = assignment.get(key.num_instance()..).unwrap_or_default();
    let (around, subscriber) = (tracing::Span::current(), get_default(Clone::clone));
    let (in_a, in_b) = (key.indices(Section::AIndices), key.indices(Section::BIndices));
    let g2 = || {
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_B_G2, 1);
        let sum: G2Projective = key.multiply(Section::BG2, Scalars::gathered(assignment, in_b))?;
        running.finish();
        Ok::<_, SumsError>(sum)
    };
    let g1 = || {
        let running = start_phase_in!(options, &around, phase::PROVE_QAP, 1);
        let quotient = Zeroizing::new(qap::quotient(rows.a, rows.b).ok_or(SumsError::Matrices)?);
        running.finish();
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_H, 1);
        let h: G1Projective = key.multiply(Section::H, quotient[..].into())?;
        running.finish();
        drop(quotient);
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_L, 1);
        let l: G1Projective = key.multiply(Section::L, witness.into())?;
        running.finish();
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_A, 1);
        let a: G1Projective = key.multiply(Section::A, Scalars::gathered(assignment, in_a))?;
        running.finish();
        let running = start_phase_in!(options, &around, phase::PROVE_MSM_B_G1, 1);
        let b_g1: G1Projective = key.multiply(Section::BG1, Scalars::gathered(assignment, in_b))?;
        running.finish();
        Ok::<_, SumsError>((h, l, a, b_g1))
    };
    // Whatever is left to do for one thread alone in one lane is hidden by the other. More lanes would keep more memory at once.
    let (b, rest) = rayon::join(|| with_default(&subscriber, g2), || with_default(&subscriber, g1));
    let (h, l, a, b_g1) = rest?;
    Ok(Sums { h, l, a, b_g1, b_g2: b? })
}
