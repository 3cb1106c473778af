//! The record of what was considered and why one candidate won.

use crate::Tuple;
use serde::{Deserialize, Serialize};

/// One decision: a library, a driver manifest, a shared path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided about.
    pub subject: Subject,
    /// Everything that could have served.
    pub candidates: Vec<Candidate>,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, in one sentence without a full stop.
    pub why: String,
}

/// What a decision is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// A shared library, by the name with which it is asked for.
    Library {
        /// Its architecture.
        tuple: Tuple,
        /// Name (SONAME or file name).
        name: String,
    },
    /// A driver module or layer library that is loaded by path.
    Module {
        /// Its architecture.
        tuple: Tuple,
        /// What it is for: `dri`, `vulkan`, `va-api` …
        api: String,
        /// Its path in the root it comes from.
        path: String,
    },
    /// A manifest of a driver or layer.
    Manifest {
        /// What it is for: `vulkan-icd`, `vulkan-implicit-layer`, `egl-icd` …
        api: String,
        /// Its path in the root it comes from.
        path: String,
    },
    /// A path shared between host and container.
    Path {
        /// The path on the host.
        path: String,
    },
    /// A whole architecture.
    Architecture {
        /// Which.
        tuple: Tuple,
    },
    /// Anything else that has a name: `locale`, `backend`, `glibc x86_64-linux-gnu` …
    Other {
        /// The name.
        name: String,
    },
}

/// Something that could have served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Whose it is.
    pub origin: Origin,
    /// Where, as a path of that origin, symbolic links resolved.
    pub path: String,
    /// What is known of it: version, symbol versions, build ID.
    pub note: String,
}

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The graphics provider, which is the host unless said otherwise.
    Provider,
    /// The runtime.
    Runtime,
    /// The host, where it is not the provider.
    Host,
    /// Made by us.
    Generated,
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// The candidate of this origin is used, and seen at `at` in the container.
    Taken {
        /// Whose it is.
        origin: Origin,
        /// Where the container has it.
        at: String,
    },
    /// None is used.
    Rejected,
    /// There was nothing to decide: the thing is absent, and optional.
    Absent,
}
