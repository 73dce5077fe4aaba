//! Wasm under the executor of polkadot's validators, with their default parameters.
#![allow(unsafe_code)] // The executor trusts the artifact that it is given.

use std::{path::Path, process::Command};

use anyhow::{Context, ensure};
use codec::Decode;
use polkadot_node_core_pvf_common::executor_interface::{execute_artifact, prepare, prevalidate};
use polkadot_parachain_primitives::primitives::ValidationResult;
use polkadot_primitives::ExecutorParams;

/// Builds a validation function with `scripts/pvf` and these arguments.
pub(crate) fn build(arguments: &[&str], out: &Path) -> anyhow::Result<Vec<u8>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/pvf");
    let ran = Command::new(&script).args(arguments).arg(out).output().context("scripts/pvf")?;
    ensure!(ran.status.success(), "scripts/pvf:\n{}", String::from_utf8_lossy(&ran.stderr));
    std::fs::read(out).context("what scripts/pvf writes")
}

/// Compiled code.
#[derive(Debug)]
pub(crate) struct Artifact(Vec<u8>);

impl Artifact {
    pub(crate) fn prepare(code: &[u8]) -> anyhow::Result<Self> {
        let blob = prevalidate(code).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let artifact = prepare(blob, &ExecutorParams::default());
        Ok(Self(artifact.map_err(|error| anyhow::anyhow!("{error:?}"))?))
    }

    pub(crate) fn execute(&self, params: &[u8]) -> anyhow::Result<ValidationResult> {
        // SAFETY: `prepare` made the artifact, and nothing has changed it.
        let result = unsafe { execute_artifact(&self.0, &ExecutorParams::default(), params) };
        let bytes = result.map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(ValidationResult::decode(&mut bytes.as_slice())?)
    }
}
