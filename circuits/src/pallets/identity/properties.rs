//! Random calls by the thousand, several in a block, and a model that says which are taken.

use std::{collections::BTreeSet, sync::LazyLock};

use proptest::prelude::*;

use super::{
    Attestation,
    testing::{AGE, EXPIRY, TestChain, attest, chain, presentation, revoke},
};
use crate::{
    r1cs::R1cs,
    runtime::{
        Account, Extrinsic,
        testing::{cases, proven_cases},
    },
};

/// Slots of each lane: transfers, opens, appointments, attestations, revocations, presentations.
const SLOTS: [u32; 6] = [1, 1, 1, 2, 2, 3];

/// Accounts of the chain: the last three pay for presentations.
const ACCOUNTS: u8 = 8;
const PAYERS: core::ops::Range<u8> = 5..ACCOUNTS;

/// People whom attestations are of.
const HOLDERS: u8 = 6;

/// Places for attestations.
const PLACES: usize = 64;

/// What somebody tries.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Attest { sender: u8, holder: u8, registrar: u32 },
    Revoke { sender: u8, place: u8 },
    Prove { sender: u8, holder: u8, place: u32, registrar: u32, low: u64, high: u64, context: u64 },
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let ages = AGE - 3..AGE + 3;
    prop_oneof![
        2 => (1u8..5, 0..HOLDERS, 0u32..4).prop_map(|(sender, holder, registrar)| Attempt::Attest {
            sender,
            holder,
            registrar
        }),
        1 => (1u8..4, 0u8..4).prop_map(|(sender, place)| Attempt::Revoke { sender, place }),
        // Most are right: of who is attested at the place, by registrar 1 as a rule, and of an age within the bounds.
        4 => (PAYERS, prop::bool::weighted(0.8), 0..HOLDERS, 0u32..8, 0u32..3, ages.clone(), ages, 0u64..3).prop_map(
            |(sender, right, holder, place, registrar, low, high, context)| {
                let (holder, registrar) = if right && holder < 3 { (holder, 1) } else { (holder, registrar) };
                let (place, low, high) =
                    if right { (holder.into(), low.min(AGE), high.max(AGE)) } else { (place, low, high) };
                Attempt::Prove { sender, holder, place, registrar, low, high, context }
            }
        ),
    ]
}

fn blocks(count: usize) -> impl Strategy<Value = Vec<Vec<Attempt>>> {
    prop::collection::vec(prop::collection::vec(attempt(), 1..6), count)
}

impl Attempt {
    fn sender(&self) -> u8 {
        match *self {
            Self::Attest { sender, .. } | Self::Revoke { sender, .. } | Self::Prove { sender, .. } => sender,
        }
    }

    /// The order of the lanes.
    fn lane(&self) -> u8 {
        match self {
            Self::Attest { .. } => 0,
            Self::Revoke { .. } => 1,
            Self::Prove { .. } => 2,
        }
    }

    fn signed(&self, on: &TestChain) -> Extrinsic {
        let nonce = on.read::<Account>(self.sender().into()).expect("an account").nonce;
        match *self {
            Self::Attest { sender, holder, registrar } => attest(on, sender, nonce, holder, registrar),
            Self::Revoke { sender, place } => revoke(on, sender, nonce, place),
            Self::Prove { sender, holder, place, registrar, low, high, context } => {
                let presentation = presentation(on, holder, place, (registrar, low, high), context);
                on.call("prove_attribute", sender, nonce, &presentation)
            }
        }
    }
}

/// What the calls so far come to.
struct Model {
    /// By place: of whom, by which registrar, and whether it is revoked.
    attested: Vec<(u8, u32, bool)>,
    /// Holders and the contexts in which they have shown something.
    shown: BTreeSet<(u8, u64)>,
    /// How many presentations were taken.
    presentations: usize,
}

impl Model {
    fn new() -> Self {
        // As the chain's spec has it.
        let attested = (0..4).map(|i| (i, if i < 3 { 1 } else { 2 }, false)).collect();
        Self { attested, shown: BTreeSet::new(), presentations: 0 }
    }

    /// Whether the call is right after those before it; then it is done.
    fn take(&mut self, attempt: &Attempt) -> bool {
        // Registrar 1 is account 2, registrar 2 account 3, and so on.
        let signs = |sender: u8, registrar: u32| u32::from(sender) == registrar + 1;
        match *attempt {
            Attempt::Attest { sender, registrar, holder } => {
                let right = registrar < 3 && signs(sender, registrar) && self.attested.len() < PLACES;
                if right {
                    self.attested.push((holder, registrar, false));
                }
                right
            }
            Attempt::Revoke { sender, place } => {
                let entry = &mut self.attested[usize::from(place)];
                // What is signed names registrar 1's attestation of the holder.
                let right = entry.1 == 1 && signs(sender, 1) && !entry.2;
                entry.2 |= right;
                right
            }
            Attempt::Prove { holder, place, registrar, low, high, context, .. } => {
                // As the block leaves it: what it revokes is revoked for it too.
                let held = self.attested.get(place as usize) == Some(&(holder, registrar, false));
                let right = held && (low..=high).contains(&AGE) && self.shown.insert((holder, context));
                self.presentations += usize::from(right);
                right
            }
        }
    }
}

/// Executes these blocks, holds each to the model and, by the shape, to the circuit.
fn run(blocks: &[Vec<Attempt>], shape: Option<&R1cs>) -> Model {
    let mut on = chain(2, SLOTS, ACCOUNTS);
    let mut model = Model::new();
    for attempts in blocks {
        let mut senders = BTreeSet::new();
        let mut attempts: Vec<Attempt> =
            attempts.iter().copied().filter(|attempt| senders.insert(attempt.sender())).collect();
        // In the order in which a block executes them.
        attempts.sort_by_key(Attempt::lane);
        let calls: Vec<_> = attempts.iter().map(|attempt| attempt.signed(&on)).collect();
        let block = on.execute(&calls);
        if let Some(shape) = shape {
            on.check_by(shape, &block);
        }
        on.advance(&block);
        for (position, attempt) in attempts.iter().enumerate() {
            if !block.deferred.contains(&position) {
                let taken = block.included.contains(&position);
                assert_eq!(model.take(attempt), taken, "{attempt:?} of {attempts:?}: {:?}", block.refused);
            }
        }
        for (place, (_, _, revoked)) in (0u32..).zip(&model.attested) {
            let found: Option<Attestation> = on.read(place);
            assert_eq!(found.map(|attestation| attestation.revoked), Some(*revoked), "place {place}");
        }
        if on.context.parent.number + 1 >= EXPIRY {
            on.context.parent.number = 0;
        }
    }
    model
}

proptest! {
    #![proptest_config(cases(8))]

    /// Over a thousand calls: a nullifier is used once, a revocation is in force in its own block, registrars sign.
    #[test]
    fn random_calls_do_what_the_model_does(blocks in blocks(30)) {
        prop_assert!(run(&blocks, None).presentations > 0);
    }
}

proptest! {
    #![proptest_config(proven_cases(4))]

    /// Every block in the circuit too, and imported.
    #[test]
    fn random_blocks_prove_and_import(blocks in blocks(8)) {
        static SHAPE: LazyLock<R1cs> = LazyLock::new(|| chain(2, SLOTS, ACCOUNTS).shape());
        run(&blocks, Some(&SHAPE));
    }
}
