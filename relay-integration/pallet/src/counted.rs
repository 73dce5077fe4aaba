//! A chain's storage that counts who reads and writes it: what a benchmark runs on.
//!
//! As in Substrate's benchmarks an entry counts once, however often it is read, and not as read if it was written before; those on
//! the whitelist do not count. What is cleared by prefix is not counted, for the pallet clears nothing so.

use std::{
    any::{Any, TypeId},
    collections::BTreeSet,
};

use polkadot_sdk_frame::deps::sp_storage::{ChildInfo, StateVersion, Storage, TrackedStorageKey};
use sp_externalities::{Error, Extension, ExtensionStore, Externalities, MultiRemovalResults};
use sp_state_machine::BasicExternalities;

/// The storage, and which of its entries were touched.
#[derive(Debug)]
pub(crate) struct Counted {
    genesis: Storage,
    storage: BasicExternalities,
    whitelist: Vec<TrackedStorageKey>,
    not_counted: BTreeSet<Vec<u8>>,
    read: BTreeSet<Vec<u8>>,
    written: BTreeSet<Vec<u8>>,
}

impl Counted {
    /// Storage that is `genesis` now and whenever it is wiped.
    pub(crate) fn new(genesis: Storage) -> Self {
        Self {
            storage: BasicExternalities::new(genesis.clone()),
            genesis,
            whitelist: Vec::new(),
            not_counted: BTreeSet::new(),
            read: BTreeSet::new(),
            written: BTreeSet::new(),
        }
    }

    fn note_read(&mut self, key: &[u8]) {
        if !self.not_counted.contains(key) && !self.written.contains(key) {
            self.read.insert(key.to_vec());
        }
    }

    fn note_written(&mut self, key: &[u8]) {
        if !self.not_counted.contains(key) {
            self.written.insert(key.to_vec());
        }
    }
}

impl Externalities for Counted {
    fn storage(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.note_read(key);
        self.storage.storage(key)
    }

    fn storage_hash(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.note_read(key);
        self.storage.storage_hash(key)
    }

    fn place_storage(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.note_written(&key);
        self.storage.place_storage(key, value);
    }

    fn storage_append(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.note_written(&key);
        self.storage.storage_append(key, value);
    }

    fn wipe(&mut self) {
        self.storage = BasicExternalities::new(self.genesis.clone());
    }

    fn commit(&mut self) {}

    fn read_write_count(&self) -> (u32, u32, u32, u32) {
        (self.read.len() as u32, 0, self.written.len() as u32, 0)
    }

    fn reset_read_write_count(&mut self) {
        self.read.clear();
        self.written.clear();
    }

    fn get_whitelist(&self) -> Vec<TrackedStorageKey> {
        self.whitelist.clone()
    }

    fn set_whitelist(&mut self, new: Vec<TrackedStorageKey>) {
        self.not_counted = new.iter().map(|tracked| tracked.key.clone()).collect();
        self.whitelist = new;
    }

    fn get_read_and_written_keys(&self) -> Vec<(Vec<u8>, u32, u32, bool)> {
        Vec::new()
    }

    // What the pallet does not use.

    fn set_offchain_storage(&mut self, key: &[u8], value: Option<&[u8]>) {
        self.storage.set_offchain_storage(key, value);
    }

    fn child_storage_hash(&mut self, child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.child_storage_hash(child, key)
    }

    fn child_storage(&mut self, child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.child_storage(child, key)
    }

    fn next_storage_key(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.next_storage_key(key)
    }

    fn next_child_storage_key(&mut self, child: &ChildInfo, key: &[u8]) -> Option<Vec<u8>> {
        self.storage.next_child_storage_key(child, key)
    }

    fn kill_child_storage(
        &mut self,
        child: &ChildInfo,
        limit: Option<u32>,
        cursor: Option<&[u8]>,
    ) -> MultiRemovalResults {
        self.storage.kill_child_storage(child, limit, cursor)
    }

    fn clear_prefix(
        &mut self,
        prefix: &[u8],
        limit: Option<u32>,
        cursor: Option<&[u8]>,
    ) -> MultiRemovalResults {
        self.storage.clear_prefix(prefix, limit, cursor)
    }

    fn clear_child_prefix(
        &mut self,
        child: &ChildInfo,
        prefix: &[u8],
        limit: Option<u32>,
        cursor: Option<&[u8]>,
    ) -> MultiRemovalResults {
        self.storage.clear_child_prefix(child, prefix, limit, cursor)
    }

    fn place_child_storage(&mut self, child: &ChildInfo, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.storage.place_child_storage(child, key, value);
    }

    fn storage_root(&mut self, version: StateVersion) -> Vec<u8> {
        self.storage.storage_root(version)
    }

    fn child_storage_root(&mut self, child: &ChildInfo, version: StateVersion) -> Vec<u8> {
        self.storage.child_storage_root(child, version)
    }

    fn storage_start_transaction(&mut self) {
        self.storage.storage_start_transaction();
    }

    fn storage_rollback_transaction(&mut self) -> Result<(), ()> {
        self.storage.storage_rollback_transaction()
    }

    fn storage_commit_transaction(&mut self) -> Result<(), ()> {
        self.storage.storage_commit_transaction()
    }
}

impl ExtensionStore for Counted {
    fn extension_by_type_id(&mut self, id: TypeId) -> Option<&mut dyn Any> {
        self.storage.extension_by_type_id(id)
    }

    fn register_extension_with_type_id(
        &mut self,
        id: TypeId,
        extension: Box<dyn Extension>,
    ) -> Result<(), Error> {
        self.storage.register_extension_with_type_id(id, extension)
    }

    fn deregister_extension_by_type_id(&mut self, id: TypeId) -> Result<(), Error> {
        self.storage.deregister_extension_by_type_id(id)
    }
}

#[test]
fn an_entry_counts_once_as_read_or_written_and_not_on_the_whitelist() {
    let mut counted = Counted::new(Storage::default());
    counted.set_whitelist(vec![b"listed".to_vec().into()]);
    for _ in 0..2 {
        for key in [&b"read"[..], b"listed"] {
            assert_eq!(counted.storage(key), None);
        }
        for key in [&b"written"[..], b"listed"] {
            counted.set_storage(key.to_vec(), vec![1]);
            assert_eq!(counted.storage(key), Some(vec![1]));
            counted.clear_storage(key);
        }
    }
    assert_eq!(counted.read_write_count(), (1, 0, 1, 0));
    counted.reset_read_write_count();
    assert_eq!(counted.read_write_count(), (0, 0, 0, 0));
}
