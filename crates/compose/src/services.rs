//! What of the desktop a launch on this machine would share, without a launch.

use crate::draft::Draft;
use crate::facts::Facts;
use crate::sockets;
use inspect::root::{Form, Root};
use plan::{ContainerPath, Decision, HostPath, Op, Problem, Source, StackForm};

/// The services of the desktop as [`crate::compose`] finds them.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// One for each that was looked for: found or not, and why.
    pub decisions: Vec<Decision>,
    /// Services that a variable names and that are not there.
    pub warnings: Vec<Problem>,
    /// Sockets and directories of sockets that would be shown: where, and what of the host.
    pub shown: Vec<(ContainerPath, HostPath)>,
}

/// Looks for the services that the environment names, by reading only.
///
/// # Errors
/// When `/` cannot be opened.
pub fn services(facts: &Facts) -> Result<Services, inspect::root::Error> {
    let raw = Root::with_form(HostPath::root(), Form::Full)?;
    let mut draft = Draft::new(raw, ContainerPath::root());
    sockets::share(facts, true, &mut draft);
    let made = draft.finish(StackForm::Tree, &facts.mounts);
    let shown = made.steps.into_iter().filter_map(|step| match step.op {
        Op::Bind { source: Source::Host(path), at, .. } => Some((at, path)),
        _ => None,
    });
    Ok(Services { shown: shown.collect(), decisions: made.decisions, warnings: made.warnings })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::facts;
    use plan::{Subject, Verdict};

    /// A Wayland socket that is there, and an X server that is not.
    #[test]
    fn found_and_missing() {
        let base = tempfile::tempdir().unwrap();
        let run = base.path().join("run");
        std::fs::create_dir(&run).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(run.join("wayland-1")).unwrap();
        let variables = [
            ("XDG_RUNTIME_DIR", "/run"),
            ("WAYLAND_DISPLAY", "wayland-1"),
            ("DISPLAY", "nonsense"),
        ];
        let services = services(&facts(base.path(), &variables)).unwrap();
        let verdict = |service: &str| {
            let subject = Subject::Other { name: service.into() };
            services.decisions.iter().find(|d| d.subject == subject).map(|d| &d.verdict)
        };
        assert!(matches!(verdict("Wayland"), Some(Verdict::Taken { .. })), "{services:?}");
        assert_eq!(verdict("X11"), Some(&Verdict::Rejected), "{services:?}");
        assert_eq!(services.warnings.len(), 1);
        assert!(services.shown.iter().any(|(_, host)| host.as_path().ends_with("run/wayland-1")));
    }
}
