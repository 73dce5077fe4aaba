//! What every format has in common: the same lies told about each, over files of circom and snarkjs.

use crate::ceremony::transcript;
use crate::error::FormatError;
use crate::r1cs::Circuit;
use crate::testing::PRODUCT;
use crate::{Ptau, PtauError, Zkey, wtns};

const HEAD_BYTES: usize = 12;
const SECTION_HEAD_BYTES: usize = 12;

struct Format {
    name: &'static str,
    file: &'static [u8],
    /// The section that begins with a modulus.
    header: u32,
    parse: fn(&[u8]) -> Result<(), FormatError>,
}

const FORMATS: [Format; 4] = [
    Format { name: "r1cs", file: PRODUCT.r1cs, header: 1, parse: |bytes| Circuit::parse(bytes).map(drop) },
    Format { name: "wtns", file: PRODUCT.witness, header: 1, parse: |bytes| wtns::parse(bytes).map(drop) },
    Format {
        name: "zkey",
        file: PRODUCT.last,
        header: 2,
        parse: |bytes| transcript(&Zkey::parse(bytes)?).map(drop),
    },
    Format {
        name: "ptau",
        file: PRODUCT.powers,
        header: 1,
        // Contributions are read when they are judged.
        parse: |bytes| match Ptau::parse(bytes)?.check(&|_, _| ()) {
            Ok(_) => Ok(()),
            Err(PtauError::Format(error)) => Err(error),
            Err(other) => panic!("{other}"),
        },
    },
];

/// Number, offset of the length, and length of each section.
fn sections(file: &[u8]) -> Vec<(u32, usize, u64)> {
    let mut at = HEAD_BYTES;
    let mut sections = Vec::new();
    while at < file.len() {
        let length = u64::from_le_bytes(file[at + 4..at + 12].try_into().unwrap());
        sections.push((u32::from_le_bytes(file[at..at + 4].try_into().unwrap()), at + 4, length));
        at += SECTION_HEAD_BYTES + length as usize;
    }
    sections
}

fn changed(file: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    bytes[at..at + new.len()].copy_from_slice(new);
    bytes
}

#[test]
fn a_length_of_2_60_is_refused_in_each_section_of_each_format() {
    for Format { name, file, parse, .. } in FORMATS {
        parse(file).unwrap();
        for (section, at, _) in sections(file) {
            match parse(&changed(file, at, &(1u64 << 60).to_le_bytes())) {
                Err(FormatError::Truncated { needed, .. }) => assert_eq!(needed, 1 << 60, "{name} {section}"),
                other => panic!("{name}, section {section}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_section_that_is_longer_or_shorter_than_its_counts_say_is_refused() {
    for Format { name, file, parse, .. } in FORMATS {
        for (section, at, length) in sections(file) {
            // What a .r1cs has after these, this program does not read.
            if name == "r1cs" && section > 3 {
                continue;
            }
            let end = at + 8 + length as usize;
            let mut longer = changed(file, at, &(length + 1).to_le_bytes());
            longer.insert(end, 0);
            let mut shorter = changed(file, at, &(length - 1).to_le_bytes());
            shorter.remove(end - 1);
            let system = name == "zkey" && section == 1;
            assert!(system || parse(&longer).is_err(), "{name}, section {section}, a byte more");
            assert!(parse(&shorter).is_err(), "{name}, section {section}, a byte less");
        }
    }
}

#[test]
fn another_field_another_format_and_another_version_are_refused_by_name() {
    for Format { name, file, header, parse } in FORMATS {
        let (_, at, _) = sections(file).into_iter().find(|(section, ..)| *section == header).unwrap();
        // The length of the modulus, then the modulus.
        let modulus = at + 8;
        let field = parse(&changed(file, modulus + 4, &[0xff; 8]));
        assert!(matches!(field, Err(FormatError::Field { .. })), "{name}: {field:?}");
        let length = parse(&changed(file, modulus, &[8]));
        assert!(matches!(length, Err(FormatError::Field { .. })), "{name}: {length:?}");
        assert!(matches!(parse(&changed(file, 0, b"plon")), Err(FormatError::Magic { .. })), "{name}");
        assert!(
            matches!(parse(&changed(file, 4, &[9])), Err(FormatError::Version { found: 9, .. })),
            "{name}"
        );
        assert!(
            matches!(parse(&changed(file, 4, &[0])), Err(FormatError::Version { found: 0, .. })),
            "{name}"
        );
    }
}

#[test]
fn a_file_that_ends_anywhere_is_refused() {
    for Format { name, file, parse, .. } in FORMATS {
        for cut in 0..file.len() {
            assert!(parse(&file[..cut]).is_err(), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_section_that_is_missing_or_there_twice_is_refused() {
    for Format { name, file, parse, .. } in FORMATS {
        for (section, at, length) in sections(file) {
            let optional = match name {
                "r1cs" => section > 3,
                "zkey" => section == 10,
                "ptau" => section == 12,
                _ => false,
            };
            let renamed = parse(&changed(file, at - 4, &99u32.to_le_bytes()));
            assert_eq!(renamed.is_ok(), optional, "{name}, section {section}: {renamed:?}");
            let mut twice = changed(file, 8, &(sections(file).len() as u32 + 1).to_le_bytes());
            twice.extend_from_slice(&file[at - 4..at + 8 + length as usize]);
            if !(name == "r1cs" && section > 3) {
                assert!(
                    matches!(parse(&twice), Err(FormatError::Duplicate { .. })),
                    "{name}, section {section}"
                );
            }
        }
    }
}
