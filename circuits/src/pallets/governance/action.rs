//! What a proposal does once it is enacted.
//!
//! ```text
//!   kind        one bit each     account   first               key        second
//!   parameters  1 0 0 0 0 0      0         deposit             0, 0       fee + 2^64 permissioned
//!   spend       0 1 0 0 0 0      whose     amount              its key    0
//!   mint        0 0 1 0 0 0      whose     amount              its key    0
//!   burn        0 0 0 1 0 0      0         amount              0, 0       0
//!   author      0 0 0 0 1 0      whose     whether it may      its key    0, or 8 + the seat it gets or loses
//!   upgrade     0 0 0 0 0 1      0         low limb of hash    0, 0       high limb of hash
//! ```
//!
//! The table is the layout, and [`ActionVar::enforce_canonical`] holds what is proposed to it: what is in the state is an [`Action`].

use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result, SynthesisError};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use zkpov_verifier::field::{Fr, limbs_of_hash};

use crate::{
    bit::Bit,
    codec::{Decode, Encode},
    constraint::{self, product},
    decimal::{self, FieldElement},
    gadgets::range::{self, U64, U128},
    hint,
    integer::{power_of_two, to_u128},
    linear::{Linear, sum, weighted_sum},
    runtime::{AccountIndex, ParametersVar, SEATS, authors::choose},
    state::{Atoms, Element, Fields, Label, Layout, Value, WHOLE, circuit::Index},
};

/// Bits of an existential deposit that can be proposed. Were it near the largest issuance, no slot could be left unused:
/// an account that stands in for a sender must hold twice the deposit.
pub const DEPOSIT_BITS: usize = 120;

/// Bits of a minimum fee, below the flag beside it.
const FEE_BITS: usize = u64::BITS as usize;

/// What the second word has beside a seat's number, so that seat 0 is not no seat.
const SEAT_FLAG: u8 = SEATS as u8;

/// Bits of a seat's number with its flag.
const SEAT_BITS: usize = 4;

/// Kinds of action.
const KINDS: usize = 6;

const PARAMETERS: usize = 0;
const SPEND: usize = 1;
const MINT: usize = 2;
const BURN: usize = 3;
const AUTHOR: usize = 4;
const UPGRADE: usize = 5;

/// Elements of an action: a bit for each kind, account, first word, key, second word.
const WIDTHS: [usize; KINDS + 5] =
    [1, 1, 1, 1, 1, 1, crate::runtime::account::INDEX_BITS, 128, WHOLE, WHOLE, 128];

/// An account by its place and its key: after a revert a place can be another's, and one key can have several places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The place.
    #[serde(with = "place")]
    pub account: AccountIndex,
    /// The key's coordinates; whether they are a key's shows when an account has them.
    pub key: Coordinates,
}

/// Coordinates of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coordinates {
    /// The abscissa.
    #[serde(with = "element")]
    pub x: Element,
    /// The ordinate.
    #[serde(with = "element")]
    pub y: Element,
}

/// What a proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Changes the chain's parameters from the block after the enactment on.
    Parameters {
        /// The existential deposit, of at most [`DEPOSIT_BITS`] bits. Accounts that hold less cannot send until they hold it.
        #[serde(with = "decimal")]
        existential_deposit: u128,
        /// The least fee.
        #[serde(with = "decimal")]
        minimum_fee: u64,
        /// Whether only accounts that may author do.
        permissioned_authors: bool,
    },
    /// Pays from the treasury.
    Spend {
        /// To whom.
        to: Holder,
        /// How much.
        #[serde(with = "decimal")]
        amount: u128,
    },
    /// Issues new tokens.
    Mint {
        /// To whom.
        to: Holder,
        /// How much.
        #[serde(with = "decimal")]
        amount: u128,
    },
    /// Destroys tokens of the treasury.
    Burn {
        /// How much.
        #[serde(with = "decimal")]
        amount: u128,
    },
    /// Says who may author where authors are permissioned.
    Author {
        /// Who.
        who: Holder,
        /// Whether it may.
        may_author: bool,
        /// Where authors take turns, the seat that it gets, or has and loses: the last one then comes to its place. The seat after
        /// the last is a new one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seat: Option<u8>,
    },
    /// Names the next validation code: a validity key, or a PVF that embeds one.
    Upgrade {
        /// blake2b-256 of the code.
        #[serde(with = "hash")]
        code_hash: [u8; 32],
    },
}

impl Action {
    /// Whether it is one that a state can have.
    ///
    /// # Errors
    ///
    /// What is out of its range.
    pub fn check(&self) -> core::result::Result<(), String> {
        match *self {
            Self::Parameters { existential_deposit, .. } if existential_deposit >> DEPOSIT_BITS != 0 => {
                Err(format!("an existential deposit has at most {DEPOSIT_BITS} bits"))
            }
            Self::Author { seat: Some(seat), .. } if usize::from(seat) >= SEATS => {
                Err(format!("there are at most {SEATS} seats, from 0"))
            }
            _ => Ok(()),
        }
    }

    /// The account that it concerns.
    pub fn holder(&self) -> Option<&Holder> {
        match self {
            Self::Spend { to, .. } | Self::Mint { to, .. } => Some(to),
            Self::Author { who, .. } => Some(who),
            Self::Parameters { .. } | Self::Burn { .. } | Self::Upgrade { .. } => None,
        }
    }
}

impl Value for Action {
    type Var = ActionVar;

    fn widths() -> Vec<usize> {
        WIDTHS.to_vec()
    }

    fn elements(&self) -> Vec<Fr> {
        let zero = Fr::ZERO;
        let (kind, first, second) = match *self {
            Self::Parameters { existential_deposit, minimum_fee, permissioned_authors } => {
                let flag = Fr::from(permissioned_authors) * power_of_two(FEE_BITS as u32);
                (PARAMETERS, existential_deposit.into(), Fr::from(minimum_fee) + flag)
            }
            Self::Spend { amount, .. } => (SPEND, amount.into(), zero),
            Self::Mint { amount, .. } => (MINT, amount.into(), zero),
            Self::Burn { amount } => (BURN, amount.into(), zero),
            Self::Author { may_author, seat, .. } => {
                let seat = seat.map_or(zero, |seat| Fr::from(SEAT_FLAG) + Fr::from(seat));
                (AUTHOR, Fr::from(may_author), seat)
            }
            Self::Upgrade { code_hash } => {
                let [low, high] = limbs_of_hash(code_hash);
                (UPGRADE, low, high)
            }
        };
        let mut elements: Vec<Fr> = (0..KINDS).map(|other| Fr::from(other == kind)).collect();
        let (account, x, y) = self
            .holder()
            .map_or((zero, zero, zero), |holder| (holder.account.0.into(), holder.key.x.0, holder.key.y.0));
        elements.extend([account, first, x, y, second]);
        elements
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        let (kinds, rest) = elements.split_at_checked(KINDS)?;
        let [account, first, x, y, second] = *rest else { return None };
        let to = Holder {
            account: AccountIndex::from_elements(&[account])?,
            key: Coordinates { x: Element(x), y: Element(y) },
        };
        let [amount, word] = [to_u128(&first)?, to_u128(&second)?];
        let (minimum_fee, flag) = (word as u64, word >> FEE_BITS);
        let kind = kinds.iter().position(|bit| *bit == Fr::ONE)?;
        let action = match kind {
            PARAMETERS => {
                Self::Parameters { existential_deposit: amount, minimum_fee, permissioned_authors: flag == 1 }
            }
            SPEND => Self::Spend { to, amount },
            MINT => Self::Mint { to, amount },
            BURN => Self::Burn { amount },
            AUTHOR => {
                let seat = u8::try_from(word).ok()?.checked_sub(SEAT_FLAG);
                Self::Author { who: to, may_author: amount == 1, seat }
            }
            UPGRADE => {
                let mut code_hash = [0; 32];
                let (low, high) = code_hash.split_at_mut(16);
                low.copy_from_slice(&amount.to_le_bytes());
                high.copy_from_slice(&word.to_le_bytes());
                Self::Upgrade { code_hash }
            }
            _ => return None,
        };
        (action.check().is_ok() && action.elements() == elements).then_some(action)
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        _: Label,
        mut fields: Fields<'_>,
    ) -> Result<ActionVar> {
        let kinds = fields.take(KINDS);
        let kinds: Vec<Bit> = (0..KINDS)
            .map(|kind| Bit::enforce(&hint::field(cs, "kind", || kinds.get(kind))?))
            .collect::<Result<_>>()?;
        let kinds = kinds.try_into().map_err(|_| SynthesisError::ArityMismatch)?;
        let label = |variable, range| Label { variable, range };
        Ok(ActionVar {
            kinds,
            account: AccountIndex::hint(cs, layout, label("account", "action/account"), fields.take(1))?,
            first: u128::hint(cs, layout, label("first", "action/first"), fields.take(1))?,
            x: Element::hint(cs, layout, label("x", "action/x"), fields.take(1))?,
            y: Element::hint(cs, layout, label("y", "action/y"), fields.take(1))?,
            second: u128::hint(cs, layout, label("second", "action/second"), fields.take(1))?,
        })
    }

    fn assume(layout: &Layout, mut fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<ActionVar> {
        let kinds = fields.take(KINDS);
        let kinds: Vec<Bit> =
            (0..KINDS).map(|kind| atom(1, kinds.get(kind)).map(Bit::trust)).collect::<Result<_>>()?;
        Ok(ActionVar {
            kinds: kinds.try_into().map_err(|_| SynthesisError::ArityMismatch)?,
            account: AccountIndex::assume(layout, fields.take(1), atom)?,
            first: u128::assume(layout, fields.take(1), atom)?,
            x: Element::assume(layout, fields.take(1), atom)?,
            y: Element::assume(layout, fields.take(1), atom)?,
            second: u128::assume(layout, fields.take(1), atom)?,
        })
    }

    fn variables(action: &ActionVar) -> Vec<FpVar<Fr>> {
        let ActionVar { kinds, account, first, x, y, second } = action;
        let mut variables: Vec<_> = kinds.iter().map(|kind| kind.as_field().clone()).collect();
        variables.extend([account.as_field(), first.as_field(), x, y, second.as_field()].map(Clone::clone));
        variables
    }

    fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        let action: Self = serde_json::from_value(json.clone()).map_err(|error| error.to_string())?;
        action.check().map(|()| action)
    }
}

/// An [`Action`] in a circuit. Canonical if it comes from the state, and otherwise after
/// [`enforce_canonical`](Self::enforce_canonical).
#[derive(Clone, Debug)]
pub struct ActionVar {
    kinds: [Bit; KINDS],
    /// The place of the account that it concerns, 0 if none.
    pub account: Index,
    /// The first word.
    pub first: U128,
    /// Abscissa of the account's key.
    pub x: FpVar<Fr>,
    /// Ordinate of the account's key.
    pub y: FpVar<Fr>,
    /// The second word.
    pub second: U128,
}

impl ActionVar {
    /// Enforces that the elements are an action's: what the table above leaves blank is 0, what is narrower than its
    /// word is in its range. About 210 constraints.
    ///
    /// # Errors
    ///
    /// [`SynthesisError::Unsatisfiable`] for constants that are no action.
    pub fn enforce_canonical(&self) -> Result<()> {
        let kinds = sum(self.kinds.iter().map(Bit::as_field))?;
        // Each is 0 or 1 and they are few, so the sum is one of integers.
        constraint::enforce_equal("action/one kind", &kinds, Linear::of(&FpVar::Constant(Fr::ONE)))?;
        let zero = || Linear::new(&ConstraintSystemRef::None);
        let nobody = self.concerns_account()?.not()?;
        for blank in [self.account.as_field(), &self.x, &self.y] {
            constraint::enforce_product("action/no account", nobody.as_field(), blank, zero())?;
        }
        let [parameters, _, _, _, author, upgrade] = &self.kinds;
        let one_word = sum([parameters, author, upgrade].map(Bit::as_field))?;
        let one_word = Linear::of(&FpVar::Constant(Fr::ONE)).plus(-Fr::ONE, &one_word);
        constraint::enforce_product("action/no second word", one_word, self.second.as_field(), zero())?;
        let flag = product(author.as_field(), self.first.as_field())?;
        constraint::enforce_boolean("action/flag", &flag)?;
        let seat = range::bits("action/seat", &self.seat_word()?, SEAT_BITS)?;
        if let [number @ .., flag] = seat.as_slice() {
            let number = sum(number.iter().map(Bit::as_field))?;
            constraint::enforce_product("action/seat", flag.not()?.as_field(), &number, zero())?;
        }
        let deposit = product(parameters.as_field(), self.first.as_field())?;
        range::bits("action/deposit", &deposit, DEPOSIT_BITS)?;
        self.fee_bits("action/fee and flag").map(drop)
    }

    /// Whether there is an account that it concerns.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn concerns_account(&self) -> Result<Bit> {
        let [_, spend, mint, _, author, _] = &self.kinds;
        // At most one kind is 1.
        sum([spend, mint, author].map(Bit::as_field)).map(Bit::trust)
    }

    /// Whether tokens leave the treasury.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn takes_from_treasury(&self) -> Result<Bit> {
        sum([self.kinds[SPEND].as_field(), self.kinds[BURN].as_field()]).map(Bit::trust)
    }

    /// Whether the account gets tokens.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn pays_account(&self) -> Result<Bit> {
        sum([self.kinds[SPEND].as_field(), self.kinds[MINT].as_field()]).map(Bit::trust)
    }

    /// Whether tokens are issued.
    pub fn mints(&self) -> &Bit {
        &self.kinds[MINT]
    }

    /// Whether tokens are destroyed.
    pub fn burns(&self) -> &Bit {
        &self.kinds[BURN]
    }

    /// Whether it says who may author.
    pub fn sets_author(&self) -> &Bit {
        &self.kinds[AUTHOR]
    }

    /// Whether the account may author, where it [sets](Self::sets_author) that; else 0.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn may_author(&self) -> Result<Bit> {
        // A canonical action's first word is 0 or 1 there.
        product(self.kinds[AUTHOR].as_field(), self.first.as_field()).map(Bit::trust)
    }

    /// The second word, if it says who may author, else 0.
    fn seat_word(&self) -> Result<FpVar<Fr>> {
        product(self.kinds[AUTHOR].as_field(), self.second.as_field())
    }

    /// Which seat the account gets or loses, as one bit of [`SEATS`], and whether it does.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn seat(&self, cs: &ConstraintSystemRef<Fr>) -> Result<(Vec<Bit>, Bit)> {
        let word = self.seat_word()?;
        let seat = choose(cs, "seat", || {
            let number = to_u128(&word.value()?).and_then(|word| word.checked_sub(SEAT_FLAG.into()));
            Ok(number.and_then(|number| usize::try_from(number).ok()))
        })?;
        let any = sum(seat.iter().map(Bit::as_field))?;
        // Bits, and few: a sum of integers. Two of them are more than 4 bits, one is its seat's and none 0.
        let number =
            weighted_sum((u64::from(SEAT_FLAG)..).zip(&seat).map(|(n, b)| (Fr::from(n), b.as_field())))?;
        constraint::enforce_equal("enact/seat", &number, &word)?;
        Ok((seat, Bit::trust(any)))
    }

    /// Whether it names the next validation code, whose limbs are then the two words.
    pub fn upgrades(&self) -> &Bit {
        &self.kinds[UPGRADE]
    }

    /// Whether it changes the chain's parameters.
    pub fn sets_parameters(&self) -> &Bit {
        &self.kinds[PARAMETERS]
    }

    /// What the chain's parameters become, where it [sets](Self::sets_parameters) them, the issuance as before.
    ///
    /// # Errors
    ///
    /// None but those of allocation.
    pub fn parameters(&self, before: &ParametersVar) -> Result<ParametersVar> {
        let mut fee = self.fee_bits("enact/fee and flag")?;
        let flag = fee.pop().ok_or(SynthesisError::ArityMismatch)?;
        Ok(ParametersVar {
            existential_deposit: self.first.clone(),
            minimum_fee: U64::from_bits(&fee)?,
            permissioned_authors: flag,
            total_issuance: before.total_issuance.clone(),
        })
    }

    /// Bits of the fee and the flag of a parameter change, all 0 of another action.
    fn fee_bits(&self, name: &'static str) -> Result<Vec<Bit>> {
        let word = product(self.kinds[PARAMETERS].as_field(), self.second.as_field())?;
        range::bits(name, &word, FEE_BITS + 1)
    }
}

/// A place in JSON: a number.
mod place {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::AccountIndex;

    pub(super) fn serialize<S: Serializer>(place: &AccountIndex, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(place.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccountIndex, D::Error> {
        u32::deserialize(deserializer).map(AccountIndex::from)
    }
}

/// A field element in JSON: a decimal string.
mod element {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Element, FieldElement};

    pub(super) fn serialize<S: Serializer>(element: &Element, serializer: S) -> Result<S::Ok, S::Error> {
        FieldElement(element.0).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Element, D::Error> {
        FieldElement::deserialize(deserializer).map(|element| Element(element.0))
    }
}

/// A hash in JSON: hexadecimal after `0x`.
mod hash {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(hash: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0x{}", hex::encode(hash)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits =
            text.strip_prefix("0x").ok_or_else(|| D::Error::custom(format!("`{text}` lacks `0x`")))?;
        let mut hash = [0; 32];
        hex::decode_to_slice(digits, &mut hash).map_err(|e| D::Error::custom(format!("`{text}`: {e}")))?;
        Ok(hash)
    }
}
