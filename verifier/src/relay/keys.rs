//! Where the relay chain keeps what a parachain reads: storage keys.
//!
//! ```text
//!   twox_128(pallet) │ twox_128(item) │ twox_64(argument) │ argument
//!   └──────── a constant, 32 bytes ───┘ └─ `Twox64Concat` of a map ─┘
//! ```
//!
//! Source: `well_known_keys` of polkadot-primitives, to which a test of the relay integration holds them.

use alloc::vec::Vec;

/// `Dmp::DownwardMessageQueueHeads`.
const DOWNWARD_HEADS: [u8; 32] =
    prefix(0x63f78c98723ddc9073523ef3beefda0c, 0x4d7fefc408aac59dbfe80a72ac8e3ce5);

/// `Hrmp::HrmpIngressChannelsIndex`.
const INGRESS_INDEX: [u8; 32] =
    prefix(0x6a0da05ca59913bc38a8630590f2627c, 0x1d3719f5b0b12c7105c073c507445948);

/// `Hrmp::HrmpEgressChannelsIndex`.
const EGRESS_INDEX: [u8; 32] = prefix(0x6a0da05ca59913bc38a8630590f2627c, 0xf12b746dcf32e843354583c9702cc020);

/// `Hrmp::HrmpChannels`.
const CHANNELS: [u8; 32] = prefix(0x6a0da05ca59913bc38a8630590f2627c, 0xb6604cff828a6e3f579ca6c59ace013d);

/// `Paras::UpgradeGoAheadSignal`.
const GO_AHEAD: [u8; 32] = prefix(0xcd710b30bd2eab0352ddcc26417aa194, 0x9e94c040f5e73d9b7addd6cb603d15d3);

/// `Paras::UpgradeRestrictionSignal`.
const RESTRICTION: [u8; 32] = prefix(0xcd710b30bd2eab0352ddcc26417aa194, 0xf27bbb460270642b5bcaf032ea04d56a);

/// `Configuration::ActiveConfig`: the relay chain's limits.
pub const ACTIVE_CONFIG: [u8; 32] =
    prefix(0x06de3d8a54d27e44a9d5ce189618f22d, 0xb4b49d95320d9021994c850f25b8e385);

/// Head of the chain of downward messages to `para`: a hash, absent before the first message.
pub fn downward_head(para: u32) -> Vec<u8> {
    of_map(&DOWNWARD_HEADS, &para.to_le_bytes())
}

/// Who has an HRMP channel to `para`: `Vec<u32>`, ascending.
pub fn ingress_index(para: u32) -> Vec<u8> {
    of_map(&INGRESS_INDEX, &para.to_le_bytes())
}

/// To whom `para` has an HRMP channel: `Vec<u32>`, ascending.
pub fn egress_index(para: u32) -> Vec<u8> {
    of_map(&EGRESS_INDEX, &para.to_le_bytes())
}

/// The HRMP channel from `sender` to `recipient` ([`crate::relay::state::Channel`]).
pub fn channel(sender: u32, recipient: u32) -> Vec<u8> {
    let mut id = [0; 8];
    let (first, second) = id.split_at_mut(4);
    first.copy_from_slice(&sender.to_le_bytes());
    second.copy_from_slice(&recipient.to_le_bytes());
    of_map(&CHANNELS, &id)
}

/// Whether `para`'s announced validation code comes into force or is abandoned; absent when neither is due.
pub fn upgrade_go_ahead(para: u32) -> Vec<u8> {
    of_map(&GO_AHEAD, &para.to_le_bytes())
}

/// Present while `para` may announce no validation code.
pub fn upgrade_restriction(para: u32) -> Vec<u8> {
    of_map(&RESTRICTION, &para.to_le_bytes())
}

fn of_map(prefix: &[u8; 32], argument: &[u8]) -> Vec<u8> {
    [prefix.as_slice(), &twox_64(argument), argument].concat()
}

/// Two hashes of 16 bytes, written as integers, one behind the other.
const fn prefix(pallet: u128, item: u128) -> [u8; 32] {
    let (pallet, item) = (pallet.to_be_bytes(), item.to_be_bytes());
    let mut bytes = [0; 32];
    let mut index = 0;
    while index < 16 {
        bytes[index] = pallet[index];
        bytes[16 + index] = item[index];
        index += 1;
    }
    bytes
}

/// xxHash64 with seed 0 of fewer than 32 bytes, little-endian: substrate's `twox_64`. It spreads keys over the trie; nothing
/// rests on it, for the key holds the argument itself.
///
/// Source: the xxHash specification, the path of short inputs.
fn twox_64(bytes: &[u8]) -> [u8; 8] {
    const PRIMES: [u64; 5] = [
        0x9e37_79b1_85eb_ca87,
        0xc2b2_ae3d_27d4_eb4f,
        0x1656_67b1_9e37_79f9,
        0x85eb_ca77_c2b2_ae63,
        0x27d4_eb2f_1656_67c5,
    ];
    let [p1, p2, p3, p4, p5] = PRIMES;
    let mut hash = p5.wrapping_add(bytes.len() as u64);
    let (lanes, rest) = bytes.as_chunks::<8>();
    for lane in lanes {
        let lane = u64::from_le_bytes(*lane).wrapping_mul(p2).rotate_left(31).wrapping_mul(p1);
        hash = (hash ^ lane).rotate_left(27).wrapping_mul(p1).wrapping_add(p4);
    }
    let (words, rest) = rest.as_chunks::<4>();
    for word in words {
        let word = u64::from(u32::from_le_bytes(*word)).wrapping_mul(p1);
        hash = (hash ^ word).rotate_left(23).wrapping_mul(p2).wrapping_add(p3);
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte).wrapping_mul(p5)).rotate_left(11).wrapping_mul(p1);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(p2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(p3);
    (hash ^ (hash >> 32)).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| std::format!("{byte:02x}")).collect()
    }

    /// Vectors of the xxHash project's own tests and of substrate's `twox_64`.
    #[test]
    fn twox_64_is_xxhash64() {
        assert_eq!(u64::from_le_bytes(twox_64(b"")), 0xef46_db37_51d8_e999);
        assert_eq!(u64::from_le_bytes(twox_64(b"a")), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(u64::from_le_bytes(twox_64(b"abc")), 0x44bc_2cf5_ad77_0999);
    }

    /// What `polkadot_primitives::well_known_keys` gives for these paras.
    #[test]
    fn keys_are_polkadots() {
        let with = |prefix: &str, argument: &str| std::format!("{prefix}{argument}");
        let para = "63f5a4efb16ffa83d0070000";
        assert_eq!(
            hex(&downward_head(2000)),
            with("63f78c98723ddc9073523ef3beefda0c4d7fefc408aac59dbfe80a72ac8e3ce5", para)
        );
        assert_eq!(
            hex(&ingress_index(2000)),
            with("6a0da05ca59913bc38a8630590f2627c1d3719f5b0b12c7105c073c507445948", para)
        );
        assert_eq!(
            hex(&egress_index(2000)),
            with("6a0da05ca59913bc38a8630590f2627cf12b746dcf32e843354583c9702cc020", para)
        );
        assert_eq!(
            hex(&upgrade_go_ahead(2000)),
            with("cd710b30bd2eab0352ddcc26417aa1949e94c040f5e73d9b7addd6cb603d15d3", para)
        );
        assert_eq!(
            hex(&upgrade_restriction(2000)),
            with("cd710b30bd2eab0352ddcc26417aa194f27bbb460270642b5bcaf032ea04d56a", para)
        );
        assert_eq!(
            hex(&channel(2000, 2001)),
            with(
                "6a0da05ca59913bc38a8630590f2627cb6604cff828a6e3f579ca6c59ace013d",
                "a159e4ea9f4ac743d0070000d1070000"
            )
        );
        assert_eq!(hex(&ACTIVE_CONFIG), "06de3d8a54d27e44a9d5ce189618f22db4b49d95320d9021994c850f25b8e385");
    }
}
