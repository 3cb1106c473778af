//! `/etc/passwd` and `/etc/group` of the container (passwd(5), group(5)).
//!
//! The user comes first and always exists, also when only NSS knows them (sssd, systemd-homed):
//! this program is static and has no NSS, so the name is then taken from the environment and the
//! ids from the kernel. The host's other entries follow.

use crate::facts::{Facts, User};
use plan::RootPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The two files.
pub(crate) struct Accounts {
    pub(crate) passwd: Vec<u8>,
    pub(crate) group: Vec<u8>,
}

/// The name of a user whom nothing names.
const UNNAMED: &[u8] = b"user";

/// Makes both files from the host's.
pub(crate) fn accounts(facts: &Facts) -> Accounts {
    let read = |path: &str| facts.host.read(&RootPath::literal(path)).unwrap_or_default();
    let environment = &facts.environment;
    let first = |names: &[&str]| {
        names.iter().find_map(|n| environment.non_empty(n)).map(|v: &OsStr| v.as_bytes().to_vec())
    };
    make(
        facts.user,
        first(&["USER", "LOGNAME"]),
        facts.home().map(|h| h.as_bytes().to_vec()),
        &read("/etc/passwd"),
        &read("/etc/group"),
    )
}

fn make(
    user: User,
    name: Option<Vec<u8>>,
    home: Option<Vec<u8>>,
    passwd: &[u8],
    group: &[u8],
) -> Accounts {
    let own = lines(passwd).find(|l| number(l, 2) == Some(user.uid));
    let name = match own.and_then(|l| field(l, 0)) {
        Some(name) => name.to_vec(),
        None => name.map_or_else(|| UNNAMED.to_vec(), clean),
    };
    let gecos = own.and_then(|l| field(l, 4)).map_or_else(|| name.clone(), <[u8]>::to_vec);
    let home = match own.and_then(|l| field(l, 5)).filter(|h| h.starts_with(b"/")) {
        Some(home) => home.to_vec(),
        None => home.map_or_else(|| b"/".to_vec(), clean),
    };
    let ids = format!("{}:{}", user.uid, user.gid);
    let mut entry = [&name[..], b"x", ids.as_bytes(), &gecos, &home, b"/bin/bash"].join(&b':');
    entry.push(b'\n');
    for line in lines(passwd).filter(|l| field(l, 0) != Some(&name)) {
        entry.extend_from_slice(line);
        entry.push(b'\n');
    }
    Accounts { passwd: entry, group: groups(user, &name, group) }
}

/// The user's group first: as the host has it, else named after the user unless that name is taken.
fn groups(user: User, name: &[u8], group: &[u8]) -> Vec<u8> {
    let own = lines(group).find(|l| number(l, 2) == Some(user.gid)).and_then(|l| field(l, 0));
    let mut out = vec![];
    let taken = lines(group).any(|l| field(l, 0) == Some(name));
    let first = own.or((!taken).then_some(name));
    if let Some(first) = first {
        out.extend_from_slice(first);
        out.extend_from_slice(format!(":x:{}:\n", user.gid).as_bytes());
    }
    for line in lines(group).filter(|l| own.is_none() || field(l, 0) != own) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out
}

/// Lines that are entries: not empty, no comment, none of the `+`/`-` lines of NSS's compat mode.
fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split(|b| *b == b'\n').filter(|l| !l.is_empty() && !b"#+-".contains(&l[0]))
}

fn field(line: &[u8], n: usize) -> Option<&[u8]> {
    line.split(|b| *b == b':').nth(n).filter(|f| !f.is_empty())
}

fn number(line: &[u8], n: usize) -> Option<u32> {
    std::str::from_utf8(field(line, n)?).ok()?.parse().ok()
}

/// `:` and newlines would end the field.
fn clean(field: Vec<u8>) -> Vec<u8> {
    field.into_iter().map(|b| if b == b':' || b == b'\n' { b'_' } else { b }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: User = User { uid: 1000, gid: 100 };

    #[test]
    fn own_entry_comes_first() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\nann:x:1000:100:Ann B,,,:/home/ann:/bin/zsh\n";
        let group = b"root:x:0:\nusers:x:100:bob\n";
        let made = make(ME, Some(b"other".to_vec()), Some(b"/x".to_vec()), passwd, group);
        assert_eq!(
            String::from_utf8(made.passwd).unwrap(),
            "ann:x:1000:100:Ann B,,,:/home/ann:/bin/bash\nroot:x:0:0:root:/root:/bin/sh\n"
        );
        assert_eq!(String::from_utf8(made.group).unwrap(), "users:x:100:\nroot:x:0:\n");
    }

    #[test]
    fn a_user_that_only_nss_knows() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\n+::::::\n";
        let made = make(ME, Some(b"a:n\nn".to_vec()), Some(b"/home/a".to_vec()), passwd, b"");
        assert_eq!(
            String::from_utf8(made.passwd).unwrap(),
            "a_n_n:x:1000:100:a_n_n:/home/a:/bin/bash\nroot:x:0:0:root:/root:/bin/sh\n"
        );
        assert_eq!(String::from_utf8(made.group).unwrap(), "a_n_n:x:100:\n");
        let made = make(ME, None, None, b"", b"user:x:7:\n");
        assert_eq!(made.passwd, b"user:x:1000:100:user:/:/bin/bash\n");
        assert_eq!(made.group, b"user:x:7:\n");
    }
}
