//! `.wtns`: the values of a circuit's variables, as circom's witness calculators write them.
//!
//! ```text
//!   1 header  modulus, number of values u32        2 values  32 bytes each, plain form; the first is 1
//! ```

use std::io::{self, Write};

use ark_bn254::Fr;
use ark_ff::One;
use rayon::prelude::*;
use zeroize::Zeroizing;
use zkpov_prover::encoding::FIELD_BYTES;

use crate::bytes::{Cursor, modulus_bytes, scalar, scalar_bytes};
use crate::container::{Sections, write_head, write_section, write_section_head};
use crate::error::FormatError;

const MAGIC: &str = "wtns";
const VERSION: u32 = 2;
const HEADER: u32 = 1;
const VALUES: u32 = 2;

/// Reads a `.wtns` file: 1, the public inputs, the witness. Erased when dropped.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Zeroizing<Vec<Fr>>, FormatError> {
    let sections = Sections::parse(bytes, MAGIC, VERSION)?;
    let mut header = Cursor::new(sections.get(HEADER, "header")?);
    header.modulus::<Fr>("witness's field")?;
    let count = header.u32("the header")?;
    header.end("the header", (4 + FIELD_BYTES + 4) as u64)?;
    let body = sections.items(VALUES, "values", count.into(), FIELD_BYTES)?;
    let values: Result<Vec<Fr>, _> = body
        .par_chunks_exact(FIELD_BYTES)
        .enumerate()
        .map(|(index, bytes)| scalar(bytes).ok_or(FormatError::NotReduced { what: "the values", index }))
        .collect();
    let values = Zeroizing::new(values?);
    match values.first() {
        Some(first) if first.is_one() => Ok(values),
        _ => Err(FormatError::Value {
            what: "the first value of the witness",
            found: 0,
            rule: "or something else than 1, the constant of every circuit",
        }),
    }
}

/// Writes an assignment as a `.wtns` file.
///
/// # Errors
/// What `out` answers.
pub fn write(out: &mut dyn Write, assignment: &[Fr]) -> io::Result<()> {
    write_head(out, MAGIC, VERSION, 2)?;
    let mut header = modulus_bytes::<Fr>();
    header.extend_from_slice(&(assignment.len() as u32).to_le_bytes());
    write_section(out, HEADER, &header)?;
    write_section_head(out, VALUES, (assignment.len() * FIELD_BYTES) as u64)?;
    assignment.iter().try_for_each(|value| out.write_all(&scalar_bytes(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::PrimeField;

    #[test]
    fn what_is_written_is_read_again_and_malformed_files_are_refused() {
        let values = [1u64, 2, 3].map(Fr::from);
        let mut bytes = Vec::new();
        write(&mut bytes, &values).unwrap();
        assert_eq!(parse(&bytes).unwrap().as_slice(), values);
        for cut in 0..bytes.len() {
            assert!(parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let change = |at: usize, new: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[at..at + new.len()].copy_from_slice(new);
            parse(&bytes).unwrap_err()
        };
        assert_eq!(change(28, &[0]), FormatError::Field { what: "witness's field" });
        assert!(matches!(change(60, &[4]), FormatError::Length { expected: 128, found: 96, .. }));
        assert!(matches!(change(60, &[255; 4]), FormatError::Length { .. }));
        let values_at = 64 + 12;
        assert!(matches!(change(values_at, &[2]), FormatError::Value { .. }));
        let modulus: Vec<u8> = modulus_bytes::<Fr>()[4..].to_vec();
        assert_eq!(Fr::from_le_bytes_mod_order(&modulus), Fr::from(0u64));
        assert_eq!(
            change(values_at + 64, &modulus),
            FormatError::NotReduced { what: "the values", index: 2 }
        );
    }
}
