//! The matrices A and B of a `.zkey`, and their products with an assignment.

use ark_bn254::Fr;
use ark_ff::{PrimeField, Zero};
use rayon::prelude::*;
use zkpov_prover::encoding::{Encoding, FIELD_BYTES};

use crate::bytes::{Cursor, to_double_montgomery};
use crate::error::FormatError;

const WHAT: &str = "the coefficients";
/// Matrix, row, variable, value.
pub(crate) const ENTRY_BYTES: usize = 12 + FIELD_BYTES;
/// Entries that one thread takes at a time.
const CHUNK: usize = 1 << 14;

/// Which matrix an entry is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    A = 0,
    B = 1,
}

/// An entry in the file's form.
pub(crate) fn encode_entry(side: Side, row: u32, variable: u32, value: &Fr) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    bytes[..4].copy_from_slice(&(side as u32).to_le_bytes());
    bytes[4..8].copy_from_slice(&row.to_le_bytes());
    bytes[8..12].copy_from_slice(&variable.to_le_bytes());
    // Montgomery limbs are below the modulus.
    to_double_montgomery(value).unwrap_or_default().encode(&mut bytes[12..]);
    bytes
}

/// The entries of the section, whose first four bytes say how many there are.
pub(crate) fn entries(section: &[u8]) -> Result<&[u8], FormatError> {
    let mut cursor = Cursor::new(section);
    let count = cursor.u32(WHAT)?;
    let expected = u64::from(count) * ENTRY_BYTES as u64;
    let found = cursor.rest().len() as u64;
    if found == expected {
        Ok(cursor.rest())
    } else {
        Err(FormatError::Length { what: WHAT, found, expected })
    }
}

struct Entry {
    side: Side,
    row: usize,
    variable: usize,
    value: Fr,
}

fn decode(index: usize, bytes: &[u8]) -> Result<Entry, FormatError> {
    let mut cursor = Cursor::new(bytes);
    let side = match cursor.u32(WHAT)? {
        0 => Side::A,
        1 => Side::B,
        found => {
            let rule = "neither 0 (A) nor 1 (B)";
            return Err(FormatError::Value { what: "a coefficient's matrix", found: found.into(), rule });
        }
    };
    let (row, variable) = (cursor.u32(WHAT)? as usize, cursor.u32(WHAT)? as usize);
    let value = Fr::decode(cursor.rest()).ok_or(FormatError::NotReduced { what: WHAT, index })?;
    Ok(Entry { side, row, variable, value })
}

fn row_of(entry: &[u8]) -> Option<u32> {
    entry.get(4..8)?.try_into().ok().map(u32::from_le_bytes)
}

/// The rows of A·z and B·z on a domain of `size` places, over all cores.
///
/// Writers put the entries in the order of their rows, so that a piece of the list touches a piece of the rows; a list in another
/// order is read by one thread.
pub(crate) fn rows(
    entries: &[u8],
    size: usize,
    assignment: &[Fr],
) -> Result<(Vec<Fr>, Vec<Fr>), FormatError> {
    // A value is v·R² where one multiplication takes away one R, so with z's integer in place of z's Montgomery form
    // the product is v·z·R, the Montgomery form of v·z.
    let plain: Vec<Fr> = assignment.par_iter().map(|z| Fr::new_unchecked(z.into_bigint())).collect();
    let (mut a, mut b) = (vec![Fr::zero(); size], vec![Fr::zero(); size]);
    let last = size.saturating_sub(1) as u32;
    let mut pieces = Vec::new();
    let (mut rest, mut rest_a, mut rest_b) = (entries, a.as_mut_slice(), b.as_mut_slice());
    let (mut first_entry, mut first_row) = (0, 0);
    while rest.len() > CHUNK * ENTRY_BYTES {
        // The piece goes on to where a row ends.
        let boundary = rest.get((CHUNK - 1) * ENTRY_BYTES..).unwrap_or_default();
        let row = boundary.chunks_exact(ENTRY_BYTES).next().and_then(row_of).unwrap_or_default().min(last);
        let same = boundary.chunks_exact(ENTRY_BYTES).take_while(|entry| row_of(entry) == Some(row)).count();
        let next_row = row as usize + 1;
        let (piece, after) = rest.split_at_checked((CHUNK - 1 + same) * ENTRY_BYTES).unwrap_or((rest, &[]));
        let Some(taken) = next_row.checked_sub(first_row).filter(|_| same > 0) else { break };
        let (piece_a, after_a) = core::mem::take(&mut rest_a).split_at_mut(taken);
        let (piece_b, after_b) = core::mem::take(&mut rest_b).split_at_mut(taken);
        pieces.push((piece, piece_a, piece_b, first_entry, first_row));
        (rest, rest_a, rest_b) = (after, after_a, after_b);
        first_entry += CHUNK - 1 + same;
        first_row = next_row;
    }
    pieces.push((rest, rest_a, rest_b, first_entry, first_row));
    let outcome: Result<Vec<bool>, FormatError> = pieces
        .into_par_iter()
        .map(|(entries, a, b, first_entry, first_row)| add(entries, &plain, (a, b), first_entry, first_row))
        .collect();
    if outcome?.iter().all(|in_order| *in_order) {
        return Ok((a, b));
    }
    a.fill(Fr::zero());
    b.fill(Fr::zero());
    if add(entries, &plain, (&mut a, &mut b), 0, 0)? {
        Ok((a, b))
    } else {
        let rule = "outside the domain";
        Err(FormatError::Value { what: "a coefficient's row", found: size as u64, rule })
    }
}

/// Adds entries to rows `first_row..`; `false` if one belongs to another row.
fn add(
    entries: &[u8],
    plain: &[Fr],
    (a, b): (&mut [Fr], &mut [Fr]),
    first_entry: usize,
    first_row: usize,
) -> Result<bool, FormatError> {
    for (index, bytes) in entries.chunks_exact(ENTRY_BYTES).enumerate() {
        let entry = decode(first_entry + index, bytes)?;
        let variable = plain.get(entry.variable).ok_or(FormatError::Value {
            what: "a coefficient's variable",
            found: entry.variable as u64,
            rule: "not one of the variables that the header states",
        })?;
        let side = match entry.side {
            Side::A => &mut *a,
            Side::B => &mut *b,
        };
        let Some(row) = entry.row.checked_sub(first_row).and_then(|row| side.get_mut(row)) else {
            return Ok(false);
        };
        *row += entry.value * variable;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn expected(entries: &[(Side, u32, u32, Fr)], size: usize, z: &[Fr]) -> (Vec<Fr>, Vec<Fr>) {
        let (mut a, mut b) = (vec![Fr::zero(); size], vec![Fr::zero(); size]);
        for (side, row, variable, value) in entries {
            let rows = if *side == Side::A { &mut a } else { &mut b };
            rows[*row as usize] += *value * z[*variable as usize];
        }
        (a, b)
    }

    fn encode(entries: &[(Side, u32, u32, Fr)]) -> Vec<u8> {
        entries
            .iter()
            .flat_map(|(side, row, variable, value)| encode_entry(*side, *row, *variable, value))
            .collect()
    }

    #[test]
    fn rows_are_the_matrices_times_the_assignment_in_any_order_of_entries() {
        let mut rng = rand::thread_rng();
        let z: Vec<Fr> = (0..50u64).map(|i| Fr::from(i * i + 1)).collect();
        let size = 1 << 13;
        let mut entries: Vec<_> = (0..3 * CHUNK + 77)
            .map(|_| {
                let side = if rng.r#gen() { Side::A } else { Side::B };
                (side, rng.gen_range(0..size as u32), rng.gen_range(0..50), Fr::from(rng.r#gen::<u64>()))
            })
            .collect();
        let unsorted = rows(&encode(&entries), size, &z).unwrap();
        assert_eq!(unsorted, expected(&entries, size, &z));
        entries.sort_by_key(|entry| entry.1);
        assert_eq!(rows(&encode(&entries), size, &z).unwrap(), unsorted);
        // One row that is longer than a piece, and the last row.
        for entry in &mut entries {
            entry.1 = if entry.1 < 4000 { 7 } else { size as u32 - 1 };
        }
        assert_eq!(rows(&encode(&entries), size, &z).unwrap(), expected(&entries, size, &z));
    }

    #[test]
    fn an_index_out_of_bounds_is_refused() {
        let z = [Fr::from(1u64)];
        let one = Fr::from(1u64);
        for (side, row, variable) in
            [(Side::A, 4, 0), (Side::B, u32::MAX, 0), (Side::A, 0, 1), (Side::A, 0, u32::MAX)]
        {
            assert!(matches!(
                rows(&encode(&[(side, row, variable, one)]), 4, &z),
                Err(FormatError::Value { .. })
            ));
        }
        let mut bytes = encode(&[(Side::A, 0, 0, one)]);
        bytes[0] = 2;
        assert!(matches!(rows(&bytes, 4, &z), Err(FormatError::Value { .. })));
        bytes[0] = 0;
        bytes[12..].fill(255);
        assert_eq!(rows(&bytes, 4, &z), Err(FormatError::NotReduced { what: WHAT, index: 0 }));
        assert!(matches!(entries(&[255; 48]), Err(FormatError::Length { .. })));
        assert!(matches!(entries(&[0; 3]), Err(FormatError::Truncated { .. })));
    }
}
