//! Where the sums of a proof are computed.
//!
//! ```text
//!   rows a, b ─► quotient ─► h ─┐
//!   assignment ──► l, a, b_g1 ──┼─► Sums
//!              └─► b_g2 ────────┘          what follows (assembly, verification) is the same whatever computed them
//! ```

use ark_bn254::{Fr, G1Projective, G2Projective};
use tracing::dispatcher::{get_default, with_default};
use zeroize::Zeroizing;

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
}

impl From<KeyError> for SumsError {
    fn from(error: KeyError) -> Self {
        Self::Key(error)
    }
}

/// The sums on the CPU, over all cores.
pub(crate) fn sums_on_cpu(
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
