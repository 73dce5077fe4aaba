//! Maps the types of polkadot onto the zkpov verifier.
