//! Big integers in JSON: decimal strings, since a JSON number may lose digits above 2^53.

use std::{fmt::Display, str::FromStr};

use ark_ff::{BigInt, PrimeField};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use zkpov_verifier::{babyjubjub::Point, eddsa::PublicKey, field::Fr};

/// Writes an integer as a decimal string. For `#[serde(with = "decimal")]`.
pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads an integer from its decimal string. For `#[serde(with = "decimal")]`.
pub fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>
where
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    canonical(&text)
        .map_err(D::Error::custom)?
        .parse()
        .map_err(|e| D::Error::custom(format!("`{text}`: {e}")))
}

/// A field element in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldElement(pub Fr);

impl serde::Serialize for FieldElement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.into_bigint())
    }
}

impl<'de> Deserialize<'de> for FieldElement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let integer = BigInt::<4>::from_str(canonical(&text).map_err(D::Error::custom)?)
            .map_err(|()| D::Error::custom(format!("`{text}` does not fit 256 bits")))?;
        let element = Fr::from_bigint(integer);
        element
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not below BN254's scalar modulus")))
    }
}

/// A point of Baby Jubjub in JSON, in circomlib's coordinates.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointJson {
    /// Abscissa.
    pub x: FieldElement,
    /// Ordinate.
    pub y: FieldElement,
}

impl PointJson {
    /// The point as a public key.
    ///
    /// # Errors
    ///
    /// If it is not on the curve.
    pub fn key(self) -> Result<PublicKey, String> {
        PublicKey::new(self.point()).map_err(|e| e.to_string())
    }

    /// The point, whatever it is.
    pub fn point(self) -> Point {
        Point { x: self.x.0, y: self.y.0 }
    }
}

impl From<&Point> for PointJson {
    fn from(point: &Point) -> Self {
        Self { x: FieldElement(point.x), y: FieldElement(point.y) }
    }
}

/// The text, if it is the one decimal form of a natural number.
pub(crate) fn canonical(text: &str) -> Result<&str, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && (text == "0" || !text.starts_with('0')) {
        Ok(text)
    } else {
        Err(format!("`{text}` is not a decimal integer in a string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Fr> {
        serde_json::from_str::<FieldElement>(&format!("\"{text}\"")).ok().map(|element| element.0)
    }

    #[test]
    fn a_field_element_has_one_decimal_form() {
        let modulus = Fr::MODULUS.to_string();
        assert_eq!(read("0"), Some(Fr::from(0u64)));
        assert_eq!(read("18446744073709551616"), Some(Fr::from(1u128 << 64)));
        for refused in ["", "00", "01", "-1", "+1", " 1", "1e3", "0x1", &modulus, &"9".repeat(90)] {
            assert_eq!(read(refused), None, "{refused}");
        }
        let element = FieldElement(-Fr::from(5u64));
        let text = serde_json::to_string(&element).expect("a string");
        assert_eq!(serde_json::from_str::<FieldElement>(&text).expect("its own form"), element);
    }
}
