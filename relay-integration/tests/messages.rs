//! Messages, storage keys and state tries beside polkadot's own types: the verifier writes and reads them by hand.

use std::collections::BTreeMap;

use codec::{Decode, DecodeAll, Encode};
use polkadot_primitives::{
    AbridgedHostConfiguration, AbridgedHrmpChannel, HrmpChannelId, Id, well_known_keys,
};
use proptest::prelude::*;
use sp_core::{Blake2Hasher, H256};
use sp_trie::{LayoutV1, MemoryDB, TrieDBMutBuilder, TrieMut};
use staging_xcm::VersionedXcm;
use staging_xcm::v5::{Hint, prelude::*};
use zkpov_verifier::relay::keys;
use zkpov_verifier::relay::trie::{self, ProofNodes, UnorderedNodes};
use zkpov_verifier::testing::relay::TestRelay;
use zkpov_verifier::testing::trie::Trie;
use zkpov_verifier::transfer::{Purpose, Transfer};
use zkpov_verifier::xcm::{message, read_message};

const FROM: u32 = 2000;
const TO: u32 = 2001;

/// The program as XCM's own types say it.
fn program(transfer: &Transfer, from: u32, to: u32) -> Xcm<()> {
    let id =
        if transfer.token == to { Location::here() } else { Location::new(1, Parachain(transfer.token)) };
    let asset = Asset { id: AssetId(id), fun: Fungible(transfer.amount) };
    let (claimer, beneficiary, refused) = match transfer.purpose {
        Purpose::Payment { recipient, refund } => (
            Location::new(1, [Parachain(from), AccountIndex64 { network: None, index: refund.into() }]),
            Location::new(0, AccountId32 { network: None, id: recipient }),
            0,
        ),
        Purpose::Refund { account, refused } => {
            let account = Location::new(0, AccountIndex64 { network: None, index: account.into() });
            (account.clone(), account, refused)
        }
    };
    let topic: [u8; 32] =
        (*b"zkpov/xfer/1", from, transfer.sequence, refused).encode().try_into().expect("32 bytes");
    let first = if transfer.token == to { WithdrawAsset } else { ReserveAssetDeposited };
    let hints = vec![Hint::AssetClaimer { location: claimer }].try_into().expect("one hint");
    Xcm(vec![
        first(asset.clone().into()),
        ClearOrigin,
        SetHints { hints },
        BuyExecution { fees: asset, weight_limit: Unlimited },
        DepositAsset { assets: Wild(AllCounted(1)), beneficiary },
        SetTopic(topic),
    ])
}

fn transfers() -> impl Strategy<Value = Transfer> {
    let number = || prop_oneof![0u32..70, any::<u32>()];
    let payment =
        (any::<[u8; 32]>(), number()).prop_map(|(recipient, refund)| Purpose::Payment { recipient, refund });
    let refund = (number(), any::<u64>()).prop_map(|(account, refused)| Purpose::Refund { account, refused });
    let amount = prop_oneof![1u128..100_000, 1u128..=u128::MAX, (0u32..128).prop_map(|bit| 1 << bit)];
    let token = prop_oneof![Just(FROM), Just(TO), number()];
    (token, amount, any::<u64>(), prop_oneof![payment, refund])
        .prop_map(|(token, amount, sequence, purpose)| Transfer { token, amount, sequence, purpose })
}

proptest! {
    #[test]
    fn a_message_is_the_program_that_xcm_encodes(sent in prop::collection::vec(transfers(), 1..=8)) {
        let bytes = message(&sent, FROM, TO);
        let mut rest = &bytes[1..];
        for transfer in &sent {
            let expected = VersionedXcm::<()>::V5(program(transfer, FROM, TO));
            prop_assert_eq!(&VersionedXcm::<()>::decode(&mut rest).expect("a program"), &expected);
        }
        prop_assert!(rest.is_empty());
        let encoded: Vec<u8> =
            sent.iter().flat_map(|transfer| VersionedXcm::<()>::V5(program(transfer, FROM, TO)).encode()).collect();
        prop_assert_eq!(&bytes[1..], &encoded[..]);
        prop_assert_eq!(bytes[0], 0, "ConcatenatedVersionedXcm");
        prop_assert_eq!(read_message(&bytes, FROM, TO), Ok(sent));
    }

    #[test]
    fn roots_and_proofs_are_substrates(
        entries in prop::collection::btree_map(
            prop_oneof![prop::collection::vec(0u8..3, 0..6), prop::collection::vec(any::<u8>(), 0..70)],
            prop_oneof![prop::collection::vec(any::<u8>(), 0..5), prop::collection::vec(any::<u8>(), 30..80)], 0..40),
        asked in prop::collection::vec(prop::collection::vec(0u8..3, 0..6), 1..8),
    ) {
        let ours = Trie::new(&entries);
        let (mut database, mut root) = (MemoryDB::<Blake2Hasher>::default(), H256::default());
        {
            let mut trie = TrieDBMutBuilder::<LayoutV1<Blake2Hasher>>::new(&mut database, &mut root).build();
            for (key, value) in &entries {
                trie.insert(key, value).expect("in memory");
            }
        }
        prop_assert_eq!(ours.root(), root.0);
        // A proof that substrate's own recorder makes, put in order, and read.
        let keys: Vec<_> = asked.iter().chain(entries.keys()).collect();
        let proof: Vec<Vec<u8>> = {
            let recorder = sp_trie::recorder::Recorder::<Blake2Hasher>::default();
            {
                let mut recording = recorder.as_trie_recorder(root);
                let trie = sp_trie::TrieDBBuilder::<LayoutV1<Blake2Hasher>>::new(&database, &root)
                    .with_recorder(&mut recording)
                    .build();
                for key in &keys {
                    use sp_trie::Trie;
                    let value = trie.get(key).expect("in memory");
                    prop_assert_eq!(value.as_ref(), entries.get(*key));
                }
            }
            recorder.drain_storage_proof().into_iter_nodes().collect()
        };
        let mut unordered = UnorderedNodes::new(proof.iter().map(Vec::as_slice));
        for key in &keys {
            let value = trie::read(&root.0, key, &mut unordered).expect("proven");
            prop_assert_eq!(value, entries.get(*key).map(Vec::as_slice));
        }
        let ordered = unordered.into_proof();
        prop_assert_eq!(ordered.len(), proof.len(), "the recorder gives what is needed and no more");
        let mut nodes = ProofNodes::new(&ordered);
        for key in &keys {
            let value = trie::read(&root.0, key, &mut nodes).expect("proven");
            prop_assert_eq!(value, entries.get(*key).map(Vec::as_slice));
        }
        prop_assert_eq!(nodes.finish(), Ok(()));
    }

    #[test]
    fn storage_keys_are_polkadots(para: u32, other: u32) {
        let id = Id::from(para);
        prop_assert_eq!(keys::downward_head(para), well_known_keys::dmq_mqc_head(id));
        prop_assert_eq!(keys::ingress_index(para), well_known_keys::hrmp_ingress_channel_index(id));
        prop_assert_eq!(keys::egress_index(para), well_known_keys::hrmp_egress_channel_index(id));
        prop_assert_eq!(keys::upgrade_go_ahead(para), well_known_keys::upgrade_go_ahead_signal(id));
        prop_assert_eq!(keys::upgrade_restriction(para), well_known_keys::upgrade_restriction_signal(id));
        let channel = HrmpChannelId { sender: id, recipient: Id::from(other) };
        prop_assert_eq!(keys::channel(para, other), well_known_keys::hrmp_channels(channel));
    }
}

#[test]
fn the_active_configurations_key_and_the_test_relays_values_are_polkadots() {
    assert_eq!(&keys::ACTIVE_CONFIG[..], well_known_keys::ACTIVE_CONFIG);
    let mut relay = TestRelay::new();
    relay.open(FROM, TO, 8, 4096);
    relay.send(FROM, TO, vec![1, 2, 3]);
    let entries: BTreeMap<Vec<u8>, Vec<u8>> = relay.state_entries();
    let channel = &entries[&keys::channel(FROM, TO)];
    let channel = AbridgedHrmpChannel::decode(&mut &channel[..]).expect("a channel");
    assert_eq!((channel.msg_count, channel.total_size, channel.max_message_size), (1, 3, 4096));
    let hash = |data: &Vec<u8>| <Blake2Hasher as sp_core::Hasher>::hash(&data.encode());
    let head =
        <Blake2Hasher as sp_core::Hasher>::hash(&(H256::default(), 100u32, hash(&vec![1, 2, 3])).encode());
    assert_eq!(channel.mqc_head, Some(head));
    let config =
        AbridgedHostConfiguration::decode(&mut &entries[&keys::ACTIVE_CONFIG.to_vec()][..]).expect("limits");
    assert_eq!(config.max_code_size, relay.limits.max_code_size);
    assert_eq!(config.hrmp_max_message_num_per_candidate, relay.limits.max_horizontal_messages);
    let index = Vec::<Id>::decode_all(&mut &entries[&keys::ingress_index(TO)][..]).expect("an index");
    assert_eq!(index, [Id::from(FROM)]);
}
