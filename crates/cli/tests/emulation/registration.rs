//! Telling the kernel of the emulator, for one launch.
//!
//! An ordinary user may mount a `binfmt_misc` in a user namespace of his own; user namespaces below use it (Linux 6.7,
//! fs/binfmt_misc.c `current_binfmt_misc`). The file `register` belongs to its root, so the namespace is made with the user
//! as root, and bwrap makes another inside in which he is himself again, with no capability.

use crate::direction::direction;
use crate::support::need;
use std::ffi::OsString;

/// Registers as its first argument says, and becomes the rest.
const SCRIPT: &str = r#"
at=/proc/sys/fs/binfmt_misc
mount -t binfmt_misc binfmt $at && printf %s "$1" > $at/register || exit 120
ids=$2; shift 2
exec bwrap --dev-bind / / --unshare-user --uid "$ids" --gid "$ids" --cap-drop ALL -- "$@"
"#;

/// Where registrations are.
const PLACE: &str = "/proc/sys/fs/binfmt_misc";

/// How the emulator is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flags {
    /// The interpreter's path is looked up at each execution, in the container.
    None,
    /// Flag `F`: the interpreter is opened at registration.
    Fixed,
}

/// The text that registers the emulator for the foreign architecture.
fn text(flags: Flags) -> String {
    let direction = direction();
    let zeros = "\\x00".repeat(8);
    let ones = "\\xff".repeat(8);
    let magic = format!(
        "\\x7fELF\\x02\\x01\\x01\\x00{zeros}\\x02\\x00\\x{}\\x00",
        direction.machines.guest
    );
    // Any system's identification, programs and shared objects.
    let mask = format!("\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00{ones}\\xfe\\xff\\xff\\xff");
    let flags = if flags == Flags::Fixed { "F" } else { "" };
    format!(":lab-emulator:M::{magic}:{mask}:{}:{flags}", direction.emulator)
}

/// Whether the system has the emulator registered.
fn registered() -> bool {
    let entries = std::fs::read_dir(PLACE).into_iter().flatten().flatten();
    let mut texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    texts.any(|text| text.contains(&format!("interpreter {}\n", direction().emulator)))
}

/// The words that a launch stands behind so that the emulator is registered; none where it is.
pub(crate) fn wrapper(flags: Flags) -> Vec<OsString> {
    if registered() {
        return vec![];
    }
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    let words = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-c", SCRIPT];
    let mut words: Vec<OsString> = words.into_iter().map(OsString::from).collect();
    words.extend(["register".into(), text(flags).into(), uid.to_string().into()]);
    words
}

/// Whether a foreign program can be started at all here, or a reason to skip.
pub(crate) fn available() -> Result<(), String> {
    let emulator = direction().emulator;
    if !std::path::Path::new(emulator).exists() {
        return Err(format!("{emulator} does not exist: install qemu-user"));
    }
    let mut wrapper = wrapper(Flags::None);
    wrapper.push("true".into());
    let output = std::process::Command::new(&wrapper[0]).args(&wrapper[1..]).output();
    let output = output.map_err(|error| format!("unshare cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("no emulator can be registered in a user namespace (Linux 6.7): {said}"))
}

/// What this file says of the kernel: the registration is there inside and gone outside.
#[test]
fn a_registration_ends_with_its_launch() {
    need!(available());
    if registered() {
        return;
    }
    let mut words = wrapper(Flags::Fixed);
    words.extend(["cat".into(), format!("{PLACE}/lab-emulator").into()]);
    let output = std::process::Command::new(&words[0]).args(&words[1..]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("flags: F"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!registered());
}
