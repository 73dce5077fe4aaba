//! The outcome of a ceremony as a key of the prover.

use zkpov_prover::{KeyPoints, ProvingKey};

use super::CeremonyError;
use crate::bytes::Subgroup;
use crate::r1cs::Circuit;
use crate::zkey::{Section, Zkey};

/// A `.zkey` and its circuit as a proving key, which has the circuit's matrix C that a `.zkey` lacks, so that a wrong witness is found by
/// the name of a constraint; `circuit_digest` is stored in it. Whether the key is the outcome of a ceremony over this circuit is for
/// [`verify`](super::verify) to say.
///
/// # Errors
/// If the key is malformed, or of another circuit's size.
pub fn proving_key(
    circuit: &Circuit,
    circuit_digest: [u8; 32],
    key: &Zkey<'_>,
) -> Result<ProvingKey, CeremonyError> {
    let header = key.header();
    let points = KeyPoints {
        alpha_g1: header.alpha_g1,
        beta_g1: header.beta_g1,
        delta_g1: header.delta_g1,
        beta_g2: header.beta_g2,
        delta_g2: header.delta_g2,
        ic: key.g1(Section::Ic)?,
        a: key.g1(Section::A)?,
        b_g1: key.g1(Section::BG1)?,
        b_g2: key.b_g2(Subgroup::Checked)?,
        l: key.g1(Section::L)?,
        h: key.g1(Section::H)?,
    };
    Ok(ProvingKey::from_points(&circuit.r1cs, circuit_digest, &points)?)
}
