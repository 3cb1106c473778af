//! Patterns of file names, as fnmatch(3) and glob(3) of the C library understand them.

use super::Filesystem;
use plan::RootPath;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// The most paths that one pattern expands to.
const MAX_MATCHES: usize = 10_000;

/// Whether `name` matches `pattern` as `fnmatch(pattern, name, 0)` in the C locale: `*`, `?`, sets in
/// brackets, a backslash that takes the next character as it is. Takes time proportional to the
/// product of the lengths at worst.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on when a comparison fails: after the last `*`, with one more byte given to it.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            retry = Some((p, n));
            continue;
        }
        match (one(&pattern[p..], name.get(n).copied()), retry) {
            (Step::End, _) => return true,
            (Step::Match(length), _) => (p, n) = (p + length, n + 1),
            (Step::Differ, Some((after, taken))) if taken < name.len() => {
                retry = Some((after, taken + 1));
                (p, n) = (after, taken + 1);
            }
            (Step::Differ, _) => return false,
        }
    }
}

enum Step {
    /// Pattern and name have both ended.
    End,
    /// The next byte matches this many bytes of the pattern.
    Match(usize),
    Differ,
}

fn one(pattern: &[u8], byte: Option<u8>) -> Step {
    let (Some(first), Some(byte)) = (pattern.first().copied(), byte) else {
        return if pattern.is_empty() && byte.is_none() { Step::End } else { Step::Differ };
    };
    let (literal, length) = match (first, pattern.get(1)) {
        (b'?', _) => return Step::Match(1),
        (b'[', _) => match set(pattern, byte) {
            Some((true, length)) => return Step::Match(length),
            Some((false, _)) => return Step::Differ,
            None => (b'[', 1),
        },
        (b'\\', Some(next)) => (*next, 2),
        _ => (first, 1),
    };
    if literal == byte { Step::Match(length) } else { Step::Differ }
}

/// Whether `byte` is in the set at the start of `pattern`, and the length of the set; `None` where
/// the bracket is not closed and so means itself.
fn set(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let mut i = 1;
    let negated = matches!(pattern.get(i), Some(b'!' | b'^'));
    i += usize::from(negated);
    let first = i;
    let mut inside = false;
    loop {
        let mut low = *pattern.get(i)?;
        if low == b']' && i > first {
            return Some((inside != negated, i + 1));
        }
        if low == b'\\' {
            i += 1;
            low = *pattern.get(i)?;
        }
        let mut high = low;
        if pattern.get(i + 1) == Some(&b'-') && pattern.get(i + 2).is_some_and(|b| *b != b']') {
            i += 2;
            high = *pattern.get(i)?;
            if high == b'\\' {
                i += 1;
                high = *pattern.get(i)?;
            }
        }
        inside |= (low..=high).contains(&byte);
        i += 1;
    }
}

fn is_pattern(component: &[u8]) -> bool {
    component.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'\\'))
}

/// See [`Root::glob`].
pub(super) fn expand(root: &dyn Filesystem, pattern: &RootPath) -> Vec<RootPath> {
    let components: Vec<&[u8]> =
        pattern.as_bytes().split(|b| *b == b'/').filter(|c| !c.is_empty()).collect();
    let mut found = vec![RootPath::root()];
    for component in components {
        let mut next = Vec::new();
        for directory in &found {
            if !is_pattern(component) {
                next.extend(directory.join(OsStr::from_bytes(component)).ok());
                continue;
            }
            let names = root.list(directory).unwrap_or_default().into_iter().map(|e| e.name);
            // glob(3) lets only a period match a leading period.
            let hidden = component.first() == Some(&b'.');
            let names = names.filter(|n| hidden || !n.as_bytes().starts_with(b"."));
            let names = names.filter(|n| matches(component, n.as_bytes()));
            next.extend(names.filter_map(|n| directory.join(n).ok()));
        }
        next.truncate(MAX_MATCHES);
        found = next;
    }
    found.retain(|path| root.lookup(path).is_ok());
    found.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    found
}
