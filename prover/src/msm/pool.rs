//! Working memory that tasks take and give back, so that it is allocated once and its pages stay mapped.

use core::hint::black_box;
use std::sync::{Mutex, PoisonError};

/// Overwrites all the memory of a vector with zeros; what was in it is as long as its memory then. One pass at the speed of the memory:
/// volatile writes, element by element, took longer than the multiplication of a small assignment.
pub(super) fn erase<T: Clone + Default>(values: &mut Vec<T>) {
    values.clear();
    values.resize(values.capacity(), T::default());
    // Whoever might read the memory is beyond what the compiler can see.
    black_box(values.as_mut_slice());
}

/// Makes a vector at least so long.
pub(super) fn grow<T: Clone + Default>(values: &mut Vec<T>, length: usize) {
    if values.len() < length {
        values.resize(length, T::default());
    }
}

/// Spare values.
#[derive(Debug)]
pub(crate) struct Pool<T>(Mutex<Vec<T>>);

impl<T> Pool<T> {
    /// No values.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A spare value, if there is one.
    pub(super) fn take(&self) -> Option<T> {
        // A task that panicked did not hold the lock while it changed anything.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a value for others.
    pub(super) fn put(&self, value: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    }

    /// Runs a task with a value, spare or new.
    pub(super) fn with<Output>(&self, task: impl FnOnce(&mut T) -> Output) -> Output
    where
        T: Default,
    {
        let mut value = self.take().unwrap_or_default();
        let output = task(&mut value);
        self.put(value);
        output
    }

    /// Changes every spare value.
    pub(super) fn for_each(&mut self, change: impl FnMut(&mut T)) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).iter_mut().for_each(change);
    }

    /// The spare values.
    #[cfg(test)]
    pub(super) fn take_all(&self) -> Vec<T> {
        core::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self::new()
    }
}
