//! The prepare worker that the tests give to the standard subsystem, as a relay node has one.
#![allow(unsafe_code)] // The macro's: it forks.

polkadot_node_core_pvf_common::decl_worker_main!(
    "prepare-worker",
    polkadot_node_core_pvf_prepare_worker::worker_entrypoint,
    env!("CARGO_PKG_VERSION"),
    "test",
);
