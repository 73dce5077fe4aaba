//! Values that are not made of others by [`values!`](crate::values): integers, bits, keys, field elements, arrays.

use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use serde_json::Value as Json;
use zkpov_verifier::{babyjubjub::Point, eddsa::PublicKey, field::Fr};

use super::{Atoms, Fields, Label, Value, WHOLE};
use crate::{
    bit::Bit,
    decimal::{FieldElement, PointJson, canonical},
    gadgets::{babyjubjub::EdwardsPoint, range::Uint},
    hint,
    integer::to_u128,
    state::layout::Layout,
};

/// How JSON has an integer type.
trait JsonInteger: Sized {
    fn to_json(&self) -> Json;
    fn from_json(json: &Json) -> core::result::Result<Self, String>;
}

macro_rules! json_numbers {
    ($($type:ty),*) => { $(
        impl JsonInteger for $type {
            fn to_json(&self) -> Json {
                (*self).into()
            }

            fn from_json(json: &Json) -> core::result::Result<Self, String> {
                // A command line has numbers as text.
                let text = json.as_str().and_then(|text| canonical(text).ok()?.parse().ok());
                let number =
                    json.as_u64().or(text).ok_or_else(|| format!("{json} is not a natural number"))?;
                number.try_into().map_err(|_| format!("{number} exceeds {}", <$type>::MAX))
            }
        }
    )* };
}

macro_rules! json_decimals {
    ($($type:ty),*) => { $(
        impl JsonInteger for $type {
            fn to_json(&self) -> Json {
                self.to_string().into()
            }

            fn from_json(json: &Json) -> core::result::Result<Self, String> {
                let text = json.as_str().ok_or_else(|| format!("{json} is not a decimal integer in a string"))?;
                canonical(text)?.parse().map_err(|error| format!("`{text}`: {error}"))
            }
        }
    )* };
}

json_numbers!(u8, u16, u32);
json_decimals!(u64, u128);

macro_rules! integer_values {
    ($($type:ty),*) => { $(
        impl Value for $type {
            type Var = Uint<{ <$type>::BITS as usize }>;

            fn widths() -> Vec<usize> {
                vec![<$type>::BITS as usize]
            }

            fn elements(&self) -> Vec<Fr> {
                vec![Fr::from(*self)]
            }

            fn from_elements(elements: &[Fr]) -> Option<Self> {
                match elements {
                    [element] => to_u128(element)?.try_into().ok(),
                    _ => None,
                }
            }

            fn hint(
                cs: &ConstraintSystemRef<Fr>,
                _: &Layout,
                label: Label,
                fields: Fields<'_>,
            ) -> Result<Self::Var> {
                let value = hint::field(cs, label.variable, || fields.get(0))?;
                if fields.is_kept() {
                    return Ok(Uint::trust(value));
                }
                Uint::enforce(label.range, &value)
            }

            fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Self::Var> {
                atom(<$type>::BITS as usize, fields.get(0)).map(Uint::trust)
            }

            fn variables(value: &Self::Var) -> Vec<FpVar<Fr>> {
                vec![value.as_field().clone()]
            }

            fn to_json(&self) -> Json {
                JsonInteger::to_json(self)
            }

            fn from_json(json: &Json) -> core::result::Result<Self, String> {
                JsonInteger::from_json(json)
            }
        }
    )* };
}

integer_values!(u8, u16, u32, u64, u128);

impl Value for bool {
    type Var = Bit;

    fn widths() -> Vec<usize> {
        vec![1]
    }

    fn elements(&self) -> Vec<Fr> {
        vec![Fr::from(*self)]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [element] if *element == Fr::from(false) => Some(false),
            [element] if *element == Fr::from(true) => Some(true),
            _ => None,
        }
    }

    fn hint(cs: &ConstraintSystemRef<Fr>, _: &Layout, label: Label, fields: Fields<'_>) -> Result<Bit> {
        Bit::enforce(&hint::field(cs, label.variable, || fields.get(0))?)
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Bit> {
        atom(1, fields.get(0)).map(Bit::trust)
    }

    fn variables(value: &Bit) -> Vec<FpVar<Fr>> {
        vec![value.as_field().clone()]
    }

    fn to_json(&self) -> Json {
        (*self).into()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        json.as_bool().ok_or_else(|| format!("{json} is not true or false"))
    }
}

/// A key. In a circuit it is two coordinates and no more: on the curve and in the prime subgroup if it comes from
/// the state, where nothing else gets in, and otherwise after [`EdwardsPoint::enforce_key`].
impl Value for PublicKey {
    type Var = EdwardsPoint;

    fn widths() -> Vec<usize> {
        vec![WHOLE; 2]
    }

    fn elements(&self) -> Vec<Fr> {
        self.coordinates().to_vec()
    }

    /// On the curve; whether in the prime subgroup is not looked at.
    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [x, y] => Self::new(Point { x: *x, y: *y }).ok(),
            _ => None,
        }
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        _: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<EdwardsPoint> {
        EdwardsPoint::hint(cs, label.variable, || Ok(Point { x: fields.get(0)?, y: fields.get(1)? }))
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<EdwardsPoint> {
        Ok(EdwardsPoint { x: atom(WHOLE, fields.get(0))?, y: atom(WHOLE, fields.get(1))? })
    }

    fn variables(value: &EdwardsPoint) -> Vec<FpVar<Fr>> {
        vec![value.x.clone(), value.y.clone()]
    }

    fn to_json(&self) -> Json {
        serde_json::to_value(PointJson::from(self.point())).unwrap_or_default()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let point: PointJson = serde_json::from_value(json.clone()).map_err(|error| error.to_string())?;
        point.key()
    }
}

/// Any element of the field: a commitment, a nullifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Element(pub Fr);

impl codec::Encode for Element {
    fn encode_to<T: codec::Output + ?Sized>(&self, output: &mut T) {
        zkpov_verifier::field::encode(&self.0).encode_to(output);
    }
}

impl codec::Decode for Element {
    fn decode<I: codec::Input>(input: &mut I) -> core::result::Result<Self, codec::Error> {
        let bytes = <[u8; zkpov_verifier::field::ENCODED_LEN]>::decode(input)?;
        zkpov_verifier::field::decode(&bytes).map(Self).map_err(|_| "not a field element".into())
    }
}

impl Value for Element {
    type Var = FpVar<Fr>;

    fn widths() -> Vec<usize> {
        vec![WHOLE]
    }

    fn elements(&self) -> Vec<Fr> {
        vec![self.0]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        match elements {
            [element] => Some(Self(*element)),
            _ => None,
        }
    }

    fn hint(cs: &ConstraintSystemRef<Fr>, _: &Layout, label: Label, fields: Fields<'_>) -> Result<FpVar<Fr>> {
        hint::field(cs, label.variable, || fields.get(0))
    }

    fn assume(_: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<FpVar<Fr>> {
        atom(WHOLE, fields.get(0))
    }

    fn variables(value: &FpVar<Fr>) -> Vec<FpVar<Fr>> {
        vec![value.clone()]
    }

    fn to_json(&self) -> Json {
        serde_json::to_value(FieldElement(self.0)).unwrap_or_default()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        serde_json::from_value::<FieldElement>(json.clone())
            .map(|element| Self(element.0))
            .map_err(|error| error.to_string())
    }
}

/// A structure without any value: what a call takes that takes nothing.
impl Value for () {
    type Var = ();

    fn widths() -> Vec<usize> {
        Vec::new()
    }

    fn elements(&self) -> Vec<Fr> {
        Vec::new()
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        elements.is_empty().then_some(())
    }

    fn hint(_: &ConstraintSystemRef<Fr>, _: &Layout, _: Label, _: Fields<'_>) -> Result<()> {
        Ok(())
    }

    fn assume(_: &Layout, _: Fields<'_>, _: &mut Atoms<'_>) -> Result<()> {
        Ok(())
    }

    fn variables(_: &()) -> Vec<FpVar<Fr>> {
        Vec::new()
    }

    fn to_json(&self) -> Json {
        Json::Object(serde_json::Map::new())
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        match json {
            Json::Object(members) if members.is_empty() => Ok(()),
            _ => Err("no arguments are taken".into()),
        }
    }
}

/// What travels with an extrinsic and has no elements: it is not signed with it and no body tells it. Not shown by
/// [`Debug`](core::fmt::Debug), for it is private.
#[derive(Clone, PartialEq, Eq, codec::Encode, codec::Decode)]
pub struct Unsigned<T>(pub T);

impl<T> core::fmt::Debug for Unsigned<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Unsigned(..)")
    }
}

impl<T: Value> Value for Unsigned<T> {
    type Var = ();

    fn widths() -> Vec<usize> {
        Vec::new()
    }

    fn elements(&self) -> Vec<Fr> {
        Vec::new()
    }

    /// There are no elements to tell it from.
    fn from_elements(_: &[Fr]) -> Option<Self> {
        None
    }

    fn hint(_: &ConstraintSystemRef<Fr>, _: &Layout, _: Label, _: Fields<'_>) -> Result<()> {
        Ok(())
    }

    fn assume(_: &Layout, _: Fields<'_>, _: &mut Atoms<'_>) -> Result<()> {
        Ok(())
    }

    fn variables(_: &()) -> Vec<FpVar<Fr>> {
        Vec::new()
    }

    fn to_json(&self) -> Json {
        self.0.to_json()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        T::from_json(json).map(Self)
    }
}

/// As many values of one kind, one after the other.
impl<T: Value, const N: usize> Value for [T; N] {
    type Var = [T::Var; N];

    fn widths() -> Vec<usize> {
        (0..N).flat_map(|_| T::widths()).collect()
    }

    fn elements(&self) -> Vec<Fr> {
        self.iter().flat_map(Value::elements).collect()
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        let count = T::widths().len();
        let value = |i: usize| T::from_elements(elements.get(i * count..(i + 1) * count)?);
        let values = (0..N).map(value).collect::<Option<Vec<T>>>()?;
        values.try_into().ok().filter(|_| elements.len() == N * count)
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        label: Label,
        mut fields: Fields<'_>,
    ) -> Result<Self::Var> {
        let count = T::widths().len();
        let values = (0..N).map(|_| T::hint(cs, layout, label, fields.take(count)));
        values.collect::<Result<Vec<_>>>()?.try_into().map_err(|_| SynthesisError::ArityMismatch)
    }

    fn assume(layout: &Layout, mut fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Self::Var> {
        let count = T::widths().len();
        let values = (0..N).map(|_| T::assume(layout, fields.take(count), atom));
        values.collect::<Result<Vec<_>>>()?.try_into().map_err(|_| SynthesisError::ArityMismatch)
    }

    fn variables(value: &Self::Var) -> Vec<FpVar<Fr>> {
        value.iter().flat_map(T::variables).collect()
    }

    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let list = json.as_array().ok_or_else(|| format!("{json} is not a list"))?;
        let values = list.iter().map(T::from_json).collect::<core::result::Result<Vec<T>, String>>()?;
        values.try_into().map_err(|values: Vec<T>| format!("a list of {}, not {N}", values.len()))
    }
}
