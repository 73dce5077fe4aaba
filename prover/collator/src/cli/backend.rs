//! What a command proves on: the processor, a GPU, or both.

use std::time::Duration;

use serde_json::{Value, json};
use zkpov_prover::{
    Backend, Ran,
    device::DeviceError,
    gpu::{Gpu, Settings},
};

use super::failure::Failure;

/// What proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    /// The processor
    Cpu,
    /// A GPU; without one, or if it fails, there is no proof
    Gpu,
    /// A GPU, the processor or both, as is faster; the processor if there is no GPU or it fails. Says which
    Auto,
}

/// The choice of a backend, for every command that proves.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Proving")]
pub(crate) struct BackendArgs {
    /// What computes the proof; the result and the log say what did
    #[arg(long, value_name = "BACKEND", default_value = "cpu")]
    backend: Choice,

    #[command(flatten)]
    gpu: GpuArgs,

    /// Compute a random part of every multiplication of the GPU on the processor as well, and compare
    #[arg(long)]
    paranoid: bool,
}

/// Which GPU, and how far it may be used.
#[derive(Debug, clap::Args)]
pub(crate) struct GpuArgs {
    /// The GPU, as `zkpov gpu list` names it [default: the first that is not a processor]
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,

    /// Use no more of the GPU's memory than this, in MiB [default: nine tenths of it]
    #[arg(long, value_name = "MIB")]
    gpu_memory: Option<u64>,

    /// Give the GPU up when it has not finished a step after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    gpu_timeout: u64,
}

impl GpuArgs {
    /// Opens the device.
    pub(crate) fn open(&self, paranoid: bool) -> Result<Gpu, DeviceError> {
        const MIB: u64 = 1 << 20;
        let mut settings = Settings::default();
        settings.memory = self.gpu_memory.map(|mib| mib.saturating_mul(MIB));
        settings.timeout = Duration::from_secs(self.gpu_timeout);
        settings.paranoid = paranoid;
        Gpu::open(self.device.as_deref(), settings)
    }
}

impl BackendArgs {
    /// The backend.
    pub(crate) fn open(&self) -> Result<Backend, Failure> {
        match self.backend {
            Choice::Cpu => Ok(Backend::cpu()),
            Choice::Gpu => self.gpu.open(self.paranoid).map(Backend::gpu).map_err(|error| {
                Failure::misuse(error).next("`zkpov gpu list` shows the devices, `zkpov gpu check` tests one")
            }),
            Choice::Auto => Ok(Backend::auto(self.gpu.open(self.paranoid))),
        }
    }
}

/// What computed a proof, for a machine.
pub(crate) fn ran(ran: &Ran) -> Value {
    json!({
        "name": ran.name(),
        "device": ran.device.as_ref().map(|device| device.selector()),
        "device_name": ran.device.as_ref().map(|device| device.name.as_str()),
        "reason": ran.reason,
    })
}
