//! Bodies that only holders of the chain's key read, and state roots by which nobody else confirms a guess.
//!
//! ```text
//!   state        a record with the chain's key K and a salt s. Its leaf, and with it the state root, hides both
//!   plaintext    numbers of used slots; every slot of every lane, 0 where it is unused
//!   nonce        N  = chain("zkpov/nonce/1", K, parent state root, tier, author, relay parent number, plaintext)
//!   body key     k  = Poseidon4("zkpov/body-key/1", K, N, parent state root)
//!   next salt    s' = Poseidon4("zkpov/salt/1",     K, N, parent state root)
//!   stream       element 16 j + i is element i of the permutation of (0, "zkpov/stream/1", k, j, 0 …)
//!   body         N, then plaintext + stream
//! ```
//!
//! K is the key in force: [`super::vault`] says which one that is, and how another one follows.
//!
//! What a validator sees of a block beside its proof is tier, author, N, ciphertext, the state roots and what the block tells other
//! chains. Nothing of it follows from a guess at the body without K: N, ciphertext and the salts under the state roots
//! are outputs of Poseidon with K, or what follows from K, among its inputs. The numbers of used slots are encrypted too, so all bodies of a tier
//! have one length.
//!
//! **The nonce is derived**, as in SIV (Rogaway and Shrimpton, "A Provable-Security Treatment of the Key-Wrap Problem", 2006), so that
//! no randomness can fail: two blocks have one stream if they are the same block. The circuit does not hold it to that; it is the
//! author's business, who can read and tell everything anyway. The parent state root is in k as well: even a repeated
//! nonce does not repeat a stream on another parent.
//!
//! | attack | stopped by |
//! |---|---|
//! | a ciphertext that is not the executed body's, so that nobody can go on from the block | `block/body root`, over what the circuit encrypted |
//! | another key than the chain's, which the author alone knows | the key is read from the state (`state/single record`), or committed to there |
//! | a salt that stays, or is of the author's choice | the record that the block leaves has the salt that follows from K and N |
//! | numbers of used slots that are not the lanes' | they are the sums over the lanes' own bits |
//! | an author who is not permitted | `author/permitted`, whatever the parameters say |
//!
//! Encryption authenticates nothing and need not: the proof does.

use ark_r1cs_std::{GR1CSVar, fields::fp::FpVar};
use ark_relations::gr1cs::{ConstraintSystemRef, Result};
use serde_json::Value as Json;
use zeroize::Zeroize;
use zkpov_verifier::{
    field::{Fr, domain},
    lane::{Lane, MAX_LANES},
    poseidon::{self as native, MAX_INPUTS},
};

use super::statement::Statement;
use crate::{
    gadgets::{poseidon, range::MAX_UNIQUE_BITS},
    integer::{power_of_two, unpack},
    linear::weighted_sum,
    namespace,
    state::{Atoms, Element, Fields, Label, Layout, Value},
    values,
};

const NONCE_DOMAIN: Fr = domain("zkpov/nonce/1");
const BODY_KEY_DOMAIN: Fr = domain("zkpov/body-key/1");
const SALT_DOMAIN: Fr = domain("zkpov/salt/1");
const STREAM_DOMAIN: Fr = domain("zkpov/stream/1");

/// Bits of a lane's number of used slots.
const COUNT_BITS: u32 = 15;

/// Most slots of a lane of a private chain.
pub const MAX_PRIVATE_CAPACITY: u32 = (1 << COUNT_BITS) - 1;

const _: () =
    assert!(COUNT_BITS as usize * MAX_LANES <= MAX_UNIQUE_BITS, "all lanes' numbers fit one element");

/// A field element that is not to be shown.
#[derive(Clone, PartialEq, Eq, Zeroize)]
pub struct Secret(pub Fr);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl codec::Encode for Secret {
    fn encode_to<T: codec::Output + ?Sized>(&self, output: &mut T) {
        Element(self.0).encode_to(output);
    }
}

impl codec::Decode for Secret {
    fn decode<I: codec::Input>(input: &mut I) -> core::result::Result<Self, codec::Error> {
        Element::decode(input).map(|element| Self(element.0))
    }
}

impl Value for Secret {
    type Var = FpVar<Fr>;

    fn widths() -> Vec<usize> {
        Element::widths()
    }

    fn elements(&self) -> Vec<Fr> {
        vec![self.0]
    }

    fn from_elements(elements: &[Fr]) -> Option<Self> {
        Element::from_elements(elements).map(|element| Self(element.0))
    }

    fn hint(
        cs: &ConstraintSystemRef<Fr>,
        layout: &Layout,
        label: Label,
        fields: Fields<'_>,
    ) -> Result<FpVar<Fr>> {
        Element::hint(cs, layout, label, fields)
    }

    fn assume(layout: &Layout, fields: Fields<'_>, atom: &mut Atoms<'_>) -> Result<FpVar<Fr>> {
        Element::assume(layout, fields, atom)
    }

    fn variables(value: &FpVar<Fr>) -> Vec<FpVar<Fr>> {
        Element::variables(value)
    }

    fn to_json(&self) -> Json {
        Element(self.0).to_json()
    }

    fn from_json(json: &Json) -> core::result::Result<Self, String> {
        Element::from_json(json).map(|element| Self(element.0))
    }
}

values! {
    /// What those who may read a private chain know. Its JSON is what a chain's collators keep in a file.
    pub struct Secrets / SecretsVar ("secrets") {
        /// The key of all bodies.
        chain_key: Secret,
        /// What keeps guesses from being confirmed by the state root; another one after each block.
        salt: Secret,
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        self.chain_key.zeroize();
        self.salt.zeroize();
    }
}

/// What a private block's keys follow from.
#[derive(Debug)]
pub(crate) struct Position {
    /// State root before the block.
    pub(crate) parent_state_root: Fr,
    /// The tier's id, the author's place, the relay parent's number.
    pub(crate) rest: [Fr; 3],
}

/// A private body that was read.
pub(crate) struct Plain {
    pub(crate) nonce: Fr,
    /// Used slots of each lane.
    pub(crate) used: Vec<u32>,
    /// Elements of the used slots.
    pub(crate) elements: Vec<Fr>,
}

impl Position {
    /// That of a block with this statement.
    pub(crate) fn of(statement: &Statement) -> Result<Self> {
        let rest = [statement.tier(), statement.author(), statement.relay_parent_number()];
        let [tier, author, relay_parent_number] = rest.map(GR1CSVar::value);
        Ok(Self {
            parent_state_root: statement.parent_state_root().value()?,
            rest: [tier?, author?, relay_parent_number?],
        })
    }
}

impl Secrets {
    /// What these variables hold.
    pub(crate) fn of(variables: &SecretsVar) -> Result<Self> {
        let SecretsVar { chain_key, salt } = variables;
        Ok(Self { chain_key: Secret(chain_key.value()?), salt: Secret(salt.value()?) })
    }

    /// The nonce of a block with this plaintext.
    pub(crate) fn nonce(&self, position: &Position, plain: &[Fr]) -> Fr {
        let head = [NONCE_DOMAIN, self.chain_key.0, position.parent_state_root];
        native::chain(&[&head, &position.rest[..], plain].concat())
    }

    /// What a body's elements are encrypted with.
    pub(crate) fn stream(&self, parent_state_root: Fr, nonce: Fr) -> impl Iterator<Item = Fr> {
        let body_key = native::hash(&[BODY_KEY_DOMAIN, self.chain_key.0, nonce, parent_state_root]);
        (0u64..).flat_map(move |block| native::squeeze(&stream_input(body_key, block)))
    }

    /// What a body says; `None` if this key encrypts no body like it.
    pub(crate) fn open(&self, parent_state_root: Fr, lanes: &[Lane], body: &[Fr]) -> Option<Plain> {
        let (nonce, sealed) = body.split_first()?;
        let stream = self.stream(parent_state_root, *nonce);
        let plain: Vec<Fr> = sealed.iter().zip(stream).map(|(sealed, stream)| *sealed - stream).collect();
        let (counts, mut slots) = plain.split_first()?;

        let zero = Fr::from(0u64);
        let (mut used, mut elements) = (Vec::with_capacity(lanes.len()), Vec::with_capacity(slots.len()));
        for (lane, number) in lanes.iter().zip(0u32..) {
            // Fifteen bits.
            let count = unpack(counts, COUNT_BITS * number, COUNT_BITS) as u32;
            let width = lane.element_bytes.len();
            let (of_lane, rest) = slots.split_at_checked(width * lane.capacity as usize)?;
            let (told, blank) = of_lane.split_at_checked(width * count as usize)?;
            if blank.iter().any(|element| *element != zero) {
                return None;
            }
            elements.extend_from_slice(told);
            used.push(count);
            slots = rest;
        }
        (packed_counts(&used) == *counts && slots.is_empty()).then_some(Plain {
            nonce: *nonce,
            used,
            elements,
        })
    }
}

pub(super) fn packed_counts(used: &[u32]) -> Fr {
    (0u32..).zip(used).map(|(lane, count)| power_of_two(COUNT_BITS * lane) * Fr::from(*count)).sum()
}

/// What the stream's block number `block` is the permutation of.
fn stream_input(body_key: Fr, block: u64) -> [Fr; MAX_INPUTS] {
    let mut input = [Fr::from(0u64); MAX_INPUTS];
    input[..3].copy_from_slice(&[STREAM_DOMAIN, body_key, Fr::from(block)]);
    input
}

/// The plaintext of a body: the lanes' numbers of used slots, then every slot. A number is below 2^15, since a lane has no more
/// slots ([`MAX_PRIVATE_CAPACITY`]) and it is a sum of their bits; so the packing has one meaning.
pub(crate) fn plaintext(used: &[FpVar<Fr>], slots: &[FpVar<Fr>]) -> Result<Vec<FpVar<Fr>>> {
    let terms = (0u32..).zip(used).map(|(lane, count)| (power_of_two(COUNT_BITS * lane), count));
    let counts = weighted_sum(terms)?;
    Ok(std::iter::once(counts).chain(slots.iter().cloned()).collect())
}

/// The elements of a block's body, and the secrets that follow these.
pub(crate) fn seal(
    cs: &ConstraintSystemRef<Fr>,
    secrets: &SecretsVar,
    parent_state_root: &FpVar<Fr>,
    nonce: FpVar<Fr>,
    plain: &[FpVar<Fr>],
) -> Result<(Vec<FpVar<Fr>>, SecretsVar)> {
    let _namespace = namespace::enter(cs, "privacy");
    let derive = |tag| {
        let [key, nonce, root] = [&secrets.chain_key, &nonce, parent_state_root].map(Clone::clone);
        poseidon::hash(&[FpVar::Constant(tag), key, nonce, root])
    };
    let (body_key, salt) = (derive(BODY_KEY_DOMAIN)?, derive(SALT_DOMAIN)?);
    let after = SecretsVar { chain_key: secrets.chain_key.clone(), salt };

    let mut body = vec![nonce];
    for (block, plain) in (0u64..).zip(plain.chunks(MAX_INPUTS)) {
        let mut input = stream_input(Fr::from(0u64), block).map(FpVar::Constant);
        input[1] = body_key.clone();
        for (plain, stream) in plain.iter().zip(poseidon::squeeze(&input)?) {
            body.push(stream.plus(Fr::from(1u64), plain).finish()?);
        }
    }
    Ok((body, after))
}
