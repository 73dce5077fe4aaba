//! The two multiplications against each other, at the edges of what they take. Against `ark-ff` they are tested with every backend.

use super::super::{Base, Scalar};
use super::*;
use ark_std::rand::RngCore;

/// p, numbers about it and up to 2 p, powers of two, and random ones.
fn values<M: Modulus>(rng: &mut impl RngCore) -> Vec<Row> {
    let one = [1, 0, 0, 0];
    let twice = add_rows(&M::P, &M::P);
    let mut values = vec![[0; 4], one, M::P, sub_rows(&M::P, &one).0, sub_rows(&twice, &one).0];
    for bit in 0..254 {
        let mut power = [0u64; 4];
        power[bit / 64] = 1 << (bit % 64);
        values.push(if sub_rows(&power, &M::P).1 { power } else { one });
    }
    for _ in 0..200 {
        let mut random: Row = core::array::from_fn(|_| rng.next_u64());
        random[3] >>= 2;
        values.push(random);
    }
    values
}

fn up_to_p<M: Modulus>(values: &[Row]) -> Vec<Row> {
    values.iter().copied().filter(|value| *value == M::P || sub_rows(value, &M::P).1).collect()
}

fn is_below_two_p<M: Modulus>(value: &Row) -> bool {
    sub_rows(value, &add_rows(&M::P, &M::P)).1
}

#[cfg(target_arch = "x86_64")]
fn check<M: Modulus>() {
    if Portable::<Adx>::detect().is_none() {
        println!("this processor has no ADX");
        return;
    }
    // SAFETY: the processor has the instructions, as has just been seen.
    let multiply_two = |first, second| unsafe { adx::multiply_two::<M>(first, second) };
    let mut rng = ark_std::test_rng();
    let all = values::<M>(&mut rng);
    let below = up_to_p::<M>(&all);
    for a in &all {
        for b in &all {
            let product = multiply::<M>(a, b);
            assert_eq!(Adx::multiply::<M>(a, b), product, "{a:x?} {b:x?}");
            assert!(is_below_two_p::<M>(&product));
        }
    }
    for a in below.iter().filter(|a| **a != M::P) {
        let most = [u64::MAX; 4];
        assert_eq!(Adx::multiply::<M>(a, &most), multiply::<M>(a, &most));
    }
    for (i, a) in below.iter().enumerate() {
        for (j, b) in below.iter().enumerate() {
            let (c, d) = (&below[(i + 7 * j) % below.len()], &below[(3 * i + j) % below.len()]);
            let sum = super::multiply_two::<M>([a, b], [c, d]);
            assert_eq!(multiply_two([a, b], [c, d]), sum, "{a:x?} {b:x?} {c:x?} {d:x?}");
            assert!(is_below_two_p::<M>(&sum));
            let (first, second) =
                (reduce_once::<M>(multiply::<M>(a, b)), reduce_once::<M>(multiply::<M>(c, d)));
            assert_eq!(reduce_once::<M>(sum), reduce_once::<M>(add_rows(&first, &second)));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn products_in_assembly_are_those_in_rust() {
    check::<Base>();
    check::<Scalar>();
}

fn reduces<M: Modulus>() {
    let mut value: Row = [u64::MAX; 4];
    // From the largest downwards past every multiple of p: the remainders descend with the numbers.
    for _ in 0..6 {
        let remainder = reduce::<M>(value);
        assert!(subtract(&remainder, &M::P).1);
        let multiple = subtract(&value, &remainder).0;
        assert_eq!(reduce::<M>(multiple), [0; 4]);
        let (below, none) = subtract(&multiple, &[1, 0, 0, 0]);
        if none {
            return;
        }
        assert_eq!(reduce::<M>(below), sub_rows(&M::P, &[1, 0, 0, 0]).0);
        value = below;
    }
    panic!("2^256 has fewer than six multiples of p below it");
}

#[test]
fn numbers_about_multiples_of_p_are_reduced() {
    reduces::<Base>();
    reduces::<Scalar>();
}
