//! A composition as a [`Chain`].

use ark_relations::gr1cs::{self, ConstraintSystemRef, SynthesisError};
use serde_json::{Map, Value as Json};
use zkpov_verifier::{
    body::{BodyError, BodyFormat, BodyLayout},
    eddsa::{self, PublicKey},
    field::{Fr, limbs_of_hash},
    lane::TierId,
    message::MessageFormat,
    statement::{ChainIdentity, Statement},
};

use super::{
    super::{
        AccountId, AccountView, Applied, ApplyError, BlockContext, BlockWitness, CallWeight, Chain,
        CheckedExtrinsic, Execution, ExecutionError, ExtrinsicError, Genesis, Refusal, SpecError, Tier,
        Token,
        account::{ACCOUNTS, Account, index_name},
        block::{SlotWitness, Witness},
        extrinsic::{Extrinsic, Header, HeaderJson, SignatureJson, chain_tag, message, split_json},
        lane::{Kind, Told, slot_widths, told},
        pallet::GenesisState,
        privacy::{Plain, Secrets},
        select::decode,
        spec::Spec,
        vault::Vault,
    },
    Composition,
    native::{Nonce, Slots, Stopped},
};
use crate::{
    keys::SecretKey,
    state::{
        ChangeSet, Layout, MerkleProof, Recorder, StateError, StateReader, Value, packed_widths, read_record,
        state_root,
    },
};

impl Chain for Composition {
    fn name(&self) -> &'static str {
        self.name
    }

    fn runtime_version(&self) -> u32 {
        self.version.runtime
    }

    fn transaction_version(&self) -> u32 {
        self.version.transaction
    }

    fn token(&self) -> Token {
        self.token.clone()
    }

    fn body_format(&self) -> BodyFormat {
        self.version.bodies
    }

    fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    fn messages(&self, spec_json: &str) -> Result<MessageFormat, SpecError> {
        let spec = Spec::from_json(spec_json)?;
        let mut pallets = self.pallets.iter();
        let has_peers = pallets.any(|pallet| pallet.has_peers(spec.pallets.get(pallet.name())));
        Ok(if has_peers { MessageFormat::Transfers } else { MessageFormat::Dropped })
    }

    fn genesis(&self, spec_json: &str) -> Result<Genesis, SpecError> {
        let mut spec = Spec::from_json(spec_json)?;
        if spec.chain != self.name {
            return Err(SpecError::OtherChain { expected: self.name, found: spec.chain });
        }
        let secrets = self.first_secrets(spec.secrets.take())?;
        let (parameters, accounts, authors) = spec.check(self.layout.shape(ACCOUNTS).places())?;
        if secrets.is_some() && !parameters.permissioned_authors {
            return Err(SpecError::Invalid(
                "authors of a private chain read it: they are permissioned".into(),
            ));
        }
        if secrets.is_some() && !authors.rotating {
            return Err(SpecError::Invalid(
                "authors of a private chain have seats: `rotation` says who must have its key".into(),
            ));
        }
        let nothing = ChangeSet::default();
        let recorder = Recorder::new(&self.layout, &nothing);
        let mut genesis = GenesisState { recorder, parameters, accounts: &accounts };
        genesis.write(0, &parameters)?;
        genesis.write(0, &authors)?;
        if let Some(secrets) = secrets {
            genesis.write(0, &Vault::new(secrets))?;
        }
        for (index, account) in (0u32..).zip(&accounts) {
            genesis.write(index, account)?;
        }
        for pallet in &self.pallets {
            pallet.genesis(spec.pallets.remove(pallet.name()).as_ref(), &mut genesis)?;
        }
        if let Some(unknown) = spec.pallets.keys().next() {
            return Err(SpecError::Invalid(format!("`{}` has no pallet `{unknown}`", self.name)));
        }
        let changes = genesis.recorder.changes();
        let (state_root, changes) = changes.map_err(|error| SpecError::Invalid(error.to_string()))?;
        let token = spec.token.unwrap_or_else(|| self.token());
        Ok(Genesis { changes, state_root, token, accounts: accounts.len() as u32 })
    }

    fn extrinsic_from_json(&self, line: &str) -> Result<Vec<u8>, ExtrinsicError> {
        let json = |error: serde_json::Error| ExtrinsicError::Json(error.to_string());
        let (header, arguments, signature) =
            self.parts_from_json(serde_json::from_str(line).map_err(json)?)?;
        let signature = signature.ok_or_else(|| ExtrinsicError::Json("`signature` is missing".into()))?;
        let signature: SignatureJson = serde_json::from_value(signature).map_err(json)?;
        let signature = signature.signature().map_err(|e| ExtrinsicError::Json(format!("signature: {e}")))?;
        Ok(Extrinsic { header, arguments, signature }.encode())
    }

    fn extrinsic_to_json(&self, bytes: &[u8]) -> Result<Json, ExtrinsicError> {
        self.json_of(&decode(&self.kinds, bytes)?)
    }

    fn sign_json(
        &self,
        identity: &ChainIdentity,
        unsigned: Map<String, Json>,
        key: &SecretKey,
    ) -> Result<Json, ExtrinsicError> {
        let (header, arguments, _) = self.parts_from_json(unsigned)?;
        let kind = self.kinds.get(usize::from(header.call));
        let kind = kind.ok_or_else(|| ExtrinsicError::Json(format!("no call of kind {}", header.call)))?;
        let message = message(chain_tag(identity), header.element(), &kind.message_elements(&arguments)?);
        self.json_of(&Extrinsic { header, arguments, signature: key.sign(message) })
    }

    fn call_name(&self, call: u8) -> Option<&'static str> {
        self.kinds.get(usize::from(call)).map(|kind| kind.name())
    }

    fn execute(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: Option<TierId>,
        extrinsics: &[Vec<u8>],
    ) -> Result<Execution, ExecutionError> {
        let widest = self.widest(tier)?;
        let number = Self::number(context)?;
        if state_root(state)? != context.parent.state_root {
            return Err(ExecutionError::OtherState);
        }
        let selection = self.select(state, context, widest, extrinsics)?;
        let used: Vec<usize> = selection.lanes.iter().map(Vec::len).collect();
        let tier = if tier.is_some() {
            widest
        } else {
            self.smallest(widest, &used, !context.messages.inbox.is_empty())
        };
        let (positions, lanes): (Vec<Vec<_>>, Vec<Vec<_>>) =
            selection.lanes.into_iter().map(|lane| lane.into_iter().unzip()).unzip();
        let ran = self.run(state, context, tier, fees(&lanes), &Slots::Selected(&lanes), Nonce::Derived);
        let ran = ran.map_err(|stopped| match stopped {
            Stopped::Execution(error) => error,
            Stopped::Slot { lane, slot, reason } => {
                ExecutionError::Format(format!("slot {slot} of lane {lane} does not execute twice: {reason}"))
            }
        })?;
        let used_slots: Vec<u32> = match self.version.bodies {
            // At most a lane's capacity, which is a `u32`.
            BodyFormat::Public => used.iter().map(|used| *used as u32).collect(),
            BodyFormat::Private => tier.lanes.iter().map(|lane| lane.capacity).collect(),
        };
        let format = |error: BodyError| ExecutionError::Format(error.to_string());
        let layout =
            BodyLayout::new(self.version.bodies, tier.id, &tier.lanes, &used_slots).map_err(format)?;
        let statement = Statement {
            used_slots: layout.padded_used_slots(),
            state_root: ran.state_root,
            body_root: layout.root(&ran.body).map_err(format)?,
            outbox_root: ran.outbox_root,
            upgrade: ran.upgrade.map(hash_of_limbs).transpose()?,
            ..self.outline(context, tier.id, number)
        };
        let body = layout.encode(&ran.body).map_err(format)?;
        let witness = Witness {
            public_input: statement.digest(),
            statement: statement.elements(),
            storages: ran.storages,
            fees: fees(&lanes),
            nonce: ran.nonce,
            next_key: ran.next_key,
            lanes: ran.lanes,
            openings: ran.openings,
        };
        Ok(Execution {
            tier: tier.id,
            used_slots,
            body,
            included: positions.into_iter().flatten().flatten().collect(),
            refused: selection.refused,
            deferred: selection.deferred,
            state_root: ran.state_root,
            changes: ran.changes,
            outbox: ran.outbox,
            statement,
            witness: BlockWitness::new(witness),
        })
    }

    fn apply(
        &self,
        state: &dyn StateReader,
        context: &BlockContext,
        tier: TierId,
        used_slots: &[u32],
        body: &[u8],
    ) -> Result<Applied, ApplyError> {
        let tier = self.tier(tier).ok_or(ApplyError::UnknownTier(tier))?;
        let refuse = |error: BodyError| ApplyError::Body(error.to_string());
        let layout =
            BodyLayout::new(self.version.bodies, tier.id, &tier.lanes, used_slots).map_err(refuse)?;
        let elements = layout.decode(body).map_err(refuse)?;
        let Plain { nonce, used, elements } = match self.secrets(state, context)? {
            None => Plain { nonce: Fr::from(0u64), used: used_slots.to_vec(), elements },
            Some((secrets, _)) => secrets
                .open(context.parent.state_root, &tier.lanes, &elements)
                .ok_or_else(|| ApplyError::Body("the chain's key does not decrypt it".into()))?,
        };
        let lanes = self.told_by(&used, &elements)?;
        let fees = lanes.iter().flatten().filter_map(|slot| slot.paid).map(|(_, fee)| Fr::from(fee)).sum();
        let ran = self.run(state, context, tier, fees, &Slots::Told(&lanes), Nonce::Given(nonce)).map_err(
            |stopped| match stopped {
                Stopped::Slot { lane, slot, reason } => ApplyError::Slot { lane, slot, reason },
                Stopped::Execution(ExecutionError::State(error)) => ApplyError::State(error),
                Stopped::Execution(ExecutionError::Author(error)) => ApplyError::Author(error),
                Stopped::Execution(ExecutionError::Keys(error)) => ApplyError::Keys(error),
                Stopped::Execution(other) => ApplyError::Body(other.to_string()),
            },
        )?;
        Ok(Applied { state_root: ran.state_root, changes: ran.changes })
    }

    fn synthesize(
        &self,
        tier: TierId,
        witness: Option<&BlockWitness>,
        cs: ConstraintSystemRef<Fr>,
    ) -> gr1cs::Result<()> {
        let tier = self.tier(tier).ok_or(SynthesisError::ArityMismatch)?;
        let witness = match witness {
            None => None,
            Some(witness) => Some(witness.get::<Witness>().ok_or(SynthesisError::AssignmentMissing)?),
        };
        self.circuit(tier, &self.plans(tier), witness, &cs).map(drop)
    }

    fn call_weights(&self) -> gr1cs::Result<Vec<CallWeight>> {
        let top_levels = self.shared_levels()?;
        (0..self.kinds.len()).map(|kind| self.call_weight(kind, &top_levels)).collect()
    }

    fn call_breakdown(&self, call: u8) -> gr1cs::Result<Vec<(String, f64)>> {
        Self::call_breakdown(self, call.into())
    }

    fn check_extrinsic(
        &self,
        state: &dyn StateReader,
        identity: &ChainIdentity,
        extrinsic: &[u8],
    ) -> Result<Result<CheckedExtrinsic, Refusal>, StateError> {
        let Extrinsic { header, arguments, signature } = match decode(&self.kinds, extrinsic) {
            Ok(extrinsic) => extrinsic,
            Err(error) => return Ok(Err(error.into())),
        };
        let Some(Account { key, nonce, .. }) = read_record(state, header.sender)? else {
            return Ok(Err(Refusal::UnknownSender { sender: header.sender }));
        };
        let elements = match self.kinds.get(usize::from(header.call)) {
            Some(kind) => kind.message_elements(&arguments),
            None => return Ok(Err(Refusal::Signature)),
        };
        let message = match elements {
            Ok(elements) => message(chain_tag(identity), header.element(), &elements),
            Err(error) => return Ok(Err(error.into())),
        };
        if eddsa::verify(&key, message, &signature).is_err() {
            return Ok(Err(Refusal::Signature));
        }
        let minimum_fee = Self::parameters(state)?.minimum_fee;
        let Header { call, sender, nonce: found, expiry, fee } = header;
        Ok(Ok(CheckedExtrinsic { call, sender, nonce: found, expiry, fee, next_nonce: nonce, minimum_fee }))
    }

    fn next_nonce(&self, state: &dyn StateReader, account: u32) -> Result<Option<u32>, StateError> {
        Ok(read_record::<Account>(state, account)?.map(|account| account.nonce))
    }

    fn account(&self, state: &dyn StateReader, who: AccountId) -> Result<Option<AccountView>, StateError> {
        let index = match who {
            AccountId::Index(index) => Some(index),
            AccountId::Key(key) => index_of(&self.layout, state, &key)?,
        };
        let Some(index) = index else { return Ok(None) };
        let Some(account) = read_record::<Account>(state, index)? else { return Ok(None) };
        let Account { key, nonce, may_author, balance } = account;
        let deposit = Self::parameters(state)?.existential_deposit;
        let transferable = balance.saturating_sub(deposit);
        let proof = MerkleProof::of::<Account>(state, &self.layout, index)?;
        Ok(Some(AccountView { index, key, nonce, balance, transferable, may_author, proof }))
    }
}

impl Composition {
    /// What a private chain begins with.
    fn first_secrets(&self, given: Option<Json>) -> Result<Option<Secrets>, SpecError> {
        match (self.version.bodies, given) {
            (BodyFormat::Public, None) => Ok(None),
            (BodyFormat::Public, Some(_)) => {
                Err(SpecError::Invalid(format!("`{}` is a public chain: it has no secrets", self.name)))
            }
            (BodyFormat::Private, None) => Err(SpecError::Invalid(format!(
                "`{}` is a private chain: its secrets are missing",
                self.name
            ))),
            (BodyFormat::Private, Some(secrets)) => Secrets::from_json(&secrets)
                .map(Some)
                .map_err(|error| SpecError::Invalid(format!("the chain's secrets: {error}"))),
        }
    }

    pub(super) fn kind(&self, name: &str) -> Result<(u8, &dyn Kind), ExtrinsicError> {
        let found = self.kinds.iter().zip(0u8..).find(|(kind, _)| kind.has_call(name));
        let (kind, number) = found.ok_or_else(|| {
            let names: Vec<&str> =
                self.kinds.iter().filter(|kind| kind.is_signed()).map(|kind| kind.name()).collect();
            ExtrinsicError::Json(format!("no call `{name}`: there are {}", names.join(", ")))
        })?;
        Ok((number, kind.as_ref()))
    }

    /// The header and arguments of an extrinsic in JSON, and its signature if it has one.
    fn parts_from_json(
        &self,
        members: Map<String, Json>,
    ) -> Result<(Header, Vec<u8>, Option<Json>), ExtrinsicError> {
        let (HeaderJson { call, sender, nonce, expiry, fee }, arguments, signature) = split_json(members)?;
        let (number, kind) = self.kind(&call)?;
        let arguments = kind.arguments_from_json(&call, arguments)?;
        Ok((Header { call: number, sender, nonce, expiry, fee }, arguments, signature))
    }

    fn json_of(&self, extrinsic: &Extrinsic) -> Result<Json, ExtrinsicError> {
        let Extrinsic { header, arguments, signature } = extrinsic;
        let kind = self.kinds.get(usize::from(header.call));
        let kind = kind.ok_or_else(|| ExtrinsicError::Json(format!("no call of kind {}", header.call)))?;
        let Header { sender, nonce, expiry, fee, .. } = *header;
        let common = HeaderJson { call: kind.call_of(arguments).into(), sender, nonce, expiry, fee };
        let json = |error: serde_json::Error| ExtrinsicError::Json(error.to_string());
        let Json::Object(mut members) = serde_json::to_value(common).map_err(json)? else {
            return Err(ExtrinsicError::Json("a header is an object".into()));
        };
        members.extend(kind.arguments_to_json(arguments)?);
        let signature = serde_json::to_value(SignatureJson::from(*signature)).map_err(json)?;
        members.insert("signature".into(), signature);
        Ok(Json::Object(members))
    }

    /// The slots of a body.
    fn told_by(&self, used_slots: &[u32], elements: &[Fr]) -> Result<Vec<Vec<Told>>, ApplyError> {
        let mut rest = elements;
        let mut lanes = Vec::with_capacity(self.kinds.len());
        for ((kind, used), lane) in self.kinds.iter().zip(used_slots).zip(0usize..) {
            let count = packed_widths(&slot_widths(kind.as_ref())).len();
            let mut slots = Vec::with_capacity(*used as usize);
            for slot in 0..*used as usize {
                let refuse = |reason: &str| ApplyError::Slot { lane, slot, reason: reason.into() };
                let (own, others) =
                    rest.split_at_checked(count).ok_or_else(|| refuse("elements are missing"))?;
                rest = others;
                slots.push(told(kind.as_ref(), own).ok_or_else(|| refuse("no call has such a body"))?);
            }
            lanes.push(slots);
        }
        Ok(lanes)
    }
}

/// The place of a key's account.
fn index_of(layout: &Layout, state: &dyn StateReader, key: &PublicKey) -> Result<Option<u32>, StateError> {
    let recorder = Recorder::new(layout, state);
    let name = index_name(key);
    let Some(bytes) = recorder.auxiliary(&name)? else { return Ok(None) };
    codec::DecodeAll::decode_all(&mut bytes.as_slice())
        .map(Some)
        .map_err(|_| StateError::corrupt(&crate::state::keys::auxiliary(&name), "an account index"))
}

/// The 32 bytes that two limbs are of: the inverse of [`limbs_of_hash`].
fn hash_of_limbs(limbs: [Fr; 2]) -> Result<[u8; 32], ExecutionError> {
    let mut hash = [0; 32];
    for (half, limb) in hash.chunks_exact_mut(16).zip(limbs) {
        let limb = crate::integer::to_u128(&limb).ok_or_else(|| {
            ExecutionError::Format("a limb of the next code's hash exceeds 128 bits".into())
        })?;
        half.copy_from_slice(&limb.to_le_bytes());
    }
    debug_assert_eq!(limbs_of_hash(hash), limbs);
    Ok(hash)
}

/// Sum of the fees of these slots.
fn fees(lanes: &[Vec<SlotWitness>]) -> Fr {
    lanes.iter().flatten().map(|slot| slot.fee).sum()
}
