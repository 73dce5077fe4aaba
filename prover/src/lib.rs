//! Groth16 over BN254 for any R1CS.
