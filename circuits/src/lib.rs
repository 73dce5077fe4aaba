//! Parachain state machines as R1CS.
