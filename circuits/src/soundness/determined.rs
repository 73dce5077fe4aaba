//! Which hints the constraints determine from what stands before them, whoever computes them.
//!
//! ```text
//!   level(z)  how many of the first hints have to be honest for z to have its honest value
//!
//!     as allocated             the hints before z, and z itself if it is one
//!     by a row linear in z     the highest level of what else is in the row, if z's coefficient is not 0 then
//!     by a sum of bits         the highest level of what else is in the row, for all of its bits at once
//! ```
//!
//! The audit replaces hint i where hints 0 to i - 1 are honest, and so is all that was allocated between them. If the
//! level of hint i is at most i, then every assignment that satisfies the constraints and begins like this one has the honest value
//! there: any other is refused, whatever is computed after it. No closure has to be run to know that.
//!
//! Each step is a proof. A row whose other variables have their honest values is an equation in z alone; if
//! it is linear and its coefficient is not 0, z is its one solution, and the honest value is one. Bits whose coefficients are different
//! powers of two, with a sum below the modulus, have different sums for different values, so that
//! a row that holds them and honest values besides has one solution. Levels only fall, so the steps end.
//!
//! What has a level above its number is not thereby free: hashes and comparisons hold more than this sees. The audit runs the circuit for it.

use ark_bn254::Fr;
use ark_ff::{BigInt, BigInteger, One, PrimeField, Zero};

use super::instance::Instance;
use crate::{
    r1cs::{R1cs, SparseMatrix},
    seam::SeenHint,
};

/// The constant 1 in an assignment.
const ONE: usize = 0;

/// Different powers of two up to this one sum to less than the modulus, which has a bit more.
const LARGEST_POWER: u32 = Fr::MODULUS_BIT_SIZE - 2;

/// The hints of `instance`, in their order: whether what stands before a hint determines it.
pub(super) fn determined(instance: &Instance) -> Vec<bool> {
    let mut levels = Levels::new(instance);
    levels.settle();
    let first_witness = instance.r1cs.instance_variables;
    let hints = instance.session.hints.iter().enumerate();
    hints.map(|(number, hint)| levels.of[first_witness + hint.witness] as usize <= number).collect()
}

struct Levels<'a> {
    instance: &'a Instance,
    /// The variables of each row but the constant 1.
    variables: Vec<Vec<u32>>,
    is_bit: Vec<bool>,
    of: Vec<u32>,
    /// Rows of which a level has fallen since they were last looked at.
    pending: Vec<bool>,
}

impl<'a> Levels<'a> {
    fn new(instance: &'a Instance) -> Self {
        let r1cs = &instance.r1cs;
        let variables: Vec<Vec<u32>> = (0..r1cs.constraints()).map(|row| variables(r1cs, row)).collect();
        let mut is_bit = vec![false; r1cs.variables()];
        for row in 0..r1cs.constraints() {
            if let Some(bit) = made_a_bit(r1cs, row) {
                is_bit[bit] = true;
            }
        }
        let pending = vec![true; variables.len()];
        Self { instance, variables, is_bit, of: as_allocated(instance), pending }
    }

    /// Follows rows until no level falls.
    fn settle(&mut self) {
        let mut any = true;
        while any {
            any = false;
            for row in 0..self.variables.len() {
                if !std::mem::take(&mut self.pending[row]) {
                    continue;
                }
                let Some((fallen, level)) = self.follow(row) else { continue };
                any = true;
                for variable in fallen {
                    self.of[variable] = level;
                    for other in &self.instance.rows_of[variable] {
                        self.pending[*other as usize] = true;
                    }
                }
            }
        }
    }

    /// The variables that this row determines from those of a lower level, and that level.
    fn follow(&self, row: usize) -> Option<(Vec<usize>, u32)> {
        let level = |variable: &u32| self.of[*variable as usize];
        let variables = &self.variables[row];
        let top = variables.iter().max_by_key(|variable| level(variable))?;
        let others = variables.iter().filter(|variable| *variable != top);
        let rest = others.map(level).max().unwrap_or_default();
        if rest < level(top) && self.is_solved_by(row, &[*top], |coefficient| !coefficient.is_zero()) {
            return Some((vec![*top as usize], rest));
        }
        let is_bit = |variable: &&u32| self.is_bit[**variable as usize];
        let rest = variables.iter().filter(|variable| !is_bit(variable)).map(level).max().unwrap_or_default();
        let bits: Vec<u32> =
            variables.iter().filter(|bit| is_bit(bit) && level(bit) > rest).copied().collect();
        let mut sum = SumOfBits::default();
        let solved = !bits.is_empty() && self.is_solved_by(row, &bits, |coefficient| sum.add(coefficient));
        solved.then(|| (bits.into_iter().map(|bit| bit as usize).collect(), rest))
    }

    /// Whether the row is linear in `unknown`, with these coefficients where all else is honest.
    fn is_solved_by(&self, row: usize, unknown: &[u32], mut suits: impl FnMut(Fr) -> bool) -> bool {
        let r1cs = &self.instance.r1cs;
        let occurs = |matrix: &SparseMatrix| {
            matrix.row(row).any(|(column, _)| unknown.binary_search(&(column as u32)).is_ok())
        };
        if occurs(&r1cs.a) && occurs(&r1cs.b) {
            return false;
        }
        let assignment = &self.instance.assignment;
        // The factor that has none of them is honest; the other is multiplied by 0 if it has none either.
        let [a, b] = [&r1cs.a, &r1cs.b].map(|matrix| r1cs.evaluate_row(matrix, row, assignment));
        unknown.iter().all(|variable| {
            let coefficient = |matrix: &SparseMatrix| {
                let mut entries = matrix.row(row);
                entries
                    .find(|(column, _)| column == &(*variable as usize))
                    .map_or(Fr::zero(), |(_, value)| r1cs.coefficients[value])
            };
            suits(coefficient(&r1cs.a) * b + coefficient(&r1cs.b) * a - coefficient(&r1cs.c))
        })
    }
}

/// Coefficients of bits that have another sum for each choice of the bits: different powers of two, or all their negatives.
#[derive(Default)]
struct SumOfBits {
    is_negative: Option<bool>,
    /// The sum of the powers so far.
    powers: BigInt<4>,
}

impl SumOfBits {
    /// Whether it is still so with this coefficient.
    fn add(&mut self, coefficient: Fr) -> bool {
        let is_power = |value: &BigInt<4>| value.0.iter().map(|limb| limb.count_ones()).sum::<u32>() == 1;
        let [positive, negated] = [coefficient, -coefficient].map(Fr::into_bigint);
        let is_negative = !is_power(&positive);
        let power = if is_negative { negated } else { positive };
        let is_new = self.powers.0.iter().zip(&power.0).all(|(sum, power)| sum & power == 0);
        let fits = is_power(&power) && power.num_bits() <= LARGEST_POWER + 1;
        for (sum, power) in self.powers.0.iter_mut().zip(&power.0) {
            *sum |= power;
        }
        fits && is_new && *self.is_negative.get_or_insert(is_negative) == is_negative
    }
}

/// Levels by the order of allocation alone.
fn as_allocated(instance: &Instance) -> Vec<u32> {
    let hints = &instance.session.hints;
    let before = |is_before: &dyn Fn(&SeenHint) -> bool| hints.partition_point(is_before) as u32;
    // A variable is allocated after the hints that it does not stand before, itself among them.
    let inputs = (1..instance.r1cs.instance_variables).map(|input| before(&|hint| hint.inputs <= input));
    let witnesses =
        (0..instance.r1cs.witness_variables).map(|witness| before(&|hint| hint.witness <= witness));
    [0].into_iter().chain(inputs).chain(witnesses).collect()
}

/// The variables of a row but the constant 1, ascending.
fn variables(r1cs: &R1cs, row: usize) -> Vec<u32> {
    let entries = [&r1cs.a, &r1cs.b, &r1cs.c].into_iter().flat_map(|matrix| matrix.row(row));
    let mut variables: Vec<u32> =
        entries.map(|(column, _)| column as u32).filter(|column| *column as usize != ONE).collect();
    variables.sort_unstable();
    variables.dedup();
    variables
}

/// The variable z of a row z · z = z.
fn made_a_bit(r1cs: &R1cs, row: usize) -> Option<usize> {
    let only = |matrix: &SparseMatrix| {
        let mut entries = matrix.row(row);
        let (column, value) = entries.next()?;
        (column != ONE && r1cs.coefficients[value].is_one() && entries.next().is_none()).then_some(column)
    };
    let variable = only(&r1cs.a)?;
    (only(&r1cs.b)? == variable && only(&r1cs.c)? == variable).then_some(variable)
}

#[cfg(test)]
mod tests {
    use ark_r1cs_std::fields::fp::{AllocatedFp, FpVar};
    use ark_relations::gr1cs::{ConstraintSystemRef, Result};

    use super::*;
    use crate::{
        constraint::{enforce_boolean, enforce_equal, enforce_product},
        hint,
        linear::{Linear, weighted_sum},
    };

    fn of(circuit: impl Fn(ConstraintSystemRef<Fr>) -> Result<()>) -> Vec<bool> {
        determined(&Instance::of(&circuit).expect("an honest witness"))
    }

    fn hint(cs: &ConstraintSystemRef<Fr>, value: u64) -> Result<FpVar<Fr>> {
        hint::field(cs, "hint", || Ok(Fr::from(value)))
    }

    fn input(cs: &ConstraintSystemRef<Fr>, value: u64) -> Result<FpVar<Fr>> {
        let variable = cs.new_input_variable(|| Ok(Fr::from(value)))?;
        let value = (!cs.is_in_setup_mode()).then_some(Fr::from(value));
        Ok(FpVar::Var(AllocatedFp::new(value, variable, cs.clone())))
    }

    fn constant(value: u64) -> FpVar<Fr> {
        FpVar::Constant(Fr::from(value))
    }

    #[test]
    fn a_linear_equation_determines_its_last_variable_if_its_coefficient_is_not_zero() {
        for (x, y, expected) in [(3, 4, [false, true]), (0, 4, [false, false])] {
            let circuit = |cs: ConstraintSystemRef<Fr>| {
                let (x_var, y_var) = (hint(&cs, x)?, hint(&cs, y)?);
                enforce_product("product", &x_var, &y_var, &constant(x * y))
            };
            assert_eq!(of(circuit), expected);
        }
    }

    #[test]
    fn a_square_determines_neither_root() {
        let circuit = |cs: ConstraintSystemRef<Fr>| {
            let (x, y) = (hint(&cs, 9)?, hint(&cs, 3)?);
            enforce_product("square", &y, &y, &x)
        };
        assert_eq!(of(circuit), [false, false]);
        let zero = |cs: ConstraintSystemRef<Fr>| {
            let zero = hint(&cs, 0)?;
            enforce_product("square", &zero, Linear::of(&zero).plus_constant(Fr::from(5u64)), &constant(0))
        };
        assert_eq!(of(zero), [false]);
    }

    #[test]
    fn what_comes_later_determines_nothing() {
        let circuit = |before: bool| {
            move |cs: ConstraintSystemRef<Fr>| {
                let early = input(&cs, 5)?;
                let (x, y) = (hint(&cs, 5)?, hint(&cs, 7)?);
                let late = input(&cs, 5)?;
                enforce_equal("input", &x, if before { &early } else { &late })?;
                enforce_equal(
                    "sum",
                    &weighted_sum([(Fr::from(1u64), &x), (Fr::from(2u64), &y)])?,
                    &constant(19),
                )
            }
        };
        assert_eq!(of(circuit(true)), [true, true]);
        assert_eq!(of(circuit(false)), [false, true]);
    }

    /// A number, then digits with these weights whose sum it is; 1 for each.
    fn digits(weights: Vec<Fr>, are_bits: bool, number_first: bool) -> Vec<bool> {
        of(|cs| {
            let total: Fr = weights.iter().sum();
            let number = |cs| hint::field(cs, "number", || Ok(total));
            let first = if number_first { Some(number(&cs)?) } else { None };
            let digits = weights.iter().map(|_| hint(&cs, 1)).collect::<Result<Vec<_>>>()?;
            let number = first.map_or_else(|| number(&cs), Ok)?;
            if are_bits {
                digits.iter().try_for_each(|digit| enforce_boolean("bit", digit))?;
            }
            enforce_equal("sum", &weighted_sum(weights.iter().copied().zip(&digits))?, &number)
        })
    }

    fn powers(count: u32) -> Vec<Fr> {
        (0..count).map(crate::integer::power_of_two).collect()
    }

    #[test]
    fn a_number_determines_its_bits_if_no_other_bits_have_the_sum() {
        let all = |count: usize| [vec![false], vec![true; count]].concat();
        let last = |count: usize| [vec![false; count], vec![true]].concat();
        assert_eq!(digits(powers(4), true, true), all(4));
        let negated: Vec<Fr> = powers(4).iter().map(|power| -*power).collect();
        assert_eq!(digits(negated, true, true), all(4));
        let most = Fr::MODULUS_BIT_SIZE as usize - 1;
        assert_eq!(digits(powers(253), true, true), all(most));
        // The others are determined one by one, from those before them: only the last.
        let wraps = [powers(253), vec![power_of_two_253()]].concat();
        assert_eq!(digits(wraps, true, true), last(254));
        assert_eq!(digits(powers(4), false, true), last(4));
        assert_eq!(digits([1u64, 2, 2].map(Fr::from).to_vec(), true, true), last(3));
        assert_eq!(digits([1u64, 2, 3].map(Fr::from).to_vec(), true, true), last(3));
        assert_eq!(digits(vec![Fr::from(1u64), -Fr::from(2u64)], true, true), last(2));
        assert_eq!(digits(powers(4), true, false), last(4));
    }

    fn power_of_two_253() -> Fr {
        crate::integer::power_of_two(252) * Fr::from(2u64)
    }

    #[test]
    fn bits_that_are_multiplied_are_no_sum() {
        let circuit = |cs: ConstraintSystemRef<Fr>| {
            let (number, bits) = (hint(&cs, 0)?, [hint(&cs, 0)?, hint(&cs, 1)?]);
            bits.iter().try_for_each(|bit| enforce_boolean("bit", bit))?;
            enforce_product("product", &bits[0], &bits[1], &number)
        };
        // Of two bits whose product is 0 and of which the second is 1 the first is 0, but the second is free.
        assert_eq!(of(circuit), [false, false, false]);
    }
}
