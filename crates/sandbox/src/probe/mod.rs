//! Whether namespaces can be created here, and if not, what forbids it.
//!
//! Ubuntu's AppArmor lets `unshare` succeed and takes the capabilities away, so only a mount is
//! proof. The reason is found by looking: at switches and labels in `/proc` and `/sys`
//! ([`Facts`]), and at how the kernel answers calls that it always refuses in one way. The errno of
//! the failed call only decides between several reasons that hold. Mirrors `create_user_ns`,
//! `inc_ucount` and `current_chrooted` of the kernel, and `acquire_privs` of bwrap.
//!
//! Must not decide what is done about it.

mod bwrap;
mod facts;
mod features;
mod hint;
mod rules;
#[cfg(test)]
mod tests;

use crate::bwrap::locate;
use crate::error::Error;
use crate::run::{Backend, Options, Used};
use crate::sys::{self, SysError};
use crate::{builtin, link};
use plan::{Code, Problem};
use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) use bwrap::explain as explain_bwrap;
pub use bwrap::{Installed, try_bwrap};
pub use facts::Facts;
pub use features::{Feature, features, try_overlay};

/// Something that forbids namespaces, or lets bwrap fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// AppArmor lets only listed programs create them, or confines this one.
    AppArmor,
    /// The SELinux policy denies it.
    SeLinux,
    /// `kernel.unprivileged_userns_clone` is 0 (Debian 10, linux-hardened).
    UsernsClone,
    /// `user.max_user_namespaces` is 0, or reached.
    MaxUserNamespaces,
    /// `user.max_mnt_namespaces` is 0, or reached.
    MaxMountNamespaces,
    /// A seccomp filter refuses the call (Docker, Flatpak).
    Seccomp,
    /// This process is in a `chroot`.
    Chroot,
    /// The kernel has no user namespaces.
    Kernel,
    /// The limit of 32 levels, or that of a namespace around this one.
    Nesting,
    /// The user or group of this process has no number in its user namespace.
    Unmapped,
    /// bwrap starts with capabilities, which it refuses.
    Capabilities,
    /// bwrap is set-uid root, and cannot become root.
    SetuidIgnored,
}

impl Rule {
    /// The code of problems about it.
    pub fn code(self) -> Code {
        match self {
            Rule::AppArmor | Rule::SeLinux => Code::NAMESPACES_POLICY,
            Rule::UsernsClone | Rule::MaxUserNamespaces | Rule::MaxMountNamespaces => {
                Code::NAMESPACES_SYSCTL
            }
            Rule::Seccomp => Code::NAMESPACES_SECCOMP,
            Rule::Chroot => Code::NAMESPACES_CHROOT,
            Rule::Kernel => Code::NAMESPACES_KERNEL,
            Rule::Nesting | Rule::Unmapped => Code::NAMESPACES_NESTED,
            Rule::Capabilities | Rule::SetuidIgnored => Code::BWRAP_PRIVILEGES,
        }
    }
}

/// What forbids namespaces, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The rule.
    pub rule: Rule,
    /// What it is, as the end of a sentence.
    pub cause: String,
    /// What was seen, one line each.
    pub evidence: Vec<String>,
    /// What can be done about it. May have several lines.
    pub hint: String,
}

impl Diagnosis {
    /// For the user to read, where it stops a launch.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::blocking(
            self.rule.code(),
            format!("user namespaces cannot be created: {}", self.cause),
        );
        problem.evidence = self.evidence.clone();
        problem.hint(self.hint.clone())
    }
}

/// Why namespaces cannot be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The call that failed.
    pub failure: SysError,
    /// The AppArmor label of the process after the failure, which can be another than before.
    pub label: Option<String>,
    /// What explains it, when that was found.
    pub diagnosis: Option<Diagnosis>,
    /// What is known about bwrap, which could have taken its place; one line each.
    pub bwrap: Vec<String>,
}

impl Refusal {
    /// In the process that failed: keeps what can only be seen there.
    pub(crate) fn seen(failure: SysError) -> Self {
        Self { failure, label: facts::apparmor_label(), diagnosis: None, bwrap: vec![] }
    }

    /// In the launcher, which is as it was before the attempt: looks for what explains it.
    pub(crate) fn diagnosed(self) -> Self {
        let mut facts = Facts::gather();
        facts.label_after.clone_from(&self.label);
        Self { diagnosis: rules::explain(&facts, Some(&self.failure)), ..self }
    }

    pub(crate) fn code(&self) -> Code {
        self.diagnosis.as_ref().map_or(Code::NO_NAMESPACES, |found| found.rule.code())
    }

    pub(crate) fn hint(&self) -> String {
        match &self.diagnosis {
            Some(found) => found.hint.clone(),
            None => "install `bubblewrap` and use `--backend bwrap`; `bathysphere doctor` says \
                     more about this machine"
                .into(),
        }
    }

    pub(crate) fn evidence(&self) -> Vec<String> {
        let found = self.diagnosis.iter().flat_map(|found| &found.evidence);
        found.chain(&self.bwrap).cloned().collect()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.diagnosis {
            Some(found) => write!(f, "{} ({})", found.cause, self.failure),
            None => write!(f, "{}", self.failure),
        }
    }
}

/// What would forbid namespaces here as far as that is certain without trying: a look of some tens
/// of microseconds. `None` does not say that they can be created.
pub fn foreseen(facts: &Facts) -> Option<Diagnosis> {
    rules::certain(facts)
}

/// Tries to create namespaces and to mount something in them, in a child that ends at once: about a
/// millisecond.
///
/// # Errors
/// [`Error::NoNamespaces`], diagnosed, or [`Error::NoMountApi`] when that is not possible here.
pub fn probe() -> Result<(), Error> {
    let (ours, theirs) = link::pair()?;
    let child = sys::process::fork(|| {
        let attempt = builtin::enter_namespaces(false).and_then(|()| builtin::base().map(drop));
        match attempt {
            Ok(()) => 0,
            Err(error) => {
                theirs.fail(&error);
                125
            }
        }
    });
    let child = link::setup("starting a process", sys::call("fork", "", child))?;
    drop(theirs);
    let ended = sys::process::wait(Some(child), true);
    match ours.failure() {
        Some(error) => Err(error.diagnosed()),
        None => {
            link::setup("probing namespaces", sys::call("waitpid", child, ended))?;
            Ok(())
        }
    }
}

/// The bwrap that [`crate::run`] would use, as its file shows it.
///
/// # Errors
/// [`Error::BwrapMissing`].
pub fn installed_bwrap(options: &Options) -> Result<Installed, Error> {
    locate(options).map(|path| Installed::look(&path))
}

/// Which executor [`crate::run`] would use, found by trying: the built-in one in a child, and a
/// bwrap only where that is refused or asked for, by letting it run itself in a namespace.
///
/// # Errors
/// What [`crate::run`] would say.
pub fn usable(options: &Options) -> Result<Used, Error> {
    if options.backend == Backend::Bwrap {
        let bwrap = locate(options)?;
        return try_bwrap(&bwrap).map(|()| Used::Bwrap(bwrap));
    }
    let refused = match probe() {
        Ok(()) => return Ok(Used::Builtin),
        Err(error) if options.backend == Backend::Auto && error.is_about_means() => error,
        Err(error) => return Err(error),
    };
    match locate(options) {
        Err(missing) => Err(refused.with_bwrap(&missing)),
        Ok(bwrap) => match try_bwrap(&bwrap) {
            Ok(()) => Ok(Used::Bwrap(bwrap)),
            Err(failed) => Err(refused.with_bwrap(&failed)),
        },
    }
}
