//! The worker that executes parachains' wasm.
#![allow(unsafe_code)] // The macro's: it forks.

polkadot_node_core_pvf_common::decl_worker_main!(
    "execute-worker",
    polkadot_node_core_pvf_execute_worker::worker_entrypoint,
    polkadot_node_primitives::NODE_VERSION,
    env!("CARGO_PKG_VERSION"),
);
