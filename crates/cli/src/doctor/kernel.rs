//! The kernel: what it can do, whether namespaces can be had, and bwrap.

use crate::edge::Edge;
use plan::{Code, Problem};
use sandbox::{Backend, Used};
use serde::Serialize;

/// What is found.
#[derive(Debug, Serialize)]
pub(super) struct Kernel {
    pub(super) release: String,
    pub(super) machine: String,
    pub(super) features: Vec<Feature>,
    pub(super) namespaces: Namespaces,
    pub(super) bwrap: Option<Bwrap>,
}

/// Something that the kernel can do or not.
#[derive(Debug, Serialize)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    pub(super) since: &'static str,
    pub(super) present: bool,
    /// The call that failed.
    pub(super) why: Option<String>,
}

/// Who can create a container.
#[derive(Debug, Serialize)]
pub(super) struct Namespaces {
    /// `builtin`, `bwrap`, or nothing.
    pub(super) executor: Option<&'static str>,
    /// Whether the built-in executor can.
    pub(super) builtin: bool,
    /// What forbids it, where it cannot.
    pub(super) rule: Option<sandbox::Rule>,
    pub(super) why: Option<String>,
}

/// The bwrap that would be used.
#[derive(Debug, Serialize)]
pub(super) struct Bwrap {
    pub(super) path: String,
    pub(super) version: Option<String>,
    pub(super) setuid: bool,
    pub(super) file_capabilities: bool,
    /// Its set-uid bit and capabilities count for nothing on this mount.
    pub(super) nosuid: bool,
}

/// Looks, and tries.
pub(super) fn look(edge: &Edge, problems: &mut Vec<Problem>) -> Kernel {
    let uname = rustix::system::uname();
    let options = |backend| edge.options(backend);
    let bwrap = sandbox::installed_bwrap(&options(Backend::Bwrap)).ok().map(|file| Bwrap {
        path: file.path.display().to_string(),
        version: file.version,
        setuid: file.setuid,
        file_capabilities: file.capabilities,
        nosuid: file.nosuid,
    });
    Kernel {
        release: uname.release().to_string_lossy().into_owned(),
        machine: uname.machine().to_string_lossy().into_owned(),
        features: features(problems),
        namespaces: namespaces(&options(Backend::Auto), problems),
        bwrap,
    }
}

fn features(problems: &mut Vec<Problem>) -> Vec<Feature> {
    let found = match sandbox::features() {
        Ok(found) => found,
        Err(error) => {
            problems.push(Problem { severity: plan::Severity::Warning, ..error.problem() });
            vec![]
        }
    };
    let feature = |feature: sandbox::Feature| Feature {
        name: feature.name,
        since: feature.since,
        present: feature.missing.is_none(),
        why: feature.missing.map(|failure| failure.to_string()),
    };
    found.into_iter().map(feature).collect()
}

fn namespaces(options: &sandbox::Options, problems: &mut Vec<Problem>) -> Namespaces {
    let refused = match sandbox::probe() {
        Ok(()) => {
            return Namespaces { executor: Some("builtin"), builtin: true, rule: None, why: None };
        }
        Err(error) => error,
    };
    let rule = match &refused {
        sandbox::Error::NoNamespaces(refusal) => refusal.diagnosis.as_ref().map(|d| d.rule),
        _ => None,
    };
    let executor = match sandbox::usable(options) {
        Ok(Used::Builtin) => Some("builtin"),
        Ok(Used::Bwrap(_)) => {
            // The launch works, and the user may want to know why it is slower.
            let problem = refused.problem();
            let cause = format!("{}; bwrap takes its place", problem.cause);
            problems.push(Problem { severity: plan::Severity::Warning, cause, ..problem });
            Some("bwrap")
        }
        Err(error) => {
            let problem = error.problem();
            debug_assert_ne!(problem.code, Code::BAD_VALUE);
            problems.push(problem);
            None
        }
    };
    Namespaces { executor, builtin: false, rule, why: Some(refused.to_string()) }
}
