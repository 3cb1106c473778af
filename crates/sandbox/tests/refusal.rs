//! What forbids namespaces, provoked for real: each way in which a machine, or a container that this
//! program is started in, takes them away.

#![allow(clippy::disallowed_methods, reason = "tests look at the real machine")]

mod common;

use common::{Ran, as_user, open_to_all, stage};
use std::path::Path;
use std::process::Command;

/// `stage can-create ARGUMENTS` below `before`, a command line that ends where a program is expected.
fn can_create<S: AsRef<str>>(before: &[S], arguments: &[&str]) -> Ran {
    let stage = stage();
    let mut words: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
    words.push(stage.to_str().unwrap());
    words.push("can-create");
    words.extend(arguments);
    Ran::of(as_user(words[0]).args(&words[1..]).output().unwrap())
}

/// A user namespace in which an ordinary user has no rights, as outside, after `script` has prepared
/// it with all of them.
fn outer(script: &str) -> Vec<String> {
    let drop = "exec setpriv --ambient-caps=-all --inh-caps=-all \"$0\" \"$@\"";
    let script = format!("{script} && {drop}");
    ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c"]
        .map(str::to_owned)
        .into_iter()
        .chain([script])
        .collect()
}

#[track_caller]
fn refused(ran: &Ran, parts: &[&str]) {
    assert_eq!(ran.status, 125, "{ran:?}");
    for part in parts.iter().chain(&["hint: "]) {
        assert!(ran.err.contains(part), "no `{part}` in {}", ran.err);
    }
}

#[test]
fn the_probe_says_yes_here() {
    let ran = can_create(&["env"], &[]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "Builtin\n"), "{ran:?}");
    let ran = can_create(&["env"], &["", "only-bwrap"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "Bwrap(\"/usr/bin/bwrap\")\n"), "{ran:?}");
}

/// The limits of an outer user namespace, which we may set, count for all below it.
#[test]
fn limits() {
    for (limit, code, cause) in [
        ("user", "BS0041", "user.max_user_namespaces allows no more (unshare("),
        ("mnt", "BS0041", "user.max_mnt_namespaces allows no more (unshare("),
    ] {
        let script = format!("echo 0 > /proc/sys/user/max_{limit}_namespaces");
        let ran = can_create(&outer(&script), &[]);
        let seen = format!("/proc/sys/user/max_{limit}_namespaces is 0");
        let hint = format!("sudo sysctl user.max_{limit}_namespaces=15000");
        // bwrap was tried as well, and is refused for the same reason.
        refused(&ran, &[code, cause, &seen, &hint, "/usr/bin/bwrap failed"]);
    }
}

/// A limit that is not 0 and reached: that of this namespace has room, that of the one around has not.
#[test]
fn a_limit_of_a_namespace_around() {
    let mut before = outer("echo 1 > /proc/sys/user/max_user_namespaces");
    before.extend(["unshare", "--user", "--map-current-user"].map(str::to_owned));
    refused(&can_create(&before, &[]), &["BS0049", "can have no other in it", "the 32 levels"]);
}

#[test]
fn levels() {
    let before = |levels: usize| ["unshare", "--user", "--map-current-user"].repeat(levels);
    let ran = can_create(&before(20), &[]);
    assert_eq!(ran.status, 0, "{ran:?}");
    refused(&can_create(&before(33), &[]), &["BS0049", "this is a user namespace in another one"]);
}

#[test]
fn a_user_without_a_number() {
    let ran = can_create(&["unshare", "--user"], &[]);
    refused(&ran, &["BS0049", "uid_map, which is empty", "--map-current-user"]);
}

#[test]
fn a_seccomp_filter() {
    // bwrap makes namespaces by `clone`, and needs `mount` as well.
    for (rules, seen) in [
        ("unshare=EPERM,mount=EPERM", "unshare with an unknown flag is answered with"),
        ("mount=EPERM", "mount at a path that does not exist is answered with"),
    ] {
        let ran = can_create(&["env"], &[rules]);
        refused(&ran, &["BS0042", "a system call filter (seccomp) refuses it", seen, "Seccomp 2"]);
    }
    // Only the built-in executor is refused.
    let ran = can_create(&["env"], &["unshare=EPERM"]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "Bwrap(\"/usr/bin/bwrap\")\n"), "{ran:?}");
}

/// In a user namespace of our own we may call chroot; the kernel does not care for the rights that we
/// have there when another is to be created.
#[test]
fn a_chroot() {
    let directory = open_to_all(tempfile::tempdir().unwrap());
    let root = directory.path().to_str().unwrap();
    let own = stage();
    let binds = "for d in usr bin sbin lib lib64 proc dev; do
                   if test -L /$d; then cp -P /$d $1/$d
                   elif test -d /$d; then mkdir $1/$d && mount --rbind /$d $1/$d
                   fi || exit 9
                 done; touch $1/stage && mount --bind $0 $1/stage || exit 9; ";
    let script = format!("{binds} exec chroot $1 /stage can-create");
    let mut command = as_user("unshare");
    command.args(["-Ur", "--mount", "sh", "-c", &script]).arg(&own).arg(root);
    let ran = Ran::of(command.output().unwrap());
    refused(&ran, &["BS0043", "this process is in a chroot", "mountinfo has no mount at /"]);
    // The directory is a disk of its own, so that there is a mount at /: process 1 has it elsewhere.
    let script = format!(
        "mount -t proc proc /proc && mount -t tmpfs none $1 && {binds} chroot $1 /stage can-create"
    );
    let mut command = as_user("unshare");
    command.args(["-Ur", "--mount", "--pid", "--fork", "sh", "-c", &script]).arg(&own).arg(root);
    let ran = Ran::of(command.output().unwrap());
    refused(&ran, &["BS0043", "which /proc/1/mountinfo has at"]);
}

/// Capabilities that are passed on, as gamescope does: the built-in executor does not mind.
#[test]
fn ambient_capabilities() {
    let before = ["unshare", "--user", "--map-current-user", "--keep-caps"];
    let ran = can_create(&before, &[]);
    assert_eq!((ran.status, ran.out.as_str()), (0, "Builtin\n"), "{ran:?}");
    let ran = can_create(&before, &["", "only-bwrap"]);
    let parts = ["BS0045", "started with capabilities", "CapAmb 000001f", "--ambient-caps=-all"];
    refused(&ran, &parts);
}

/// A set-uid bwrap, which only root can make: `cargo xtask test` makes one and names it.
#[test]
fn a_setuid_bwrap() {
    let Some(bwrap) = std::env::var_os("BATHYSPHERE_SETUID_BWRAP") else {
        assert!(
            std::env::var_os("BATHYSPHERE_NO_SKIP").is_none(),
            "skipped where nothing may be: BATHYSPHERE_SETUID_BWRAP is not set"
        );
        println!("SKIP: a_setuid_bwrap: BATHYSPHERE_SETUID_BWRAP is not set");
        return;
    };
    let bwrap = Path::new(&bwrap).to_str().unwrap();
    let look = sandbox::Installed::look(Path::new(bwrap));
    assert!(look.setuid && !look.nosuid && look.version.is_some(), "{look:?}");
    let ran = can_create(&["env"], &["", "only-bwrap", bwrap]);
    assert_eq!(ran.status, 0, "{ran:?}");
    // Under no_new_privs it is an ordinary one: enough where those are allowed …
    let ran = can_create(&["setpriv", "--no-new-privs"], &["", "only-bwrap", bwrap]);
    assert_eq!(ran.status, 0, "{ran:?}");
    // … and no help where they are not.
    let ran = can_create(&["env"], &["unshare=EPERM,mount=EPERM", "only-bwrap", bwrap]);
    refused(&ran, &["BS0045", "is set-uid root", "NoNewPrivs 1", "without being root"]);
}

#[test]
fn what_an_ordinary_bwrap_is() {
    let look = sandbox::Installed::look(Path::new("/usr/bin/bwrap"));
    let said = Command::new("/usr/bin/bwrap").arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert_eq!(Some(format!("bubblewrap {}\n", look.version.as_deref().unwrap())), Some(said));
    assert!(!look.setuid && !look.capabilities, "{look:?}");
}

/// What is certain without trying agrees with what trying shows.
#[test]
fn nothing_is_foreseen_where_all_is_well() {
    assert_eq!(sandbox::foreseen(&sandbox::Facts::gather()), None);
    for feature in sandbox::features().unwrap() {
        let name = feature.name;
        assert!(
            feature.missing.is_none() || name.contains("misc"),
            "{name}: {:?}",
            feature.missing
        );
    }
}
