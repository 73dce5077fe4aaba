//! `.r1cs`: a circuit's constraints, as circom writes them.
//!
//! ```text
//!   1 header       modulus, variables, outputs, public inputs, private inputs (u32 each), labels u64, constraints u32
//!   2 constraints  for each: A, B, C as  count u32, then (variable u32, coefficient 32 bytes plain)
//!   3 labels       u64 for each variable          4, 5  custom gates: refused, Groth16 has none
//! ```
//! The variables are 1, outputs, public inputs, then the rest: the order of the prover, whose public inputs are circom's outputs and
//! public inputs.

use std::collections::HashMap;
use std::io::{self, Write};

use ark_bn254::Fr;
use zkpov_prover::encoding::FIELD_BYTES;
use zkpov_prover::r1cs::{R1cs, SparseMatrix};

use crate::bytes::{Cursor, modulus_bytes, scalar, scalar_bytes};
use crate::container::{Sections, write_head, write_section, write_section_head};
use crate::error::FormatError;

const MAGIC: &str = "r1cs";
const VERSION: u32 = 1;
const HEADER: u32 = 1;
const CONSTRAINTS: u32 = 2;
const LABELS: u32 = 3;
const CUSTOM_GATES: [u32; 2] = [4, 5];
/// Three counts, the least a constraint takes.
const LEAST_CONSTRAINT_BYTES: u64 = 12;
const LABEL_BYTES: usize = 8;
const TERM_BYTES: u64 = 4 + FIELD_BYTES as u64;
const WHAT: &str = "the constraints";

/// A circuit, with what circom says of its signals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// The matrices, their entries in the order of the file.
    pub r1cs: R1cs,
    /// Public outputs: the first public inputs of a proof.
    pub outputs: u32,
    /// Private inputs, a part of the witness.
    pub private_inputs: u32,
}

impl Circuit {
    /// Reads a `.r1cs` file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let sections = Sections::parse(bytes, MAGIC, VERSION)?;
        let mut header = Cursor::new(sections.get(HEADER, "header")?);
        header.modulus::<Fr>("circuit's field")?;
        let mut count = || header.u32("the header");
        let (variables, outputs, public, private_inputs) = (count()?, count()?, count()?, count()?);
        let _labels = header.u64("the header")?;
        let constraints = header.u32("the header")?;
        header.end("the header", (4 + FIELD_BYTES + 4 * 5 + 8) as u64)?;
        let public = u64::from(outputs) + u64::from(public) + 1;
        if public + u64::from(private_inputs) > u64::from(variables) {
            let rule = "fewer than the constant 1, the outputs and the inputs";
            return Err(FormatError::Value {
                what: "the number of variables",
                found: variables.into(),
                rule,
            });
        }
        for id in CUSTOM_GATES {
            if let Some(gates) = sections.find(id, "custom gates")?
                && Cursor::new(gates).u32("the custom gates")? != 0
            {
                return Err(FormatError::CustomGates);
            }
        }
        // Labels say nothing here, but that there is one for each variable bounds their number by the file's length.
        sections.items(LABELS, "labels", variables.into(), LABEL_BYTES)?;
        let body = sections.get(CONSTRAINTS, "constraints")?;
        let (matrices, values) = matrices(body, constraints, variables)?;
        // Not above `variables`, a u32.
        let instance = public as usize;
        let r1cs = R1cs::new(instance, variables as usize - instance, values, matrices).map_err(|_| {
            let rule = "with the public inputs, more rows than the field has roots of unity for (2^27)";
            FormatError::Value { what: "the number of constraints", found: constraints.into(), rule }
        })?;
        Ok(Self { r1cs, outputs, private_inputs })
    }
}

fn matrices(
    body: &[u8],
    constraints: u32,
    variables: u32,
) -> Result<([SparseMatrix; 3], Vec<Fr>), FormatError> {
    let needed = u64::from(constraints) * LEAST_CONSTRAINT_BYTES;
    if needed > body.len() as u64 {
        return Err(FormatError::Truncated { what: WHAT, needed, left: body.len() as u64 });
    }
    let mut cursor = Cursor::new(body);
    let mut values = Vec::new();
    let mut places = HashMap::new();
    let mut matrices: [SparseMatrix; 3] = Default::default();
    let mut terms_read = 0usize;
    for _ in 0..constraints {
        for matrix in &mut matrices {
            let count = cursor.u32(WHAT)?;
            let mut terms = Cursor::new(cursor.take(u64::from(count) * TERM_BYTES, WHAT)?);
            for _ in 0..count {
                let variable = terms.u32(WHAT)?;
                if variable >= variables {
                    let rule = "not one of the variables that the header states";
                    return Err(FormatError::Value {
                        what: "a constraint's variable",
                        found: variable.into(),
                        rule,
                    });
                }
                let value = scalar(terms.take(FIELD_BYTES as u64, WHAT)?)
                    .ok_or(FormatError::NotReduced { what: WHAT, index: terms_read })?;
                let place = *places.entry(value).or_insert_with(|| {
                    values.push(value);
                    values.len() - 1
                });
                terms_read += 1;
                matrix.columns.push(variable);
                matrix.coefficients.push(index(place)?);
            }
            matrix.row_offsets.push(index(matrix.columns.len())?);
        }
    }
    cursor.end(WHAT, (body.len() - cursor.rest().len()) as u64)?;
    Ok((matrices, values))
}

fn index(place: usize) -> Result<u32, FormatError> {
    u32::try_from(place).map_err(|_| FormatError::Value {
        what: "the number of a matrix's entries",
        found: place as u64,
        rule: "more than 32-bit offsets can name",
    })
}

/// Writes a circuit as a `.r1cs` file: every public input as circom's public input (`outputs` of them as outputs), labels equal to the
/// variables.
///
/// # Errors
/// What `out` answers.
pub fn write(out: &mut dyn Write, circuit: &Circuit) -> io::Result<()> {
    let r1cs = &circuit.r1cs;
    let public = (r1cs.num_instance() as u32).saturating_sub(1);
    write_head(out, MAGIC, VERSION, 3)?;

    let mut header = modulus_bytes::<Fr>();
    let outputs = circuit.outputs.min(public);
    for count in [r1cs.num_variables() as u32, outputs, public - outputs, circuit.private_inputs] {
        header.extend_from_slice(&count.to_le_bytes());
    }
    header.extend_from_slice(&(r1cs.num_variables() as u64).to_le_bytes());
    header.extend_from_slice(&(r1cs.num_constraints() as u32).to_le_bytes());
    write_section(out, HEADER, &header)?;

    let entries: usize = r1cs.matrices().iter().map(|matrix| matrix.columns.len()).sum();
    let length = LEAST_CONSTRAINT_BYTES * r1cs.num_constraints() as u64 + TERM_BYTES * entries as u64;
    write_section_head(out, CONSTRAINTS, length)?;
    let values: Vec<_> = r1cs.values().iter().map(scalar_bytes).collect();
    for row in 0..r1cs.num_constraints() {
        for matrix in r1cs.matrices() {
            // `R1cs` keeps its offsets and indices in bounds.
            let entries = matrix.row_offsets[row] as usize..matrix.row_offsets[row + 1] as usize;
            out.write_all(&(entries.len() as u32).to_le_bytes())?;
            for entry in entries {
                out.write_all(&matrix.columns[entry].to_le_bytes())?;
                out.write_all(&values[matrix.coefficients[entry] as usize])?;
            }
        }
    }

    write_section_head(out, LABELS, (LABEL_BYTES * r1cs.num_variables()) as u64)?;
    for label in 0..r1cs.num_variables() as u64 {
        out.write_all(&label.to_le_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn what_is_written_is_read_again() {
        let circuit = testing::circuit();
        let mut bytes = Vec::new();
        write(&mut bytes, &circuit).unwrap();
        assert_eq!(Circuit::parse(&bytes), Ok(circuit));
    }

    #[test]
    fn malformed_circuits_are_refused_by_their_fault() {
        let mut bytes = Vec::new();
        write(&mut bytes, &testing::circuit()).unwrap();
        for cut in 0..bytes.len() {
            assert!(Circuit::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let change = |at: usize, new: &[u8]| {
            let mut bytes = bytes.clone();
            bytes[at..at + new.len()].copy_from_slice(new);
            Circuit::parse(&bytes)
        };
        // 12 head, 12 section head, 4 length of the modulus.
        assert_eq!(change(28, &[2]), Err(FormatError::Field { what: "circuit's field" }));
        assert!(matches!(change(24, &[33]), Err(FormatError::Field { .. })));
        let variables = 28 + 32;
        assert!(matches!(
            change(variables, &[1, 0]),
            Err(FormatError::Value { what: "the number of variables", .. })
        ));
        assert!(matches!(change(variables, &[255; 4]), Err(FormatError::Length { what: "labels", .. })));
        let constraints = variables + 16 + 8;
        assert!(matches!(change(constraints, &[255; 4]), Err(FormatError::Truncated { .. })));
        let first_term = constraints + 4 + 12;
        assert!(matches!(change(first_term, &[255; 4]), Err(FormatError::Truncated { .. })));
        assert!(matches!(change(first_term + 4, &[255; 4]), Err(FormatError::Value { .. })));
        assert!(matches!(change(first_term + 8, &[255; 32]), Err(FormatError::NotReduced { index: 0, .. })));
    }
}
