//! What can be wrong with a file of another program.

/// Why bytes are not what they should be. Nothing is allocated on a file's word: a length is compared with the bytes that are there
/// before it is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The first bytes are another format's.
    #[error("not a .{expected} file (it does not begin with \"{expected}\")")]
    Magic {
        /// The format's name, which is its magic.
        expected: &'static str,
    },
    /// A version this program does not know.
    #[error("format version {found}, this program reads up to {most}")]
    Version {
        /// In the file.
        found: u32,
        /// The last one known.
        most: u32,
    },
    /// The bytes end within something.
    #[error("the file ends within {what}: {needed} bytes are needed, {left} are left; copy or make it again")]
    Truncated {
        /// What is being read.
        what: &'static str,
        /// Bytes it takes.
        needed: u64,
        /// Bytes there are.
        left: u64,
    },
    /// More than any program writes.
    #[error("the file states {found} sections, at most {most} are read")]
    SectionCount {
        /// In the file.
        found: u32,
        /// The limit.
        most: u32,
    },
    /// A section that must be there is not.
    #[error("no section {id} ({name})")]
    Missing {
        /// Its number.
        id: u32,
        /// What it holds.
        name: &'static str,
    },
    /// A section that must be there once is there twice.
    #[error("section {id} ({name}) is there twice")]
    Duplicate {
        /// Its number.
        id: u32,
        /// What it holds.
        name: &'static str,
    },
    /// A length that does not follow from the counts.
    #[error("{what}: {found} bytes where the counts of the header need {expected}")]
    Length {
        /// Of what.
        what: &'static str,
        /// In the file.
        found: u64,
        /// By the counts.
        expected: u64,
    },
    /// The file is over another field.
    #[error("the {what} is not BN254's (bn128 in circom's words); compile and set up for that curve")]
    Field {
        /// Which modulus.
        what: &'static str,
    },
    /// A proof system other than Groth16.
    #[error("the key is of proof system {found}; only Groth16 (1) is read")]
    ProofSystem {
        /// In the file.
        found: u32,
    },
    /// A value that is not possible.
    #[error("{what} is {found}: {rule}")]
    Value {
        /// Which value.
        what: &'static str,
        /// In the file.
        found: u64,
        /// What must hold.
        rule: &'static str,
    },
    /// A field element that is not below the modulus.
    #[error("{what}, item {index}: not below the field's modulus")]
    NotReduced {
        /// Where.
        what: &'static str,
        /// Which item.
        index: usize,
    },
    /// A point that does not satisfy the curve's equation.
    #[error("{what}, item {index}: the point is not on the curve")]
    NotOnCurve {
        /// Where.
        what: &'static str,
        /// Which item.
        index: usize,
    },
    /// A point of the curve that is not in the group of prime order.
    #[error("{what}, item {index}: the point is not in the subgroup")]
    NotInSubgroup {
        /// Where.
        what: &'static str,
        /// Which item.
        index: usize,
    },
    /// Infinity where it cannot be.
    #[error("{what}, item {index}: the point is infinity")]
    Infinity {
        /// Where.
        what: &'static str,
        /// Which item.
        index: usize,
    },
    /// gamma is not the generator of G2.
    #[error("gamma is not the generator of G2; every snarkjs key has it, and no other is read")]
    Gamma,
    /// Constraints that only PLONK keys can have.
    #[error("the circuit uses custom gates, which Groth16 does not have")]
    CustomGates,
    /// Text that is not the JSON expected.
    #[error("{what}: {why}")]
    Json {
        /// Which file.
        what: &'static str,
        /// The parser's message.
        why: String,
    },
}
