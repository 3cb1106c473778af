//! The programs that are run in every mixture, and what each must say.

use crate::direction::{Direction, Mix, direction};
use crate::support::{Launch, Outcome, lab};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// How emulator and runtime are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Composition {
    /// The kernel starts the emulator, which lays the runtime over the host's system.
    Overlay,
    /// The emulator of a manifest stands before the command.
    Direct,
}

/// Seconds in which any of these programs ends, if it ends.
pub(crate) const PATIENCE: &str = "300";

/// The script that loads and draws.
const DRAW: &str = include_str!("draw.py");

/// A pipeline whose first member tells its own architecture: `/proc/self/exe` is the program itself, to an emulated
/// one as well. The command line of the shell, seen from a child, has its emulator.
const PIPELINE: &str = "set -e\n\
    head -c 19 /proc/self/exe | tail -c 1 | od -An -tx1 | tr -d ' '\n\
    tr '\\0' ' ' < /proc/$$/cmdline | head -n 1 | cut -d' ' -f1\n\
    echo pipeline | tr a-z A-Z | cat\n";

/// What a program must say; the error says what it said instead.
type Verdict = Result<(), String>;

/// Starts one of the programs in a mix.
type Trial = fn(&dyn Fn() -> Launch, &Mix, Composition) -> Verdict;

/// The programs by the name of their column.
pub(crate) const PROGRAMS: &[(&str, Trial)] =
    &[("program+driver+frame", draws), ("script", script), ("libraries", libraries)];

/// The last part of an account is what matters.
fn account(outcome: &Outcome) -> String {
    outcome.account()
}

/// A foreign dynamically linked program, one that loads a captured driver, one that draws a frame with the provider's
/// Mesa: Python and a script, in one start of the emulator.
fn draws(launch: &dyn Fn() -> Launch, mix: &Mix, _: Composition) -> Verdict {
    let direction = direction();
    let launch = launch();
    std::fs::write(launch.home().join("draw.py"), DRAW).map_err(|error| error.to_string())?;
    let (launch, python) = python(launch, direction)?;
    let words: [&OsStr; 3] = [python.as_os_str(), "draw.py".as_ref(), "libEGL_mesa.so.0".as_ref()];
    let outcome = launch.run(&words);
    let said = outcome.stdout();
    let line = |key: &str| said.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(' '));
    let expect = |what: &str, right: bool| {
        if right { Ok(()) } else { Err(format!("{what}: {}", account(&outcome))) }
    };
    expect("architecture", line("machine") == Some(direction.machines.guest))?;
    let overrides = format!("/usr/lib/pressure-vessel/overrides/lib/{}/", direction.guest);
    let driver = line("driver").unwrap_or_default();
    expect("captured driver", driver.starts_with(&overrides) || driver.starts_with("/run/gfx/"))?;
    let version = mesa(&mix.rootfs.1).ok_or("the emulator root has no Mesa")?;
    let shown = line("version").unwrap_or_default();
    expect("the provider's Mesa", shown.contains(&format!("Mesa {version}")))?;
    expect("frame", line("frame").is_some() && outcome.status() == 0)
}

/// The interpreter: the runtime's, or a game's own.
fn python(launch: Launch, direction: &Direction) -> Result<(Launch, PathBuf), String> {
    let Some(name) = direction.python else { return Ok((launch, "/usr/bin/python3".into())) };
    let root = lab(name)?;
    let launch = launch
        .pair("--filesystem", format!("{}:ro", root.display()))
        // LLVM does not know the processor that qemu 5.2 shows: "64-bit code requested on a subtarget that doesn't
        // support it". The other software renderer makes no machine code.
        .env("GALLIUM_DRIVER", "softpipe");
    Ok((launch, root.join("usr/bin/python3.9")))
}

/// The version of Mesa in a root, which its driver has in a text such as ` Mesa 22.3.6`.
fn mesa(root: &std::path::Path) -> Option<String> {
    let driver = root.join("usr/lib").join(direction().guest).join("dri/swrast_dri.so");
    let bytes = std::fs::read(driver).ok()?;
    let mark = b" Mesa ";
    let versions = bytes.windows(mark.len()).enumerate().filter(|(_, window)| window == mark);
    let text = |at: usize| bytes[at..].split(|b| !b.is_ascii_digit() && *b != b'.').next();
    let mut found = versions.filter_map(|(at, _)| text(at + mark.len()));
    let version = found.find(|version| version.contains(&b'.'))?;
    Some(String::from_utf8_lossy(version).into_owned())
}

/// A shell script with pipelines. In the overlay under qemu-user its children are native, which must be seen.
fn script(launch: &dyn Fn() -> Launch, _: &Mix, composition: Composition) -> Verdict {
    let direction = direction();
    let outcome = launch().run(&["/bin/sh", "-c", PIPELINE]);
    let children = match composition {
        Composition::Overlay => direction.machines.native,
        Composition::Direct => direction.machines.guest,
    };
    let said = outcome.stdout();
    let mut lines = said.lines();
    let emulator = direction.emulator.rsplit('/').next().unwrap_or_default();
    let right = lines.next() == Some(children)
        && lines.next().is_some_and(|line| line.ends_with(emulator))
        && lines.next() == Some("PIPELINE")
        && outcome.status() == 0;
    if right {
        Ok(())
    } else {
        Err(format!("children should be {children}: {}", account(&outcome)))
    }
}

/// What the dynamic linker's cache has for foreign programs: the overrides before the runtime's.
fn libraries(launch: &dyn Fn() -> Launch, _: &Mix, _: Composition) -> Verdict {
    let direction = direction();
    let outcome = launch().run(&["/sbin/ldconfig", "-p"]);
    let said = outcome.stdout();
    let overrides = format!("/usr/lib/pressure-vessel/overrides/lib/{}", direction.guest);
    for soname in ["libEGL.so.1", "libEGL_mesa.so.0", "libc.so.6"] {
        let of_guest = |line: &&str| {
            line.trim().starts_with(&format!("{soname} (libc6"))
                && line.contains(direction.cache_flag)
        };
        let first = said.lines().find(of_guest).unwrap_or_default();
        if outcome.status() != 0 || !first.ends_with(&format!("=> {overrides}/{soname}")) {
            return Err(format!("{soname}: `{first}`\n{}", account(&outcome)));
        }
    }
    Ok(())
}

/// The manifest of the direct composition, for qemu-user as it is installed in the host.
pub(crate) fn manifest(direction: &Direction) -> OsString {
    format!(
        r#"{{"emulator_v0": {{"argv": ["{}"], "emulated_architectures": ["{}"],
            "required_architectures": ["{}"], "required_libraries": ["libc.so.6"]}}}}"#,
        direction.emulator, direction.guest, direction.native
    )
    .into()
}
