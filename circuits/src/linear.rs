//! Linear combinations of variables, built in one go.
//!
//! A chain of `FpVar` additions leaves one symbolic combination per step behind, and inlining them afterwards takes
//! time and memory quadratic in the length of the chain. [`Linear`] gathers the terms and makes one combination.
//! When only values are wanted (no matrices) it gathers no terms at all.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{
    GR1CSVar,
    fields::fp::{AllocatedFp, FpVar},
};
use ark_relations::gr1cs::{ConstraintSystemRef, LinearCombination, Result, SynthesisError, Variable};

/// A linear combination under construction: Σ coefficient · variable + constant.
#[derive(Clone, Debug)]
#[must_use]
pub struct Linear {
    cs: ConstraintSystemRef<Fr>,
    keep_terms: bool,
    /// `None` when only the circuit's shape is asked for.
    value: Option<Fr>,
    constant: Fr,
    terms: Vec<(Fr, Variable)>,
}

impl Linear {
    /// The empty combination in `cs`.
    pub fn new(cs: &ConstraintSystemRef<Fr>) -> Self {
        Self {
            keep_terms: cs.should_construct_matrices(),
            cs: cs.clone(),
            value: Some(Fr::ZERO),
            constant: Fr::ZERO,
            terms: Vec::new(),
        }
    }

    /// `variable` as a combination.
    pub fn of(variable: &FpVar<Fr>) -> Self {
        Self::new(&variable.cs()).plus(Fr::ONE, variable)
    }

    /// This combination and `coefficient · variable`.
    pub fn plus(mut self, coefficient: Fr, variable: &FpVar<Fr>) -> Self {
        self.add(coefficient, variable);
        self
    }

    /// This combination and `constant`.
    pub fn plus_constant(mut self, constant: Fr) -> Self {
        self.add_constant(constant);
        self
    }

    /// Adds `coefficient · variable`.
    pub fn add(&mut self, coefficient: Fr, variable: &FpVar<Fr>) {
        match variable {
            FpVar::Constant(constant) => self.add_constant(coefficient * constant),
            FpVar::Var(allocated) => {
                if self.cs.is_none() {
                    self.cs = allocated.cs.clone();
                    self.keep_terms = self.cs.should_construct_matrices();
                }
                self.value = match (self.value, allocated.value()) {
                    (Some(sum), Ok(value)) => Some(sum + coefficient * value),
                    _ => None,
                };
                if self.keep_terms {
                    self.terms.push((coefficient, allocated.variable));
                }
            }
        }
    }

    /// Adds `coefficient · other`.
    pub fn add_linear(&mut self, coefficient: Fr, other: &Self) {
        if self.cs.is_none() {
            self.cs = other.cs.clone();
            self.keep_terms = other.keep_terms;
        }
        self.value = match (self.value, other.value) {
            (Some(sum), Some(value)) => Some(sum + coefficient * value),
            _ => None,
        };
        self.constant += coefficient * other.constant;
        if self.keep_terms {
            self.terms.extend(other.terms.iter().map(|(c, v)| (coefficient * c, *v)));
        }
    }

    /// Adds `constant`.
    pub fn add_constant(&mut self, constant: Fr) {
        self.value = self.value.map(|value| value + constant);
        self.constant += constant;
    }

    /// The value, `None` when only the circuit's shape is asked for.
    pub fn value(&self) -> Option<Fr> {
        self.value
    }

    pub(crate) fn cs(&self) -> &ConstraintSystemRef<Fr> {
        &self.cs
    }

    pub(crate) fn to_lc(&self) -> LinearCombination<Fr> {
        let mut terms = self.terms.clone();
        if self.constant != Fr::ZERO {
            terms.push((self.constant, Variable::One));
        }
        let mut combination = LinearCombination(terms);
        combination.compactify();
        combination
    }

    /// The combination as one variable expression. No constraint.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn finish(self) -> Result<FpVar<Fr>> {
        if self.cs.is_none() {
            return self.value.map(FpVar::Constant).ok_or(SynthesisError::AssignmentMissing);
        }
        let variable = self.cs.new_lc(|| self.to_lc())?;
        Ok(FpVar::Var(AllocatedFp::new(self.value, variable, self.cs)))
    }
}

impl From<&FpVar<Fr>> for Linear {
    fn from(variable: &FpVar<Fr>) -> Self {
        Self::of(variable)
    }
}

/// The sum of `variables`, each times its coefficient. No constraint.
///
/// # Errors
///
/// None but those of allocation.
pub fn weighted_sum<'a>(terms: impl IntoIterator<Item = (Fr, &'a FpVar<Fr>)>) -> Result<FpVar<Fr>> {
    let mut sum = Linear::new(&ConstraintSystemRef::None);
    for (coefficient, variable) in terms {
        sum.add(coefficient, variable);
    }
    sum.finish()
}

/// The sum of `variables`. No constraint.
///
/// # Errors
///
/// None but those of allocation.
pub fn sum<'a>(variables: impl IntoIterator<Item = &'a FpVar<Fr>>) -> Result<FpVar<Fr>> {
    weighted_sum(variables.into_iter().map(|variable| (Fr::ONE, variable)))
}

/// `a - b`. No constraint.
///
/// # Errors
///
/// None but those of allocation.
pub fn difference(a: &FpVar<Fr>, b: &FpVar<Fr>) -> Result<FpVar<Fr>> {
    weighted_sum([(Fr::ONE, a), (-Fr::ONE, b)])
}

/// A new witness variable.
pub(crate) fn allocate(cs: &ConstraintSystemRef<Fr>, value: Option<Fr>) -> Result<FpVar<Fr>> {
    let variable = cs.new_witness_variable(|| value.ok_or(SynthesisError::AssignmentMissing))?;
    Ok(FpVar::Var(AllocatedFp::new(value, variable, cs.clone())))
}
