//! Which backend computes: the best that this processor has, or the one that the environment names.

use std::env;
use std::ffi::OsString;
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::ifma::Avx512Ifma;
#[cfg(test)]
use super::ifma::ModelledIfma;
#[cfg(target_arch = "x86_64")]
use super::portable::Adx;
use super::portable::{Plain, Portable};
use super::{Backend, Kernel};

/// The environment variable that names a backend: `ifma`, `avx2` or `portable`; in tests also `ifma-model`, which runs the arithmetic of
/// `ifma` on any processor, and `portable-rust`, which is `portable` without assembly where that has it. Unset or
/// empty, the best that the processor has is taken.
const VARIABLE: &str = "ZKPOV_VECTORS";

/// The name of the backend without vectors.
const PORTABLE: &str = "portable";

/// A backend that this processor can run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    /// AVX-512 IFMA.
    #[cfg(target_arch = "x86_64")]
    Ifma(Avx512Ifma),
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// x86-64 with BMI 2 and ADX: as any processor, with products in assembly.
    #[cfg(target_arch = "x86_64")]
    Adx(Portable<Adx>),
    /// Any processor.
    Plain(Portable<Plain>),
    /// Any processor, with a model of AVX-512 IFMA.
    #[cfg(test)]
    Modelled(ModelledIfma),
}

impl Choice {
    /// Those that this processor can run, best first.
    pub(crate) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            available.extend(Avx512Ifma::detect().map(Self::Ifma));
            available.extend(Avx2::detect().map(Self::Avx2));
        }
        available.push(Self::portable());
        #[cfg(test)]
        {
            if Self::portable().name() != Self::PLAIN.name() {
                available.push(Self::PLAIN);
            }
            available.push(Self::Modelled(ModelledIfma::modelled()));
        }
        available
    }

    /// The one that runs anywhere.
    const PLAIN: Self = Self::Plain(Portable::PLAIN);

    /// The one without vectors, with products in assembly where the processor has the instructions.
    fn portable() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(backend) = Portable::<Adx>::detect() {
            return Self::Adx(backend);
        }
        Self::PLAIN
    }

    /// Those that tests of every backend run: the one that [`VARIABLE`] names, or all.
    #[cfg(test)]
    pub(crate) fn tested() -> Vec<Self> {
        env::var_os(VARIABLE).map_or_else(Self::available, |name| vec![Self::named(name).unwrap()])
    }

    /// What [`VARIABLE`] calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => "ifma",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Adx(_) => PORTABLE,
            Self::Plain(_) if matches!(Self::portable(), Self::Plain(_)) => PORTABLE,
            Self::Plain(_) => "portable-rust",
            #[cfg(test)]
            Self::Modelled(_) => "ifma-model",
        }
    }

    /// Runs a kernel with it.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(backend) => backend.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(backend) => backend.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Adx(backend) => backend.run(kernel),
            Self::Plain(backend) => backend.run(kernel),
            #[cfg(test)]
            Self::Modelled(backend) => backend.run(kernel),
        }
    }

    /// The one with this name, or the best for an empty one.
    fn named(name: OsString) -> Result<Self, VectorsError> {
        let available = Self::available();
        let chosen = available.iter().find(|choice| name.is_empty() || name == choice.name());
        chosen.copied().ok_or_else(|| {
            let available: Vec<_> = available.iter().map(|choice| choice.name()).collect();
            VectorsError { name: name.to_string_lossy().into_owned(), available: available.join(", ") }
        })
    }
}

/// The environment variable `ZKPOV_VECTORS` names no backend, or one that this processor cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{VARIABLE}={name}: this processor runs {available}; name one of these or leave the variable unset")]
pub struct VectorsError {
    /// The name.
    pub name: String,
    /// The names of the backends that this processor can run, separated by commas.
    pub available: String,
}

/// The backend chosen for this process, when it was first asked for.
fn chosen() -> &'static Result<Choice, VectorsError> {
    static CHOICE: OnceLock<Result<Choice, VectorsError>> = OnceLock::new();
    CHOICE.get_or_init(|| Choice::named(env::var_os(VARIABLE).unwrap_or_default()))
}

/// The name of the field arithmetic that this process computes with.
///
/// # Errors
/// If the environment variable `ZKPOV_VECTORS` names none that this processor can run.
pub fn vectors() -> Result<&'static str, VectorsError> {
    chosen().as_ref().map(|choice| choice.name()).map_err(Clone::clone)
}

/// Runs a kernel with the backend chosen for this process. Where the choice is an error, which set-up and proof report before they
/// begin, all backends being equal in what they compute it is the portable one.
#[inline]
pub(crate) fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    chosen().as_ref().map_or_else(|_| Choice::portable(), |choice| *choice).run(kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_of_this_processor_can_be_named_and_no_other() {
        for choice in Choice::available() {
            assert_eq!(Choice::named(choice.name().into()).unwrap().name(), choice.name());
        }
        let best = Choice::available()[0].name();
        assert_eq!(Choice::named(OsString::new()).unwrap().name(), best);
        for name in ["abacus", "Portable", " "] {
            let error = Choice::named(name.into()).unwrap_err();
            assert_eq!(error.name, name);
            assert!(error.to_string().contains("portable"));
        }
    }
}
