//! Typed values with three forms: native, in a circuit, and in JSON.
//!
//! ```text
//!   Value   u32, u128, bool, PublicKey, … and structures of them (`values!`)
//!     ├── elements, from_elements   native ◄──► field elements, one or two for each
//!     ├── hint, variables           field elements ──► variables, every one enforced to be in its range
//!     ├── pack, unpack              elements ◄──► few elements: what leaves, messages and bodies are made of
//!     └── to_json, from_json        what specs and extrinsics files say
//! ```
//!
//! What a record holds, what a user signs, what a circuit is given for a slot and what a body says are all values. So the
//! layout of each is written once, and the circuit's and the native one cannot differ.
//!
//! # Packing
//!
//! Elements are packed in their order, each above the one before, as long as 253 bits hold them; the next begins another packed
//! element. A whole field element (a key's coordinate) stands by itself. The packing is injective on elements within
//! their widths: two lists that pack alike are alike. Both sides hold every element to its width, so it is
//! injective wherever it is used.

use ark_ff::{BigInteger, PrimeField};
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use serde_json::Value as Json;
use zkpov_verifier::{babyjubjub::Point, eddsa::PublicKey, field::Fr};

use super::layout::Layout;
use crate::{
    bit::Bit,
    decimal::{FieldElement, PointJson, canonical},
    gadgets::{
        babyjubjub::EdwardsPoint,
        range::{MAX_UNIQUE_BITS, Uint},
    },
    hint,
    integer::{power_of_two, to_u128},
    linear::Linear,
};

/// Width of an element that can be any of the field.
pub const WHOLE: usize = Fr::MODULUS_BIT_SIZE as usize;

/// Elements as a prover gives them; `None` when only the circuit's shape is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'w>(pub(crate) Option<&'w [Fr]>);

impl<'w> Fields<'w> {
    /// These elements.
    pub fn new(elements: Option<&'w [Fr]>) -> Self {
        Self(elements)
    }

    /// Element `number`.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::AssignmentMissing`] if there is none.
    pub fn get(&self, number: usize) -> Result<Fr> {
        self.0.and_then(|fields| fields.get(number)).copied().ok_or(SynthesisError::AssignmentMissing)
    }

    /// Takes the next `count` elements off.
    #[must_use]
    pub fn take(&mut self, count: usize) -> Self {
        let Some(all) = self.0 else { return Self(None) };
        let (taken, rest) = all.split_at_checked(count).unwrap_or((all, &[]));
        self.0 = Some(rest);
        Self(Some(taken))
    }
}

/// How a hint is called: what it is, and the constraint that holds it to its range.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Name of the variable.
    pub variable: &'static str,
    /// Name of the constraint.
    pub range: &'static str,
}

/// A value with a native form, one in a circuit, and one in JSON, all of one declaration: [`values!`](crate::values).
pub trait Value: Clone + core::fmt::Debug + PartialEq + Send + Sync + Sized + 'static {
    /// The value in a circuit.
    type Var: Clone + core::fmt::Debug + 'static;

    /// Widths in bits of its elements, [`WHOLE`] for one that can be any of the field.
    fn widths() -> Vec<usize>;

    /// Its elements, each below its width.
    fn elements(&self) -> Vec<Fr>;

    /// The value of these elements; `None` if they are none's.
    fn from_elements(elements: &[Fr]) -> Option<Self>;

    /// A value of the prover's choice, every element held to its width by a constraint named in `label`.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::AssignmentMissing`] if `fields` has too few elements.
    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<Self::Var>;

    /// The value of atoms, which `atom` gives one after the other and knows to be in their range: for each it is told the width,
    /// and what a prover says who has these `fields`. An element is an atom, or a few that it is put together from: a place is
    /// of its bits.
    ///
    /// # Errors
    ///
    /// Those of `atom`.
    fn assume(layout: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<Self::Var>;

    /// The elements of a value in a circuit.
    fn variables(value: &Self::Var) -> Vec<FpVar<Fr>>;

    /// The value in JSON.
    fn to_json(&self) -> Json;

    /// The value of its JSON.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn from_json(json: &Json) -> core::result::Result<Self, String>;
}

/// Gives the next atom of a value, of this width, for which a prover says this: see [`Value::assume`].
pub type Atoms<'a> = dyn FnMut(usize, Result<Fr>) -> Result<FpVar<Fr>> + 'a;

/// The `count` bits of an element as atoms, the least first.
///
/// # Errors
///
/// Those of `atom`.
pub fn assume_bits(element: &Result<Fr>, count: usize, atom: &mut Atoms<'_>) -> Result<Vec<Bit>> {
    let bit = |i| element.map(|element| Fr::from(element.into_bigint().get_bit(i)));
    (0..count).map(|i| atom(1, bit(i)).map(Bit::trust)).collect()
}

/// Packs elements of these widths.
pub fn pack(widths: &[usize], elements: &[Fr]) -> Vec<Fr> {
    let mut packed: Vec<Fr> = Vec::new();
    for ((slot, shift), element) in places(widths).into_iter().zip(elements) {
        let part = power_of_two(shift) * element;
        match packed.get_mut(slot) {
            Some(sum) => *sum += part,
            None => packed.push(part),
        }
    }
    packed
}

/// Packs variables of these widths. No constraint.
///
/// # Errors
///
/// None but those of allocation.
pub fn pack_variables(widths: &[usize], variables: &[FpVar<Fr>]) -> Result<Vec<FpVar<Fr>>> {
    let mut packed: Vec<Linear> = Vec::new();
    for ((slot, shift), variable) in places(widths).into_iter().zip(variables) {
        if packed.len() == slot {
            packed.push(Linear::new(&ConstraintSystemRef::None));
        }
        if let Some(sum) = packed.get_mut(slot) {
            sum.add(power_of_two(shift), variable);
        }
    }
    packed.into_iter().map(Linear::finish).collect()
}

/// The elements that pack to `packed`: `None` if none of these widths do.
pub fn unpack(widths: &[usize], packed: &[Fr]) -> Option<Vec<Fr>> {
    let mut rest: Vec<_> = packed.iter().map(|element| element.into_bigint()).collect();
    let mut elements = Vec::with_capacity(widths.len());
    for (slot, _) in places(widths) {
        let remaining = rest.get_mut(slot)?;
        let width = *widths.get(elements.len())?;
        let mut low = *remaining;
        if width < WHOLE {
            for bit in width..u64::BITS as usize * low.0.len() {
                if let Some(limb) = low.0.get_mut(bit / 64) {
                    *limb &= !(1 << (bit % 64));
                }
            }
            *remaining >>= width as u32;
        } else {
            *remaining = 0u64.into();
        }
        elements.push(Fr::from_bigint(low)?);
    }
    (packed.len() == packed_widths(widths).len() && rest.iter().all(|rest| rest.is_zero()))
        .then_some(elements)
}

/// How many bits each packed element of these widths has.
pub fn packed_widths(widths: &[usize]) -> Vec<usize> {
    let mut totals: Vec<usize> = Vec::new();
    for ((slot, shift), width) in places(widths).into_iter().zip(widths) {
        let end = shift as usize + width;
        match totals.get_mut(slot) {
            Some(total) => *total = end,
            None => totals.push(end),
        }
    }
    totals
}

/// For each element which packed one it goes into, and at which bit.
fn places(widths: &[usize]) -> Vec<(usize, u32)> {
    let mut places = Vec::with_capacity(widths.len());
    let (mut slot, mut used) = (0, 0);
    for width in widths {
        if used > 0 && used + width > MAX_UNIQUE_BITS {
            slot += 1;
            used = 0;
        }
        // Below 253.
        places.push((slot, used as u32));
        used += width;
    }
    places
}

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
                Uint::enforce(label.range, &hint::field(cs, label.variable, || fields.get(0))?)
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

/// Takes member `name` out of the object that a structure is in JSON.
///
/// # Errors
///
/// If there is none, or it is not a `T`.
pub fn take_member<T: Value>(
    members: &mut serde_json::Map<String, Json>,
    name: &str,
) -> core::result::Result<T, String> {
    let member = members.remove(name).ok_or_else(|| format!("`{name}` is missing"))?;
    T::from_json(&member).map_err(|error| format!("`{name}`: {error}"))
}

/// Declares a structure of values, natively and in a circuit, and its [`Value`] with all that follows: layout, SCALE, JSON.
///
/// ```
/// zkpov_circuits::values! {
///     /// What one account offers another.
///     pub struct Offer / OfferVar ("offer") {
///         /// Whom it is for.
///         receiver: u32,
///         /// How much.
///         amount: u128,
///     }
/// }
///
/// use zkpov_circuits::state::Value;
/// assert_eq!(Offer::widths(), [32, 128]);
/// ```
///
/// The label opens the names of the constraints that hold the members to their ranges: `offer/amount`.
#[macro_export]
macro_rules! values {
    (
        $(#[$meta:meta])*
        $vis:vis struct $native:ident / $var:ident ($label:literal) {
            $( $(#[$member_meta:meta])* $member:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $native {
            $( $(#[$member_meta])* pub $member: $type, )*
        }

        #[doc = concat!("[`", stringify!($native), "`] in a circuit.")]
        #[derive(Clone, Debug)]
        $vis struct $var {
            $( $(#[$member_meta])* pub $member: <$type as $crate::state::Value>::Var, )*
        }

        impl $crate::codec::Encode for $native {
            fn encode_to<T: $crate::codec::Output + ?Sized>(&self, output: &mut T) {
                $( $crate::codec::Encode::encode_to(&self.$member, output); )*
            }
        }

        impl $crate::codec::Decode for $native {
            fn decode<I: $crate::codec::Input>(
                input: &mut I,
            ) -> ::core::result::Result<Self, $crate::codec::Error> {
                Ok(Self { $( $member: $crate::codec::Decode::decode(input)?, )* })
            }
        }

        impl $crate::state::Value for $native {
            type Var = $var;

            fn widths() -> ::std::vec::Vec<usize> {
                let mut widths = ::std::vec::Vec::new();
                $( widths.extend(<$type as $crate::state::Value>::widths()); )*
                widths
            }

            fn elements(&self) -> ::std::vec::Vec<$crate::Fr> {
                let mut elements = ::std::vec::Vec::new();
                $( elements.extend($crate::state::Value::elements(&self.$member)); )*
                elements
            }

            fn from_elements(elements: &[$crate::Fr]) -> Option<Self> {
                let mut rest = elements;
                $(
                    let count = <$type as $crate::state::Value>::widths().len();
                    let (own, others) = rest.split_at_checked(count)?;
                    rest = others;
                    let $member = <$type as $crate::state::Value>::from_elements(own)?;
                )*
                rest.is_empty().then_some(Self { $( $member ),* })
            }

            fn hint(
                cs: &$crate::ConstraintSystemRef<$crate::Fr>,
                layout: &$crate::state::Layout,
                _: $crate::state::Label,
                mut fields: $crate::state::Fields<'_>,
            ) -> $crate::SynthesisResult<$var> {
                $(
                    let label = $crate::state::Label {
                        variable: stringify!($member),
                        range: concat!($label, "/", stringify!($member)),
                    };
                    let own = fields.take(<$type as $crate::state::Value>::widths().len());
                    let $member = <$type as $crate::state::Value>::hint(cs, layout, label, own)?;
                )*
                Ok($var { $( $member ),* })
            }

            fn assume(
                layout: &$crate::state::Layout,
                mut fields: $crate::state::Fields<'_>,
                atom: &mut $crate::state::Atoms<'_>,
            ) -> $crate::SynthesisResult<$var> {
                let (_, _) = (&mut fields, &atom);
                $(
                    let own = fields.take(<$type as $crate::state::Value>::widths().len());
                    let $member = <$type as $crate::state::Value>::assume(layout, own, atom)?;
                )*
                Ok($var { $( $member ),* })
            }

            fn variables(value: &$var) -> ::std::vec::Vec<$crate::FpVar<$crate::Fr>> {
                let mut variables = ::std::vec::Vec::new();
                $( variables.extend(<$type as $crate::state::Value>::variables(&value.$member)); )*
                variables
            }

            fn to_json(&self) -> $crate::serde_json::Value {
                let mut members = $crate::serde_json::Map::new();
                $(
                    members.insert(
                        stringify!($member).into(),
                        $crate::state::Value::to_json(&self.$member),
                    );
                )*
                $crate::serde_json::Value::Object(members)
            }

            fn from_json(
                json: &$crate::serde_json::Value,
            ) -> ::core::result::Result<Self, ::std::string::String> {
                let $crate::serde_json::Value::Object(members) = json else {
                    return Err(::std::format!("{json} is not an object"));
                };
                let mut members = members.clone();
                $( let $member = $crate::state::take_member(&mut members, stringify!($member))?; )*
                match members.keys().next() {
                    Some(unknown) => Err(::std::format!("there is no `{unknown}`")),
                    None => Ok(Self { $( $member ),* }),
                }
            }
        }
    };
}

/// Declares a structure of [`values!`] that is a [`Record`](crate::state::Record) of a storage.
///
/// The two strings are the label of its constraints and what errors call it.
#[macro_export]
macro_rules! record {
    (
        $(#[$meta:meta])*
        $vis:vis struct $native:ident / $var:ident ($label:literal, $name:literal) in $storage:expr; {
            $( $(#[$member_meta:meta])* $member:ident : $type:ty ),* $(,)?
        }
    ) => {
        $crate::values! {
            $(#[$meta])*
            $vis struct $native / $var ($label) {
                $( $(#[$member_meta])* $member : $type ),*
            }
        }

        impl $crate::state::Record for $native {
            const STORAGE: u8 = $storage;
            const NAME: &'static str = $name;
        }
    };
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn narrow_elements_share_a_packed_one_and_whole_ones_stand_alone() {
        assert_eq!(packed_widths(&[WHOLE, WHOLE, 128, 32, 1]), [WHOLE, WHOLE, 161]);
        assert_eq!(packed_widths(&[128, 64, 1, 128]), [193, 128]);
        assert_eq!(packed_widths(&[24, 64, WHOLE, 24]), [88, WHOLE, 24]);
        assert!(packed_widths(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn unpacking_inverts_packing(a: u32, b: u128, c: bool, d: [u8; 31], e: u64, f: u128) {
            let whole = Fr::from_le_bytes_mod_order(&d) - Fr::from(77u64);
            let widths = [32, 128, 1, WHOLE, 64, 128];
            let elements = [a.into(), b.into(), Fr::from(c), whole, e.into(), f.into()];
            let packed = pack(&widths, &elements);
            prop_assert_eq!(packed.len(), 3);
            prop_assert_eq!(unpack(&widths, &packed), Some(elements.to_vec()));
        }
    }

    #[test]
    fn what_no_packing_gives_does_not_unpack() {
        let beyond = power_of_two(33);
        assert_eq!(unpack(&[32, 1], &[beyond]), None);
        assert_eq!(unpack(&[32], &[]), None);
        assert_eq!(unpack(&[32], &[Fr::from(1u64), Fr::from(0u64)]), None);
    }
}
