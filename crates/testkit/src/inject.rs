//! System calls that fail on demand, by a seccomp filter: an old kernel, or one behind a container's
//! filter, on this kernel.

#![allow(unsafe_code)]

use std::io;

/// `struct sock_filter` instructions (linux/filter.h).
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_ABOVE: u16 = 0x25;
const JUMP_FROM: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Where `struct seccomp_data` (linux/seccomp.h) has the number of the call, and the lower half of the
/// second argument on a little-endian machine.
const CALL: u32 = 0;
const SECOND: u32 = 24;

/// `SECCOMP_RET_*` (linux/seccomp.h).
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;

/// Calls that can be made to fail, by name.
const CALLS: &[(&str, libc::c_long)] = &[
    ("close_range", libc::SYS_close_range),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsopen", libc::SYS_fsopen),
    ("mount", libc::SYS_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("open_tree", libc::SYS_open_tree),
    ("open_tree_attr", 467),
    ("openat2", libc::SYS_openat2),
    ("pivot_root", libc::SYS_pivot_root),
    ("unshare", libc::SYS_unshare),
];

/// Locks of an open file description, which are commands of one call: `F_OFD_GETLK` to `F_OFD_SETLKW`.
const OFD_LOCKS: &str = "ofd-locks";

/// Errors that can be injected, by name.
const ERRORS: &[(&str, i32)] = &[
    ("EACCES", libc::EACCES),
    ("EINVAL", libc::EINVAL),
    ("ENOSPC", libc::ENOSPC),
    ("ENOSYS", libc::ENOSYS),
    ("EPERM", libc::EPERM),
];

/// Makes calls of this thread and its future children fail. `rules`: `call=ERROR`, separated by
/// commas, such as `openat2=ENOSYS,unshare=EPERM`; `ofd-locks` is one of the calls.
///
/// # Errors
/// `InvalidInput` for a call or error that is not in the tables; otherwise what the kernel says.
pub fn fail(rules: &str) -> io::Result<()> {
    let mut program = vec![instruction(LOAD, 0, 0, CALL)];
    for rule in rules.split(',').filter(|rule| !rule.is_empty()) {
        let (number, commands, errno) = parse(rule).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("`{rule}` is no rule known here"))
        })?;
        let fail = instruction(RETURN, 0, 0, ERRNO | errno);
        match commands {
            None => program.extend([instruction(JUMP_EQUAL, 0, 1, number), fail]),
            Some((first, last)) => program.extend([
                instruction(JUMP_EQUAL, 0, 5, number),
                instruction(LOAD, 0, 0, SECOND),
                instruction(JUMP_FROM, 0, 2, first),
                instruction(JUMP_ABOVE, 1, 0, last),
                fail,
                instruction(LOAD, 0, 0, CALL),
            ]),
        }
    }
    program.push(instruction(RETURN, 0, 0, ALLOW));
    install(&mut program)
}

/// As [`fail`], but without rules nothing is changed: [`fail`] sets `no_new_privs` and installs a filter
/// all the same.
///
/// # Errors
/// As [`fail`].
pub fn fail_if_any(rules: &str) -> io::Result<()> {
    if rules.is_empty() { Ok(()) } else { fail(rules) }
}

/// The number of a call, the commands of it that are meant where not all are, and the error.
type Rule = (u32, Option<(u32, u32)>, u32);

fn parse(rule: &str) -> Option<Rule> {
    let (call, error) = rule.split_once('=')?;
    let (number, commands) = match CALLS.iter().find(|(name, _)| *name == call) {
        Some((_, number)) => (*number, None),
        None if call == OFD_LOCKS => {
            let first = u32::try_from(libc::F_OFD_GETLK).ok()?;
            let last = u32::try_from(libc::F_OFD_SETLKW).ok()?;
            (libc::SYS_fcntl, Some((first, last)))
        }
        None => return None,
    };
    let (_, errno) = ERRORS.iter().find(|(name, _)| *name == error)?;
    Some((u32::try_from(number).ok()?, commands, u32::try_from(*errno).ok()?))
}

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

fn install(program: &mut [libc::sock_filter]) -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let filter = libc::sock_fprog { len: length, filter: program.as_mut_ptr() };
    // SAFETY: `filter` describes a live array of `length` instructions, which the kernel checks and
    // copies before the call returns.
    let result = unsafe {
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter, 0, 0)
    };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_known_or_refused() {
        assert!(parse("openat2=ENOSYS").is_some());
        for bad in ["openat2", "openat2=", "nothing=EPERM", "mount=EWHAT", "fcntl=EINVAL"] {
            assert_eq!(parse(bad), None, "{bad}");
            assert_eq!(fail(bad).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
