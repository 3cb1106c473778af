//! box64, an emulator without a root, by the manifest that `docs/emulation.md` has as an example.

use crate::direction::{direction, host_layout};
use crate::programs::PATIENCE;
use crate::support::{BACKENDS, Launch, Outcome, lab, need};

const DOCUMENTATION: &str = include_str!("../../../../docs/emulation.md");

/// Where Debian 13 has it.
const PROGRAM: &str = "/usr/bin/box64";

/// The example of the documentation.
fn example() -> &'static str {
    let section =
        DOCUMENTATION.split("### box64 by a manifest").nth(1).expect("a section on box64");
    let block = section.split("```json\n").nth(1).expect("an example");
    block.split("\n```").next().expect("its end")
}

fn run(backend: &str) -> Result<Outcome, String> {
    let launch = Launch::wrapped("run", &["timeout", PATIENCE].map(Into::into))
        .runtime(lab(direction().runtimes[0].1)?)
        .backend(backend)
        .pair("--graphics-provider", "");
    let file = launch.home().join("emulator.json");
    std::fs::write(&file, example()).unwrap();
    Ok(launch.pair("--emulator", file).run(&["/bin/uname", "-m"]))
}

/// Where it is installed, it runs a dynamically linked program; elsewhere the launch says why not.
#[test]
fn the_documented_manifest_works() {
    for backend in BACKENDS {
        let outcome = need!(run(backend));
        if std::path::Path::new(PROGRAM).exists() {
            assert_eq!(outcome.ok(), "x86_64\n", "{} {backend}", host_layout());
        } else if cfg!(target_arch = "aarch64") {
            outcome.fails(125, "BS0055");
            assert!(outcome.stderr().contains(PROGRAM), "{}", outcome.account());
        } else {
            // There the runtime is of an architecture that box64 does not run.
            outcome.fails(125, "BS0052");
        }
    }
}
