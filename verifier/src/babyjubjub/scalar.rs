//! Integers modulo the order of Baby Jubjub's prime subgroup.

#![allow(unexpected_cfgs)] // The derive asks for a feature `asm` of the crate it expands in.

use ark_ff::{Fp256, MontBackend, MontConfig};

/// The field of scalars: integers modulo the order `l` of the prime subgroup.
#[derive(Debug, MontConfig)]
#[modulus = "2736030358979909402780800718157159386076813972158567259200215660948447373041"]
#[generator = "31"]
pub struct ScalarConfig;

/// A scalar: an integer below the order `l` of the prime subgroup.
pub type Scalar = Fp256<MontBackend<ScalarConfig, 4>>;
