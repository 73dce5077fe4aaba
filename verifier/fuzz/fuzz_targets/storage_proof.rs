//! The storage proof reader: no panic on any nodes; what is read from nodes in any order is read the same from the proof made
//! of them, and that proof has no other form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkpov_verifier::hashing::blake2b_256;
use zkpov_verifier::relay::state::RelayState;
use zkpov_verifier::relay::trie::{self, ProofNodes, UnorderedNodes};

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<u8>, u8)| {
    let (nodes, key, para) = input;
    let Some(first) = nodes.first() else { return };
    let root = blake2b_256(first);
    let _ = RelayState::prove(para.into(), &root, &nodes);
    let mut unordered = UnorderedNodes::new(nodes.iter().map(Vec::as_slice));
    if let Ok(value) = trie::read(&root, &key, &mut unordered) {
        let mut proof = unordered.into_proof();
        let mut ordered = ProofNodes::new(&proof);
        assert_eq!(trie::read(&root, &key, &mut ordered), Ok(value));
        assert_eq!(ordered.finish(), Ok(()));
        proof.push(vec![0]);
        let mut longer = ProofNodes::new(&proof);
        let _ = trie::read(&root, &key, &mut longer);
        assert!(longer.finish().is_err(), "a node that nothing needs");
    }
});
