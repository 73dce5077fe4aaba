//! The overseer of a polkadot validator, with another candidate validation.

use std::sync::Arc;

use polkadot_cli::{
    service::{
        AuxStore, Error, ExtendedOverseerGenArgs, Overseer, OverseerConnector, OverseerGen, OverseerGenArgs,
        OverseerHandle,
    },
    validator_overseer_builder,
};
use polkadot_node_subsystem::{
    ChainApiBackend, MetricsTrait, RuntimeApiSubsystemClient, SpawnGlue, SubsystemError,
};
use sp_core::traits::SpawnNamed;
use zkpov_relay_node::{CandidateValidation, Config, Metrics};

/// Makes the overseer whose candidate validation accepts validity keys.
#[derive(Debug)]
pub(crate) struct OverseerWithProofs {
    config: Config,
}

impl OverseerWithProofs {
    pub(crate) fn new(config: Config) -> Self {
        Self { config }
    }
}

impl OverseerGen for OverseerWithProofs {
    fn generate<Spawner, RuntimeClient>(
        &self,
        connector: OverseerConnector,
        args: OverseerGenArgs<'_, Spawner, RuntimeClient>,
        ext_args: Option<ExtendedOverseerGenArgs>,
    ) -> Result<(Overseer<SpawnGlue<Spawner>, Arc<RuntimeClient>>, OverseerHandle), Error>
    where
        RuntimeClient: RuntimeApiSubsystemClient + ChainApiBackend + AuxStore + 'static,
        Spawner: 'static + SpawnNamed + Clone + Unpin,
    {
        // Collators alone come without them, and `run_node` starts none.
        let ext_args = ext_args.ok_or_else(|| {
            Error::Overseer(SubsystemError::Context("a validator's overseer needs its arguments".to_owned()))
        })?;
        let metrics = Metrics::register(args.registry)?;
        let config = self.config.clone();
        tracing::info!(
            target: "parachain::zkpov-validation",
            activation = ?config.activation,
            mode = ?config.mode,
            development_keys = config.keys.allow_dev_setup,
            threads = config.threads,
            batch = config.batch,
            "candidate validation checks proofs",
        );
        validator_overseer_builder(args, ext_args)?
            .replace_candidate_validation(|standard| CandidateValidation::new(config, metrics, standard))
            .build_with_connector(connector)
            .map_err(Into::into)
    }
}
