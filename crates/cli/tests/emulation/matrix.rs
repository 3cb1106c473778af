//! Every mixture of layouts with this host, in both compositions, with both executors: a table of results.

use crate::direction::{Mix, direction, mixes};
use crate::programs::{Composition, PATIENCE, PROGRAMS, manifest};
use crate::registration::{Flags, available, wrapper};
use crate::support::{Launch, need};
use std::io::Write;
use std::time::Instant;

/// A launch of this mixture.
pub(crate) fn launch(
    verb: &str,
    mix: &Mix,
    composition: Composition,
    backend: &str,
    flags: Flags,
) -> Launch {
    let mut wrapper = wrapper(flags);
    // Nothing may hang: an emulator can.
    wrapper.splice(0..0, ["timeout", PATIENCE].map(Into::into));
    let launch = Launch::wrapped(verb, &wrapper).runtime(&mix.runtime.1).backend(backend);
    match composition {
        Composition::Overlay => {
            launch.pair("--emulator", "qemu").pair("--emulator-root", &mix.rootfs.1)
        }
        Composition::Direct => {
            let file = launch.home().join("emulator.json");
            std::fs::write(&file, manifest(direction()).as_encoded_bytes()).unwrap();
            let mut provider = std::ffi::OsString::from(direction().guest);
            provider.push("=");
            provider.push(&mix.rootfs.1);
            launch.pair("--emulator", file).pair("--graphics-provider", provider)
        }
    }
}

/// Says something at once, past the test's own capture: in the virtual machine a test takes minutes, and the machine
/// may be ended before it does.
fn tell(what: &str) {
    // A closed standard error is not this test's concern.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// All mixtures of one composition with one executor; flag `F` alternates, and differs between the executors.
fn all(composition: Composition, backend: &str) {
    need!(available());
    let mut wrong = Vec::new();
    for (index, mix) in need!(mixes()).iter().enumerate() {
        let odd = (index % 2 == 1) == (backend == "builtin");
        let flags = if odd { Flags::Fixed } else { Flags::None };
        let start = Instant::now();
        let flag = if odd { "F" } else { "-" };
        let mut row = format!("RESULT {mix} {composition:?} {backend} {flag}");
        for (name, program) in PROGRAMS {
            let verdict =
                program(&|| launch("run", mix, composition, backend, flags), mix, composition);
            row += &format!(" {name}={}", if verdict.is_ok() { "ok" } else { "FAILED" });
            if let Err(why) = verdict {
                tell(&why);
                wrong.push(format!("{mix} {composition:?} {backend} {flags:?}: {name}: {why}"));
            }
        }
        row += &format!(" {:.1} s", start.elapsed().as_secs_f32());
        tell(&row);
        if let Some(file) = std::env::var_os("BATHYSPHERE_RESULTS") {
            let file = std::fs::File::options().create(true).append(true).open(file);
            file.and_then(|mut file| writeln!(file, "{row}")).expect("the table can be written");
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n---\n"));
}

#[test]
fn overlay_built_in() {
    all(Composition::Overlay, "builtin");
}

#[test]
fn overlay_with_bwrap() {
    all(Composition::Overlay, "bwrap");
}

#[test]
fn direct_built_in() {
    all(Composition::Direct, "builtin");
}

#[test]
fn direct_with_bwrap() {
    all(Composition::Direct, "bwrap");
}
