//! A plan as JSON: written in one form only, and read with every doubt reported.
//!
//! A member that this version does not know is an error and not skipped: in a plan that somebody
//! wrote by hand it is a slip of the pen, and a launch that goes on without it would not be what was
//! asked for.

use super::flaw::Flaw;
use crate::{Plan, SCHEMA};
use serde_json::Value;
use std::fmt;

/// Longest text that is read, in bytes. Plans of whole runtimes are a few hundred kilobytes.
pub const MAX_BYTES: usize = 64 << 20;

/// Why bytes are not a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// More than [`MAX_BYTES`].
    TooLarge,
    /// It is not JSON, or a member is missing or of another type.
    Malformed(String),
    /// It is of another schema than [`SCHEMA`]; `None`: it does not say of which.
    Schema(Option<u64>),
    /// It has members that the schema does not have, as `steps[2].optionl`.
    Unknown(Vec<String>),
    /// It contradicts itself; not empty.
    Flaws(Vec<Flaw>),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::TooLarge => write!(f, "it has more than {} MiB", MAX_BYTES >> 20),
            ReadError::Malformed(why) => f.write_str(why),
            ReadError::Schema(Some(found)) => {
                write!(f, "it is of schema {found}, and this version knows schema {SCHEMA}")
            }
            ReadError::Schema(None) => f.write_str("it has no number `schema`"),
            ReadError::Unknown(members) => {
                write!(f, "it has members that no plan has: {}", members.join(", "))
            }
            ReadError::Flaws(flaws) => {
                for (n, flaw) in flaws.iter().enumerate() {
                    write!(f, "{}{flaw}", if n == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// Most unknown members that are reported.
const REPORTED: usize = 8;

impl Plan {
    /// The plan as JSON that [`Plan::from_json`] reads, with a line break at the end. Equal plans
    /// give equal bytes.
    ///
    /// # Errors
    /// None is known; the library does not promise it.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// The plan that `bytes` describe.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn from_json(bytes: &[u8]) -> Result<Plan, ReadError> {
        if bytes.len() > MAX_BYTES {
            return Err(ReadError::TooLarge);
        }
        let malformed = |error: serde_json::Error| ReadError::Malformed(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(malformed)?;
        match value.get("schema").and_then(Value::as_u64) {
            Some(found) if found == u64::from(SCHEMA) => {}
            other => return Err(ReadError::Schema(other)),
        }
        // From the text again, because its errors name line and column.
        let plan: Plan = serde_json::from_slice(bytes).map_err(malformed)?;
        let known = serde_json::to_value(&plan).map_err(malformed)?;
        let mut unknown = Vec::new();
        compare("", &value, &known, &mut unknown);
        if !unknown.is_empty() {
            return Err(ReadError::Unknown(unknown));
        }
        match plan.flaws() {
            flaws if flaws.is_empty() => Ok(plan),
            flaws => Err(ReadError::Flaws(flaws)),
        }
    }
}

/// Finds members of `given` that `known`, the same written anew, does not have. Two kinds of objects
/// have names of the user's own: a layer's entries and the environment.
fn compare(at: &str, given: &Value, known: &Value, unknown: &mut Vec<String>) {
    if unknown.len() >= REPORTED {
        return;
    }
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            let free = at == "environment" || at.ends_with("].entries");
            for (name, value) in given {
                let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match known.get(name) {
                    Some(known) => compare(&at, value, known, unknown),
                    None if free => {}
                    None => unknown.push(format!("`{}`", at.escape_debug())),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (n, (given, known)) in given.iter().zip(known).enumerate() {
                compare(&format!("{at}[{n}]"), given, known, unknown);
            }
        }
        _ => {}
    }
}
