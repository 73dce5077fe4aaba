//! `zkpov demo --messages`: tokens go from one parachain to another through a relay chain that only routes bytes.
//!
//! ```text
//!   payments ── 5 PAY to Bob, 7 PAY to somebody new ──► exchange      delivered; and what its author cannot do with them
//!            ── 1 PAY to nobody ──────────────────────►
//!            ◄───────────────────── 1 PAY back: refused
//!            ◄─────────────── 2 PAY from Bob, to Alice
//! ```

use std::{collections::BTreeMap, path::Path, time::Instant};

use serde_json::{Value, json};
use zkpov_circuits::runtime::Token;
use zkpov_collator::{
    db::ReadDatabase,
    devnet::{DevChain, Settings, peerings},
    messages,
    relay::{
        interface::Relay,
        local::{Config, LocalRelay},
        shared::SharedRelay,
    },
    relay_file::RelayFile,
    sample::PARA_ID,
    scene::{MIN_ACCOUNTS, Peering, Scene},
    service::node::{Conduct, Done},
};
use zkpov_prover::Options;
use zkpov_verifier::{
    block::ProvenBlock,
    message::{ChannelMessages, Inbound},
};

use super::tampering::{Attack, Target, resigned};
use crate::cli::{
    amount::amount,
    failure::Failure,
    output::{Output, bytes, duration},
    progress::Bars,
    relay::telling::Telling,
    values::{self, hex, key_json},
};

/// The token's home and the chain that tokens go to: names and para ids.
const HOME: (&str, u32) = ("payments", PARA_ID);
const AWAY: (&str, u32) = ("exchange", PARA_ID + 1);
/// How far finality is behind.
const FINALITY_LAG: u32 = 3;
/// For how many relay blocks the cores are leased.
const LEASE_BLOCKS: u32 = 100;
/// Relay blocks until a block that was offered is included: it is backed in the first.
const INCLUSION: u32 = 2;
/// Accounts of Alice and of Bob, who have one on both chains.
const ALICE: u32 = 1;
const BOB: u32 = 2;
/// 32 bytes that are nobody's key.
const NOBODY: [u8; 32] = [0xff; 32];

pub(super) fn run(out: Output, start: Instant) -> Result<(), Failure> {
    let directory = tempfile::Builder::new().prefix("zkpov-demo-").tempdir()?;
    out.say(format!(
        "{}   {}\n",
        out.heading("zkpov demo --messages"),
        out.faint(format!("chains {} and {}, {} threads", HOME.0, AWAY.0, rayon::current_num_threads()))
    ))?;
    let mut story = Story::begin(out, directory.path())?;
    let begin = story.sums()?;
    story.connect()?;
    story.send()?;
    story.deliver()?;
    story.come_back()?;
    story.finish(begin, start)
}

struct Story {
    out: Output,
    relay: SharedRelay,
    home: DevChain,
    away: DevChain,
    token: Token,
    telling: Telling,
    figures: serde_json::Map<String, Value>,
}

impl Story {
    fn begin(out: Output, directory: &Path) -> Result<Self, Failure> {
        chapter(out, 1, "Two parachains begin, with one token")?;
        let relay =
            SharedRelay::new(LocalRelay::new(Config { finality_lag: FINALITY_LAG, ..Config::default() }));
        let token = values::chain(HOME.0)?.token();
        let peerings = peerings(&[HOME.1, AWAY.1], &token, MIN_ACCOUNTS);
        let start = Instant::now();
        let mut chains = Vec::new();
        for ((name, para), peering) in [HOME, AWAY].into_iter().zip(peerings) {
            chains.push(Self::chain(directory, name, para, peering, &relay)?);
        }
        let Ok([home, away]) = <[DevChain; 2]>::try_from(chains) else {
            return Err(Failure::misuse("two chains were made; this is a fault of the program"));
        };
        out.say(format!(
            "   {}, para {}, is the home of {}; {}, para {}, has it for its native token too",
            HOME.0, HOME.1, token.symbol, AWAY.0, AWAY.1
        ))?;
        out.say(format!(
            "   keys made in {}, by one party and so for development only",
            duration(start.elapsed())
        ))?;
        let names = [HOME, AWAY].into_iter().map(|(name, para)| (para, name.to_owned()));
        let telling =
            Telling::new(out, names.collect::<BTreeMap<_, _>>()).exchanging(Some(token.clone())).indented();
        let figures = serde_json::Map::new();
        Ok(Self { out, relay, home, away, token, telling, figures })
    }

    fn chain(
        directory: &Path,
        name: &str,
        para: u32,
        peering: Peering,
        relay: &SharedRelay,
    ) -> Result<DevChain, Failure> {
        let chain = values::chain(name)?;
        let Some(tier) = messages::smallest_tier(chain) else {
            return Err(Failure::misuse(format!(
                "{name} has no tier for messages; this is a fault of the program"
            )));
        };
        let settings = Settings {
            chain,
            para,
            tier,
            scene: Scene::random(MIN_ACCOUNTS),
            collators: 1,
            blocks: 0,
            conduct: Conduct::default(),
            peering: Some(peering),
        };
        let bars = Bars::new(format!("set-up of {name}"));
        let options = Options::default().with_progress(&bars);
        Ok(DevChain::create(&directory.join(name), settings, relay, &options)?)
    }

    /// Registers both, with a core each, and opens the channels.
    fn connect(&mut self) -> Result<(), Failure> {
        chapter(self.out, 2, "They register, lease a core each, and channels are opened between them")?;
        for chain in [&self.home, &self.away] {
            chain.register(&self.relay)?;
            self.relay.with(|relay| relay.lease(chain.para, LEASE_BLOCKS))?;
        }
        self.relay.with(|relay| relay.open_channels(HOME.1, AWAY.1));
        self.telling.latest(&self.relay)?;
        for _ in 0..=FINALITY_LAG {
            self.relay.with(LocalRelay::produce);
        }
        self.relay.with(LocalRelay::take_events);
        Ok(())
    }

    /// Alice sends twice, a block each, while the other chain makes none.
    fn send(&mut self) -> Result<(), Failure> {
        let out = self.out;
        let [bob, _] = self.away.scene.keys(BOB);
        let [_, new] = self.away.scene.keys(ALICE);
        let title = format!(
            "Alice sends 5 {0} to Bob on {1}, and 7 {0} to somebody new there",
            self.token.symbol, AWAY.0
        );
        chapter(out, 3, &title)?;
        for (units, recipient) in [(5, &bob), (7, &new)] {
            let amount = self.units(units);
            call(&mut self.home, ALICE, AWAY.1, amount, key_json(recipient))?;
            self.step(HOME.1)?;
            self.produce(INCLUSION)?;
            self.step(HOME.1)?;
        }
        let best = self.relay.heads()?.best;
        let waiting = self.relay.with(|relay| relay.waiting(HOME.1, AWAY.1, &best));
        let length: usize = waiting.iter().map(|message| message.data.len()).sum();
        out.say(format!(
            "   {} of XCM in the channel: any parachain could read them, the relay chain does not",
            out.strong(bytes(length as u64))
        ))?;
        self.figure(
            "message_bytes",
            json!(waiting.iter().map(|message| message.data.len()).collect::<Vec<_>>()),
        );
        Ok(())
    }

    /// The other chain takes both, and cannot do otherwise.
    fn deliver(&mut self) -> Result<(), Failure> {
        let out = self.out;
        chapter(out, 4, &format!("{} takes them, though nobody on it signed anything", AWAY.0))?;
        let [bob, _] = self.away.scene.keys(BOB);
        let [_, new] = self.away.scene.keys(ALICE);
        let before = self.away.balance(&bob)?;
        let best = self.relay.heads()?.best;
        let view = self.relay.context(AWAY.1, &best)?;
        let parent_head = self.relay.para_head(AWAY.1, &best)?.unwrap_or_default();
        let proof: usize = view.storage_proof.iter().map(Vec::len).sum();
        self.step(AWAY.1)?;
        out.say(out.faint(format!(
            "   The block has the messages, and {} of the relay chain's state that prove them.",
            bytes(proof as u64)
        )))?;
        self.produce(INCLUSION)?;
        self.step(AWAY.1)?;
        for (who, key, had) in [("Bob", &bob, before), ("somebody new", &new, 0)] {
            let gained = self.away.balance(key)?.saturating_sub(had);
            out.say(format!(
                "   {} {who} has {} more",
                out.good("✓"),
                out.strong(amount(gained, &self.token))
            ))?;
        }
        self.figure("storage_proof_bytes", json!(proof));
        self.tamper(&view, &parent_head)
    }

    /// What the author of that block, who signs whatever it likes, cannot do with the messages.
    fn tamper(&mut self, view: &RelayFile, parent_head: &[u8]) -> Result<(), Failure> {
        let out = self.out;
        chapter(out, 5, "Its author cannot change, drop, double, swap or invent a message")?;
        let Some(node) = self.away.nodes.first() else { return Ok(()) };
        let pov = node.collator().database().tip()?.pov;
        let block = ProvenBlock::decode(&pov)?;
        let target = Target {
            parent_head,
            relay: &view.context,
            key: node.keys().validity_key(),
            pov: &pov,
            author: self.away.scene.author(),
        };
        let mut told = Vec::new();
        for (what, change) in CHANGES {
            let mut block = block.clone();
            change(&mut block.proven.inbound);
            let Attack { what, refusal } = resigned(what, &target, block);
            let Some(reason) = refusal else {
                return Err(Failure::misuse(format!(
                    "accepted although {what}; this is a fault of the program"
                )));
            };
            out.say(format!("   {} {what}: {}", out.bad("✗"), out.faint(&reason)))?;
            told.push(json!({ "attack": what, "refused": reason }));
        }
        self.figure("attacks", Value::Array(told));
        Ok(())
    }

    /// What nobody can have comes back, and Bob sends home.
    fn come_back(&mut self) -> Result<(), Failure> {
        let out = self.out;
        let symbol = self.token.symbol.clone();
        let title = format!("1 {symbol} for nobody comes back, and Bob sends 2 {symbol} to Alice");
        chapter(out, 6, &title)?;
        let [alice, _] = self.home.scene.keys(ALICE);
        let (one, two) = (self.units(1), self.units(2));
        call(&mut self.home, ALICE, AWAY.1, one, json!(hex(&NOBODY)))?;
        self.step(HOME.1)?;
        self.produce(INCLUSION)?;
        self.step(HOME.1)?;
        let sent = self.home.balance(&alice)?;
        call(&mut self.away, BOB, HOME.1, two, key_json(&alice))?;
        self.step(AWAY.1)?;
        self.produce(INCLUSION)?;
        self.step(AWAY.1)?;
        // One slot a block: what does not fit waits in the chain's own queue, and the next block delivers it.
        for _ in 0..2 {
            self.step(HOME.1)?;
            self.produce(INCLUSION)?;
        }
        self.step(HOME.1)?;
        let gained = self.home.balance(&alice)?.saturating_sub(sent);
        if gained != one.saturating_add(two) {
            return Err(Failure::misuse("Alice has not what came to her; this is a fault of the program"));
        }
        out.say(format!(
            "   {} Alice has {} more: what was refused, and what Bob sent",
            out.good("✓"),
            out.strong(amount(gained, &self.token))
        ))
    }

    fn finish(mut self, begin: [u128; 2], start: Instant) -> Result<(), Failure> {
        let out = self.out;
        chapter(out, 7, "Nothing was made and nothing lost")?;
        self.produce(FINALITY_LAG)?;
        let end = self.sums()?;
        let row = |name: &str, [home, away]: [u128; 2]| {
            let [home, away, sum] =
                [home, away, home.saturating_add(away)].map(|sum| amount(sum, &self.token));
            format!("   {name:<16}{home:>20}{away:>20}{sum:>20}")
        };
        out.say(out.faint(format!("   {:<16}{:>20}{:>20}{:>20}", "balances", HOME.0, AWAY.0, "together")))?;
        out.say(row("at the beginning", begin))?;
        out.say(row("at the end", end))?;
        if begin.iter().sum::<u128>() != end.iter().sum::<u128>() {
            return Err(Failure::misuse("the sums differ; this is a fault of the program"));
        }
        out.say(out.faint(format!("\nAll of it took {}.", duration(start.elapsed()))))?;
        let [begin, end] =
            [begin, end].map(|sums| json!({ HOME.0: sums[0].to_string(), AWAY.0: sums[1].to_string() }));
        self.figure("balances_before", begin);
        self.figure("balances_after", end);
        self.figure("result", json!("done"));
        self.figure("threads", json!(rayon::current_num_threads()));
        self.figure("seconds", json!(start.elapsed().as_secs_f64()));
        if out.is_json() { out.line(Value::Object(self.figures)) } else { Ok(()) }
    }

    /// One step of a chain's collator, with the relay chain as it is now.
    fn step(&mut self, para: u32) -> Result<(), Failure> {
        let heads = self.relay.heads()?;
        let bars = Bars::new("proof");
        let chain = if para == HOME.1 { &mut self.home } else { &mut self.away };
        let all = chain.step(&heads, &Options::default().with_progress(&bars))?;
        drop(bars);
        for (number, done) in &all {
            if !matches!(done, Done::Finalized { .. }) {
                self.telling.collator(para, *number, done)?;
            }
        }
        Ok(())
    }

    fn produce(&self, blocks: u32) -> Result<(), Failure> {
        self.telling.produce(&self.relay, blocks)
    }

    /// So many tokens, in the smallest unit.
    fn units(&self, tokens: u32) -> u128 {
        u128::from(tokens).saturating_mul(10u128.saturating_pow(self.token.decimals.into()))
    }

    fn sums(&self) -> Result<[u128; 2], Failure> {
        Ok([self.home.sum_of_balances()?, self.away.sum_of_balances()?])
    }

    fn figure(&mut self, name: &str, value: Value) {
        self.figures.insert(name.to_owned(), value);
    }
}

fn chapter(out: Output, number: u32, title: &str) -> Result<(), Failure> {
    let gap = if number == 1 { "" } else { "\n" };
    out.say(format!("{gap}{}", out.heading(format!("{number}  {title}"))))
}

fn call(
    chain: &mut DevChain,
    sender: u32,
    destination: u32,
    amount: u128,
    recipient: Value,
) -> Result<(), Failure> {
    let arguments =
        json!({ "destination": destination, "amount": amount.to_string(), "recipient": recipient });
    Ok(chain.call(sender, "send", &arguments)?)
}

/// What a forger does to the messages that a block takes.
type Change = fn(&mut Inbound);

/// What an author may wish to do with the messages of a channel in which two wait.
const CHANGES: [(&str, Change); 5] = [
    ("it puts somebody else in Bob's place", |inbound| {
        in_channel(inbound, |channel| {
            // In a program's end, before the topic of 33 bytes, are the recipient's 32.
            const RECIPIENT_FROM_END: usize = 60;
            if let Some(message) = channel.messages.first_mut() {
                let at = message.data.len().saturating_sub(RECIPIENT_FROM_END);
                if let Some(byte) = message.data.get_mut(at) {
                    *byte ^= 1;
                }
            }
        });
    }),
    ("it leaves the second out", |inbound| in_channel(inbound, |channel| drop(channel.messages.pop()))),
    ("it takes the second twice", |inbound| {
        in_channel(inbound, |channel| channel.messages.extend(channel.messages.last().cloned()));
    }),
    ("it takes the second first", |inbound| in_channel(inbound, |channel| channel.messages.swap(0, 1))),
    ("it takes one that nobody sent", |inbound| {
        in_channel(inbound, |channel| {
            if let Some(mut message) = channel.messages.last().cloned() {
                message.sent_at = message.sent_at.saturating_add(1);
                channel.messages.push(message);
            }
        });
    }),
];

fn in_channel(inbound: &mut Inbound, change: impl FnOnce(&mut ChannelMessages)) {
    if let Some(channel) = inbound.horizontal.first_mut() {
        change(channel);
    }
}
