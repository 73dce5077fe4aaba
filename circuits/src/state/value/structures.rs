//! Structures of values, and records: [`values!`](crate::values) and [`record!`](crate::record).

use serde_json::Value as Json;

use super::Value;

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
