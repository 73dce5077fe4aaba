//! What a collator runs.

pub mod db;
pub mod files;
