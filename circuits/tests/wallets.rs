//! The payments chain against the second implementation of it in `fixtures/js`, which has circomlibjs for
//! arithmetic and shares no code with this one: genesis, what wallets sign, and the state after a block.

use std::{collections::BTreeSet, fs, str::FromStr};

use serde_json::Value;
use zkpov_circuits::{
    chains::payments,
    pallets::balances::Extrinsic,
    runtime::{AccountId, BlockContext, Chain, Composition, Execution, Messages, chain_tag},
    state::{ChangeSet, Overlay, StateReader, hash_node},
};
use zkpov_verifier::{
    babyjubjub::Point,
    eddsa::{self, PublicKey},
    field::Fr,
    head::{Head, HeadDigest},
    statement::{ChainIdentity, context},
};

fn fixture(name: &str) -> String {
    let path = format!("{}/../fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}; fixtures/regenerate makes it"))
}

fn json(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

fn number<T: TryFrom<u64, Error: core::fmt::Debug>>(value: &Value) -> T {
    value.as_u64().unwrap().try_into().unwrap()
}

fn decimal<T: FromStr>(value: &Value) -> T {
    let text = value.as_str().unwrap();
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn hash(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

fn key(x: &Value, y: &Value) -> PublicKey {
    PublicKey::new(Point { x: decimal(x), y: decimal(y) }).unwrap()
}

/// The fixture's chain at its genesis.
struct Chained {
    chain: Composition,
    state: ChangeSet,
    identity: ChainIdentity,
    genesis: Head,
}

fn genesis() -> Chained {
    let chain = payments();
    let made = chain.genesis(&fixture("payments/spec.json")).unwrap();
    let genesis = Head {
        parent_hash: [0; 32],
        number: 0,
        state_root: made.state_root,
        extrinsics_root: Fr::from(0),
        digest: HeadDigest::default(),
    };
    let identity = ChainIdentity {
        para_id: number(&json("payments/genesis.json")["para_id"]),
        genesis_hash: genesis.hash(),
        runtime_version: chain.runtime_version(),
        transaction_version: chain.transaction_version(),
    };
    Chained { chain, state: made.changes, identity, genesis }
}

impl Chained {
    fn context(&self) -> BlockContext {
        let spec = json("payments/spec.json");
        let author: u32 = number(&json("payments/after.json")["author"]);
        let author_key = &spec["accounts"][author as usize]["key"];
        let parent = self.genesis.as_parent();
        BlockContext {
            identity: self.identity,
            upgrade: None,
            context: context(&parent.hash, &[]),
            parent,
            relay_parent_number: number(&json("payments/relay.json")["relay_parent_number"]),
            author,
            author_key: key(&author_key["x"], &author_key["y"]),
            messages: Messages::default(),
            chain_keys: Vec::new(),
        }
    }

    fn first_block(&self) -> (Vec<Vec<u8>>, Execution) {
        let lines = fixture("payments/extrinsics.jsonl");
        let extrinsics: Vec<_> =
            lines.lines().map(|line| self.chain.extrinsic_from_json(line).unwrap()).collect();
        let execution = self.chain.execute(&self.state, &self.context(), None, &extrinsics).unwrap();
        (extrinsics, execution)
    }

    fn assert_accounts_after(&self, state: &dyn StateReader) {
        let accounts = json("payments/after.json")["accounts"].as_array().unwrap().clone();
        for (index, expected) in accounts.iter().enumerate() {
            let account = self.chain.account(state, AccountId::Index(index as u32)).unwrap().unwrap();
            assert_eq!(account.key, key(&expected["key"]["x"], &expected["key"]["y"]));
            assert_eq!(account.nonce, number::<u32>(&expected["nonce"]));
            assert_eq!(account.balance, decimal::<u128>(&expected["balance"]));
            assert_eq!(account.may_author, expected["may_author"].as_bool().unwrap());
        }
        let vacant = AccountId::Index(accounts.len() as u32);
        assert!(self.chain.account(state, vacant).unwrap().is_none());
    }
}

#[test]
fn the_genesis_head_is_the_one_that_circomlibjs_computes() {
    let Chained { genesis, .. } = genesis();
    let expected = json("payments/genesis.json");
    assert_eq!(genesis.state_root, decimal::<Fr>(&expected["state_root"]));
    assert_eq!(genesis.encode(), bytes(&expected["head"]));
    assert_eq!(genesis.hash(), hash(&expected["hash"]));
}

#[test]
fn a_block_of_extrinsics_signed_by_both_wallets_ends_at_the_state_that_circomlibjs_computes() {
    let chained = genesis();
    let (extrinsics, execution) = chained.first_block();
    let included: BTreeSet<_> = execution.included.iter().copied().collect();
    assert_eq!(included, (0..extrinsics.len()).collect(), "refused: {:?}", execution.refused);
    assert_eq!(execution.state_root, decimal::<Fr>(&json("payments/after.json")["state_root"]));
    chained.assert_accounts_after(&Overlay::with_changes(&chained.state, execution.changes));
}

#[test]
fn the_body_alone_leads_to_the_same_state() {
    let chained = genesis();
    let (_, execution) = chained.first_block();
    let Execution { tier, used_slots, body, .. } = execution;
    let applied = chained.chain.apply(&chained.state, &chained.context(), tier, &used_slots, &body).unwrap();
    assert_eq!(applied.state_root, decimal::<Fr>(&json("payments/after.json")["state_root"]));
    assert_eq!(applied.changes, execution.changes);
}

#[test]
fn what_wallets_sign_is_what_the_chain_checks() {
    let chain = payments();
    let vectors = json("vectors/extrinsics.json");
    let vectors = vectors.as_array().unwrap();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let identity = ChainIdentity {
            para_id: number(&vector["para_id"]),
            genesis_hash: hash(&vector["genesis_hash"]),
            runtime_version: chain.runtime_version(),
            transaction_version: number(&vector["transaction_version"]),
        };
        let tag = chain_tag(&identity);
        assert_eq!(tag, decimal::<Fr>(&vector["chain_tag"]));
        let encoded = chain.extrinsic_from_json(&vector["extrinsic"].to_string()).unwrap();
        let extrinsic = Extrinsic::decode(&encoded).unwrap();
        let message = extrinsic.message(tag);
        assert_eq!(message, decimal::<Fr>(&vector["message"]));
        let signer = key(&vector["public_key"][0], &vector["public_key"][1]);
        assert_eq!(eddsa::verify(&signer, message, &extrinsic.signature), Ok(()));
        assert_eq!(chain.extrinsic_to_json(&encoded).unwrap(), vector["extrinsic"]);
    }
}

#[test]
fn tree_nodes_hash_as_circomlibjs_hashes_them() {
    let trees = json("vectors/merkle.json");
    let trees = trees.as_array().unwrap().iter().filter(|tree| tree["arity"] == 8);
    let mut paths = 0;
    for tree in trees {
        let root: Fr = decimal(&tree["root"]);
        for path in tree["paths"].as_array().unwrap() {
            let mut index: usize = number(&path["index"]);
            let mut node: Fr = decimal(&path["leaf"]);
            for siblings in path["siblings"].as_array().unwrap() {
                let mut children: Vec<Fr> = siblings.as_array().unwrap().iter().map(decimal).collect();
                children.insert(index % 8, node);
                node = hash_node(&children.try_into().unwrap());
                index /= 8;
            }
            assert_eq!(node, root);
            paths += 1;
        }
    }
    assert!(paths > 0);
}
