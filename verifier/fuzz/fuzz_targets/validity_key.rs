//! Validity keys, as pre-checking reads them: no panic, and what decodes has one encoding, passes its own
//! check and can be prepared.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::key::{KeyError, KeyPolicy, PreparedKey, ValidityKey};

fuzz_target!(|bytes: &[u8]| {
    let Ok(key) = ValidityKey::decode(bytes) else { return };
    assert_eq!(key.encode(), bytes, "two encodings of one key");
    assert_eq!(key.check(), Ok(()));
    assert!(ValidityKey::is_validity_key(bytes));
    if let Err(error) = PreparedKey::new(key, KeyPolicy::default()) {
        assert!(matches!(error, KeyError::DevSetup(_)), "{error}");
    }
});
