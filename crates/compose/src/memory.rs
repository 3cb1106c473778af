//! What an earlier launch decided about drivers, libraries and locales, and whether it still holds.
//!
//! Deciding it anew means looking at several thousand paths and reading several hundred ELF files. The
//! outcome depends on nothing but a few settings, which are the key under which it is remembered, and
//! on what was seen in the two roots and the user's home, which is remembered with it as
//! [`Witnesses`]. When all of these are as they were, so is the outcome.
//!
//! The record of decisions is not kept: who wants to read it (`plan`, `explain`) has it decided anew.

use crate::capture::Captured;
use inspect::root::Witnesses;
use plan::ByteString;
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where outcomes are remembered. Losing one costs time and nothing else, so neither call fails.
pub trait Memory {
    /// What was kept under `key` last.
    fn recall(&self, key: &[u8]) -> Option<Vec<u8>>;
    /// Keeps `value` under `key`, in place of what is there.
    fn keep(&self, key: &[u8], value: &[u8]);
}

/// Remembers nothing.
pub struct Forgetful;

impl Memory for Forgetful {
    fn recall(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn keep(&self, _: &[u8], _: &[u8]) {}
}

/// A file that was changed this shortly before it was looked at may have been changed again within the
/// grain of its file system's clock (traps: multigrain timestamps are only in Linux 6.13 and later; two
/// seconds is FAT's grain, the coarsest).
const TOO_RECENT: i64 = 2_000_000_000;

#[derive(Serialize, Deserialize)]
struct Kept {
    witnesses: Witnesses,
    ld_cache: ByteString,
    ld_conf: ByteString,
    captured: Captured,
}

/// What is remembered under `key`, if all that it was decided from is unchanged.
pub(crate) fn recall(memory: &dyn Memory, key: &[u8]) -> Option<Captured> {
    let kept: Kept = serde_json::from_slice(&memory.recall(key)?).ok()?;
    if !kept.witnesses.hold() {
        log::info!("the host or the runtime has changed: deciding anew");
        return None;
    }
    let Kept { ld_cache, ld_conf, captured, .. } = kept;
    Some(Captured { ld_cache: ld_cache.0, ld_conf: ld_conf.0, ..captured })
}

/// Remembers an outcome, unless it was decided from something that may be changing right now.
pub(crate) fn keep(memory: &dyn Memory, key: &[u8], witnesses: Witnesses, captured: &Captured) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    if witnesses.youngest() > now.saturating_sub(TOO_RECENT) {
        log::info!("something was changed a moment ago: not remembering");
        return;
    }
    let kept = Kept {
        witnesses,
        ld_cache: captured.ld_cache.clone().into(),
        ld_conf: captured.ld_conf.clone().into(),
        captured: captured.clone(),
    };
    // A path that is not UTF-8 cannot be a key in JSON; such an outcome is decided each time.
    if let Ok(bytes) = serde_json::to_vec(&kept) {
        memory.keep(key, &bytes);
    }
}
