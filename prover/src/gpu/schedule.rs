//! Which of a proof's sums the CPU computes beside the device.

use core::time::Duration;

use super::Gpu;
use super::cache::Kept;
use crate::device::DeviceError;
use crate::key::Section;

/// Measurements are of 2 to this number of pairs and rows: enough to fill a large device.
pub(super) const LOG_MEASURED: u32 = 16;
/// Durations of [`Rates`], as they are kept: nanoseconds in eight bytes each.
const RATES_BYTES: usize = 24;

/// Seconds of the parts of a proof, each of the same size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rates {
    /// A multiplication in G1.
    pub g1: Duration,
    /// A multiplication in G2.
    pub g2: Duration,
    /// Six transforms.
    pub quotient: Duration,
}

impl Rates {
    /// Times of a multiplication in G1, one in G2, and six transforms, for the same number of pairs and rows.
    #[must_use]
    pub fn new(g1: Duration, g2: Duration, quotient: Duration) -> Self {
        Self { g1, g2, quotient }
    }

    fn to_bytes(self) -> Vec<u8> {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).to_le_bytes();
        [self.g1, self.g2, self.quotient].into_iter().flat_map(nanoseconds).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (times, rest) = bytes.as_chunks();
        let times: Vec<_> =
            times.iter().map(|time| Duration::from_nanos(u64::from_le_bytes(*time))).collect();
        match times[..] {
            [g1, g2, quotient] if rest.is_empty() => Some(Self { g1, g2, quotient }),
            _ => None,
        }
    }
}

/// The rates of a device and of the CPU: those that were measured once, or measured now and kept.
pub(super) fn rates(gpu: &Gpu) -> Result<(Rates, Rates), DeviceError> {
    let cpu = format!("{} {:?}", rayon::current_num_threads(), crate::vector::vectors());
    let kept = Kept::measurement(gpu.info(), &cpu);
    if let Some(bytes) = kept.load()
        && let Some((device, cpu)) = bytes.split_at_checked(RATES_BYTES)
        && let (Some(device), Some(cpu)) = (Rates::from_bytes(device), Rates::from_bytes(cpu))
    {
        return Ok((device, cpu));
    }
    tracing::info!(device = %gpu.info(), "measuring the device and the CPU, once");
    let measured = gpu.measure(LOG_MEASURED)?;
    kept.store(&[measured.device.to_bytes(), measured.cpu.to_bytes()].concat());
    Ok((measured.device, measured.cpu))
}

/// What a proof has to do, in pairs of points and scalars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Rows, which are the points of H as well.
    pub(crate) domain: usize,
    pub(crate) l: usize,
    pub(crate) a: usize,
    /// In G1 and in G2.
    pub(crate) b: usize,
}

/// A division of labour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// The CPU alone is faster.
    Cpu,
    /// The device, but for these.
    Device(Vec<Section>),
}

impl Share {
    /// The share that is expected to end first, from times for parts of 2^`log_size`.
    pub(crate) fn choose(sizes: Sizes, log_size: u32, device: Rates, cpu: Rates) -> Self {
        let part = |count: usize| count as f64 / f64::from(1u32 << log_size);
        let time = |rates: Rates, section: Section| match section {
            Section::A => part(sizes.a) * rates.g1.as_secs_f64(),
            Section::BG1 => part(sizes.b) * rates.g1.as_secs_f64(),
            _ => part(sizes.b) * rates.g2.as_secs_f64(),
        };
        let fixed = |rates: Rates| {
            part(sizes.domain) * (rates.quotient + rates.g1).as_secs_f64()
                + part(sizes.l) * rates.g1.as_secs_f64()
        };
        let movable = [Section::BG2, Section::A, Section::BG1];
        let all_on_cpu = fixed(cpu) + movable.iter().map(|section| time(cpu, *section)).sum::<f64>();
        let mut best = (all_on_cpu, Self::Cpu);
        for chosen in 0..1u32 << movable.len() {
            let (mut on_device, mut on_cpu, mut left) = (fixed(device), 0.0, Vec::new());
            for (bit, &section) in movable.iter().enumerate() {
                if chosen >> bit & 1 == 1 {
                    on_cpu += time(cpu, section);
                    left.push(section);
                } else {
                    on_device += time(device, section);
                }
            }
            let ends = f64::max(on_device, on_cpu);
            if ends < best.0 {
                best = (ends, Self::Device(left));
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(g1: u64, g2: u64, quotient: u64) -> Rates {
        let [g1, g2, quotient] = [g1, g2, quotient].map(Duration::from_millis);
        Rates { g1, g2, quotient }
    }

    #[test]
    fn the_share_follows_what_was_measured() {
        let sizes = Sizes { domain: 1 << 20, l: 1 << 20, a: 1 << 20, b: 1 << 20 };
        let cpu = rates(100, 300, 50);
        assert_eq!(
            Share::choose(sizes, 16, rates(120, 360, 60), cpu),
            Share::Device(vec![Section::BG2, Section::A])
        );
        assert_eq!(Share::choose(sizes, 16, rates(2000, 6000, 1000), cpu), Share::Cpu);
        assert_eq!(Share::choose(sizes, 16, rates(1, 3, 1), cpu), Share::Device(vec![]));
        assert_eq!(Share::choose(sizes, 16, rates(60, 400, 20), cpu), Share::Device(vec![Section::BG2]));
    }
}
