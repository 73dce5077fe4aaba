//! What happens on a relay chain and at its collators, as text and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zkpov_circuits::runtime::Token;
use zkpov_collator::{
    author::Moved,
    relay::{
        local::{LocalRelay, RelayEvent},
        shared::SharedRelay,
    },
    service::node::{Done, Undone},
};
use zkpov_verifier::transfer::{InboxRecord, OutboxRecord, Transfer};

use crate::cli::{
    amount::amount,
    failure::Failure,
    moved::{self, is_refund},
    output::{Output, bytes, counted, duration},
    values::hex,
};

/// The relay chain's token has ten decimals.
const DOT: f64 = 1e10;

/// An amount of the relay chain's token.
pub(crate) fn dot(planck: u64) -> String {
    format!("{:.3} DOT", planck as f64 / DOT)
}

/// Tells what happens.
#[derive(Debug)]
pub(crate) struct Telling {
    out: Output,
    /// Names of the parachains.
    names: BTreeMap<u32, String>,
    /// The token that they exchange.
    token: Option<Token>,
    /// What every line begins with.
    indent: &'static str,
}

impl Telling {
    pub(crate) fn new(out: Output, names: BTreeMap<u32, String>) -> Self {
        Self { out, names, token: None, indent: "" }
    }

    /// The same of chains that exchange a token.
    pub(crate) fn exchanging(self, token: Option<Token>) -> Self {
        Self { token, ..self }
    }

    /// The same as a part of something longer: indented, and as JSON nothing, since the whole has a result of its own.
    pub(crate) fn indented(self) -> Self {
        Self { indent: "   ", ..self }
    }

    /// The name of a parachain.
    pub(crate) fn name(&self, para: u32) -> String {
        self.names.get(&para).cloned().unwrap_or_else(|| format!("para {para}"))
    }

    fn line(&self, who: &str, mark: &str, what: &str) -> Result<(), Failure> {
        self.out.say(format!("{}   {who:<14} {mark} {what}", self.indent))
    }

    fn json(&self, value: &Value) -> Result<(), Failure> {
        let is_part = !self.indent.is_empty();
        if self.out.is_json() && !is_part { self.out.line(value) } else { Ok(()) }
    }

    /// The relay chain makes so many blocks, each told.
    pub(crate) fn produce(&self, relay: &SharedRelay, blocks: u32) -> Result<(), Failure> {
        for _ in 0..blocks {
            relay.with(LocalRelay::produce);
            self.latest(relay)?;
        }
        Ok(())
    }

    /// What happened on the relay chain since this was asked last.
    pub(crate) fn latest(&self, relay: &SharedRelay) -> Result<(), Failure> {
        let events = relay.with(LocalRelay::take_events);
        events.iter().try_for_each(|event| self.relay(event))
    }

    /// Something that happened on the relay chain.
    pub(crate) fn relay(&self, event: &RelayEvent) -> Result<(), Failure> {
        self.json(&json_of(event))?;
        let out = self.out;
        match event {
            RelayEvent::Block { number, hash } => out.say(format!(
                "{}relay block {} {}",
                self.indent,
                out.strong(number),
                out.faint(short(hash))
            )),
            RelayEvent::Registered { para } => self.line(
                &self.name(*para),
                "·",
                &format!("registered: its validity key is its validation code, para {para}"),
            ),
            RelayEvent::LeaseSold { lease, price } => self.line(
                &self.name(lease.para),
                "·",
                &format!(
                    "leases core {} for {}, blocks {} to {}",
                    lease.core,
                    out.strong(dot(*price)),
                    lease.from,
                    lease.until.saturating_sub(1)
                ),
            ),
            RelayEvent::LeaseEnded { lease } => self.line(
                &self.name(lease.para),
                "·",
                &format!("the lease of core {} is over: no core, no block", lease.core),
            ),
            RelayEvent::Ordered { para, price } => self.line(
                &self.name(*para),
                "·",
                &format!("orders a core on demand, for {}", out.strong(dot(*price))),
            ),
            RelayEvent::Backed { para, block, core } => self.line(
                &self.name(*para),
                "◌",
                &format!("block {block} backed: the proof holds; on core {core}"),
            ),
            RelayEvent::Included { para, block, head } => self.line(
                &self.name(*para),
                &out.good("●"),
                &format!("block {block} {} {}", out.good("included"), out.faint(short(head))),
            ),
            RelayEvent::Refused { para, reason } => self.line(
                &self.name(*para),
                &out.bad("✗"),
                &format!("a candidate is {}: {reason}", out.bad("refused")),
            ),
            RelayEvent::Reverted { depth, ancestor, heads } => {
                let what = format!(
                    "{} abandoned: the chain goes on from block {ancestor}",
                    counted((*depth).into(), "block")
                );
                self.line("fork", &out.bad("↯"), &out.warning(what))?;
                for (para, from, to) in heads {
                    self.line(
                        &self.name(*para),
                        &out.bad("↯"),
                        &format!("its head goes back with it, from block {from} to {to}"),
                    )?;
                }
                Ok(())
            }
            RelayEvent::Finalized { number, heads } => {
                for (para, block) in heads {
                    self.line(
                        &self.name(*para),
                        &out.good("■"),
                        &format!("block {block} {}, with relay block {number}", out.good("final")),
                    )?;
                }
                Ok(())
            }
            RelayEvent::Upgraded { para } => {
                self.line(&self.name(*para), "·", "its next validity key is in force")
            }
            RelayEvent::ChannelOpened { sender, recipient } => self.line(
                &self.name(*sender),
                "·",
                &format!("has a channel for messages to {}", self.name(*recipient)),
            ),
            RelayEvent::MessageQueued { sender, recipient, bytes: length } => self.line(
                &self.name(*sender),
                "✉",
                &format!(
                    "a message for {} waits in the channel, {}",
                    self.name(*recipient),
                    bytes(*length as u64)
                ),
            ),
            RelayEvent::MessagesTaken { sender, recipient, messages } => self.line(
                &self.name(*recipient),
                "✉",
                &format!(
                    "took {} of {} from the channel",
                    counted(*messages as u64, "message"),
                    self.name(*sender)
                ),
            ),
            _ => Ok(()),
        }
    }

    /// The transfers of a block that was made.
    fn moved(&self, who: &str, moved: &Moved) -> Result<(), Failure> {
        let out = self.out;
        for InboxRecord { origin, transfer } in &moved.arrived {
            let (amount, from) = (out.strong(self.amount(transfer)), self.name(*origin));
            let what = if is_refund(transfer) { "come back from" } else { "arrive from" };
            self.line(who, &out.good("⇠"), &format!("{amount} {what} {from}"))?;
        }
        for OutboxRecord { destination, transfer } in &moved.sent {
            let (amount, to) = (out.strong(self.amount(transfer)), self.name(*destination));
            let what = if is_refund(transfer) { "are refused, and go back to" } else { "leave for" };
            self.line(who, &out.good("⇢"), &format!("{amount} {what} {to}"))?;
        }
        Ok(())
    }

    fn amount(&self, transfer: &Transfer) -> String {
        match &self.token {
            Some(token) => amount(transfer.amount, token),
            None => format!("{} of the token of {}", transfer.amount, self.name(transfer.token)),
        }
    }

    /// Something that a collator did.
    pub(crate) fn collator(&self, para: u32, number: usize, done: &Done) -> Result<(), Failure> {
        let out = self.out;
        let letter = letter(number);
        let who = format!("{} {letter}", self.name(para));
        self.json(&json_of_done(para, letter, done))?;
        match done {
            Done::Authored { number, extrinsics, moved, pov_bytes, timings } => {
                let what = format!(
                    "makes block {number}: {}, proven in {}, {} to keep available",
                    counted(*extrinsics as u64, "extrinsic"),
                    duration(timings.prove),
                    bytes(*pov_bytes as u64)
                );
                self.line(&who, "→", &what)?;
                self.moved(&who, moved)
            }
            Done::Imported { number } => self.line(&who, "←", &format!("imports block {number}")),
            Done::RolledBack { from, to, why } => {
                let why = match why {
                    Undone::Reverted => "the relay chain reverted",
                    Undone::Late => "not included in time",
                    Undone::Refused => "refused by the relay chain",
                };
                self.line(
                    &who,
                    &out.bad("↶"),
                    &format!(
                        "goes back from block {from} to {to} ({why}); the extrinsics wait in the pool again"
                    ),
                )
            }
            Done::Refused { reason } => self.line(&who, &out.bad("✗"), &format!("is refused: {reason}")),
            // The relay chain tells of these.
            _ => Ok(()),
        }
    }
}

/// `A` for the first collator.
pub(crate) fn letter(number: usize) -> char {
    u8::try_from(number).map_or('?', |number| char::from(b'A'.saturating_add(number)))
}

/// The beginning of a hash.
fn short(hash: &[u8; 32]) -> String {
    const SHOWN: usize = 4;
    let start = hash.get(..SHOWN).unwrap_or_default();
    format!("0x{}…", ::hex::encode(start))
}

fn json_of(event: &RelayEvent) -> Value {
    match event {
        RelayEvent::Block { number, hash } => {
            json!({ "event": "relay_block", "number": number, "hash": hex(hash) })
        }
        RelayEvent::Registered { para } => json!({ "event": "registered", "para": para }),
        RelayEvent::LeaseSold { lease, price } => json!({
            "event": "lease_sold", "para": lease.para, "core": lease.core, "from": lease.from, "until": lease.until,
            "price": price,
        }),
        RelayEvent::LeaseEnded { lease } => {
            json!({ "event": "lease_ended", "para": lease.para, "core": lease.core })
        }
        RelayEvent::Ordered { para, price } => json!({ "event": "ordered", "para": para, "price": price }),
        RelayEvent::Backed { para, block, core } => {
            json!({ "event": "backed", "para": para, "block": block, "core": core })
        }
        RelayEvent::Included { para, block, head } => {
            json!({ "event": "included", "para": para, "block": block, "head": hex(head) })
        }
        RelayEvent::Refused { para, reason } => {
            json!({ "event": "refused", "para": para, "reason": reason.to_string() })
        }
        RelayEvent::Reverted { depth, ancestor, heads } => json!({
            "event": "reverted", "depth": depth, "ancestor": ancestor,
            "heads": heads.iter().map(|(para, from, to)| json!({ "para": para, "from": from, "to": to })).collect::<Vec<_>>(),
        }),
        RelayEvent::Finalized { number, heads } => json!({
            "event": "finalized", "number": number,
            "heads": heads.iter().map(|(para, block)| json!({ "para": para, "block": block })).collect::<Vec<_>>(),
        }),
        RelayEvent::Upgraded { para } => json!({ "event": "upgraded", "para": para }),
        RelayEvent::ChannelOpened { sender, recipient } => {
            json!({ "event": "channel_opened", "sender": sender, "recipient": recipient })
        }
        RelayEvent::MessageQueued { sender, recipient, bytes } => json!({
            "event": "message_queued", "sender": sender, "recipient": recipient, "bytes": bytes,
        }),
        RelayEvent::MessagesTaken { sender, recipient, messages } => json!({
            "event": "messages_taken", "sender": sender, "recipient": recipient, "messages": messages,
        }),
        _ => json!({ "event": "other" }),
    }
}

fn json_of_done(para: u32, letter: char, done: &Done) -> Value {
    let mut value = match done {
        Done::Authored { number, extrinsics, moved, pov_bytes, timings } => {
            let [arrived, sent] = moved::json(moved);
            json!({
                "event": "authored", "block": number, "extrinsics": extrinsics, "pov_bytes": pov_bytes,
                "prove_seconds": timings.prove.as_secs_f64(), "arrived": arrived, "sent": sent,
            })
        }
        Done::Imported { number } => json!({ "event": "imported", "block": number }),
        Done::RolledBack { from, to, why } => json!({
            "event": "rolled_back", "from": from, "to": to, "why": format!("{why:?}").to_lowercase(),
        }),
        Done::Finalized { number } => json!({ "event": "collator_finalized", "block": number }),
        Done::Ordered { price } => json!({ "event": "collator_ordered", "price": price }),
        Done::Refused { reason } => json!({ "event": "collator_refused", "reason": reason }),
        Done::Registered => json!({ "event": "collator_registered" }),
        _ => json!({ "event": "other" }),
    };
    if let Some(members) = value.as_object_mut() {
        members.insert("para".into(), para.into());
        members.insert("collator".into(), letter.to_string().into());
    }
    value
}
