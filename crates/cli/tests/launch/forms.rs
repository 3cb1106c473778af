//! Every form of a runtime, with both executors and both ways of stacking.

use crate::support::{BACKENDS, FORMS, Launch, lab, need, sh};

/// The runtime is Debian 11, whatever the host is.
#[test]
fn the_runtime_is_the_containers_usr() {
    for form in FORMS {
        let runtime = need!(lab(form));
        for backend in BACKENDS {
            for stacking in ["auto", "tree"] {
                let outcome = Launch::new()
                    .runtime(&runtime)
                    .backend(backend)
                    .pair("--stacking", stacking)
                    .run(&sh(". /usr/lib/os-release; echo $VERSION_ID; test -d /usr/share"));
                assert_eq!(outcome.ok(), "11\n", "{form} {backend} {stacking}");
            }
        }
    }
}

/// Links of the runtime are there in every form, in depots too, whose `files` lacks them.
#[test]
fn the_runtime_is_whole() {
    for form in FORMS {
        let runtime = need!(lab(form));
        let script = "set -e; cd /usr/lib/x86_64-linux-gnu; \
             test $(ls -l | grep -c '^l.*so[.]') -gt 20; test -x /usr/bin/env; \
             test -d /var/tmp; test -e /etc/passwd; test -e /bin/sh; echo whole";
        let outcome = Launch::new().runtime(&runtime).run(&sh(script));
        assert_eq!(outcome.ok(), "whole\n", "{form}: {}", outcome.account());
    }
}

/// `--runtime host`: the host's own `/usr`.
#[test]
fn host_as_runtime() {
    let id = "/bin/sh -c '. /usr/lib/os-release; echo $VERSION_ID'";
    let own = std::process::Command::new("/bin/sh").args(["-c", id]).output().unwrap();
    for backend in BACKENDS {
        let outcome = Launch::new().runtime("host").backend(backend).run(&sh(id));
        assert_eq!(outcome.ok(), String::from_utf8_lossy(&own.stdout), "{backend}");
    }
}

/// A depot's files are never edited.
#[test]
fn a_depot_stays_as_it_is() {
    let depot = need!(lab("form-depot"));
    let state = || {
        let mut out = std::process::Command::new("find");
        out.arg(&depot).args(["-printf", "%P %m %s %T@\\n"]);
        String::from_utf8_lossy(&out.output().unwrap().stdout).into_owned()
    };
    let before = state();
    for stacking in ["overlay", "tree"] {
        let outcome =
            Launch::new().runtime(&depot).pair("--stacking", stacking).run(&["/usr/bin/true"]);
        outcome.ok();
    }
    assert_eq!(before, state());
}
