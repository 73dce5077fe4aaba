//! How long a voter is willing to wait for its stake, and what its vote weighs for it.
//!
//! | conviction | votes per 10 tokens | lock after the vote's end, in lock periods |
//! |---|---|---|
//! | 0 | 1 | 0 |
//! | 1 | 10 | 1 |
//! | 2 | 20 | 2 |
//! | 3 | 30 | 4 |
//! | 4 | 40 | 8 |
//! | 5 | 50 | 16 |
//! | 6 | 60 | 32 |
//!
//! The figures are those of Polkadot's conviction voting, in tenths so that they are integers.

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use serde_json::Value as Json;
use zkpov_verifier::field::Fr;

use crate::{
    bit::Bit,
    codec::{Decode, Encode, Error, Input},
    constraint::enforce_equal,
    hint,
    integer::to_u128,
    linear::{Linear, weighted_sum},
    state::{Atoms, Fields, Label, Layout, Value},
};

/// Votes that a token gives, in tenths, by conviction.
pub const VOTES: [u64; 7] = [1, 10, 20, 30, 40, 50, 60];

/// Votes, in tenths, of a token at conviction 1.
pub const SIMPLE_VOTES: u64 = 10;

/// Lock periods, by conviction.
pub const PERIODS: [u64; 7] = [0, 1, 2, 4, 8, 16, 32];

/// Bits of a conviction where it is packed.
const BITS: usize = 3;

/// A conviction, from 0 to 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode)]
pub struct Conviction(u8);

impl Conviction {
    /// The conviction of this number; `None` beyond 6.
    pub fn new(number: u8) -> Option<Self> {
        (usize::from(number) < VOTES.len()).then_some(Self(number))
    }

    /// Votes that a token gives, in tenths.
    pub fn votes(self) -> u64 {
        VOTES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// Lock periods.
    pub fn periods(self) -> u64 {
        PERIODS.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

impl Decode for Conviction {
    fn decode<I: Input>(input: &mut I) -> core::result::Result<Self, Error> {
        Self::new(u8::decode(input)?).ok_or_else(|| "a conviction is at most 6".into())
    }
}

impl Value for Conviction {
    type Var = ConvictionVar;

    fn widths() -> Vec<usize> {
        vec![BITS]
    }

    fn elements(&self) -> Vec<Fr> {
        vec![self.0.into()]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [element] => Self::new(to_u128(element)?.try_into().ok()?),
            _ => None,
        }
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        _: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<ConvictionVar> {
        let step =
            |number: usize| hint::bit(cs, label.variable, || Ok(fields.get(0)? == Fr::from(number as u64)));
        ConvictionVar::enforce((0..VOTES.len()).map(step).collect::<Result<_>>()?)
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<ConvictionVar> {
        let number = fields.get(0);
        let step = |step: usize| number.map(|number| Fr::from(number == Fr::from(step as u64)));
        let steps = (0..VOTES.len()).map(|number| atom(1, step(number)).map(Bit::trust));
        ConvictionVar::enforce(steps.collect::<Result<_>>()?)
    }

    fn variables(conviction: &ConvictionVar) -> Vec<FpVar<Fr>> {
        // Sums of seven variables do not fail.
        vec![conviction.weighted(&[0, 1, 2, 3, 4, 5, 6]).unwrap_or(FpVar::Constant(Fr::from(0u64)))]
    }

    fn to_json(&self) -> Json {
        self.0.into()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        Self::new(u8::from_json(json)?).ok_or_else(|| "a conviction is at most 6".into())
    }
}

/// A [`Conviction`] in a circuit: one of seven bits is 1.
#[derive(Clone, Debug)]
pub struct ConvictionVar {
    steps: Vec<Bit>,
}

impl ConvictionVar {
    /// The conviction of which this step is taken: one of them.
    fn enforce(steps: Vec<Bit>) -> Result<Self> {
        let steps = Self { steps };
        // Bits, and few: the sum is one of integers.
        let one = Linear::new(&ConstraintSystemRef::None).plus_constant(Fr::ONE);
        enforce_equal("conviction/one", &steps.weighted(&[1; VOTES.len()])?, one)?;
        Ok(steps)
    }

    /// Votes that a token gives, in tenths. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn votes(&self) -> Result<FpVar<Fr>> {
        self.weighted(&VOTES)
    }

    /// Lock periods. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn periods(&self) -> Result<FpVar<Fr>> {
        self.weighted(&PERIODS)
    }

    fn weighted(&self, weights: &[u64; VOTES.len()]) -> Result<FpVar<Fr>> {
        weighted_sum(
            weights.iter().zip(&self.steps).map(|(weight, step)| (Fr::from(*weight), step.as_field())),
        )
    }
}
