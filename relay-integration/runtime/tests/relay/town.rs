//! A branch of a relay chain with its validators at work: blocks on blocks, candidates backed and made available.

use codec::{Decode, Encode};
use frame_support::{assert_ok, dispatch::DispatchResult};
use pallet_broker::CoreAssignment;
use polkadot_primitives::{CoreIndex, Hash, HeadData, Id, ValidationCode};
use polkadot_runtime_parachains::{
    hrmp, inclusion, origin,
    paras::{Heads, ParaLifecycle},
    runtime_api_impl::v13::pvfs_require_precheck,
};

use sp_runtime::{MultiAddress, traits::AccountIdConversion};
use zkpov_verifier::relay::RelayContext;

use crate::{
    chain::{ForParas, RelayChain, account},
    market::Assigned,
    parachain::Parachain,
    runtime::{
        BROKER_ID, Balances, Coretime, Hrmp, Paras, Registrar, Runtime, RuntimeEvent, RuntimeOrigin,
        SESSION_BLOCKS, UNIT,
    },
    validators::{self, Assignment, Candidate, Refusal},
};

/// Core and head of a candidate that was included.
pub(crate) type Included = (CoreIndex, Vec<u8>);

/// The parts of a core, in the words of the Coretime chain.
pub(crate) const WHOLE_CORE: u16 = 57_600;

/// Messages that may wait in a channel.
pub(crate) const MESSAGES: u32 = 8;
/// Bytes of one of them.
const MESSAGE_BYTES: u32 = 1_024;

/// Who registers parachains.
pub(crate) const MANAGER: &str = "manager";

/// A relay chain at its newest block.
#[derive(Debug)]
pub(crate) struct Town {
    pub(crate) relay: RelayChain,
    pub(crate) tip: Hash,
}

impl Town {
    /// A new relay chain.
    pub(crate) fn new() -> Self {
        let relay = RelayChain::new(&[MANAGER, "buyer", "other buyer"]);
        let tip = relay.genesis();
        Self { relay, tip }
    }

    /// Number of the newest block.
    pub(crate) fn number(&self) -> u32 {
        self.relay.number(self.tip)
    }

    /// Asks the newest state.
    pub(crate) fn ask<R>(&self, ask: impl FnOnce() -> R) -> R {
        self.relay.at(self.tip, ask)
    }

    /// A block with these calls in it.
    pub(crate) fn call<R>(&mut self, calls: impl FnOnce() -> R) -> R {
        self.block(&[], calls)
    }

    /// A block with these candidates, which validators back, and these calls.
    ///
    /// # Panics
    ///
    /// When the runtime takes fewer of them than validators did.
    pub(crate) fn block<R>(&mut self, candidates: &[Candidate], calls: impl FnOnce() -> R) -> R {
        let (backed, answer) = self.offer(candidates, calls);
        assert_eq!(backed, candidates.len(), "backed");
        answer
    }

    /// The same, and how many of the candidates the runtime takes.
    pub(crate) fn offer<R>(&mut self, candidates: &[Candidate], calls: impl FnOnce() -> R) -> (usize, R) {
        let backed =
            candidates.iter().map(|candidate| validators::back(&self.relay, candidate).expect("valid"));
        let for_paras = ForParas {
            candidates: backed.collect(),
            bitfields: validators::bitfields(&self.relay, self.tip),
        };
        for candidate in candidates {
            let parent = candidate.receipt.descriptor.relay_parent();
            let context = RelayContext {
                relay_parent_number: self.relay.number(parent),
                relay_parent_storage_root: self.relay.block(parent).header.state_root.0,
            };
            let head = candidate.receipt.commitments.head_data.0.clone();
            self.relay.keep(head, context, candidate.block_data.clone());
        }
        let (tip, answer) = self.relay.build(self.tip, 0, for_paras, calls);
        self.tip = tip;
        (self.candidate_events().0.len(), answer)
    }

    /// So many empty blocks.
    pub(crate) fn wait(&mut self, blocks: u32) {
        for _ in 0..blocks {
            self.call(|| ());
        }
    }

    /// An empty block after slots in which nobody authored.
    pub(crate) fn skip_slots(&mut self, slots: u64) {
        let for_paras =
            ForParas { bitfields: validators::bitfields(&self.relay, self.tip), ..ForParas::default() };
        self.tip = self.relay.build(self.tip, slots, for_paras, || ()).0;
    }

    /// Empty blocks until `until` holds, at most as many as two sessions have.
    pub(crate) fn wait_until(&mut self, what: &str, until: impl Fn(&Self) -> bool) {
        for _ in 0..2 * SESSION_BLOCKS + 1 {
            if until(self) {
                return;
            }
            self.wait(1);
        }
        panic!("in two sessions: {what}");
    }

    /// The validators vote on the validation codes that wait for it.
    pub(crate) fn vote(&mut self) {
        let votes = validators::precheck_votes(&self.relay, self.tip);
        self.call(|| {
            for (statement, signature) in votes {
                if pvfs_require_precheck::<Runtime>().contains(&statement.subject) {
                    assert_ok!(Paras::include_pvf_check_statement(
                        RuntimeOrigin::none(),
                        statement,
                        signature
                    ));
                }
            }
        });
    }

    /// Reserves the next para id and registers the chain under it.
    pub(crate) fn register(&mut self, code: Vec<u8>, head: Vec<u8>) -> DispatchResult {
        self.call(|| {
            let manager = RuntimeOrigin::signed(account(MANAGER));
            let id = polkadot_runtime_common::paras_registrar::NextFreeParaId::<Runtime>::get();
            Registrar::reserve(manager.clone())?;
            Registrar::register(manager, id, HeadData(head), ValidationCode(code))
        })
    }

    /// A parachain that is registered, checked and on board, without a core.
    pub(crate) fn with_parachain(&mut self, id: u32) -> Parachain {
        let para = Parachain::new(id);
        self.take_on_board(&[&para]);
        para
    }

    /// Registers parachains under the next para ids, and checks them; returns when they are on board.
    pub(crate) fn take_on_board(&mut self, paras: &[&Parachain]) {
        for para in paras {
            assert_ok!(self.register(para.code.clone(), para.tip().head));
        }
        self.vote();
        self.wait_until("on board", |town| {
            paras.iter().all(|para| town.lifecycle(para.id) == Some(ParaLifecycle::Parathread))
        });
    }

    /// Channels between two chains, both ways, whose deposits somebody pays; returns when they are open.
    pub(crate) fn open_channels(&mut self, one: Id, other: Id) {
        let of_para = |para| RuntimeOrigin::from(origin::Origin::Parachain(para));
        self.call(|| {
            for para in [one, other] {
                let sovereign = MultiAddress::Id(para.into_account_truncating());
                let manager = RuntimeOrigin::signed(account(MANAGER));
                assert_ok!(Balances::transfer_allow_death(manager, sovereign, 10 * UNIT));
            }
            for (from, to) in [(one, other), (other, one)] {
                assert_ok!(Hrmp::hrmp_init_open_channel(of_para(from), to, MESSAGES, MESSAGE_BYTES));
                assert_ok!(Hrmp::hrmp_accept_open_channel(of_para(to), from));
            }
        });
        self.wait_until("channels", |town| town.ask(|| hrmp::HrmpChannels::<Runtime>::iter().count() == 2));
    }

    pub(crate) fn lifecycle(&self, id: Id) -> Option<ParaLifecycle> {
        self.ask(|| Paras::lifecycle(id))
    }

    /// The head that the relay chain has of a para.
    pub(crate) fn head(&self, id: Id) -> Option<Vec<u8>> {
        self.ask(|| Heads::<Runtime>::get(id)).map(|head| head.0)
    }

    /// A whole core for this from a relay block on, as the Coretime chain says it.
    pub(crate) fn assign_core(&mut self, core: u16, begin: u32, assignment: CoreAssignment) {
        let assignment = vec![(assignment, WHOLE_CORE)];
        self.call(|| tell_of_core(Assigned { core, begin, assignment, end_hint: None }));
    }

    /// Empty blocks until these chains have a core: one at most, where a session begins.
    pub(crate) fn ready(&mut self, ids: &[Id]) {
        self.wait_until("a core", |town| ids.iter().all(|id| town.assignment(*id).is_ok()));
    }

    /// Core, parent head and code of a candidate at the newest block. Where the next block begins a session, nobody has a core.
    pub(crate) fn assignment(&self, id: Id) -> Result<Assignment, Refusal> {
        if self.relay.begins_session(self.tip, 0) {
            return Err(Refusal::NoCore);
        }
        validators::assignment(&self.relay, self.tip, id)
    }

    /// Has `para` author a block of these extrinsics as soon as it has a core, and the validators back it in the next.
    pub(crate) fn author(&mut self, para: &mut Parachain, extrinsics: &[Vec<u8>]) {
        self.ready(&[para.id]);
        let assignment = self.assignment(para.id).expect("a core");
        let candidate = para.author(&self.relay, self.tip, &assignment, extrinsics);
        self.block(&[candidate], || ());
    }

    /// The heads that were backed and included in the newest block.
    pub(crate) fn candidate_events(&self) -> (Vec<Vec<u8>>, Vec<Included>) {
        let (mut backed, mut included) = (Vec::new(), Vec::new());
        for event in &self.relay.block(self.tip).events {
            match event {
                RuntimeEvent::ParaInclusion(inclusion::Event::CandidateBacked(_, head, ..)) => {
                    backed.push(head.0.clone());
                }
                RuntimeEvent::ParaInclusion(inclusion::Event::CandidateIncluded(_, head, core, _)) => {
                    included.push((*core, head.0.clone()));
                }
                _ => {}
            }
        }
        (backed, included)
    }
}

/// What the Coretime chain calls on the relay chain.
pub(crate) fn of_broker() -> RuntimeOrigin {
    origin::Origin::Parachain(BROKER_ID.into()).into()
}

/// The Coretime chain tells the relay chain what a core is for. Its parts are the relay chain's by their encoding.
pub(crate) fn tell_of_core(assigned: Assigned) {
    let parts = assigned.assignment.encode();
    let parts = Decode::decode(&mut parts.as_slice()).expect("one encoding");
    assert_ok!(Coretime::assign_core(of_broker(), assigned.core, assigned.begin, parts, assigned.end_hint));
}
