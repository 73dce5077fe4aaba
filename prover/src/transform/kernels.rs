//! The steps of a pass, each a kernel of its own, so that each is compiled once for a backend.
//!
//! A kernel here holds vectors of the backend it was made with, and is run by that one alone.

use ark_bn254::Fr;
use core::marker::PhantomData;

use super::Panel;
use super::networks::{Factors, Network, Values};
use crate::vector::{Backend, Kernel, Reduced, Row};

/// The rows in memory of a vector whose elements lie side by side.
#[inline(always)]
fn side_by_side<B: Backend>(values: &[Fr], offset: usize) -> Option<B::Each<&Row>> {
    let values = values.get(offset..offset + B::LANES)?;
    Some(B::each(|lane| &values[lane].0.0))
}

/// Reads as many columns as a vector has lanes, of a panel.
pub(super) struct LoadColumns<'a, 'b, B: Backend> {
    pub(super) backend: B,
    pub(super) column: &'a mut Vec<Values<B>>,
    pub(super) panel: &'a Panel<'b>,
    pub(super) offset: usize,
}

impl<O: Backend> Kernel for LoadColumns<'_, '_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        self.column.clear();
        for row in self.panel {
            if let Some(rows) = side_by_side::<O>(row, self.offset) {
                self.column.push(Reduced::load(self.backend, rows).into());
            }
        }
    }
}

/// Writes as many columns as a vector has lanes, of a panel.
pub(super) struct StoreColumns<'a, 'b, B: Backend> {
    pub(super) column: &'a [Values<B>],
    pub(super) panel: &'a mut Panel<'b>,
    pub(super) offset: usize,
}

impl<O: Backend> Kernel for StoreColumns<'_, '_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        for (row, values) in self.panel.iter_mut().zip(self.column) {
            let places = row.iter_mut().skip(self.offset);
            for (place, value) in places.zip(values.store()) {
                place.0.0 = value;
            }
        }
    }
}

/// Reads a row for each lane, side by side in `rows`, and multiplies by a factor for each value.
pub(super) struct LoadRows<'a, B: Backend> {
    pub(super) backend: B,
    pub(super) column: &'a mut Vec<Values<B>>,
    pub(super) factors: &'a [Values<B>],
    pub(super) rows: &'a [Fr],
    pub(super) columns: usize,
}

impl<O: Backend> Kernel for LoadRows<'_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        self.column.clear();
        let Some(rows) = slices::<O>(self.rows, self.columns) else { return };
        for (j, factors) in self.factors.iter().enumerate().take(self.columns) {
            let values = Reduced::load(self.backend, O::each(|lane| &rows.as_ref()[lane][j].0.0));
            self.column.push(values.mul(*factors).into());
        }
    }
}

/// The rows of a group, each of `columns` values.
#[inline(always)]
fn slices<B: Backend>(rows: &[Fr], columns: usize) -> Option<B::Each<&[Fr]>> {
    let rows = rows.get(..B::LANES * columns)?;
    Some(B::each(|lane| &rows[lane * columns..(lane + 1) * columns]))
}

/// Multiplies by a factor for each value and writes a row for each lane.
pub(super) struct StoreRows<'a, B: Backend> {
    pub(super) column: &'a [Values<B>],
    pub(super) factors: &'a [Values<B>],
    pub(super) rows: &'a mut [Fr],
    pub(super) columns: usize,
}

impl<O: Backend> Kernel for StoreRows<'_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        for (j, (values, factors)) in self.column.iter().zip(self.factors).enumerate() {
            let values = values.mul(*factors).store();
            let places = self.rows.iter_mut().skip(j).step_by(self.columns);
            for (place, value) in places.zip(values) {
                place.0.0 = value;
            }
        }
    }
}

/// A transform of each lane.
pub(super) struct Run<'a, B: Backend, N> {
    pub(super) network: &'a N,
    pub(super) column: &'a mut [Values<B>],
    pub(super) backend: PhantomData<B>,
}

impl<O: Backend, N: Network<O>> Kernel for Run<'_, O, N> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        self.network.run(self.column);
    }
}

/// A product, in place.
pub(super) struct Multiply<'a, B: Backend> {
    pub(super) column: &'a mut [Values<B>],
    pub(super) by: &'a [Values<B>],
}

impl<O: Backend> Kernel for Multiply<'_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        for (value, by) in self.column.iter_mut().zip(self.by) {
            *value = value.mul(*by).into();
        }
    }
}

/// A difference times a factor, in place.
pub(super) struct Subtract<'a, B: Backend> {
    pub(super) column: &'a mut [Values<B>],
    pub(super) minus: &'a [Values<B>],
    pub(super) factor: Factors<B>,
}

impl<O: Backend> Kernel for Subtract<'_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        for (value, minus) in self.column.iter_mut().zip(self.minus) {
            *value = value.reduce().sub(minus.reduce()).mul(self.factor).into();
        }
    }
}

/// `first` · `root`^(2 j) for 0 <= j < `count`, a power of two, in each lane.
pub(super) struct Powers<'a, B: Backend> {
    pub(super) backend: B,
    pub(super) powers: &'a mut Vec<Values<B>>,
    pub(super) count: usize,
    pub(super) first: B::Each<&'a Fr>,
    pub(super) root: B::Each<&'a Fr>,
}

impl<O: Backend> Kernel for Powers<'_, O> {
    type Output = ();
    #[inline(always)]
    fn run<B: Backend>(self, _: B) {
        let load = |values: O::Each<&'_ Fr>| {
            Reduced::load_ark(self.backend, O::each(|lane| &values.as_ref()[lane].0.0))
        };
        self.powers.clear();
        self.powers.push(load(self.first).into());
        let mut step: Factors<O> = load(self.root).square();
        // Each round appends what is there, times root^(2 length).
        while self.powers.len() < self.count {
            for j in 0..self.powers.len() {
                let power = self.powers[j].mul(step);
                self.powers.push(power.into());
            }
            step = step.square();
        }
    }
}
