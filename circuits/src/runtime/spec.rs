//! The chain spec: parameters, first accounts and what pallets begin with, in JSON.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Deserialize;

use super::{
    SpecError, Token,
    account::{Account, MAX_ISSUANCE, Parameters},
    authors::{Authors, SEATS, Seat},
};
use crate::decimal::{self, PointJson};

/// A chain spec as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Name of the chain that it is for.
    pub chain: String,
    /// The native token, if it is not the chain's default.
    pub token: Option<Token>,
    parameters: ParametersSpec,
    /// How permissioned authors take turns, if they do.
    rotation: Option<RotationSpec>,
    accounts: Vec<AccountSpec>,
    /// What each pallet begins with, by its name.
    #[serde(default)]
    pub pallets: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParametersSpec {
    #[serde(with = "decimal")]
    existential_deposit: u128,
    #[serde(with = "decimal")]
    minimum_fee: u64,
    #[serde(default)]
    permissioned_authors: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationSpec {
    /// Relay blocks of one seat's turn.
    turn: u16,
    /// Places of the accounts that have the seats, in the order of turns.
    seats: Vec<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountSpec {
    key: PointJson,
    #[serde(with = "decimal")]
    balance: u128,
    #[serde(default)]
    may_author: bool,
}

impl Spec {
    /// Reads a spec.
    pub fn from_json(json: &str) -> Result<Self, SpecError> {
        Ok(serde_json::from_str(json)?)
    }

    /// The first accounts and the parameters, all checked: keys in the prime subgroup and distinct,
    /// balances of at least the existential deposit, no more accounts than `places`, the total
    /// issuance within [`MAX_ISSUANCE`], somebody who may author. And who authors when.
    pub fn check(&self, places: u64) -> Result<(Parameters, Vec<Account>, Authors), SpecError> {
        let ParametersSpec { existential_deposit, minimum_fee, permissioned_authors } = self.parameters;
        let accounts = self.accounts.par_iter().enumerate().map(|(i, a)| account(i, a, existential_deposit));
        let accounts: Vec<Account> = accounts.collect::<Result<_, _>>()?;
        let mut indices = BTreeMap::new();
        for (index, account) in accounts.iter().enumerate() {
            if let Some(first) = indices.insert(account.key.to_bytes(), index) {
                return Err(SpecError::Account {
                    index,
                    reason: format!("account {first} has the same key"),
                });
            }
        }
        if accounts.len() as u64 > places {
            return Err(SpecError::Invalid(format!(
                "{} accounts do not fit {places} places",
                accounts.len()
            )));
        }
        if !accounts.iter().any(|account| account.may_author || !permissioned_authors) {
            let who = if permissioned_authors {
                "authors are permissioned and no account may author"
            } else {
                "no accounts"
            };
            return Err(SpecError::Invalid(format!("nobody could author: {who}")));
        }
        let total_issuance = issuance(&accounts).ok_or_else(|| {
            SpecError::Invalid(format!("the balances' sum exceeds the largest issuance, {MAX_ISSUANCE}"))
        })?;
        let authors = match &self.rotation {
            None => Authors::NO_TURNS,
            Some(rotation) => rotation.authors(&accounts, permissioned_authors)?,
        };
        let parameters =
            Parameters { existential_deposit, minimum_fee, permissioned_authors, total_issuance };
        Ok((parameters, accounts, authors))
    }
}

impl RotationSpec {
    /// Who authors when: 1 to [`SEATS`] seats, each of an account that may author, in turns of at least one relay block.
    fn authors(&self, accounts: &[Account], permissioned: bool) -> Result<Authors, SpecError> {
        let invalid = |reason: String| Err(SpecError::Invalid(format!("rotation: {reason}")));
        if !permissioned {
            return invalid("only permissioned authors take turns".into());
        }
        if self.turn == 0 {
            return invalid("a turn is at least one relay block".into());
        }
        if self.seats.is_empty() || self.seats.len() > SEATS {
            return invalid(format!("{} seats are not 1 to {SEATS}", self.seats.len()));
        }
        for seat in &self.seats {
            let account = usize::try_from(*seat).ok().and_then(|seat| accounts.get(seat));
            if !account.is_some_and(|account| account.may_author) {
                return invalid(format!("account {seat} is not one of those that may author"));
            }
        }
        let mut seats = [Seat::default(); SEATS];
        for (place, seat) in seats.iter_mut().zip(&self.seats) {
            *place = Seat(*seat);
        }
        // At most 16.
        Ok(Authors { rotating: true, turn: self.turn, count: self.seats.len() as u8, seats })
    }
}

/// Sum of the balances, if it is an acceptable issuance.
pub fn issuance(accounts: &[Account]) -> Option<u128> {
    let sum = accounts.iter().try_fold(0u128, |sum, account| sum.checked_add(account.balance))?;
    (sum <= MAX_ISSUANCE).then_some(sum)
}

fn account(index: usize, spec: &AccountSpec, deposit: u128) -> Result<Account, SpecError> {
    let refuse = |reason: String| SpecError::Account { index, reason };
    let AccountSpec { balance, may_author, .. } = *spec;
    if balance < deposit {
        return Err(refuse(format!("a balance of {balance} is below the existential deposit of {deposit}")));
    }
    Ok(Account { key: spec.key.key().map_err(refuse)?, nonce: 0, may_author, balance })
}
