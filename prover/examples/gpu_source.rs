//! Prints the source of the GPU kernels, for `scripts/gpu-static` and for whoever wants to compile or read it.

#![cfg_attr(not(feature = "gpu"), allow(unused_crate_dependencies, reason = "there is nothing to print"))]

fn main() {
    #[cfg(feature = "gpu")]
    print!("{}", zkpov_prover::gpu::source());
}
