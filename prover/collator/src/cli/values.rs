//! Values as they are written on the command line and in results.

use std::{fmt, fs::File, io::Read, path::Path, str::FromStr};

use ark_bn254::Fr;
use serde_json::{Value, json};
use zkpov_circuits::{
    chains::chain_by_name,
    runtime::{AccountId, Chain},
};
use zkpov_collator::{
    chain::known_chains,
    files::{self, FileError},
    key_file,
    relay_file::{MAX_RELAY_FILE_BYTES, RelayFile},
};
use zkpov_prover::ProvingKey;
use zkpov_verifier::{
    babyjubjub::Point,
    block::MAX_POV,
    eddsa::{PUBLIC_KEY_LEN, PublicKey},
    key::{KeyError, KeyPolicy, MAX_KEY_BYTES, PreparedKey},
    lane::TierId,
};

use super::failure::Failure;

/// Bytes as `0x…`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    format!("0x{}", ::hex::encode(bytes))
}

/// A field element as the decimal number that circomlibjs writes.
pub(crate) fn field(element: &Fr) -> String {
    element.to_string()
}

/// A public key as `{"x": "…", "y": "…"}`.
pub(crate) fn key_json(key: &PublicKey) -> Value {
    let [x, y] = key.coordinates();
    json!({ "x": field(&x), "y": field(&y) })
}

/// The chain of that name.
pub(crate) fn chain(name: &str) -> Result<&'static dyn Chain, Failure> {
    chain_by_name(name).ok_or_else(|| {
        Failure::misuse(format!("there is no chain {name:?}")).next(format!("use one of: {}", known_chains()))
    })
}

/// The content of a relay file.
pub(crate) fn relay_file(path: &Path) -> Result<RelayFile, Failure> {
    let bytes = files::read_bounded(path, MAX_RELAY_FILE_BYTES)?;
    RelayFile::parse(&bytes).map_err(|error| Failure::misuse(format!("{}: {error}", path.display())))
}

/// The content of a proven block's file. One that is too long to be one is refused, not misuse: it is the
/// block that is judged.
pub(crate) fn pov_file(path: &Path) -> Result<Vec<u8>, Failure> {
    files::read_bounded(path, MAX_POV as u64).map_err(|error| match error {
        FileError::TooLong { .. } => Failure::refused(format!("the block is not valid: {error}")),
        error => Failure::from(error),
    })
}

/// The first bytes of a file, as many as a proving key's magic has; the file may be larger than what is read whole.
pub(crate) fn start_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| Failure::misuse(format!("cannot read {}: {error}", path.display()));
    let mut start = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(ProvingKey::MAGIC.len() as u64).read_to_end(&mut start).map_err(unreadable)?;
    Ok(start)
}

/// Reads and prepares a validity key.
///
/// # Errors
/// A refusal for a development key that was not allowed.
pub(crate) fn validity_key(path: &Path, allow_dev_setup: bool) -> Result<PreparedKey, Failure> {
    let bytes = files::read_bounded(path, MAX_KEY_BYTES as u64)?;
    PreparedKey::decode(&bytes, KeyPolicy { allow_dev_setup }).map_err(|error| match error {
        KeyError::DevSetup(_) => Failure::refused(format!("{}: {error}", path.display()))
            .next("on a development chain, say --allow-dev-keys; elsewhere, ask for a key from a ceremony"),
        error => Failure::misuse(format!("{} is no validity key: {error}", path.display()))
            .next("`zkpov setup` writes it as validity.key"),
    })
}

/// A tier as it is named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TierChoice {
    /// By its number.
    Number(u8),
    /// The chain's smallest, for tests.
    Tiny,
    /// The chain's largest.
    Largest,
}

impl FromStr for TierChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tiny" => Ok(Self::Tiny),
            "largest" => Ok(Self::Largest),
            number => number.parse().map(Self::Number).map_err(|_| {
                "a tier is the number of a tier of the chain (17, 18, 20), `tiny` or `largest`".into()
            }),
        }
    }
}

impl fmt::Display for TierChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Tiny => f.write_str("tiny"),
            Self::Largest => f.write_str("largest"),
        }
    }
}

impl TierChoice {
    /// The tier of `chain` that is meant.
    pub(crate) fn of(self, chain: &dyn Chain) -> Result<TierId, Failure> {
        let known: Vec<TierId> = chain.tiers().iter().map(|tier| tier.id).collect();
        let found = match self {
            Self::Number(number) => known.iter().find(|tier| tier.0 == number),
            Self::Tiny => known.first(),
            Self::Largest => known.last(),
        };
        found.copied().ok_or_else(|| {
            let list = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Failure::misuse(format!("chain {} has no tier {self}", chain.name()))
                .next(format!("use one of: {list}, tiny, largest"))
        })
    }
}

/// What a key on the command line may look like, for help and errors.
pub(crate) const KEY_FORMS: &str = "a key is \"x,y\" in decimal, 0x and 128 hexadecimal digits (x and y, little-endian), or a key file of `zkpov keygen`";

/// A public key given as text or as a key file.
pub(crate) fn public_key(text: &str) -> Result<PublicKey, Failure> {
    let wrong =
        |why: &dyn fmt::Display| Failure::misuse(format!("{text:?} is no public key: {why}")).next(KEY_FORMS);
    if let Some(digits) = text.strip_prefix("0x") {
        let bytes = ::hex::decode(digits).map_err(|error| wrong(&error))?;
        let bytes: [u8; PUBLIC_KEY_LEN] =
            bytes.try_into().map_err(|_| wrong(&format!("it has not {PUBLIC_KEY_LEN} bytes")))?;
        let key = PublicKey::from_bytes(&bytes).map_err(|error| wrong(&error))?;
        return key.check_subgroup().map(|()| key).map_err(|error| wrong(&error));
    }
    if let Some((x, y)) = text.split_once(',') {
        let coordinate = |name, digits: &str| {
            Fr::from_str(digits.trim()).map_err(|()| wrong(&format!("{name} is no field element in decimal")))
        };
        let point = Point { x: coordinate("x", x)?, y: coordinate("y", y)? };
        return PublicKey::new(point).map_err(|error| wrong(&error));
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(wrong(&"there is no such file either"));
    }
    Ok(key_file::read(path)?.public_key())
}

/// An account given by its index, or by its key in any of its forms.
pub(crate) fn account(text: &str) -> Result<AccountId, Failure> {
    match text.parse() {
        Ok(index) => Ok(AccountId::Index(index)),
        Err(_) => public_key(text).map(AccountId::Key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_numbers_or_names() {
        assert_eq!("18".parse(), Ok(TierChoice::Number(18)));
        assert_eq!("tiny".parse(), Ok(TierChoice::Tiny));
        assert_eq!("largest".parse(), Ok(TierChoice::Largest));
        assert!("big".parse::<TierChoice>().unwrap_err().contains("`tiny`"));
    }

    #[test]
    fn a_public_key_is_read_from_each_of_its_forms_and_refused_with_the_forms() {
        let key = zkpov_circuits::keys::SecretKey::from_seed([7; 32]).public_key();
        let [x, y] = key.coordinates();
        assert_eq!(public_key(&format!("{x},{y}")).unwrap(), key);
        assert_eq!(public_key(&hex(&key.to_bytes())).unwrap(), key);
        for wrong in ["1,2", "0x00", "nothing.json", "a,b"] {
            assert_eq!(public_key(wrong).unwrap_err().next, KEY_FORMS, "{wrong}");
        }
    }

    #[test]
    fn a_small_number_is_an_index() {
        assert_eq!(account("5").unwrap(), AccountId::Index(5));
    }
}
