//! What the chain spec says of messages: `pallets.messaging`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value as Json;

use super::record::{Counters, PEERS, Peer};
use crate::{decimal, runtime::SpecError};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MessagingSpec {
    /// Para id of the chain whose token is the native one here.
    token: u32,
    /// Whom tokens are exchanged with.
    pub(super) peers: Vec<PeerSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeerSpec {
    para: u32,
    /// What may arrive from it.
    #[serde(with = "decimal")]
    allowance: u128,
}

impl MessagingSpec {
    /// What a spec says: nobody, if it says nothing.
    pub(super) fn read(spec: Option<&Json>) -> Result<Self, SpecError> {
        spec.map_or(Ok(Self::default()), |spec| Ok(serde_json::from_value(spec.clone())?))
    }

    /// The counters that it begins with, and the sum of the allowances.
    pub(super) fn counters(&self) -> Result<(Counters, u128), SpecError> {
        let invalid = |reason: String| Err(SpecError::Invalid(format!("messaging: {reason}")));
        if self.peers.len() > PEERS {
            return invalid(format!("{} peers, more than {PEERS}", self.peers.len()));
        }
        let mut counters = Counters { token: self.token, ..Counters::default() };
        let (mut known, mut sum) = (BTreeSet::new(), 0u128);
        for (place, PeerSpec { para, allowance }) in counters.peers.iter_mut().zip(&self.peers) {
            if !known.insert(*para) {
                return invalid(format!("chain {para} is a peer twice"));
            }
            let Some(total) = sum.checked_add(*allowance) else {
                return invalid("the allowances together exceed 128 bits".into());
            };
            sum = total;
            *place = Peer { known: true, para: *para, allowance: *allowance };
        }
        Ok((counters, sum))
    }
}
