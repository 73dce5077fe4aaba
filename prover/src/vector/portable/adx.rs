//! Products for x86-64 processors with BMI 2 and ADX: a multiplication that leaves the flags alone, and two additions with carries that
//! each keep theirs in a flag of their own. A compiler keeps one carry in a flag and moves the other about, which takes a quarter longer.
//!
//! [`super::multiply`] and [`super::multiply_two`] are the same in plain Rust, and what the tests compare these with.

use core::arch::asm;

use super::super::{Backend, Kernel, Modulus, Row};

/// Five words, rotated by one place at each use: t += a · (word `$i` of b), for the words of a one after the other. The flags are clear
/// after `xor`; the low words of the products go along with CF, the high ones with OF. What t can be at most has 320 bits, so
/// nothing is carried out.
macro_rules! add_row {
    ($a:literal, $b:literal, $i:literal, $t0:literal, $t1:literal, $t2:literal, $t3:literal, $t4:literal) => {
        concat!(
            "mov rdx, [{",
            $b,
            "} + 8 * ",
            $i,
            "]\n",
            "xor {high:e}, {high:e}\n",
            "mulx {high}, {low}, [{",
            $a,
            "}]\n",
            "adcx {",
            $t0,
            "}, {low}\n",
            "adox {",
            $t1,
            "}, {high}\n",
            "mulx {high}, {low}, [{",
            $a,
            "} + 8]\n",
            "adcx {",
            $t1,
            "}, {low}\n",
            "adox {",
            $t2,
            "}, {high}\n",
            "mulx {high}, {low}, [{",
            $a,
            "} + 16]\n",
            "adcx {",
            $t2,
            "}, {low}\n",
            "adox {",
            $t3,
            "}, {high}\n",
            "mulx {high}, {low}, [{",
            $a,
            "} + 24]\n",
            "adcx {",
            $t3,
            "}, {low}\n",
            "adox {",
            $t4,
            "}, {high}\n",
            "mov {low:e}, 0\n",
            "adcx {",
            $t4,
            "}, {low}\n",
        )
    };
}

/// t += p · (-t / p mod 2^64), by which the lowest word becomes zero.
macro_rules! clear_lowest {
    ($t0:literal, $t1:literal, $t2:literal, $t3:literal, $t4:literal) => {
        concat!(
            "mov rdx, {minus_inverse}\n",
            "imul rdx, {",
            $t0,
            "}\n",
            "xor {high:e}, {high:e}\n",
            "mulx {high}, {low}, [{p}]\n",
            "adcx {low}, {",
            $t0,
            "}\n",
            "adox {",
            $t1,
            "}, {high}\n",
            "mulx {high}, {low}, [{p} + 8]\n",
            "adcx {",
            $t1,
            "}, {low}\n",
            "adox {",
            $t2,
            "}, {high}\n",
            "mulx {high}, {low}, [{p} + 16]\n",
            "adcx {",
            $t2,
            "}, {low}\n",
            "adox {",
            $t3,
            "}, {high}\n",
            "mulx {high}, {low}, [{p} + 24]\n",
            "adcx {",
            $t3,
            "}, {low}\n",
            "adox {",
            $t4,
            "}, {high}\n",
            "mov {low:e}, 0\n",
            "adcx {",
            $t4,
            "}, {low}\n",
        )
    };
}

macro_rules! zero {
    ($t:literal) => {
        concat!("xor {", $t, ":e}, {", $t, ":e}\n")
    };
}

/// Runs a kernel compiled for the instructions.
#[target_feature(enable = "bmi2,adx")]
pub(super) fn run<B: Backend, K: Kernel>(backend: B, kernel: K) -> K::Output {
    kernel.run(backend)
}

/// [`super::multiply`] before its last subtraction.
#[target_feature(enable = "bmi2,adx")]
#[inline]
pub(super) fn multiply<M: Modulus>(a: &Row, b: &Row) -> Row {
    let (r0, r1, r2, r3): (u64, u64, u64, u64);
    // SAFETY: the function enables the instructions. What is read are four words each of a, b and p through references to four words;
    // nothing is written to memory, the stack is not used, and every register that changes is an output.
    unsafe {
        asm!(
            zero!("t0"), zero!("t1"), zero!("t2"), zero!("t3"),
            zero!("t4"),
            add_row!("a", "b", "0", "t0", "t1", "t2", "t3", "t4"),
            clear_lowest!("t0", "t1", "t2", "t3", "t4"),
            zero!("t0"),
            add_row!("a", "b", "1", "t1", "t2", "t3", "t4", "t0"),
            clear_lowest!("t1", "t2", "t3", "t4", "t0"),
            zero!("t1"),
            add_row!("a", "b", "2", "t2", "t3", "t4", "t0", "t1"),
            clear_lowest!("t2", "t3", "t4", "t0", "t1"),
            zero!("t2"),
            add_row!("a", "b", "3", "t3", "t4", "t0", "t1", "t2"),
            clear_lowest!("t3", "t4", "t0", "t1", "t2"),
            a = in(reg) a,
            b = in(reg) b,
            p = in(reg) const { &M::P },
            minus_inverse = const M::MINUS_INVERSE,
            t0 = out(reg) r1,
            t1 = out(reg) r2,
            t2 = out(reg) r3,
            t3 = out(reg) _,
            t4 = out(reg) r0,
            low = out(reg) _,
            high = out(reg) _,
            out("rdx") _,
            options(pure, readonly, nostack)
        );
    }
    [r0, r1, r2, r3]
}

/// [`super::multiply_two`] before its last subtraction.
#[target_feature(enable = "bmi2,adx")]
#[inline]
pub(super) fn multiply_two<M: Modulus>([a, b]: [&Row; 2], [c, d]: [&Row; 2]) -> Row {
    let (r0, r1, r2, r3): (u64, u64, u64, u64);
    // SAFETY: as in `multiply`, with two operands more.
    unsafe {
        asm!(
            zero!("t0"), zero!("t1"), zero!("t2"), zero!("t3"),
            zero!("t4"),
            add_row!("a", "b", "0", "t0", "t1", "t2", "t3", "t4"),
            add_row!("c", "d", "0", "t0", "t1", "t2", "t3", "t4"),
            clear_lowest!("t0", "t1", "t2", "t3", "t4"),
            zero!("t0"),
            add_row!("a", "b", "1", "t1", "t2", "t3", "t4", "t0"),
            add_row!("c", "d", "1", "t1", "t2", "t3", "t4", "t0"),
            clear_lowest!("t1", "t2", "t3", "t4", "t0"),
            zero!("t1"),
            add_row!("a", "b", "2", "t2", "t3", "t4", "t0", "t1"),
            add_row!("c", "d", "2", "t2", "t3", "t4", "t0", "t1"),
            clear_lowest!("t2", "t3", "t4", "t0", "t1"),
            zero!("t2"),
            add_row!("a", "b", "3", "t3", "t4", "t0", "t1", "t2"),
            add_row!("c", "d", "3", "t3", "t4", "t0", "t1", "t2"),
            clear_lowest!("t3", "t4", "t0", "t1", "t2"),
            a = in(reg) a,
            b = in(reg) b,
            c = in(reg) c,
            d = in(reg) d,
            p = in(reg) const { &M::P },
            minus_inverse = const M::MINUS_INVERSE,
            t0 = out(reg) r1,
            t1 = out(reg) r2,
            t2 = out(reg) r3,
            t3 = out(reg) _,
            t4 = out(reg) r0,
            low = out(reg) _,
            high = out(reg) _,
            out("rdx") _,
            options(pure, readonly, nostack)
        );
    }
    [r0, r1, r2, r3]
}
