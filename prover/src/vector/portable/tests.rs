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
    let Some(adx) = Adx::detect() else {
        println!("this processor has no ADX");
        return;
    };
    let mut rng = ark_std::test_rng();
    let all = values::<M>(&mut rng);
    let below = up_to_p::<M>(&all);
    for a in &all {
        for b in &all {
            let product = Plain.multiply::<M>(a, b);
            assert_eq!(adx.multiply::<M>(a, b), product, "{a:x?} {b:x?}");
            assert!(is_below_two_p::<M>(&product));
        }
    }
    for a in below.iter().filter(|a| **a != M::P) {
        let most = [u64::MAX; 4];
        assert_eq!(adx.multiply::<M>(a, &most), Plain.multiply::<M>(a, &most));
    }
    for (i, a) in below.iter().enumerate() {
        for (j, b) in below.iter().enumerate() {
            let (c, d) = (&below[(i + 7 * j) % below.len()], &below[(3 * i + j) % below.len()]);
            let sum = Plain.multiply_two::<M>([a, b], [c, d]);
            assert_eq!(adx.multiply_two::<M>([a, b], [c, d]), sum, "{a:x?} {b:x?} {c:x?} {d:x?}");
            assert!(is_below_two_p::<M>(&sum));
            let (first, second) =
                (reduce_once::<M>(Plain.multiply::<M>(a, b)), reduce_once::<M>(Plain.multiply::<M>(c, d)));
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
