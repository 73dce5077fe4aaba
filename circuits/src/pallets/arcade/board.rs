//! The board: discs of the two players, where a disc falls, and whether it makes four in a row.
//!
//! ```text
//!   row 5 │ 5 11 17 23 29 35 41        a column fills from below, so the place above its topmost disc is where
//!         │ …                          (below) - (own) is 1: a disc falls by 42 products of that and the column
//!   row 0 │ 0  6 12 18 24 30 36
//!         └─────────────────────       four in a row: only in the four lines through the new disc
//!   column  0  1  2  3  4  5  6
//! ```
//!
//! **Four in a row.** Before the move nobody had four in a row, or the game would be over, so a new line contains the new disc.
//! There are 7 columns, 6 rows and 2 · 6 diagonals of four places and more; the disc lies in at most one of each direction. That one
//! is selected as an integer with a bit for each place (a product for each line), taken apart again, and looked
//! through: pairs of neighbours, and pairs of pairs. 88 constraints, where products over all 69 lines of four
//! places take 188 (`tests` has both, and finds the same).

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use codec::{Decode, Encode};
use serde_json::Value as Json;
use zkpov_verifier::field::Fr;

use crate::{
    bit::Bit,
    constraint::{enforce_equal, product},
    gadgets::range::{self, Uint},
    hint,
    integer::{power_of_two, to_u128},
    linear::{self, Linear},
    state::{Atoms, Fields, Label, Layout, Value, assume_bits},
};

/// Columns of a board.
pub const COLUMNS: usize = 7;

/// Rows of a board.
pub const ROWS: usize = 6;

/// Places of a board.
pub const PLACES: usize = COLUMNS * ROWS;

/// Discs in a row that win.
pub const LINE: usize = 4;

/// The place in a column and a row, from the left and from below.
pub const fn place(column: usize, row: usize) -> usize {
    ROWS * column + row
}

/// Where one player's discs are: bit [`place`] of column and row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Board(u64);

impl Board {
    /// The board with these bits; `None` if there is one beyond the last place.
    pub fn new(bits: u64) -> Option<Self> {
        (bits >> PLACES == 0).then_some(Self(bits))
    }

    /// The bits.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Whether a disc is in this column and row.
    pub fn has(self, column: usize, row: usize) -> bool {
        self.0 >> place(column, row) & 1 == 1
    }

    /// How many discs there are.
    pub fn discs(self) -> u32 {
        self.0.count_ones()
    }
}

impl Encode for Board {
    fn encode_to<T: codec::Output + ?Sized>(&self, output: &mut T) {
        self.0.encode_to(output);
    }
}

impl Decode for Board {
    fn decode<I: codec::Input>(input: &mut I) -> core::result::Result<Self, codec::Error> {
        Self::new(u64::decode(input)?).ok_or_else(|| "a disc beyond the last place".into())
    }
}

/// A [`Board`] in a circuit.
#[derive(Clone, Debug)]
pub struct BoardVar {
    value: FpVar<Fr>,
    places: Vec<Bit>,
}

impl BoardVar {
    /// The board without a disc.
    pub fn empty() -> Self {
        let nothing = Bit::constant(false);
        Self { value: nothing.as_field().clone(), places: vec![nothing; PLACES] }
    }

    /// Whether there is a disc, place by place.
    pub fn places(&self) -> &[Bit] {
        &self.places
    }

    /// The board with the discs of `other` added, which are at places where this has none. No constraint.
    fn with(&self, other: &[FpVar<Fr>]) -> Result<Self> {
        let places = self.places.iter().zip(other);
        let places = places
            .map(|(disc, new)| Ok(Bit::trust(linear::sum([disc.as_field(), new])?)))
            .collect::<Result<Vec<Bit>>>()?;
        Ok(Self { value: range::from_bits(&places)?, places })
    }
}

impl Value for Board {
    type Var = BoardVar;

    fn widths() -> Vec<usize> {
        vec![PLACES]
    }

    fn elements(&self) -> Vec<Fr> {
        vec![Fr::from(self.0)]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [element] => Self::new(to_u128(element)?.try_into().ok()?),
            _ => None,
        }
    }

    fn hint(cs: &ConstraintSystemRef<Fr>, _: &Layout, label: Label, fields: Fields<'_>) -> Result<BoardVar> {
        let value = hint::field(cs, label.variable, || fields.get(0))?;
        let places = range::bits(label.range, &value, PLACES)?;
        Ok(BoardVar { value, places })
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<BoardVar> {
        let places = assume_bits(&fields.get(0), PLACES, atom)?;
        Ok(BoardVar { value: range::from_bits(&places)?, places })
    }

    fn variables(board: &BoardVar) -> Vec<FpVar<Fr>> {
        vec![board.value.clone()]
    }

    fn to_json(&self) -> Json {
        self.0.into()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let bits = json.as_u64().ok_or_else(|| format!("{json} is not a natural number"))?;
        Self::new(bits).ok_or_else(|| format!("{bits} has a disc beyond place {}", PLACES - 1))
    }
}

/// A move: the mover's board after it, and where the new disc is.
pub(super) struct Dropped {
    /// The mover's discs, the new one among them.
    pub(super) discs: BoardVar,
    /// 1 where the new disc is.
    new: Vec<FpVar<Fr>>,
}

/// Drops a disc of `mover` into `column`, which must not be full.
pub(super) fn drop_disc(
    cs: &ConstraintSystemRef<Fr>,
    mover: &BoardVar,
    other: &BoardVar,
    column: &Uint<8>,
) -> Result<Dropped> {
    let is_column = |i: usize| hint::bit(cs, "column", || Ok(column.value()? == i as u128));
    let chosen = (0..COLUMNS).map(is_column).collect::<Result<Vec<Bit>>>()?;
    let one = || Linear::new(cs).plus_constant(Fr::ONE);
    // One column, and it is the one signed.
    enforce_equal("arcade/one column", &linear::sum(chosen.iter().map(Bit::as_field))?, one())?;
    let numbered = (0u64..).zip(&chosen).map(|(i, bit)| (Fr::from(i), bit.as_field()));
    enforce_equal("arcade/column", &linear::weighted_sum(numbered)?, column.as_field())?;

    let mut new = Vec::with_capacity(PLACES);
    for (i, chosen) in chosen.iter().enumerate() {
        // Columns fill from below: 1 at the lowest empty place, 0 elsewhere. A full column has none.
        let mut below = one();
        for row in 0..ROWS {
            let taken = occupied(mover, other, place(i, row))?;
            let mut lowest = below;
            lowest.add_linear(-Fr::ONE, &taken);
            new.push(product(lowest, chosen.as_field())?);
            below = taken;
        }
    }
    enforce_equal("arcade/column is not full", &linear::sum(&new)?, one())?;
    Ok(Dropped { discs: mover.with(&new)?, new })
}

/// Whether either player has a disc at a place: no two discs share one.
fn occupied(mover: &BoardVar, other: &BoardVar, at: usize) -> Result<Linear> {
    match (mover.places.get(at), other.places.get(at)) {
        (Some(a), Some(b)) => Ok(Linear::of(a.as_field()).plus(Fr::ONE, b.as_field())),
        _ => Err(SynthesisError::ArityMismatch),
    }
}

/// Whether all places are taken. Three constraints.
pub(super) fn is_full(a: &BoardVar, b: &BoardVar) -> Result<Bit> {
    let taken = linear::sum(a.places.iter().chain(&b.places).map(Bit::as_field))?;
    range::is_zero(&Linear::of(&taken).plus_constant(-Fr::from(PLACES as u64)).finish()?)
}

impl Dropped {
    /// Whether the new disc makes [`LINE`] in a row of the mover's.
    pub(super) fn wins(&self) -> Result<Bit> {
        let mut fours = Linear::new(&ConstraintSystemRef::None);
        for direction in directions() {
            for four in self.fours(&direction)? {
                fours.add(Fr::ONE, &four);
            }
        }
        range::is_zero(&fours.finish()?)?.not()
    }

    /// For each four neighbouring places of the line of this direction that the new disc is in, whether all have discs.
    fn fours(&self, lines: &[Vec<usize>]) -> Result<Vec<FpVar<Fr>>> {
        let places = self.discs.places();
        let mut selected = Linear::new(&ConstraintSystemRef::None);
        for line in lines {
            let at = |place: &usize| self.new.get(*place).ok_or(SynthesisError::ArityMismatch);
            let has_new = linear::sum(line.iter().map(at).collect::<Result<Vec<_>>>()?)?;
            let mut packed = Linear::new(&ConstraintSystemRef::None);
            for (bit, place) in (0u32..).zip(line) {
                let disc = places.get(*place).ok_or(SynthesisError::ArityMismatch)?;
                packed.add(power_of_two(bit), disc.as_field());
            }
            selected.add(Fr::ONE, &product(&has_new, packed)?);
        }
        // At most one line is selected, so the sum has that line's bits.
        let longest = lines.iter().map(Vec::len).max().unwrap_or_default();
        let bits = range::bits("arcade/line", &selected.finish()?, longest)?;
        runs(&bits)
    }
}

/// For each [`LINE`] neighbours among `bits`, whether all are 1.
pub(super) fn runs(bits: &[Bit]) -> Result<Vec<FpVar<Fr>>> {
    let neighbours = bits.windows(2).map(|pair| match pair {
        [a, b] => a.and(b),
        _ => Err(SynthesisError::ArityMismatch),
    });
    let pairs = neighbours.collect::<Result<Vec<Bit>>>()?;
    let fours = pairs.windows(LINE - 1).map(|three| match three {
        [first, _, last] => Ok(first.and(last)?.as_field().clone()),
        _ => Err(SynthesisError::ArityMismatch),
    });
    fours.collect()
}

/// The lines of at least [`LINE`] places in each direction: columns, rows, rising and falling diagonals.
pub(super) fn directions() -> [Vec<Vec<usize>>; 4] {
    let mut directions = [const { Vec::new() }; 4];
    let by: [fn(usize, usize) -> usize; 4] =
        [|column, _| column, |_, row| row, |column, row| column + ROWS - row, |column, row| column + row];
    for (lines, line_of) in directions.iter_mut().zip(by) {
        // No line has a higher number than columns and rows together.
        let numbered = (0..=COLUMNS + ROWS).map(|line| {
            (0..PLACES).filter(|at| line_of(at / ROWS, at % ROWS) == line).collect::<Vec<usize>>()
        });
        *lines = numbered.filter(|line| line.len() >= LINE).collect();
    }
    directions
}
