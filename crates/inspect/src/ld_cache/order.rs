//! The order of the entries, which the dynamic linker's binary search relies on.

use super::Entry;
use std::cmp::Ordering;

/// Compares two names as `_dl_cache_libcmp` of elf/dl-cache.c: runs of digits by their value, a
/// digit after everything else. Values are kept in an `int` there, which wraps.
pub(super) fn compare_names(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let differ = match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(x), y) => match (x.is_ascii_digit(), y.is_some_and(u8::is_ascii_digit)) {
                (true, true) => number(&mut a).cmp(&number(&mut b)),
                (true, false) => return Ordering::Greater,
                (false, true) => return Ordering::Less,
                (false, false) => {
                    let differ = Some(x).cmp(&y);
                    (a, b) = (&a[1..], b.get(1..).unwrap_or_default());
                    differ
                }
            },
        };
        if differ.is_ne() {
            return differ;
        }
    }
}

fn number(text: &mut &[u8]) -> i32 {
    let mut value: i32 = 0;
    while let Some((digit, rest)) = text.split_first().filter(|(d, _)| d.is_ascii_digit()) {
        value = value.wrapping_mul(10).wrapping_add(i32::from(digit - b'0'));
        *text = rest;
    }
    value
}

/// Which of two entries comes first, as `compare` of elf/cache.c: names and flags descending, those
/// of `glibc-hwcaps` first and by name, then capabilities descending. Entries that are equal so far
/// stay in the order in which they were found.
pub(super) fn compare(a: &Entry, b: &Entry) -> Ordering {
    compare_names(b.name.as_bytes(), a.name.as_bytes())
        .then_with(|| b.flags.cmp(&a.flags))
        .then_with(|| match (&a.hwcaps_subdir, &b.hwcaps_subdir) {
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.as_bytes().cmp(b.as_bytes()),
            (None, None) => b.hwcap.cmp(&a.hwcap),
        })
}
