//! Forged executions: complete dishonest witnesses, and the one constraint that refuses each.
//!
//! A forgery is a block that was not executed honestly, with everything that follows from the lie derived
//! as the circuit derives it: roots, body, statement. Each is refused by the constraint named, by no other,
//! and is accepted once that constraint is left out: so the constraint is needed, and the test can fail.

use std::collections::BTreeSet;

use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use zkpov_verifier::{
    babyjubjub::{Point, Scalar},
    body::BODY_DOMAIN,
    field::Fr,
    lane::MAX_LANES,
    poseidon,
};

use super::{
    CallKind, Extrinsic, PlacedCall,
    call::{
        BODY_AMOUNT_SHIFT, BODY_FEE_SHIFT, BODY_RECEIVER_SHIFT, HEADER_EXPIRY_SHIFT, HEADER_FEE_SHIFT,
        HEADER_NONCE_SHIFT, HEADER_SENDER_SHIFT, chain_tag,
    },
    replay::{Plan, SlotWitness, Witness, replay},
    state::{Account, Parameters},
    testing::{BALANCE, DEPOSIT, MINIMUM_FEE, TestChain, key, secret, spec},
};
use crate::{
    integer::{pack, power_of_two, scalar_to_field},
    soundness::{is_satisfied, violated, without},
    state::{ChangeSet, Record, Recorder, State, hash_storages, read_record},
};

/// A block under forgery: what the prover says, before anything is derived from it.
struct Forgery<'a> {
    on: &'a TestChain,
    author: u32,
    author_key: [Fr; 2],
    /// Added to the fees that are honestly due.
    extra_fees: Fr,
    lanes: [Vec<SlotWitness>; 2],
    /// Accounts that the prover takes for something else.
    pretended: Vec<(u32, Vec<Fr>)>,
    /// Claimed used slots, in place of the number of used ones.
    used_slots: Option<[u32; 2]>,
    /// An account that is changed with those that the block opens, and that no access wrote.
    slipped_in: Option<(u32, Vec<Fr>)>,
}

impl<'a> Forgery<'a> {
    /// The block of these calls; receivers are looked up, and a key without account is put at `place`.
    fn of(on: &'a TestChain, calls: &[Extrinsic]) -> Self {
        let mut lanes = [Vec::new(), Vec::new()];
        for call in calls {
            lanes[call.call as usize]
                .push(SlotWitness::of(&PlacedCall { extrinsic: *call, receiver: on.index_of(call) }));
        }
        Self {
            on,
            author: on.context.author,
            author_key: on.context.author_key.coordinates(),
            extra_fees: Fr::ZERO,
            lanes,
            pretended: Vec::new(),
            used_slots: None,
            slipped_in: None,
        }
    }

    fn number(&self) -> Fr {
        Fr::from(self.on.context.parent.number + 1)
    }

    fn fees(&self) -> Fr {
        let due: Fr = self.lanes.iter().flatten().filter(|slot| slot.used).map(|slot| slot.fee).sum();
        due + self.extra_fees
    }

    /// The whole witness that follows.
    fn witness(self) -> Witness {
        let on = self.on;
        let parameters = read_record::<Parameters>(&on.state, 0).expect("memory").expect("genesis").fields();
        let capacities = [0, 1].map(|lane| on.tier().lanes[lane].capacity as usize);
        let mut recorder = Recorder::new(on.chain.layout(), &on.state);
        let storages = recorder.storage_roots().expect("memory");
        for (index, fields) in &self.pretended {
            recorder.pretend::<Account>(*index, fields.clone());
        }
        let plan = Plan {
            parameters: &parameters,
            number: self.number(),
            author: self.author,
            fees: self.fees(),
            capacities,
        };
        let lanes = replay(&mut recorder, &plan, self.lanes.clone()).expect("memory");
        if let Some((index, fields)) = self.slipped_in.clone() {
            let place = Recorder::place(index);
            recorder.write::<Account>(place, fields).expect("memory");
        }
        let after = recorder.storage_roots().expect("memory");
        let openings = recorder.into_openings().expect("places enough");
        let mut used = [0u32; MAX_LANES];
        for (lane, slots) in lanes.iter().enumerate() {
            used[lane] = slots.iter().filter(|slot| slot.used).count() as u32;
        }
        if let Some(claimed) = self.used_slots {
            used[..2].copy_from_slice(&claimed);
        }
        let body: Vec<Fr> = lanes.iter().zip(CallKind::ALL).flat_map(|(l, kind)| body_of(l, kind)).collect();
        let head = [BODY_DOMAIN, Fr::from(on.tier().id.0)];
        let body_root = poseidon::chain(&[&head[..], &used.map(Fr::from), &body].concat());

        let honest = on.execute(&[]).statement;
        let mut statement = honest.elements();
        for (lane, used) in used.into_iter().enumerate() {
            statement[7 + lane] = used.into();
        }
        statement[23] = hash_storages(&storages);
        statement[24] = hash_storages(&after);
        statement[25] = self.number();
        statement[27] = self.author.into();
        statement[28..30].copy_from_slice(&self.author_key);
        statement[30] = body_root;
        Witness {
            public_input: poseidon::chain(&statement),
            statement,
            storages,
            fees: self.fees(),
            lanes,
            openings,
        }
    }

    /// Refused by these constraints, any of which would do, and accepted without them.
    #[track_caller]
    fn refused_by<const N: usize>(self, names: [&'static str; N]) {
        let on = self.on;
        refused_by(on, &self.witness(), names);
    }

    #[track_caller]
    fn refused_only_by(self, name: &'static str) {
        let on = self.on;
        refused_only_by(on, self.witness(), name);
    }
}

#[track_caller]
fn refused_by<const N: usize>(on: &TestChain, witness: &Witness, names: [&'static str; N]) {
    let circuit = |cs| on.chain.circuit(on.tier(), Some(witness), &cs);
    let violations = violated(circuit).expect("a circuit");
    let found: BTreeSet<&str> = violations.iter().map(|violation| violation.name).collect();
    assert_eq!(found, BTreeSet::from(names), "{violations:?}");
    assert!(without(&names, || is_satisfied(circuit)).expect("a circuit"), "still refused without {names:?}");
}

/// Refused by the constraints of this name alone, and accepted without them.
#[track_caller]
fn refused_only_by(on: &TestChain, witness: Witness, name: &'static str) {
    refused_by(on, &witness, [name]);
}

/// The body elements of a lane.
fn body_of(lane: &[SlotWitness], kind: CallKind) -> Vec<Fr> {
    let elements = |slot: &SlotWitness| {
        let packed = pack(&[
            (slot.sender.into(), 0),
            (slot.receiver.into(), BODY_RECEIVER_SHIFT),
            (slot.amount, BODY_AMOUNT_SHIFT),
            (slot.fee, BODY_FEE_SHIFT),
        ]);
        let all = match kind {
            CallKind::Transfer => vec![packed],
            CallKind::Open => vec![packed, slot.receiver_key[0], slot.receiver_key[1]],
        };
        all.into_iter().map(|e| if slot.used { e } else { Fr::ZERO }).collect::<Vec<_>>()
    };
    lane.iter().flat_map(elements).collect()
}

/// `slot`, signed by key number `signer` as the circuit will read it.
fn sign(on: &TestChain, signer: u8, kind: CallKind, mut slot: SlotWitness) -> SlotWitness {
    let header = pack(&[
        (Fr::from(kind as u8), 0),
        (slot.sender.into(), HEADER_SENDER_SHIFT),
        (slot.nonce, HEADER_NONCE_SHIFT),
        (slot.expiry, HEADER_EXPIRY_SHIFT),
        (slot.fee, HEADER_FEE_SHIFT),
    ]);
    let [x, y] = slot.receiver_key;
    let message = poseidon::hash(&[chain_tag(&on.context.identity), header, slot.amount, x, y]);
    let signature = secret(signer).sign(message);
    slot.r8 = [signature.r8.x, signature.r8.y];
    slot.s = scalar_to_field(&signature.s);
    slot
}

/// A chain with one transfer slot and one open slot, four accounts.
fn small() -> TestChain {
    TestChain::new(1, 1, 1, 4)
}

/// A transfer of account 1 to account 2, changed before it is signed.
fn transfer(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    let mut forgery = Forgery::of(on, &[on.call(CallKind::Transfer, 1, 0, 2, 500)]);
    let [slot] = forgery.lanes[0].as_mut_slice() else { unreachable!("one transfer") };
    change(slot);
    *slot = sign(on, 1, CallKind::Transfer, slot.clone());
    forgery
}

/// An account of key number 9, opened by account 1 and changed before it is signed.
fn open(on: &TestChain, change: impl FnOnce(&mut SlotWitness)) -> Forgery<'_> {
    let mut forgery = Forgery::of(on, &[on.call(CallKind::Open, 1, 0, 9, DEPOSIT)]);
    let [slot] = forgery.lanes[1].as_mut_slice() else { unreachable!("one open") };
    change(slot);
    *slot = sign(on, 1, CallKind::Open, slot.clone());
    forgery
}

/// The chain with account `index` changed to what no genesis has.
fn with_account(mut on: TestChain, index: u32, change: impl FnOnce(&mut Account)) -> TestChain {
    let mut account = read_record::<Account>(&on.state, index).expect("memory").expect("an account");
    change(&mut account);
    let changes: ChangeSet = {
        let mut state = State::new(on.chain.layout(), &on.state);
        state.write(index, &account);
        let (root, changes) = state.commit().expect("memory");
        on.context.parent.state_root = root;
        changes
    };
    on.state.extend(changes);
    on
}

#[test]
fn the_honest_block_is_accepted() {
    let on = small();
    let witness = Forgery::of(
        &on,
        &[on.call(CallKind::Transfer, 1, 0, 2, 500), on.call(CallKind::Open, 2, 0, 9, DEPOSIT)],
    )
    .witness();
    assert_eq!(violated(|cs| on.chain.circuit(on.tier(), Some(&witness), &cs)), Ok(vec![]));
    let execution =
        on.execute(&[on.call(CallKind::Transfer, 1, 0, 2, 500), on.call(CallKind::Open, 2, 0, 9, DEPOSIT)]);
    assert_eq!(witness.statement, execution.statement.elements());
}

// Amounts and balances.

#[test]
fn an_overdraft_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.amount = Fr::from(2 * BALANCE))
        .refused_only_by("balances/sender keeps the deposit");
}

#[test]
fn a_sender_left_below_the_existential_deposit_is_refused() {
    let on = small();
    let most = BALANCE - DEPOSIT - u128::from(MINIMUM_FEE + 1);
    transfer(&on, |slot| slot.amount = Fr::from(most + 1))
        .refused_only_by("balances/sender keeps the deposit");
    let on = small();
    let witness = transfer(&on, |slot| slot.amount = Fr::from(most)).witness();
    assert_eq!(is_satisfied(|cs| on.chain.circuit(on.tier(), Some(&witness), &cs)), Ok(true));
}

#[test]
fn a_negative_amount_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.amount = -Fr::from(500u64)).refused_only_by("balances/amount range");
}

#[test]
fn a_receiver_wrapping_at_128_bits_is_refused() {
    let on = with_account(small(), 2, |account| account.balance = u128::MAX - 100);
    transfer(&on, |_| ()).refused_only_by("balances/receiver balance");
}

#[test]
fn an_author_wrapping_at_128_bits_is_refused() {
    let on = with_account(small(), 0, |account| account.balance = u128::MAX);
    transfer(&on, |_| ()).refused_only_by("balances/author balance");
}

#[test]
fn a_balance_borrowed_from_the_nonce_is_refused() {
    let on = with_account(small(), 1, |account| account.nonce = 1);
    // The same leaf: one nonce less, 2^128 more. The amount takes all of it.
    let [x, y] = key(1).coordinates();
    let mut forgery = open(&on, |slot| slot.amount = Fr::from(u128::MAX));
    forgery.pretended.push((1, vec![x, y, Fr::from(BALANCE) + power_of_two(128), Fr::ZERO, Fr::ZERO]));
    forgery.refused_only_by("account/balance");
}

#[test]
fn an_account_opened_below_the_deposit_is_refused() {
    let on = small();
    open(&on, |slot| slot.amount = Fr::from(DEPOSIT - 1)).refused_only_by("balances/opened with the deposit");
}

// Fees and issuance.

#[test]
fn a_fee_below_the_minimum_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.fee = Fr::from(MINIMUM_FEE - 1)).refused_only_by("balances/minimum fee");
}

#[test]
fn a_negative_fee_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.fee = -Fr::from(5u64))
        .refused_by(["balances/fee range", "balances/minimum fee"]);
}

#[test]
fn a_fee_beyond_64_bits_is_refused() {
    let on = with_account(small(), 1, |account| account.balance = 1 << 65);
    transfer(&on, |slot| slot.fee = power_of_two(64)).refused_only_by("balances/fee range");
}

#[test]
fn fees_that_nobody_paid_are_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.extra_fees = Fr::from(1u64);
    forgery.refused_only_by("balances/fees");
}

#[test]
fn fees_that_are_burnt_are_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.extra_fees = -Fr::from(1u64);
    forgery.refused_only_by("balances/fees");
}

#[test]
fn fees_to_another_account_than_the_authors_are_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.author = 1;
    forgery.refused_by(["balances/author key", "balances/author permitted"]);
    let on = TestChain::with_spec(1, 1, 1, &spec(4, false));
    let mut forgery = transfer(&on, |_| ());
    forgery.author = 1;
    forgery.refused_only_by("balances/author key");
}

#[test]
fn balances_slipped_into_a_write_are_refused() {
    let on = small();
    let mut forgery = open(&on, |_| ());
    let [x, y] = key(3).coordinates();
    forgery.slipped_in = Some((3, vec![x, y, Fr::from(2 * BALANCE), Fr::ZERO, Fr::ZERO]));
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_receiver_whose_key_is_changed_is_refused() {
    let on = small();
    let mut forgery = open(&on, |_| ());
    let [x, y] = key(1).coordinates();
    forgery.slipped_in = Some((2, vec![x, y, Fr::from(BALANCE), Fr::ZERO, Fr::ZERO]));
    forgery.refused_only_by("state/memory");
}

// Nonces and expiry.

#[test]
fn a_replayed_nonce_is_refused() {
    let on = with_account(small(), 1, |account| account.nonce = 1);
    transfer(&on, |slot| slot.nonce = Fr::from(0u64)).refused_only_by("balances/nonce");
}

#[test]
fn a_skipped_nonce_is_refused() {
    let on = small();
    transfer(&on, |slot| slot.nonce = Fr::from(1u64)).refused_only_by("balances/nonce");
}

#[test]
fn a_nonce_after_the_last_is_refused() {
    let on = with_account(small(), 1, |account| account.nonce = u32::MAX);
    transfer(&on, |slot| slot.nonce = Fr::from(u32::MAX)).refused_only_by("balances/nonce is not the last");
}

#[test]
fn a_nonce_borrowed_from_the_author_flag_is_refused() {
    let on = with_account(small(), 1, |account| account.may_author = true);
    let [x, y] = key(1).coordinates();
    let lent = power_of_two(32);
    let mut forgery = transfer(&on, |slot| slot.nonce = lent);
    forgery.pretended.push((1, vec![x, y, Fr::from(BALANCE), lent, Fr::ZERO]));
    forgery.refused_only_by("account/nonce");
}

#[test]
fn an_expired_call_is_refused() {
    let mut on = small();
    on.context.parent.number = 9;
    transfer(&on, |slot| slot.expiry = Fr::from(9u64)).refused_only_by("balances/expiry");
    let on = on;
    let witness = transfer(&on, |slot| slot.expiry = Fr::from(10u64)).witness();
    assert_eq!(is_satisfied(|cs| on.chain.circuit(on.tier(), Some(&witness), &cs)), Ok(true));
}

/// The header packs the expiry below the fee: 2^32 more of the one is 1 more of the other, which is the
/// same message, so that an old signature would come back to life.
#[test]
fn an_expiry_borrowed_from_the_fee_is_refused() {
    let mut on = small();
    on.context.parent.number = 9;
    let mut forgery = transfer(&on, |slot| slot.expiry = Fr::from(5u64));
    let slot = &mut forgery.lanes[0][0];
    slot.expiry += power_of_two(32);
    slot.fee -= Fr::from(1u64);
    forgery.refused_only_by("balances/expiry range");
}

// Signatures and keys.

#[test]
fn another_chains_signature_is_refused() {
    let on = small();
    for change in [0, 1, 2] {
        let mut other = small();
        match change {
            0 => other.context.identity.para_id += 1,
            1 => other.context.identity.genesis_hash[31] ^= 1,
            _ => other.context.identity.transaction_version += 1,
        }
        let theirs = other.call(CallKind::Transfer, 1, 0, 2, 500);
        Forgery::of(&on, &[theirs]).refused_only_by("eddsa/equation");
    }
}

#[test]
fn another_signer_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    let slot = &mut forgery.lanes[0][0];
    *slot = sign(&on, 3, CallKind::Transfer, slot.clone());
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_signature_for_another_receiver_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.lanes[0][0].receiver = 3;
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn a_signature_for_another_call_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    let slot = &mut forgery.lanes[0][0];
    *slot = sign(&on, 1, CallKind::Open, slot.clone());
    forgery.refused_only_by("eddsa/equation");
}

#[test]
fn every_signed_term_is_bound_by_the_signature() {
    let on = small();
    let changes: [fn(&mut SlotWitness); 3] =
        [|slot| slot.amount += Fr::ONE, |slot| slot.fee += Fr::ONE, |slot| slot.expiry += Fr::ONE];
    for change in changes {
        let mut forgery = transfer(&on, |_| ());
        change(&mut forgery.lanes[0][0]);
        forgery.refused_only_by("eddsa/equation");
    }
}

#[test]
fn a_response_not_below_the_order_is_refused() {
    let on = small();
    let order = Fr::from_bigint(Scalar::MODULUS).expect("below the field's modulus");
    // Where response and order together have no more bits than a response has, only the comparison objects.
    let forgery = (0..64u64).find_map(|more| {
        let mut forgery = transfer(&on, |slot| slot.amount += Fr::from(more));
        let s = &mut forgery.lanes[0][0].s;
        *s += order;
        (s.into_bigint().num_bits() <= Scalar::MODULUS_BIT_SIZE).then_some(forgery)
    });
    forgery.expect("every third signature").refused_only_by("eddsa/s_below_order");
}

#[test]
fn keys_off_the_curve_are_refused() {
    let on = small();
    open(&on, |slot| slot.receiver_key[0] += Fr::ONE).refused_by(["key/on_curve", "key/prime_subgroup"]);
}

#[test]
fn keys_of_low_order_are_refused() {
    let on = small();
    // (0, -1), of order 2: 8 times nothing.
    open(&on, |slot| slot.receiver_key = [Fr::ZERO, -Fr::ONE])
        .refused_by(["key/identity", "key/prime_subgroup"]);
    // (1, 0)/sqrt(a) is of order 4; a point with a part of order 4 is no multiple of 8 either.
    let point = Point { x: key(9).coordinates()[0], y: key(9).coordinates()[1] };
    let twisted = point.add(&Point { x: Fr::ZERO, y: -Fr::ONE });
    open(&on, |slot| slot.receiver_key = [twisted.x, twisted.y]).refused_only_by("key/prime_subgroup");
}

#[test]
fn the_identity_is_no_key() {
    let on = small();
    open(&on, |slot| slot.receiver_key = [Fr::ZERO, Fr::ONE]).refused_only_by("key/identity");
}

// Places.

#[test]
fn a_transfer_to_oneself_is_refused() {
    let on = small();
    let forgery = transfer(&on, |slot| {
        slot.receiver = 1;
        slot.receiver_key = key(1).coordinates();
    });
    forgery.refused_only_by("balances/sender is not receiver");
}

#[test]
fn opening_an_occupied_place_is_refused() {
    let on = small();
    open(&on, |slot| slot.receiver = 3).refused_only_by("state/memory");
}

#[test]
fn an_invented_account_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    let [x, y] = key(9).coordinates();
    forgery.pretended.push((6, vec![x, y, Fr::from(BALANCE), Fr::ZERO, Fr::ZERO]));
    forgery.lanes[0][0].sender = 6;
    let slot = &mut forgery.lanes[0][0];
    *slot = sign(&on, 9, CallKind::Transfer, slot.clone());
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_richer_account_than_the_state_has_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    let [x, y] = key(1).coordinates();
    forgery.pretended.push((1, vec![x, y, Fr::from(2 * BALANCE), Fr::ZERO, Fr::ZERO]));
    forgery.refused_only_by("state/memory");
}

// Slots.

/// A chain with two transfer slots.
fn two_slots() -> TestChain {
    TestChain::new(1, 2, 1, 4)
}

#[test]
fn an_unused_slot_that_writes_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.lanes[0][0].used = false;
    forgery.refused_only_by("state/memory");
}

#[test]
fn a_no_op_before_a_call_is_refused() {
    let on = two_slots();
    let mut forgery = transfer(&on, |_| ());
    let mut empty = forgery.lanes[0][0].clone();
    empty.used = false;
    empty.executed = false;
    forgery.lanes[0].insert(0, empty);
    forgery.refused_only_by("lane/no-ops last");
}

#[test]
fn more_used_slots_than_there_are_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.used_slots = Some([2, 0]);
    forgery.refused_only_by("lane/used slots");
}

#[test]
fn a_slot_that_executes_uncounted_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.used_slots = Some([0, 0]);
    forgery.refused_only_by("lane/used slots");
}

// Author and statement.

#[test]
fn another_author_key_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.author_key = key(3).coordinates();
    forgery.refused_only_by("balances/author key");
}

#[test]
fn an_unpermitted_author_is_refused() {
    let on = small();
    let mut forgery = transfer(&on, |_| ());
    forgery.author = 3;
    forgery.author_key = key(3).coordinates();
    forgery.refused_only_by("balances/author permitted");
}

#[test]
fn an_author_beyond_the_last_place_is_refused() {
    let on = small();
    let mut witness = transfer(&on, |_| ()).witness();
    // The same place by its low bits.
    witness.statement[27] += power_of_two(3);
    witness.public_input = poseidon::chain(&witness.statement);
    refused_only_by(&on, witness, "balances/author index");
}

#[test]
fn another_state_before_or_after_the_block_is_refused() {
    for (place, name) in [(23, "block/parent state root"), (24, "block/state root"), (30, "block/body root")]
    {
        let on = small();
        let mut witness = transfer(&on, |_| ()).witness();
        witness.statement[place] += Fr::ONE;
        witness.public_input = poseidon::chain(&witness.statement);
        refused_only_by(&on, witness, name);
    }
}

#[test]
fn another_statement_than_the_verifiers_is_refused() {
    let on = small();
    let witness = transfer(&on, |_| ()).witness();
    for place in 0..witness.statement.len() {
        let mut verifiers = witness.statement;
        verifiers[place] += Fr::ONE;
        let lied = Witness { public_input: poseidon::chain(&verifiers), ..witness.clone() };
        refused_only_by(&on, lied, "statement/digest");
    }
}
