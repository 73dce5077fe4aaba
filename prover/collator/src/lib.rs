//! What a collator runs.
