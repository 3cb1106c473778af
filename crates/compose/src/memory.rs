//! What an earlier launch decided about drivers, libraries and locales, and whether it still holds.
//!
//! Deciding it anew means looking at several thousand paths and reading several hundred ELF files. The
//! outcome depends on nothing but a few settings, which are the key under which it is remembered, and
//! on what was seen in the two roots and the user's home, which is remembered with it as
//! [`Witnesses`]. When all of these are as they were, so is the outcome.
//!
//! The record of decisions is not kept: who wants to read it (`plan`, `explain`) has it decided anew.

use crate::capture::Captured;
use plan::ByteString;
use serde::{Deserialize, Serialize};
use witness::code::{Reader, Writer};
use witness::{Verdict, Witnesses};

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

/// What was decided, as it is kept behind its witnesses.
#[derive(Serialize, Deserialize)]
struct Kept {
    ld_cache: ByteString,
    ld_conf: ByteString,
    captured: Captured,
}

/// What is remembered under `key`, if all that it was decided from is unchanged.
pub(crate) fn recall(memory: &dyn Memory, key: &[u8]) -> Option<Captured> {
    let bytes = memory.recall(key)?;
    let mut from = Reader(&bytes);
    let witnesses = Witnesses::from_bytes(from.bytes().ok()?);
    match witnesses.hold() {
        Ok(Verdict::Holds) => {}
        Ok(Verdict::Changed(path)) => {
            log::info!("{} has changed: deciding anew", path.display());
            return None;
        }
        Err(damaged) => {
            log::info!("what was decided before: {damaged}");
            return None;
        }
    }
    let Kept { ld_cache, ld_conf, captured } = serde_json::from_slice(from.0).ok()?;
    Some(Captured { ld_cache: ld_cache.0, ld_conf: ld_conf.0, ..captured })
}

/// Remembers an outcome, unless it was decided from something that may be changing right now.
pub(crate) fn keep(
    memory: &dyn Memory,
    key: &[u8],
    witnesses: Option<Witnesses>,
    captured: &Captured,
) {
    let Some(witnesses) = witnesses else {
        log::info!("something was changed a moment ago: not remembering");
        return;
    };
    let kept = Kept {
        ld_cache: captured.ld_cache.clone().into(),
        ld_conf: captured.ld_conf.clone().into(),
        captured: captured.clone(),
    };
    // A path that is not UTF-8 cannot be a key in JSON; such an outcome is decided each time.
    let Ok(json) = serde_json::to_vec(&kept) else { return };
    let mut out = Writer::default();
    out.bytes(witnesses.as_bytes());
    out.0.extend_from_slice(&json);
    memory.keep(key, &out.0);
}
