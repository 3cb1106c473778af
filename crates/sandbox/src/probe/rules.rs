//! The rules, each with how it is recognised.

use super::facts::{
    Answer, CLONE, CONTEXT, ENFORCING, Facts, GID_MAP, LABEL, MAX_MOUNT, MAX_USER, MOUNTS,
    MOUNTS_OF_INIT, RESTRICTED, STATUS, UID_MAP,
};
use super::{Diagnosis, Rule, hint};
use crate::sys::SysError;

/// `CAP_SYS_ADMIN` (linux/capability.h).
const SYS_ADMIN: u32 = 21;

/// What was seen, where a rule holds.
type Evidence = Option<Vec<String>>;

/// What is known when a rule is looked for.
struct Case<'a> {
    facts: &'a Facts,
    /// The call that failed; `None` when nothing was tried.
    failure: Option<&'a SysError>,
}

/// A rule: which errors the kernel gives under it, whether it is certain without an attempt, and how
/// it is recognised.
struct Row {
    rule: Rule,
    errors: &'static [i32],
    certain: bool,
    holds: fn(&Case<'_>) -> Evidence,
}

const LIMITS: &[i32] = &[libc::ENOSPC, libc::EUSERS];
const DENIED: &[i32] = &[libc::EACCES, libc::EPERM];

/// In the order in which they are believed: what is proven before what is only likely.
const ROWS: &[Row] = &[
    Row { rule: Rule::Seccomp, errors: &[], certain: true, holds: filter_answers },
    Row { rule: Rule::Kernel, errors: &[libc::EINVAL, libc::ENOSYS], certain: true, holds: kernel },
    Row { rule: Rule::UsernsClone, errors: &[libc::EPERM], certain: true, holds: userns_clone },
    Row { rule: Rule::MaxUserNamespaces, errors: LIMITS, certain: true, holds: max_user },
    Row { rule: Rule::MaxMountNamespaces, errors: LIMITS, certain: true, holds: max_mount },
    Row { rule: Rule::Chroot, errors: &[libc::EPERM], certain: true, holds: chroot },
    Row { rule: Rule::Unmapped, errors: &[libc::EPERM], certain: true, holds: unmapped },
    Row { rule: Rule::AppArmor, errors: DENIED, certain: false, holds: confined },
    Row { rule: Rule::AppArmor, errors: DENIED, certain: false, holds: restricted },
    Row { rule: Rule::SeLinux, errors: DENIED, certain: false, holds: selinux },
    Row { rule: Rule::Nesting, errors: LIMITS, certain: false, holds: nested },
    Row { rule: Rule::MaxUserNamespaces, errors: LIMITS, certain: false, holds: reached },
    Row { rule: Rule::Seccomp, errors: &[], certain: false, holds: filter_exists },
];

/// What explains the failure; without one, what holds at all.
pub(super) fn explain(facts: &Facts, failure: Option<&SysError>) -> Option<Diagnosis> {
    let case = Case { facts, failure };
    let fits = |row: &&Row| match failure {
        Some(failure) => row.errors.is_empty() || row.errors.contains(&failure.errno),
        None => true,
    };
    // Of the rest, a limit that is only likely says nothing beside one that is seen.
    let adds = |row: &Row| row.certain || row.errors != LIMITS;
    let mut found = ROWS.iter().filter(fits).filter_map(|row| Some((row, (row.holds)(&case)?)));
    let (first, mut evidence) = found.next()?;
    for (row, lines) in found.filter(|(row, _)| row.rule != first.rule && adds(row)) {
        evidence.push(format!("also: {}, {}", cause(row.rule), lines.join(", ")));
    }
    Some(diagnosis(facts, first.rule, evidence))
}

/// What is certain without an attempt.
pub(super) fn certain(facts: &Facts) -> Option<Diagnosis> {
    let case = Case { facts, failure: None };
    let mut rows = ROWS.iter().filter(|row| row.certain);
    rows.find_map(|row| Some(diagnosis(facts, row.rule, (row.holds)(&case)?)))
}

pub(super) fn diagnosis(facts: &Facts, rule: Rule, evidence: Vec<String>) -> Diagnosis {
    Diagnosis { rule, cause: cause(rule).into(), evidence, hint: hint::of(rule, facts) }
}

pub(super) fn cause(rule: Rule) -> &'static str {
    match rule {
        Rule::AppArmor => "AppArmor does not let this program create them",
        Rule::SeLinux => "the SELinux policy denies it",
        Rule::UsernsClone => "kernel.unprivileged_userns_clone is 0",
        Rule::MaxUserNamespaces => "user.max_user_namespaces allows no more",
        Rule::MaxMountNamespaces => "user.max_mnt_namespaces allows no more",
        Rule::Seccomp => "a system call filter (seccomp) refuses it",
        Rule::Chroot => "this process is in a chroot",
        Rule::Kernel => "the kernel has no user namespaces",
        Rule::Nesting => "this user namespace can have no other in it",
        Rule::Unmapped => "the user has no number in this user namespace",
        Rule::Capabilities => "bwrap is started with capabilities, which it refuses",
        Rule::SetuidIgnored => "bwrap is set-uid root and cannot become root",
    }
}

/// A switch with the value that forbids.
fn is_zero(case: &Case<'_>, path: &str) -> Evidence {
    (case.facts.file(path)? == "0").then(|| vec![format!("{path} is 0")])
}

fn kernel(case: &Case<'_>) -> Evidence {
    // Without a /proc nothing can be said.
    let known = case.facts.file(STATUS).is_some() && !case.facts.has_user_namespaces;
    known.then(|| vec!["/proc/self/ns/user does not exist".into()])
}

/// Debian's patch asks for `CAP_SYS_ADMIN` when the switch is off.
fn userns_clone(case: &Case<'_>) -> Evidence {
    is_zero(case, CLONE).filter(|_| !case.facts.is_capable(SYS_ADMIN))
}

fn max_user(case: &Case<'_>) -> Evidence {
    is_zero(case, MAX_USER)
}

fn max_mount(case: &Case<'_>) -> Evidence {
    is_zero(case, MAX_MOUNT)
}

/// A filter answers where the kernel would have answered otherwise.
fn filter_answers(case: &Case<'_>) -> Evidence {
    let of = |answer: Answer, call: &str, always: &str| match answer {
        Answer::Kernel => None,
        Answer::Filter(errno) => Some(format!(
            "{call} is answered with \"{}\", where the kernel says \"{always}\": a filter answers",
            std::io::Error::from_raw_os_error(errno)
        )),
    };
    let unshare = of(case.facts.unshare, "unshare with an unknown flag", "Invalid argument");
    let mount = of(case.facts.mount, "mount at a path that does not exist", "No such file");
    let lines: Vec<String> = unshare.into_iter().chain(mount).collect();
    (!lines.is_empty()).then(|| [lines, filters(case)].concat())
}

fn filters(case: &Case<'_>) -> Vec<String> {
    let of = |name: &str| case.facts.status(name).map(|value| format!("{STATUS}: {name} {value}"));
    of("Seccomp").into_iter().chain(of("Seccomp_filters")).collect()
}

/// There is a filter, and nothing else explains it: it may look at what pointers point to, which
/// cannot be told from outside.
fn filter_exists(case: &Case<'_>) -> Evidence {
    (case.facts.status("Seccomp")? == "2").then(|| filters(case))
}

/// `current_chrooted`: the root directory is not the topmost mount at the namespace's root. Inside, the
/// mount table shows no mount at `/`; where the directory is a mount of its own, the table of process 1 has
/// the same mount (identifiers are unique) elsewhere.
fn chroot(case: &Case<'_>) -> Evidence {
    let own = case.facts.file(MOUNTS).filter(|table| !table.is_empty())?;
    let Some((id, _)) = mounts(own).filter(|(_, at)| *at == "/").last() else {
        return Some(vec![format!("{MOUNTS} has no mount at /")]);
    };
    let init = case.facts.file(MOUNTS_OF_INIT)?;
    let (_, at) = mounts(init).find(|(other, _)| *other == id)?;
    (at != "/").then(|| vec![format!("/ is the mount {id}, which {MOUNTS_OF_INIT} has at {at}")])
}

/// Identifier and place of each mount.
fn mounts(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        Some((fields.next()?, fields.nth(3)?))
    })
}

/// `create_user_ns` wants both ids to be mapped. An id that is not shows as 65534, which may be mapped
/// as well.
fn unmapped(case: &Case<'_>) -> Evidence {
    let (uid, gid) = case.facts.ids;
    let lacks = |path: &'static str, name: &str, id: u32| {
        let map = case.facts.file(path)?;
        let has = map.lines().any(|line| {
            let mut numbers = line.split_whitespace().map(str::parse::<u64>);
            let (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) =
                (numbers.next(), numbers.next(), numbers.next())
            else {
                return false;
            };
            (first..first.saturating_add(count)).contains(&u64::from(id))
        });
        let shown = if map.is_empty() { "empty" } else { map };
        (!has).then(|| format!("{name} {id} is not in {path}, which is {shown}"))
    };
    let lines: Vec<String> =
        lacks(UID_MAP, "user", uid).into_iter().chain(lacks(GID_MAP, "group", gid)).collect();
    (!lines.is_empty()).then_some(lines)
}

/// The label of this process, where AppArmor labels it.
fn label<'a>(case: &Case<'a>) -> Option<&'a str> {
    let facts = case.facts;
    facts.file(LABEL).or_else(|| {
        facts.file(super::facts::APPARMOR).filter(|on| *on == "Y").and_then(|_| facts.file(CONTEXT))
    })
}

/// A profile in force: `docker-default (enforce)`. `unconfined` and complaining ones forbid nothing.
fn confined(case: &Case<'_>) -> Evidence {
    let label = label(case)?;
    label
        .ends_with("(enforce)")
        .then(|| vec![format!("this process is confined by AppArmor: {label}")])
}

/// Ubuntu's switch. Where the profile `unprivileged_userns` is loaded, the process gets that label when it
/// has created the namespace, and no capabilities; where it is not, `unshare` fails.
fn restricted(case: &Case<'_>) -> Evidence {
    if case.facts.file(RESTRICTED)? != "1" || case.facts.is_capable(SYS_ADMIN) {
        return None;
    }
    let before = label(case).unwrap_or("unknown");
    let mut lines = vec![format!("{RESTRICTED} is 1"), format!("label of this process: {before}")];
    if let Some(after) = case.facts.label_after.as_deref().filter(|after| *after != before) {
        lines.push(format!("label in the new namespace: {after}"));
    }
    Some(lines)
}

fn selinux(case: &Case<'_>) -> Evidence {
    let enforcing = case.facts.file(ENFORCING)? == "1";
    // AppArmor's files are not there; the context is SELinux's.
    let context = case.facts.file(CONTEXT).unwrap_or("unknown");
    enforcing
        .then(|| vec![format!("{ENFORCING} is 1"), format!("context of this process: {context}")])
}

/// Not in the first user namespace, whose map has every number.
fn is_nested(case: &Case<'_>) -> bool {
    let map = case.facts.file(UID_MAP).unwrap_or_default();
    let numbers: Vec<&str> = map.split_whitespace().collect();
    numbers != ["0", "0", "4294967295"]
}

fn nested(case: &Case<'_>) -> Evidence {
    case.failure?;
    let map = case.facts.file(UID_MAP)?;
    let limit = case.facts.file(MAX_USER).unwrap_or("unknown");
    is_nested(case).then(|| {
        vec![
            format!("this is a user namespace in another one: {UID_MAP} is {map}"),
            format!("{MAX_USER} is {limit}: the limit is one around, or the 32 levels"),
        ]
    })
}

/// The limit is not 0, and the kernel says that it is reached.
fn reached(case: &Case<'_>) -> Evidence {
    case.failure?;
    let line = |path: &str| Some(format!("{path} is {}", case.facts.file(path)?));
    Some([MAX_USER, MAX_MOUNT].iter().filter_map(|path| line(path)).collect())
}
