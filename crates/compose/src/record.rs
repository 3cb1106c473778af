//! Decisions about paths and services, in one shape.

use plan::{Decision, Origin, Subject, Verdict};
use std::fmt::Display;

/// A path of the host that the container sees at `at`.
pub(crate) fn shared(path: impl Display, at: impl Display, why: impl Into<String>) -> Decision {
    let verdict = Verdict::Taken { origin: Origin::Host, at: at.to_string() };
    about_path(path, verdict, why)
}

/// A path of the host that the container does not see.
pub(crate) fn refused(path: impl Display, why: impl Into<String>) -> Decision {
    about_path(path, Verdict::Rejected, why)
}

/// A path that could have been shared and is not there.
pub(crate) fn absent(path: impl Display, why: impl Into<String>) -> Decision {
    about_path(path, Verdict::Absent, why)
}

/// A service of the desktop, or anything else with a name.
pub(crate) fn service(name: &str, verdict: Verdict, why: impl Into<String>) -> Decision {
    let subject = Subject::Other { name: name.into() };
    Decision { subject, candidates: vec![], verdict, why: why.into() }
}

/// A service that is reached at `at`.
pub(crate) fn service_at(name: &str, at: impl Display, why: impl Into<String>) -> Decision {
    service(name, Verdict::Taken { origin: Origin::Host, at: at.to_string() }, why)
}

fn about_path(path: impl Display, verdict: Verdict, why: impl Into<String>) -> Decision {
    let subject = Subject::Path { path: path.to_string() };
    Decision { subject, candidates: vec![], verdict, why: why.into() }
}
