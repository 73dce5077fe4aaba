//! Who authors when: seats that take turns by the relay parent's number.
//!
//! ```text
//!   relay parent   0 … turn-1 │ turn … 2·turn-1 │ …    turn: relay blocks of one seat
//!   seat                0     │        1        │ …    after seat count-1, seat 0 again
//! ```
//!
//! Beside the permission of an account to author ([`super::account::Parameters::permissioned_authors`]): where authors take turns,
//! a block's author is the account whose seat's turn it is at the block's relay parent. The chain spec says whether they do,
//! and how long a turn is; governance gives and takes seats.
//!
//! **Why a relay parent's number has one seat.** It is `(round · count + seat) · turn + offset` with seat < count and
//! offset < turn. A round is below 2^32, a count at most [`SEATS`], a turn below 2^16: no product comes near the field's order, so
//! this is an equation of integers, and division with remainder has one result. A turn or count of 0 would leave no
//! offset or seat below it, so nobody could author.

use ark_bn254::Fr;
use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use serde_json::Value as Json;

use super::account::INDEX_BITS;
use crate::{
    bit::Bit,
    codec::{Decode, Encode},
    constraint::{self, product},
    gadgets::range::{U32, Uint},
    hint,
    integer::to_u128,
    linear::{Linear, sum, weighted_sum},
    namespace, record,
    state::{Atoms, Fields, Label, Layout, Value},
};

/// Storage of the [`Authors`].
pub const AUTHORS: u8 = 2;

/// Seats that there can be.
pub const SEATS: usize = 8;

/// The place of an account that has a seat. It need not be there: then nobody authors in its turns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Seat(pub u32);

impl Value for Seat {
    type Var = Uint<INDEX_BITS>;

    fn widths() -> Vec<usize> {
        vec![INDEX_BITS]
    }

    fn elements(&self) -> Vec<Fr> {
        vec![self.0.into()]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        let number = u32::from_elements(elements)?;
        (number >> INDEX_BITS == 0).then_some(Self(number))
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        _: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<Uint<INDEX_BITS>> {
        Uint::enforce(label.range, &hint::field(cs, label.variable, || fields.get(0))?)
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Uint<INDEX_BITS>> {
        atom(INDEX_BITS, fields.get(0)).map(Uint::trust)
    }

    fn variables(seat: &Uint<INDEX_BITS>) -> Vec<FpVar<Fr>> {
        vec![seat.as_field().clone()]
    }

    fn to_json(&self) -> Json {
        self.0.into()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let seat = Self(u32::from_json(json)?);
        Self::from_elements(&seat.elements()).ok_or_else(|| format!("{} is no place of an account", seat.0))
    }
}

record! {
    /// The seats and how they take turns.
    #[derive(Copy, Eq)]
    pub struct Authors / AuthorsVar ("authors", "the authors") in AUTHORS; {
        /// Whether authors take turns; if not, the rest says nothing.
        rotating: bool,
        /// Relay blocks of one seat's turn, at least 1.
        turn: u16,
        /// How many seats there are, 1 to [`SEATS`].
        count: u8,
        /// Who has them, in the order of turns. What is beyond the count says nothing.
        seats: [Seat; SEATS],
    }
}

impl Authors {
    /// Of a chain whose authors take no turns.
    pub const NO_TURNS: Self = Self { rotating: false, turn: 1, count: 1, seats: [Seat(0); SEATS] };

    /// Whose turn it is at this relay parent.
    pub fn on_turn(&self, relay_parent: u32) -> Option<u32> {
        let seat = relay_parent.checked_div(self.turn.into())?.checked_rem(self.count.into())?;
        self.seats.get(usize::try_from(seat).ok()?).map(|seat| seat.0)
    }

    /// Who has a seat, by [`mark`]; 0 beyond the count.
    pub fn roster(&self) -> [u32; SEATS] {
        let mut roster = [0; SEATS];
        let there = self.seats.iter().take(self.count.into());
        for (place, seat) in roster.iter_mut().zip(there) {
            *place = mark(seat.0);
        }
        roster
    }

    /// The first relay parent, from this one on, of a turn of `account`; `None` if it has no seat, or no turn before the
    /// last relay parent.
    pub fn next_turn(&self, account: u32, relay_parent: u32) -> Option<u32> {
        if self.on_turn(relay_parent)? == account {
            return Some(relay_parent);
        }
        let turn = u32::from(self.turn);
        let begins = |turns: u32| relay_parent.checked_div(turn)?.checked_add(turns)?.checked_mul(turn);
        (1..=u32::from(self.count)).filter_map(begins).find(|begin| self.on_turn(*begin) == Some(account))
    }
}

/// An account where 0 stands for none: its place, plus 1.
pub const fn mark(account: u32) -> u32 {
    // A place has 24 bits.
    account.saturating_add(1)
}

/// The one of `choices` that is 1, as bits of the prover's choice: `number` natively.
pub fn choose(
    cs: &ConstraintSystemRef<Fr>,
    name: &'static str,
    number: impl Fn() -> Result<Option<usize>>,
) -> Result<Vec<Bit>> {
    (0..SEATS).map(|seat| hint::bit(cs, name, || Ok(number()? == Some(seat)))).collect()
}

/// The number of the seat that these bits choose.
pub fn chosen_number(bits: &[Bit]) -> Result<FpVar<Fr>> {
    weighted_sum((0u64..).zip(bits).map(|(seat, bit)| (Fr::from(seat), bit.as_field())))
}

impl AuthorsVar {
    /// Who has the seat that these bits choose; 0 if they choose none.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn chosen(&self, bits: &[Bit]) -> Result<FpVar<Fr>> {
        let seats = self.seats.iter().zip(bits).map(|(seat, bit)| product(seat.as_field(), bit.as_field()));
        sum(seats.collect::<Result<Vec<_>>>()?.iter())
    }

    /// Who has a seat, by [`mark`]; 0 beyond the count.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn roster(&self, cs: &ConstraintSystemRef<Fr>) -> Result<[FpVar<Fr>; SEATS]> {
        let _namespace = namespace::enter(cs, "roster");
        let last = choose(cs, "last seat", || {
            Ok(self.count.value()?.checked_sub(1).and_then(|last| usize::try_from(last).ok()))
        })?;
        let one = FpVar::Constant(Fr::ONE);
        // Bits, and few: the sums are of integers.
        let chosen = sum(last.iter().map(Bit::as_field))?;
        constraint::enforce_equal("authors/one last seat", &chosen, Linear::of(&one))?;
        let count = sum([&chosen_number(&last)?, &one])?;
        constraint::enforce_equal("authors/last seat", &count, Linear::of(self.count.as_field()))?;
        let mut roster = std::array::from_fn(|_| FpVar::Constant(Fr::from(0u64)));
        for (number, (mark, seat)) in roster.iter_mut().zip(&self.seats).enumerate() {
            // The last seat is this one or a later one.
            let there = sum(last.iter().skip(number).map(Bit::as_field))?;
            *mark = product(&there, Linear::of(seat.as_field()).plus_constant(Fr::ONE))?;
        }
        Ok(roster)
    }

    /// Whose turn it is at this relay parent.
    ///
    /// # Errors
    ///
    /// Natively, [`SynthesisError::Unsatisfiable`] if it is nobody's.
    pub fn on_turn(&self, cs: &ConstraintSystemRef<Fr>, relay_parent: &FpVar<Fr>) -> Result<FpVar<Fr>> {
        let _namespace = namespace::enter(cs, "turn");
        let divided = || -> Result<[u128; 3]> {
            use ark_r1cs_std::GR1CSVar;
            let (turn, count) = (self.turn.value()?, self.count.value()?);
            let relay_parent = to_u128(&relay_parent.value()?).unwrap_or_default();
            let turns = relay_parent.checked_div(turn).unwrap_or_default();
            let [round, seat] =
                [turns.checked_div(count), turns.checked_rem(count)].map(Option::unwrap_or_default);
            Ok([round, seat, relay_parent.checked_rem(turn).unwrap_or_default()])
        };
        let number = |value: Result<[u128; 3]>, part: usize| {
            value?.get(part).copied().ok_or(SynthesisError::ArityMismatch)
        };
        let round = hint::field(cs, "round", || Ok(number(divided(), 0)?.into()))?;
        let round = U32::enforce("authors/round", &round)?;
        let offset = hint::field(cs, "offset", || Ok(number(divided(), 2)?.into()))?;
        let offset = Uint::<OFFSET_BITS>::enforce("authors/offset range", &offset)?;
        let seat = choose(cs, "seat", || Ok(usize::try_from(number(divided(), 1)?).ok()))?;
        let one = FpVar::Constant(Fr::ONE);
        // Bits, and few: the sum is one of integers.
        constraint::enforce_equal(
            "authors/one seat",
            &sum(seat.iter().map(Bit::as_field))?,
            Linear::of(&one),
        )?;
        let chosen = chosen_number(&seat)?;

        // Below 2^16 + 1.
        let after = Uint::<17>::trust(sum([offset.as_field(), &one])?);
        after.enforce_at_most("authors/offset in the turn", &self.turn.widen()?)?;
        let after = Uint::<8>::trust(sum([&chosen, &one])?);
        after.enforce_at_most("authors/seat is there", &self.count)?;
        let turns = sum([&product(round.as_field(), self.count.as_field())?, &chosen])?;
        let begun = Linear::of(relay_parent).plus(-Fr::ONE, offset.as_field());
        constraint::enforce_product("authors/turn at the relay parent", &turns, self.turn.as_field(), begun)?;
        self.chosen(&seat)
    }
}

/// Bits of a relay block's place in a turn.
const OFFSET_BITS: usize = u16::BITS as usize;

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Authors {
        let mut seats = [Seat(0); SEATS];
        seats[..4].copy_from_slice(&[Seat(7), Seat(3), Seat(9), Seat(5)]);
        Authors { rotating: true, turn: 10, count: 3, seats }
    }

    #[test]
    fn seats_take_turns() {
        let authors = three();
        let found = [0, 9, 10, 25, 30, 39].map(|relay_parent| authors.on_turn(relay_parent));
        assert_eq!(found, [7, 7, 3, 9, 7, 7].map(Some));
        assert_eq!(authors.on_turn(u32::MAX), Some(3));
    }

    #[test]
    fn a_seats_next_turn_is_now_or_begins_later() {
        let authors = three();
        assert_eq!(authors.next_turn(3, 12), Some(12));
        assert_eq!(authors.next_turn(7, 12), Some(30));
        assert_eq!(authors.next_turn(9, 12), Some(20));
        assert_eq!(authors.next_turn(5, 12), None, "beyond the count");
        assert_eq!(authors.next_turn(9, u32::MAX - 5), None, "no relay parent after the last");
    }
}
