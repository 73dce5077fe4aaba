//! What registrars do: appointed by the administrator, they attest and take back.

use ark_relations::gr1cs::Result;
use zkpov_verifier::eddsa::PublicKey;

use super::records::{
    ADMINISTRATOR, Attestation, AttestationIndex, AttestationVar, REGISTRARS, Registrar, RegistrarIndex,
    RegistrarVar,
};
use crate::{
    bit::Bit,
    runtime::{Account, AccountIndex, Call, Executed, Idle, IdleContext, Slot, Unfit, View},
    state::{BITS_PER_LEVEL, Element, circuit::Index},
    values,
};

values! {
    /// What the administrator signs: whose account is to be a registrar's.
    #[derive(Eq)]
    pub struct Appointee / AppointeeVar ("appoint") {
        /// The account's key.
        key: PublicKey,
    }
}

values! {
    /// What an appointment's slot is given, and what the body says of it.
    #[derive(Eq)]
    pub struct Appointed / AppointedVar ("appoint") {
        /// The new registrar's number.
        registrar: RegistrarIndex,
        /// Its account.
        account: AccountIndex,
    }
}

values! {
    /// What a registrar signs of an attestation, what its slot is given but for the place, and what the body says.
    #[derive(Eq)]
    pub struct Statement / StatementVar ("attest") {
        /// Of whom, and what: [`commitment`](super::records::commitment).
        commitment: Element,
        /// The last block in which it can be shown.
        until: u32,
        /// Whose word it is.
        registrar: RegistrarIndex,
    }
}

impl Statement {
    /// The record that it makes.
    pub fn attestation(&self) -> Attestation {
        let Self { commitment, until, registrar } = *self;
        Attestation { commitment, expiry: until, registrar, revoked: false }
    }
}

values! {
    /// What an attestation's slot is given, and what the body says of it.
    #[derive(Eq)]
    pub struct Attested / AttestedVar ("attest") {
        /// Where it is kept.
        place: AttestationIndex,
        /// What is attested.
        statement: Statement,
    }
}

values! {
    /// What a registrar signs to take an attestation back.
    #[derive(Eq)]
    pub struct Withdrawal / WithdrawalVar ("revoke") {
        /// Where it is kept.
        place: AttestationIndex,
        /// Its commitment: a place alone could hold another attestation after a revert.
        commitment: Element,
    }
}

values! {
    /// What a revocation's slot is given, and what the body says of it.
    #[derive(Eq)]
    pub struct Revoked / RevokedVar ("revoke") {
        /// Where the attestation is kept.
        place: AttestationIndex,
    }
}

/// Makes somebody's account a registrar.
#[derive(Clone, Copy, Debug, Default)]
pub struct Appoint;

impl Call for Appoint {
    const NAME: &'static str = "appoint_registrar";

    type Arguments = Appointee;
    type Inputs = Appointed;
    type Body = Appointed;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Appointee,
    ) -> core::result::Result<Appointed, Unfit> {
        let account = view.account_of(&arguments.key)?;
        let account = account.ok_or_else(|| Unfit::because("the registrar has no account: `open` one"))?;
        let place = view.next_place::<Registrar>()?;
        let registrar = place.ok_or_else(|| Unfit::because("the chain has no free registrar number"))?.into();
        self.restore(view, sender, &Appointed { registrar, account })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Appointed,
    ) -> core::result::Result<Appointed, Unfit> {
        let administrator: Option<Registrar> = view.read(ADMINISTRATOR)?;
        let administrator = administrator
            .ok_or_else(|| Unfit::because("the chain has no administrator: no registrars come"))?;
        if administrator.account != sender {
            return Err(Unfit::because(format!(
                "account {} appoints registrars, not account {}",
                administrator.account.0, sender.0
            )));
        }
        if body.account == sender {
            return Err(Unfit::because("the administrator is a registrar already"));
        }
        if u64::from(body.registrar.0) >= view.places::<Registrar>() {
            return Err(Unfit::because(format!("the chain has no registrar number {}", body.registrar.0)));
        }
        if view.read::<Registrar>(body.registrar.0)?.is_some() {
            return Err(Unfit::because(format!("registrar {} is there", body.registrar.0)));
        }
        if view.read::<Account>(body.account.0)?.is_none() {
            return Err(Unfit::because(format!("there is no account {}", body.account.0)));
        }
        Ok(body.clone())
    }

    fn execute(
        &self,
        slot: &mut Slot<'_, '_>,
        inputs: AppointedVar,
    ) -> Result<Executed<Appointee, Appointed>> {
        let bits = slot.state().shape(REGISTRARS).levels() * BITS_PER_LEVEL;
        let first = Index::from_bits(vec![Bit::constant(false); bits])?;
        let (administrator, _) = slot.read::<Registrar>(&first)?;
        enforce_registrar(slot, "identity/administrator", &administrator)?;
        let (account, _) = slot.read::<Account>(&inputs.account)?;
        let place = slot.vacant::<Registrar>(&inputs.registrar)?;
        slot.write::<Registrar>(place, &RegistrarVar { account: inputs.account.clone() })?;
        Ok(Executed { signed: AppointeeVar { key: account.key }, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Appointed> {
        let administrator = Registrar { account: AccountIndex::from(0) };
        Idle::new(Appointed { registrar: RegistrarIndex::from(1), account: AccountIndex::from(1) })
            .reading(&administrator)
            .reading(&IdleContext::account())
    }
}

/// Says something of somebody, to be shown until a block.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attest;

impl Call for Attest {
    const NAME: &'static str = "attest";

    type Arguments = Statement;
    type Inputs = Attested;
    type Body = Attested;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Statement,
    ) -> core::result::Result<Attested, Unfit> {
        if arguments.until < view.number {
            return Err(Unfit::because(format!(
                "the attestation expires with block {}: this is block {}",
                arguments.until, view.number
            )));
        }
        let place = view.next_place::<Attestation>()?;
        let place = place.ok_or_else(|| Unfit::because("the chain has no free place for an attestation"))?;
        self.restore(view, sender, &Attested { place: place.into(), statement: arguments.clone() })
    }

    fn restore(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        body: &Attested,
    ) -> core::result::Result<Attested, Unfit> {
        check_registrar(view, sender, body.statement.registrar)?;
        if u64::from(body.place.0) >= view.places::<Attestation>() {
            return Err(Unfit::because(format!("the chain has no place {} for attestations", body.place.0)));
        }
        if view.read::<Attestation>(body.place.0)?.is_some() {
            return Err(Unfit::because(format!("place {} has an attestation", body.place.0)));
        }
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: AttestedVar) -> Result<Executed<Statement, Attested>> {
        let statement = &inputs.statement;
        let (registrar, _) = slot.read::<Registrar>(&statement.registrar)?;
        enforce_registrar(slot, "identity/registrar", &registrar)?;
        let place = slot.vacant::<Attestation>(&inputs.place)?;
        let attestation = AttestationVar {
            commitment: statement.commitment.clone(),
            expiry: statement.until.clone(),
            registrar: statement.registrar.clone(),
            revoked: Bit::constant(false),
        };
        slot.write::<Attestation>(place, &attestation)?;
        Ok(Executed { signed: statement.clone(), body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Attested> {
        let statement =
            Statement { commitment: Element::default(), until: u32::MAX, registrar: RegistrarIndex::from(0) };
        Idle::new(Attested { place: AttestationIndex::from(0), statement })
            .reading(&Registrar { account: AccountIndex::from(0) })
    }
}

/// Takes an attestation back, from this block on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Revoke;

impl Call for Revoke {
    const NAME: &'static str = "revoke";

    type Arguments = Withdrawal;
    type Inputs = Revoked;
    type Body = Revoked;

    fn inputs(
        &self,
        view: &View<'_>,
        sender: AccountIndex,
        arguments: &Withdrawal,
    ) -> core::result::Result<Revoked, Unfit> {
        let place = arguments.place;
        let attestation: Option<Attestation> = view.read(place.0)?;
        let attestation =
            attestation.ok_or_else(|| Unfit::because(format!("place {} has no attestation", place.0)))?;
        check_registrar(view, sender, attestation.registrar)?;
        if attestation.revoked {
            return Err(Unfit::because(format!("attestation {} is revoked already", place.0)));
        }
        if attestation.commitment != arguments.commitment {
            return Err(Unfit::because(format!("place {} has another attestation", place.0)));
        }
        Ok(Revoked { place })
    }

    fn restore(&self, _: &View<'_>, _: AccountIndex, body: &Revoked) -> core::result::Result<Revoked, Unfit> {
        Ok(body.clone())
    }

    fn execute(&self, slot: &mut Slot<'_, '_>, inputs: RevokedVar) -> Result<Executed<Withdrawal, Revoked>> {
        let (attestation, place) = slot.read::<Attestation>(&inputs.place)?;
        let (registrar, _) = slot.read::<Registrar>(&attestation.registrar)?;
        enforce_registrar(slot, "identity/registrar", &registrar)?;
        let signed =
            WithdrawalVar { place: inputs.place.clone(), commitment: attestation.commitment.clone() };
        slot.write::<Attestation>(place, &AttestationVar { revoked: Bit::constant(true), ..attestation })?;
        Ok(Executed { signed, body: inputs })
    }

    fn idle(&self, _: &IdleContext) -> Idle<Revoked> {
        Idle::new(Revoked { place: AttestationIndex::from(0) })
    }
}

/// Enforces under `name` that the sender's account is the registrar's, where the slot is used.
fn enforce_registrar(slot: &Slot<'_, '_>, name: &'static str, registrar: &RegistrarVar) -> Result<()> {
    let sender = slot.sender()?.as_field();
    slot.used().enforce_equal_if(name, sender, registrar.account.as_field())
}

/// Whether the sender's account is the registrar's, for an error that says whose it is.
fn check_registrar(
    view: &View<'_>,
    sender: AccountIndex,
    number: RegistrarIndex,
) -> core::result::Result<(), Unfit> {
    let registrar: Option<Registrar> = view.read(number.0)?;
    let registrar = registrar.ok_or_else(|| Unfit::because(format!("there is no registrar {}", number.0)))?;
    if registrar.account != sender {
        return Err(Unfit::because(format!(
            "account {} signs for registrar {}, not account {}",
            registrar.account.0, number.0, sender.0
        )));
    }
    Ok(())
}
