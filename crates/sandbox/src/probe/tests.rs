//! The rules over what was read on machines that have them. What can be had here is provoked for real
//! in `tests/refusal.rs`; AppArmor and SELinux are not in every kernel, so their rows have contents of
//! Ubuntu 24.04, Docker on Debian 12 and Fedora 40.

use super::bwrap::{Installed, diagnose};
use super::facts::{
    APPARMOR, Answer, CLONE, CONTEXT, ENFORCING, Facts, GID_MAP, LABEL, MAX_MOUNT, MAX_USER,
    MOUNTS, MOUNTS_OF_INIT, RESTRICTED, STATUS, UID_MAP,
};
use super::{Rule, rules};
use crate::sys::SysError;
use std::collections::BTreeMap;

const WHOLE: &str = "         0          0 4294967295";
const USER: &str = "Name:\tx\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n\
                    CapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\nSeccomp_filters:\t0";
const FILTERED: &str = "Name:\tx\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n\
                        Seccomp_filters:\t1";
const ROOT: &str = "28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw";

/// An ordinary user in the first user namespace of a machine without restrictions.
fn facts() -> Facts {
    Facts {
        files: BTreeMap::from([
            (STATUS, USER.into()),
            (UID_MAP, WHOLE.trim().into()),
            (GID_MAP, WHOLE.trim().into()),
            (MOUNTS, ROOT.into()),
            (MOUNTS_OF_INIT, ROOT.into()),
            (MAX_USER, "63432".into()),
            (MAX_MOUNT, "63432".into()),
        ]),
        has_user_namespaces: true,
        ids: (1000, 1000),
        unshare: Answer::Kernel,
        mount: Answer::Kernel,
        program: "/opt/bathysphere".into(),
        label_after: None,
    }
}

fn failure(call: &str, errno: i32) -> SysError {
    SysError { call: call.into(), arguments: String::new(), errno }
}

/// A change to the facts, the call and its error, the rule, and a part of its evidence.
type Row = (fn(&mut Facts), &'static str, i32, Option<Rule>, &'static str);

const TABLE: &[Row] = &[
    (|_| (), "unshare", libc::EPERM, None, ""),
    // Ubuntu 24.04: `unshare` succeeds, and the label is another one then.
    (
        |f| {
            f.files.insert(RESTRICTED, "1".into());
            f.files.insert(LABEL, "unconfined".into());
            f.label_after = Some("unprivileged_userns (enforce)".into());
        },
        "mount",
        libc::EACCES,
        Some(Rule::AppArmor),
        "label in the new namespace: unprivileged_userns (enforce)",
    ),
    // The same without that profile.
    (
        |f| drop(f.files.insert(RESTRICTED, "1".into())),
        "unshare",
        libc::EACCES,
        Some(Rule::AppArmor),
        "apparmor_restrict_unprivileged_userns is 1",
    ),
    (|f| drop(f.files.insert(RESTRICTED, "0".into())), "unshare", libc::EACCES, None, ""),
    // Docker without its seccomp filter: mounting is denied.
    (
        |f| drop(f.files.insert(LABEL, "docker-default (enforce)".into())),
        "mount",
        libc::EACCES,
        Some(Rule::AppArmor),
        "docker-default",
    ),
    // A kernel before 5.8 has no file of AppArmor's own.
    (
        |f| {
            f.files.insert(APPARMOR, "Y".into());
            f.files.insert(CONTEXT, "snap.steam.steam (enforce)".into());
        },
        "unshare",
        libc::EPERM,
        Some(Rule::AppArmor),
        "snap.steam.steam",
    ),
    (
        |f| drop(f.files.insert(LABEL, "firefox (complain)".into())),
        "unshare",
        libc::EPERM,
        None,
        "",
    ),
    (
        |f| {
            f.files.insert(ENFORCING, "1".into());
            f.files.insert(CONTEXT, "staff_u:staff_r:staff_t:s0".into());
        },
        "unshare",
        libc::EACCES,
        Some(Rule::SeLinux),
        "staff_t",
    ),
    (|f| drop(f.files.insert(ENFORCING, "0".into())), "unshare", libc::EACCES, None, ""),
    (
        |f| drop(f.files.insert(CLONE, "0".into())),
        "unshare",
        libc::EPERM,
        Some(Rule::UsernsClone),
        "unprivileged_userns_clone is 0",
    ),
    // With CAP_SYS_ADMIN the switch does not count.
    (
        |f| {
            f.files.insert(CLONE, "0".into());
            f.files.insert(STATUS, "CapEff:\t000001ffffffffff\nSeccomp:\t0".into());
        },
        "unshare",
        libc::EPERM,
        None,
        "",
    ),
    (
        |f| drop(f.files.insert(MAX_USER, "0".into())),
        "unshare",
        libc::ENOSPC,
        Some(Rule::MaxUserNamespaces),
        "max_user_namespaces is 0",
    ),
    (
        |f| drop(f.files.insert(MAX_MOUNT, "0".into())),
        "unshare",
        libc::ENOSPC,
        Some(Rule::MaxMountNamespaces),
        "max_mnt_namespaces is 0",
    ),
    (|_| (), "unshare", libc::ENOSPC, Some(Rule::MaxUserNamespaces), "is 63432"),
    (
        |f| drop(f.files.insert(UID_MAP, "1000 1000 1".into())),
        "unshare",
        libc::ENOSPC,
        Some(Rule::Nesting),
        "is 1000 1000 1",
    ),
    // Docker's filter.
    (
        |f| {
            f.files.insert(STATUS, FILTERED.into());
            f.unshare = Answer::Filter(libc::EPERM);
            f.files.insert(RESTRICTED, "1".into());
        },
        "unshare",
        libc::EPERM,
        Some(Rule::Seccomp),
        "a filter answers",
    ),
    // A filter that looks elsewhere is blamed last.
    (
        |f| drop(f.files.insert(STATUS, FILTERED.into())),
        "fsopen",
        libc::EPERM,
        Some(Rule::Seccomp),
        "Seccomp 2",
    ),
    (
        |f| {
            f.files.insert(STATUS, FILTERED.into());
            f.files.insert(MAX_USER, "0".into());
        },
        "unshare",
        libc::ENOSPC,
        Some(Rule::MaxUserNamespaces),
        "also: a system call filter",
    ),
    (
        |f| drop(f.files.insert(MOUNTS, "40 35 0:5 / /proc rw - proc proc rw".into())),
        "unshare",
        libc::EPERM,
        Some(Rule::Chroot),
        "has no mount at /",
    ),
    // The directory is a mount of its own.
    (
        |f| {
            f.files.insert(MOUNTS, "77 28 8:1 / / rw - ext4 /dev/sda1 rw".into());
            let all = format!("{ROOT}\n77 28 8:1 / /srv/other rw - ext4 /dev/sda1 rw");
            f.files.insert(MOUNTS_OF_INIT, all);
        },
        "unshare",
        libc::EPERM,
        Some(Rule::Chroot),
        "at /srv/other",
    ),
    // Another mount namespace is no chroot.
    (
        |f| drop(f.files.insert(MOUNTS, "900 899 8:1 / / rw - ext4 /dev/sda1 rw".into())),
        "unshare",
        libc::EPERM,
        None,
        "",
    ),
    (
        |f| {
            f.ids = (65534, 65534);
            f.files.insert(UID_MAP, String::new());
            f.files.insert(GID_MAP, "0 1000 1".into());
        },
        "unshare",
        libc::EPERM,
        Some(Rule::Unmapped),
        "user 65534 is not in /proc/self/uid_map, which is empty",
    ),
    (
        |f| f.has_user_namespaces = false,
        "unshare",
        libc::EINVAL,
        Some(Rule::Kernel),
        "/proc/self/ns/user does not exist",
    ),
    // Without /proc nothing is known.
    (
        |f| {
            f.files.clear();
            f.has_user_namespaces = false;
        },
        "unshare",
        libc::EINVAL,
        None,
        "",
    ),
];

#[test]
fn rules_are_recognised() {
    for (index, (change, call, errno, rule, evidence)) in TABLE.iter().enumerate() {
        let mut facts = facts();
        change(&mut facts);
        let found = rules::explain(&facts, Some(&failure(call, *errno)));
        assert_eq!(found.as_ref().map(|f| f.rule), *rule, "row {index}: {found:?}");
        let Some(found) = found else { continue };
        let lines = found.evidence.join("\n");
        assert!(lines.contains(evidence), "row {index}: {lines}");
        assert!(!found.hint.is_empty() && found.problem().code.0 >= 40, "row {index}");
    }
}

#[test]
fn what_is_certain_needs_no_attempt() {
    let certain = |change: fn(&mut Facts)| {
        let mut facts = facts();
        change(&mut facts);
        rules::certain(&facts).map(|found| found.rule)
    };
    assert_eq!(certain(|_| ()), None);
    assert_eq!(
        certain(|f| drop(f.files.insert(MAX_USER, "0".into()))),
        Some(Rule::MaxUserNamespaces)
    );
    assert_eq!(certain(|f| drop(f.files.insert(UID_MAP, "1000 1000 1".into()))), None);
    assert_eq!(certain(|f| drop(f.files.insert(STATUS, FILTERED.into()))), None);
    // This program may have a profile.
    assert_eq!(certain(|f| drop(f.files.insert(RESTRICTED, "1".into()))), None);
}

#[test]
fn the_hint_for_apparmor_has_the_profile() {
    let mut facts = facts();
    facts.files.insert(RESTRICTED, "1".into());
    let found = rules::explain(&facts, Some(&failure("unshare", libc::EACCES))).unwrap();
    for part in
        ["apparmor_parser -r /etc/apparmor.d/bathysphere", "\"/opt/bathysphere\"", "userns,"]
    {
        assert!(found.hint.contains(part), "{}", found.hint);
    }
}

#[test]
fn what_bwrap_says_is_explained() {
    let plain = Installed {
        path: "/usr/bin/bwrap".into(),
        version: None,
        setuid: false,
        capabilities: false,
        nosuid: false,
    };
    let setuid = Installed { setuid: true, ..plain.clone() };
    let lost = Installed { nosuid: true, ..setuid.clone() };
    let namespaces =
        "bwrap: No permissions to create new namespace, likely because the kernel does";
    let capabilities = "bwrap: Unexpected capabilities but not setuid, old file caps config?";
    let with_sysctl: fn(&mut Facts) = |f| drop(f.files.insert(CLONE, "0".into()));
    let filtered: fn(&mut Facts) = |f| drop(f.files.insert(STATUS, FILTERED.into()));
    for (change, bwrap, message, rule) in [
        (with_sysctl, &plain, namespaces, Some(Rule::UsernsClone)),
        (filtered, &setuid, namespaces, Some(Rule::SetuidIgnored)),
        (with_sysctl, &lost, namespaces, Some(Rule::SetuidIgnored)),
        (with_sysctl, &plain, capabilities, Some(Rule::Capabilities)),
        (with_sysctl, &plain, "bwrap: Can't bind mount /x: No such file or directory", None),
    ] {
        let mut facts = facts();
        change(&mut facts);
        let found = diagnose(&facts, bwrap, &[message.into()]);
        assert_eq!(found.map(|f| f.rule), rule, "{message}");
    }
}

#[test]
fn this_process_is_seen() {
    let facts = Facts::gather();
    assert!(facts.has_user_namespaces && facts.files.contains_key(STATUS), "{facts:?}");
    assert_eq!((facts.unshare, facts.mount), (Answer::Kernel, Answer::Kernel));
}
