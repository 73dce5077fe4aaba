//! The private predicate: somebody has an attestation that says enough, and nobody learns who.
//!
//! ```text
//!   body      registrar, low, high, context, nullifier ──────────► bucket of nullifiers: new, entered
//!                │      │     │      │         │
//!   private      │     low ≤ attribute ≤ high  │
//!                │            │      └─ nullifier(secret, context)
//!                └─ commitment(identity(key, secret), registrar, expiry, attribute) ══ attestation at a private place,
//!                                │                                                    not revoked, not expired
//!                                └─ signs chain, registrar, low, high, context, nullifier
//! ```
//!
//! What the slot does to the state (the payer's account, the bucket) and says in the body follows from the public part alone.
//! The private part is stated by [`Slot::privately`], which importers leave out.

use ark_ff::Field;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::Result;
use zkpov_verifier::{
    babyjubjub::{Point, Scalar},
    eddsa::{PublicKey, Signature},
    field::{Fr, domain},
    poseidon,
};

use super::records::{
    ATTESTATIONS, Attestation, AttestationIndex, Bucket, BucketVar, NULLIFIERS, PRESENTATION_DOMAIN,
    RegistrarIndex, bucket_of, commitment, commitment_variable, identity, identity_variable, nullifier,
    nullifier_variable,
};
use crate::{
    bit::Bit,
    constraint,
    gadgets::{
        self,
        babyjubjub::EdwardsPoint,
        bucket,
        eddsa::{self, SignatureVar},
        range,
    },
    integer::scalar_to_field,
    keys::SecretKey,
    linear::{Linear, difference},
    runtime::{AccountIndex, Call, Executed, Idle, IdleContext, Private, Slot, Unfit, View},
    state::{BITS_PER_LEVEL, Element, Unsigned, Value, circuit::Index, pack, pack_variables},
    values,
};

values! {
    /// What is shown: all that anybody learns.
    #[derive(Eq)]
    pub struct Claim / ClaimVar ("claim") {
        /// Whose attestation it is.
        registrar: RegistrarIndex,
        /// The least that the attribute can be.
        low: u64,
        /// The most that it can be.
        high: u64,
        /// What it is shown for: the hash of an election's name, say.
        context: Element,
        /// The holder's, for this context.
        nullifier: Element,
    }
}

values! {
    /// What makes a claim true: for the author's eyes, who makes the witness.
    #[derive(Eq)]
    pub struct Opening / OpeningVar ("opening") {
        /// Where the attestation is kept.
        place: AttestationIndex,
        /// What it says.
        attribute: Element,
        /// The holder's secret, which nullifiers are made of.
        secret: Element,
        /// The holder's key.
        key: PublicKey,
        /// The holder's signature: R8's abscissa.
        r8_x: Element,
        /// R8's ordinate.
        r8_y: Element,
        /// S.
        s: Element,
    }
}

values! {
    /// What a presentation's slot is given.
    #[derive(Eq)]
    pub struct Presented / PresentedVar ("presented") {
        /// What is shown.
        claim: Claim,
        /// What makes it true.
        opening: Opening,
    }
}

values! {
    /// What the payer signs, and what goes with it.
    #[derive(Eq)]
    pub struct Presentation / PresentationVar ("presentation") {
        /// What is shown: signed.
        claim: Claim,
        /// What makes it true: not signed by the payer, since nobody but the author is to see it.
        opening: Unsigned<Opening>,
    }
}

/// A claim, by a holder who has what it takes.
#[derive(Debug)]
pub struct Holder<'a> {
    /// Signs presentations.
    pub key: &'a SecretKey,
    /// What nullifiers are made of.
    pub secret: Fr,
}

impl Holder<'_> {
    /// What the registrar is told: see [`identity`].
    pub fn identity(&self) -> Fr {
        identity(&self.key.public_key(), self.secret)
    }

    /// The presentation of an attestation whose attribute is within `low` and `high`, signed for the chain of `chain_tag`.
    pub fn present(
        &self,
        chain_tag: Fr,
        place: u32,
        attribute: u64,
        (registrar, low, high, context): (u32, u64, u64, Fr),
    ) -> Presentation {
        let claim = Claim {
            registrar: registrar.into(),
            low,
            high,
            context: Element(context),
            nullifier: Element(nullifier(self.secret, context)),
        };
        let signature = self.key.sign(claim.message(chain_tag));
        let opening = Opening {
            place: place.into(),
            attribute: Element(attribute.into()),
            secret: Element(self.secret),
            key: self.key.public_key(),
            r8_x: Element(signature.r8.x),
            r8_y: Element(signature.r8.y),
            s: Element(scalar_to_field(&signature.s)),
        };
        Presentation { claim, opening: Unsigned(opening) }
    }
}

impl Claim {
    /// What the holder signs on the chain of `chain_tag`.
    pub fn message(&self, chain_tag: Fr) -> Fr {
        let claim = pack(&Self::widths(), &self.elements());
        poseidon::hash_slice(&[&[domain(PRESENTATION_DOMAIN), chain_tag], claim.as_slice()].concat())
            .unwrap_or_default()
    }
}

impl ClaimVar {
    fn message(&self, chain_tag: &FpVar<Fr>) -> Result<FpVar<Fr>> {
        let mut inputs = vec![FpVar::Constant(domain(PRESENTATION_DOMAIN)), chain_tag.clone()];
        inputs.extend(pack_variables(&Claim::widths(), &Claim::variables(self))?);
        gadgets::poseidon::hash(&inputs)
    }
}

impl Opening {
    /// Of nothing, for a slot that is not used or whose private part is not known: a key, and a signature whose point is on
    /// the curve.
    fn unknown() -> Self {
        let zero = Element::default();
        let Point { x, y } = Point::BASE8;
        Self {
            place: AttestationIndex::from(0),
            attribute: zero,
            secret: zero,
            key: IdleContext::key(),
            r8_x: Element(x),
            r8_y: Element(y),
            s: Element(Fr::ONE),
        }
    }

    fn signature(&self) -> Option<Signature> {
        let s: Scalar = crate::integer::field_to_scalar(&self.s.0)?;
        Some(Signature { r8: Point { x: self.r8_x.0, y: self.r8_y.0 }, s })
    }
}

/// Shows that somebody has an attestation with an attribute in a range.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProveAttribute;

impl Call for ProveAttribute {
    const NAME: &'static str = "prove_attribute";

    /// A holder who pays from their own account names themselves, so presentations come by relayers.
    const SLOTS_PER_SENDER: u32 = 4;

    const PRIVATE_READS: Option<(u8, usize)> = Some((ATTESTATIONS, 1));

    type Arguments = Presentation;
    type Inputs = Presented;
    type Body = Claim;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Presentation,
    ) -> core::result::Result<Presented, Unfit> {
        let Presentation { claim, opening: Unsigned(opening) } = arguments;
        check_opening(view, claim, opening)?;
        Ok(Presented { opening: opening.clone(), ..self.restore(view, sender, claim)? })
    }

    /// The opening is in no body, and nothing that an importer executes needs it.
    fn restore(
        &self,
        view: &View<'_>,
        _: AccountIndex,
        body: &Claim,
    ) -> core::result::Result<Presented, Unfit> {
        let bucket: Option<Bucket> = view.read(bucket_of(&body.nullifier.0, view.places::<Bucket>()))?;
        let nullifiers = bucket.unwrap_or_else(Bucket::empty).nullifiers;
        if nullifiers.contains(&body.nullifier) {
            return Err(Unfit::because("the nullifier is used: the holder was shown in this context before"));
        }
        if nullifiers.last().is_some_and(|last| *last != Element::default()) {
            return Err(Unfit::because(
                "the nullifier's bucket is full: no presentation of this holder in this context",
            ));
        }
        Ok(Presented { claim: body.clone(), opening: Opening::unknown() })
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: PresentedVar,
    ) -> Result<Executed<Presentation, Claim>> {
        let PresentedVar { claim, opening } = inputs;
        let bits = slot.state().shape(NULLIFIERS).levels() * BITS_PER_LEVEL;
        let index = Index::from_bits(bucket::place_bits(&claim.nullifier, bits)?)?;
        let (_, bucket, place) = slot.read_or_blank::<Bucket>(&index)?;
        let entered = bucket::insert(&claim.nullifier, &bucket.nullifiers)?;
        let nullifiers =
            entered.try_into().map_err(|_| ark_relations::gr1cs::SynthesisError::ArityMismatch)?;
        slot.write::<Bucket>(place, &BucketVar { nullifiers })?;
        slot.privately(|private| prove(private, &claim, &opening))?;
        Ok(Executed { signed: PresentationVar { claim: claim.clone(), opening: () }, body: claim })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Presented> {
        let opening = Opening::unknown();
        let terms = (0, u32::MAX, 0);
        let attestation = Attestation {
            commitment: Element(commitment(
                identity(&opening.key, opening.secret.0),
                terms.0,
                terms.1,
                terms.2,
            )),
            expiry: terms.1,
            registrar: terms.0.into(),
            revoked: false,
        };
        let context = Element::default();
        let nullifier = Element(nullifier(opening.secret.0, context.0));
        let claim = Claim { registrar: terms.0.into(), low: 0, high: 0, context, nullifier };
        Idle::new(Presented { claim, opening }).reading(&Bucket::empty()).reading(&attestation)
    }
}

/// States that the opening makes the claim true.
///
/// The attribute is below 2^64 because `high` is and it is at most that: low + (64 bits) = attribute and
/// attribute + (64 bits) = high, where no sum comes near the field's order.
fn prove(private: &mut Private<'_, '_>, claim: &ClaimVar, opening: &OpeningVar) -> Result<()> {
    let attestation = private.read::<Attestation>(&opening.place)?;
    let registrar = claim.registrar.as_field();
    constraint::enforce_equal("identity/claimed registrar", registrar, attestation.registrar.as_field())?;
    constraint::enforce_zero("identity/not revoked", Linear::of(attestation.revoked.as_field()))?;
    private.number().enforce_at_most("identity/not expired", &attestation.expiry)?;
    let bits = u64::BITS as usize;
    range::bits("identity/at least", &difference(&opening.attribute, claim.low.as_field())?, bits)?;
    range::bits("identity/at most", &difference(claim.high.as_field(), &opening.attribute)?, bits)?;

    opening.key.enforce_key()?;
    let identity = identity_variable(&opening.key, &opening.secret)?;
    let commitment = commitment_variable(
        identity,
        attestation.registrar.as_field(),
        attestation.expiry.as_field(),
        &opening.attribute,
    )?;
    constraint::enforce_equal("identity/holder", &commitment, &attestation.commitment)?;
    let nullifier = nullifier_variable(&opening.secret, &claim.context)?;
    constraint::enforce_equal("identity/nullifier", &nullifier, &claim.nullifier)?;

    let message = claim.message(private.chain_tag())?;
    let r8 = EdwardsPoint { x: opening.r8_x.clone(), y: opening.r8_y.clone() };
    let used: &Bit = private.used();
    eddsa::verify(used, &opening.key, &SignatureVar { r8, s: opening.s.clone() }, &message)
}

/// Whether the opening makes the claim true, for an error that says what is wrong. The circuit says it again.
fn check_opening(view: &View<'_>, claim: &Claim, opening: &Opening) -> core::result::Result<(), Unfit> {
    let refuse = |reason: String| Err(Unfit::Refused(reason));
    let place = opening.place.0;
    let Some(attestation) = view.read::<Attestation>(place)? else {
        return refuse(format!("place {place} has no attestation"));
    };
    if attestation.registrar != claim.registrar {
        return refuse(format!("the attestation is of registrar {}", attestation.registrar.0));
    }
    if attestation.revoked {
        return refuse("the attestation is revoked".into());
    }
    if attestation.expiry < view.number {
        return refuse(format!("the attestation expired with block {}", attestation.expiry));
    }
    let attribute = crate::integer::to_u128(&opening.attribute.0).and_then(|value| u64::try_from(value).ok());
    let Some(attribute) = attribute.filter(|value| (claim.low..=claim.high).contains(value)) else {
        return refuse(format!("the attribute is not within {} and {}", claim.low, claim.high));
    };
    let Attestation { registrar, expiry, .. } = attestation;
    let committed = commitment(identity(&opening.key, opening.secret.0), registrar.0, expiry, attribute);
    if attestation.commitment.0 != committed {
        return refuse("the attestation is not of this holder, or says something else".into());
    }
    if claim.nullifier.0 != nullifier(opening.secret.0, claim.context.0) {
        return refuse("the nullifier is not the holder's in this context".into());
    }
    if opening.signature().is_none() {
        return refuse("S of the holder's signature is not below the order".into());
    }
    Ok(())
}
