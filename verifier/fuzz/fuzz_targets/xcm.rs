//! The reader of messages: no panic on any bytes, and what is recognised has one form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::transfer::InboxRecord;
use zkpov_verifier::xcm::{message, read_message};

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (from, to, bytes) = input;
    let (from, to) = (u32::from(from), u32::from(to));
    if let Ok(transfers) = read_message(bytes, from, to) {
        assert_eq!(message(&transfers, from, to), bytes);
        for transfer in transfers {
            let _ = InboxRecord { origin: from, transfer }.elements();
        }
    }
});
