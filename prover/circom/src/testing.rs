//! What the tests of this crate share.

use ark_bn254::Fr;
use zkpov_prover::R1cs;

use crate::r1cs::Circuit;

/// Files that circom and snarkjs made, of a circuit with c = (a·b)² + 3k.
pub(crate) struct Files {
    pub(crate) r1cs: &'static [u8],
    pub(crate) witness: &'static [u8],
    pub(crate) powers: &'static [u8],
    pub(crate) unprepared: &'static [u8],
    pub(crate) initial: &'static [u8],
    pub(crate) last: &'static [u8],
    pub(crate) verification_key: &'static [u8],
    pub(crate) proof: &'static [u8],
    pub(crate) public: &'static [u8],
}

macro_rules! product {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/circom/product/", $name))
    };
}

pub(crate) const PRODUCT: Files = Files {
    r1cs: product!("circuit.r1cs"),
    witness: product!("witness.wtns"),
    powers: product!("powers.ptau"),
    unprepared: product!("unprepared.ptau"),
    initial: product!("initial.zkey"),
    last: product!("final.zkey"),
    verification_key: product!("verification_key.json"),
    proof: product!("proof.json"),
    public: product!("public.json"),
};

/// x·x = y and 2x·y = 2z - 6 over (1, z, y, x): two public values, coefficients other than 1.
pub(crate) fn circuit() -> Circuit {
    let (one, two, three) = (Fr::from(1u64), Fr::from(2u64), Fr::from(3u64));
    let a = [vec![(one, 3)], vec![(two, 3)]];
    let b = [vec![(one, 3)], vec![(one, 2)]];
    let c = [vec![(one, 2)], vec![(two, 1), (-(two * three), 0)]];
    let r1cs = R1cs::from_rows(3, 1, [&a, &b, &c]).expect("indices are in bounds");
    Circuit { r1cs, outputs: 1, private_inputs: 1 }
}

/// A circuit of this many constraints x·x = x, without public inputs.
pub(crate) fn rows(constraints: usize) -> R1cs {
    let rows = vec![vec![(Fr::from(1u64), 1)]; constraints];
    R1cs::from_rows(1, 1, [&rows, &rows, &rows]).expect("indices are in bounds")
}

/// An assignment that satisfies [`circuit`].
pub(crate) fn assignment() -> [Fr; 4] {
    [1u64, 128, 25, 5].map(Fr::from)
}
