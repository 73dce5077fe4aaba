//! The log of a block's accesses, the challenges that are hashed from it, and sums of fractions over them.
//!
//! Two lists of tuples are permutations of each other exactly if Σ 1/(γ - aᵢ - β bᵢ - …) is the same rational function
//! of β and γ over both. The circuit compares the sums at one point, (β, γ) = Poseidon of a log which fixes every
//! tuple. Among n tuples two different ones collide for at most n²/2 of the values of β; without a collision the
//! difference of the sums has a numerator of degree below n in γ, and counts far below the field's order. So a wrong
//! comparison holds for at most (n² + n)/2^254 of the challenges: below 2^-230 for a thousand tuples, and 2^-130
//! after 2^100 attempts at other logs. The hash is taken for a random oracle, as in Fiat and Shamir's transform.
//!
//! A denominator that is 0 has no fraction where the numerator is 1: the block could not be proven, with the same
//! probability. Where the numerator is 0 it would leave the fraction free: that needs a challenge equal to a tuple's
//! fingerprint, which the log fixed before.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use zkpov_verifier::field::domain;

use crate::{
    constraint::{enforce_product, guarded, product},
    gadgets::{poseidon, range::MAX_UNIQUE_BITS},
    hint,
    integer::power_of_two,
    linear::Linear,
};

/// What the log begins with.
const LOG_DOMAIN: &str = "zkpov/accesses/1";

/// Everything that is compared, in a fixed order: what the challenges are hashed from.
pub(super) struct Log {
    elements: Vec<FpVar<Fr>>,
    /// Small values that wait for an element to be full.
    packed: Linear,
    width: usize,
}

impl Log {
    pub(super) fn new() -> Self {
        let domain = FpVar::Constant(domain(LOG_DOMAIN));
        Self { elements: vec![domain], packed: Linear::new(&ConstraintSystemRef::None), width: 0 }
    }

    /// Adds an element. A constant is in every log of the circuit and need not be.
    ///
    /// `name` is for the tests that show what a log without it would let through.
    pub(super) fn absorb(&mut self, name: &'static str, element: &FpVar<Fr>) -> Result<()> {
        guarded(name, || {
            if !element.is_constant() {
                self.elements.push(element.clone());
            }
            Ok(())
        })
    }

    /// Adds a value that is known to be below 2^`width`, packed with its neighbours.
    pub(super) fn absorb_small(
        &mut self,
        name: &'static str,
        value: impl Into<Linear>,
        width: usize,
    ) -> Result<()> {
        let value = value.into();
        if value.cs().is_none() {
            return Ok(());
        }
        guarded(name, || {
            if self.width + width > MAX_UNIQUE_BITS {
                self.flush()?;
            }
            self.packed.add_linear(power_of_two(self.width as u32), &value);
            self.width += width;
            Ok(())
        })
    }

    fn flush(&mut self) -> Result<()> {
        let packed = std::mem::replace(&mut self.packed, Linear::new(&ConstraintSystemRef::None));
        self.elements.push(packed.finish()?);
        self.width = 0;
        Ok(())
    }

    /// The challenges. Whatever is compared by them must be in the log by now.
    pub(super) fn challenges(mut self) -> Result<Challenges> {
        if self.width > 0 {
            self.flush()?;
        }
        let part = poseidon::chain(&self.elements)?;
        let point = poseidon::hash(std::slice::from_ref(&part))?;
        let square = product(&part, &part)?;
        Ok(Challenges { powers: [part, square], point })
    }
}

/// β and γ.
#[derive(Clone, Debug)]
pub(super) struct Challenges {
    /// β and β², which weigh the parts of a tuple.
    pub(super) powers: [FpVar<Fr>; 2],
    /// γ, at which sums are compared.
    pub(super) point: FpVar<Fr>,
}

impl Challenges {
    /// γ - head - β part₀ - β² part₁. A constraint for each part that is not constant.
    fn denominator(&self, head: &Linear, parts: &[&FpVar<Fr>]) -> Result<Linear> {
        let mut denominator = Linear::of(&self.point);
        denominator.add_linear(-Fr::ONE, head);
        for (power, part) in self.powers.iter().zip(parts) {
            denominator.add(-Fr::ONE, &product(power, *part)?);
        }
        Ok(denominator)
    }
}

/// A sum of fractions that has to be 0.
pub(super) struct Sum<'a> {
    cs: &'a ConstraintSystemRef<Fr>,
    challenges: &'a Challenges,
    pub(super) total: Linear,
}

impl<'a> Sum<'a> {
    pub(super) fn new(cs: &'a ConstraintSystemRef<Fr>, challenges: &'a Challenges) -> Self {
        Self { cs, challenges, total: Linear::new(cs) }
    }

    /// Adds `sign · when / (γ - head - β part₀ - β² part₁)`. One constraint, and those of the denominator.
    pub(super) fn add(
        &mut self,
        sign: Fr,
        when: &FpVar<Fr>,
        head: &Linear,
        parts: &[&FpVar<Fr>],
    ) -> Result<()> {
        let denominator = self.challenges.denominator(head, parts)?;
        let fraction = hint::field(self.cs, "fraction", || {
            let denominator = denominator.value().ok_or(SynthesisError::AssignmentMissing)?;
            Ok(when.value()? * denominator.inverse().unwrap_or(Fr::ZERO))
        })?;
        enforce_product("state/fraction", denominator, &fraction, when)?;
        self.total.add(sign, &fraction);
        Ok(())
    }
}
