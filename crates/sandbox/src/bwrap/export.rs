//! A plan as a command line of bwrap that somebody else runs: the same options as the executor gives
//! it, and for the rest of the plan, which the supervisor sees to in a launch, what bwrap has itself.
//!
//! There is no supervisor then. What it would do beside starting the command (locks, signals that are
//! passed on, an end for descendants) is not done.

use super::Features;
use super::arguments::{Arguments, arguments};
use crate::error::Error;
use crate::run::Prepared;
use plan::{ByteString, ContainerPath, Plan};
use std::ffi::{OsStr, OsString};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

/// A command line without the program and without `--` between its two parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// bwrap's options.
    pub options: Vec<OsString>,
    /// The command. Where this bwrap cannot give the modes that the plan has, a shell in the container
    /// gives them first.
    pub command: Vec<OsString>,
}

/// Changes modes, then becomes the command. Words: `MODE PATH …`, `--`, the command.
const SET_MODES: &str =
    r#"while [ "$1" != -- ]; do chmod "$1" "$2" || exit 125; shift 2; done; shift; exec "$@""#;

/// Translates a plan. `data` is as for [`arguments`].
///
/// # Errors
/// Those of [`arguments`], and [`Error::Unsupported`] for what only the supervisor can do.
pub fn exported(
    plan: &Plan,
    prepared: &Prepared,
    features: Features,
    data: &mut dyn FnMut(&ByteString) -> Result<RawFd, Error>,
) -> Result<Exported, Error> {
    let unsupported =
        |why: &str| Err(Error::Unsupported { executor: "bwrap alone".into(), why: why.into() });
    if plan.emulation.as_ref().is_some_and(|emulation| emulation.server.is_some()) {
        return unsupported("a server of the emulator must be started before the command");
    }
    if !plan.supervision.assign_fds.is_empty() {
        return unsupported("the command gets descriptors under other numbers");
    }
    let Arguments { words: mut options, modes } = arguments(plan, prepared, features, data)?;
    for (name, value) in plan.environment_changes() {
        let name = OsStr::from_bytes(name).to_owned();
        match value {
            Some(value) => {
                options.extend(["--setenv".into(), name, value.as_os_str().to_owned()]);
            }
            None => options.extend(["--unsetenv".into(), name]),
        }
    }
    let directory = plan.working_directory.as_path().as_os_str().to_owned();
    options.extend(["--chdir".into(), directory]);
    if plan.supervision.new_session {
        options.push("--new-session".into());
    }
    let words = plan.command.iter().map(|word| word.as_os_str().to_owned());
    let command = setting(&modes).into_iter().chain(words).collect();
    Ok(Exported { options, command })
}

/// The words before a command that set modes; none when there are none to set.
fn setting(modes: &[(ContainerPath, u32)]) -> Vec<OsString> {
    if modes.is_empty() {
        return vec![];
    }
    let mut words: Vec<OsString> = ["/bin/sh", "-c", SET_MODES, "sh"].map(OsString::from).into();
    for (path, mode) in modes {
        words.extend([format!("{mode:04o}").into(), path.as_path().as_os_str().to_owned()]);
    }
    words.push("--".into());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{Emulation, Emulator, Environment, Op, Server, Step, Supervision, Tuple};

    fn plan() -> Plan {
        let op = Op::Directory { at: ContainerPath::literal("/d"), mode: 0o700 };
        let mut environment = Environment::default();
        environment.set("A", vec![b'=', 0xff], "test");
        environment.unset("B", "test");
        Plan {
            steps: vec![Step { op, reason: "test".into() }],
            environment,
            working_directory: ContainerPath::literal("/w"),
            supervision: Supervision { new_session: true, ..Supervision::default() },
            ..Plan::new(vec!["game".into(), "--".into()])
        }
    }

    fn words(plan: &Plan, help: &[u8]) -> Result<(String, String), Error> {
        let features = Features::from_help(help, false);
        let exported = exported(plan, &Prepared::default(), features, &mut |_| Ok(3))?;
        let joined = |words: Vec<OsString>| {
            words.iter().map(|w| ByteString::from(w.as_os_str()).to_string()).collect::<Vec<_>>()
        };
        Ok((joined(exported.options).join(" "), joined(exported.command).join(" ")))
    }

    #[test]
    fn the_rest_of_the_plan_in_bwraps_words() {
        let start = "--unshare-user-try --die-with-parent --cap-drop ALL";
        let end = r"--setenv A =\xff --unsetenv B --chdir /w --new-session";
        let (options, command) = words(&plan(), b"--perms").unwrap();
        assert_eq!(options, format!("{start} --perms 0700 --dir /d {end}"));
        assert_eq!(command, "game --");
        let (options, command) = words(&plan(), b"").unwrap();
        assert_eq!(options, format!("{start} --dir /d {end}"));
        assert_eq!(command, format!("/bin/sh -c {SET_MODES} sh 0700 /d -- game --"));
    }

    #[test]
    fn what_needs_the_supervisor_is_refused() {
        let mut assigning = plan();
        assigning.supervision.assign_fds = vec![(3, 4)];
        let mut serving = plan();
        serving.emulation = Some(Emulation {
            emulator: Emulator::Plain,
            tuples: vec![Tuple::Aarch64],
            native: Tuple::X86_64,
            program: ContainerPath::literal("/e"),
            composition: plan::Composition::Direct { prefix: vec![], container_argv: vec![] },
            server: Some(Server { argv: vec!["s".into()], environment: vec![] }),
        });
        for plan in [assigning, serving] {
            assert!(matches!(words(&plan, b""), Err(Error::Unsupported { .. })));
        }
    }
}
