//! The transfers of a block from and to other chains, for a machine.

use serde_json::{Value, json};
use zkpov_collator::author::Moved;
use zkpov_verifier::transfer::{Purpose, Transfer};

/// Whether it gives back what was refused.
pub(crate) fn is_refund(transfer: &Transfer) -> bool {
    matches!(transfer.purpose, Purpose::Refund { .. })
}

/// What arrived, and what was sent.
pub(crate) fn json(moved: &Moved) -> [Value; 2] {
    let arrived = moved.arrived.iter().map(|record| one("from", record.origin, &record.transfer));
    let sent = moved.sent.iter().map(|record| one("to", record.destination, &record.transfer));
    [arrived.collect(), sent.collect()]
}

fn one(end: &str, para: u32, transfer: &Transfer) -> Value {
    json!({
        end: para, "token": transfer.token, "amount": transfer.amount.to_string(),
        "sequence": transfer.sequence, "refund": is_refund(transfer),
    })
}
