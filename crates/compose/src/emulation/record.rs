//! What was decided about emulation, for the plan's record.

use super::Arrangement;
use super::providers::{Group, Source};
use plan::{Decision, Origin, Subject, Tuple, Verdict};

/// Who runs each architecture, and whose drivers it has.
pub(crate) fn decisions(
    arrangement: &Arrangement,
    groups: &[Group],
    runs: &dyn Fn(Tuple) -> bool,
) -> Vec<Decision> {
    let mut out = vec![];
    match arrangement {
        Arrangement::Native => {}
        Arrangement::Overlay(overlay) => {
            for (tuple, registration) in &overlay.registrations {
                let why = format!("registered with the kernel as {}", registration.name);
                out.push(taken(format!("emulator {tuple}"), &registration.interpreter, why));
            }
            if let Some(root) = &overlay.root {
                let why = format!("named by {}", overlay.root_origin);
                out.push(taken("emulator's root".into(), root.path(), why));
            }
        }
        Arrangement::Direct(direct) => {
            for tuple in direct.emulated() {
                let why = "the emulator's manifest names the architecture".into();
                out.push(taken(format!("emulator {tuple}"), direct.program(), why));
            }
        }
    }
    // In most launches all drivers are the host's, which needs no words.
    let plain = matches!(arrangement, Arrangement::Native)
        && groups.iter().all(|g| matches!(g.source, Source::Host));
    for group in groups.iter().filter(|_| !plain) {
        for tuple in &group.tuples {
            let name = format!("graphics provider {tuple}");
            let why = match group.origin.as_str() {
                "" if runs(*tuple) => "this machine's own".to_owned(),
                "" => "the emulator's root".to_owned(),
                origin => format!("named by {origin}"),
            };
            out.push(match &group.source {
                Source::None => Decision {
                    subject: Subject::Other { name },
                    candidates: vec![],
                    verdict: Verdict::Rejected,
                    why: format!("{why}: the runtime's own drivers are used"),
                },
                Source::Host => taken(name, "/", why),
                Source::Root(root) => taken(name, root.path(), why),
            });
        }
    }
    out
}

fn taken(name: String, at: impl std::fmt::Display, why: String) -> Decision {
    let verdict = Verdict::Taken { origin: Origin::Host, at: at.to_string() };
    Decision { subject: Subject::Other { name }, candidates: vec![], verdict, why }
}
