use ark_ff::UniformRand;
use ark_r1cs_std::GR1CSVar;
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;
use crate::r1cs::{self, R1cs, Size};

fn random_path<const ARITY: usize>(levels: usize, seed: u64) -> NativePath<ARITY> {
    let mut rng = StdRng::seed_from_u64(seed);
    let index = rng.gen_range(0..(ARITY as u64).pow(levels as u32));
    let children = (0..levels).map(|_| [(); ARITY].map(|()| Fr::rand(&mut rng))).collect();
    NativePath { index, children }
}

fn update<const ARITY: usize>(
    path: &NativePath<ARITY>,
    old: Fr,
    new: Fr,
) -> impl Fn(ConstraintSystemRef<Fr>) -> Result<()> + Sync + '_ {
    move |cs| {
        let variable = Path::hint(&cs, path.children.len(), || Ok(path.clone()))?;
        let old_leaf = hint::field(&cs, "old", || Ok(old))?;
        let new_leaf = hint::field(&cs, "new", || Ok(new))?;
        let (before, after) = variable.update(&old_leaf, &new_leaf)?;
        if let (Ok(before), Ok(after)) = (before.value(), after.value()) {
            assert_eq!((before, after), (path.root(old), path.root(new)));
        }
        Ok(())
    }
}

fn check<const ARITY: usize>(levels: usize, seed: u64) {
    let path = random_path::<ARITY>(levels, seed);
    let [old, new] = [seed, !seed].map(Fr::from);
    let r1cs = R1cs::synthesize(update(&path, old, new)).expect("has a shape");
    assert!(r1cs.is_satisfied(&r1cs::assignment(update(&path, old, new)).expect("computes")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn both_roots_are_the_native_ones(levels in 1usize..4, seed: u64) {
        check::<2>(levels, seed);
        check::<4>(levels, seed);
        check::<8>(levels, seed);
    }
}

#[test]
fn an_empty_tree_has_the_empty_root() {
    let path =
        NativePath::<8> { index: 77, children: (0..3).map(|level| [empty_root::<8>(level); 8]).collect() };
    assert_eq!(path.root(Fr::ZERO), empty_root::<8>(3));
    assert_ne!(path.root(Fr::from(1u64)), empty_root::<8>(3));
}

fn size<const ARITY: usize>(levels: usize) -> Size {
    let path = random_path::<ARITY>(levels, 0);
    R1cs::synthesize(update(&path, Fr::ZERO, Fr::ZERO)).expect("has a shape").size()
}

#[test]
fn counts_are_pinned() {
    assert_eq!(size::<4>(1).constraints, 300 + 293 + 2);
    assert_eq!(size::<8>(1).constraints, 409 + 393 + 3);
}
