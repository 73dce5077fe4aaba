//! Powers of tau: no panic when they are read, checked and used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

use zkpov_circom::Ptau;
use zkpov_circom::ceremony::InitialKey;
use zkpov_circom::r1cs::Circuit;

/// More powers say nothing new and take long.
const MAX_POWER: u32 = 8;

static CIRCUIT: LazyLock<Circuit> = LazyLock::new(|| {
    let circuit = include_bytes!("../../../../fixtures/circom/product/circuit.r1cs");
    Circuit::parse(circuit).expect("a circuit")
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(powers) = Ptau::parse(bytes) else { return };
    if powers.power() > MAX_POWER || powers.ceremony_power() > MAX_POWER {
        return;
    }
    let _ = powers.check(&|_, _| ());
    let _ = InitialKey::new(&CIRCUIT, &powers);
});
