//! Which of two copies of a library is the better one.
//!
//! Mirrors the comparators of libcapsule, with `strverscmp` as glibc defines it.

use crate::knowledge::{Method, Rule};
use inspect::elf;
use inspect::linker::Library;
use inspect::root::Filesystem;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// A copy with the root that it is in.
#[derive(Clone, Copy)]
pub(crate) struct Copy<'a> {
    pub(crate) root: &'a dyn Filesystem,
    pub(crate) library: &'a Library,
}

impl Copy<'_> {
    /// The name of the real file, in which distributions put the version.
    fn file_name(&self) -> String {
        let name = self.library.file.path.file_name();
        name.map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Whether the provider's copy is taken.
    pub(crate) provider_wins: bool,
    /// Why, in a few words.
    pub(crate) why: String,
}

/// Compares by each method of the rule in turn; the first difference decides, and where there is
/// none, the provider's copy is taken.
pub(crate) fn compare(
    name: &str,
    provider: Copy<'_>,
    runtime: Copy<'_>,
    rule: &Rule,
) -> Comparison {
    let same_build = match (&provider.library.elf.build_id, &runtime.library.elf.build_id) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    };
    if same_build {
        return Comparison { provider_wins: true, why: "both are the same build".into() };
    }
    for method in rule.methods() {
        if let Some((order, why)) = by(*method, name, provider, runtime, rule) {
            return Comparison { provider_wins: order.is_gt(), why };
        }
    }
    Comparison { provider_wins: true, why: "neither is newer".into() }
}

/// The provider's copy against the runtime's; `None` where this method cannot tell them apart.
fn by(
    method: Method,
    name: &str,
    provider: Copy<'_>,
    runtime: Copy<'_>,
    rule: &Rule,
) -> Option<(Ordering, String)> {
    match method {
        Method::Name => {
            let (p, r) = (provider.file_name(), runtime.file_name());
            // A file that is named as the library itself has no version in its name.
            if p == r || p == name || r == name {
                return None;
            }
            let order = version_order(p.as_bytes(), r.as_bytes());
            let (newer, older) = if order.is_gt() { (p, r) } else { (r, p) };
            (order != Ordering::Equal).then(|| (order, format!("{newer} is newer than {older}")))
        }
        Method::Versions => {
            let public = |copy: Copy<'_>| -> BTreeSet<String> {
                let all = copy.library.elf.defines.iter();
                all.filter(|v| rule.public_version(v)).cloned().collect()
            };
            by_sets(&public(provider), &public(runtime), "symbol version")
        }
        Method::Symbols => {
            let public = |copy: Copy<'_>| -> Option<BTreeSet<String>> {
                let all = elf::read_symbols(copy.root, &copy.library.file.path).ok()?;
                Some(all.into_iter().filter(|s| rule.public_symbol(s)).collect())
            };
            by_sets(&public(provider)?, &public(runtime)?, "symbol")
        }
        Method::Container => Some((Ordering::Less, "the runtime's is preferred".into())),
        Method::Provider => Some((Ordering::Greater, "neither is newer".into())),
    }
}

/// A strict superset is the better one.
fn by_sets(
    provider: &BTreeSet<String>,
    runtime: &BTreeSet<String>,
    what: &str,
) -> Option<(Ordering, String)> {
    let (order, more, less, whose) = if provider.is_superset(runtime) {
        (Ordering::Greater, provider, runtime, "the provider's")
    } else if runtime.is_superset(provider) {
        (Ordering::Less, runtime, provider, "the runtime's")
    } else {
        return None;
    };
    let first = more.difference(less).max_by(|a, b| newer(a, b))?;
    let others = more.len() - less.len() - 1;
    let and = if others == 0 { String::new() } else { format!(" and {others} more") };
    Some((order, format!("only {whose} has the {what} {first}{and}")))
}

/// The order in which versions of symbols are told: `GLIBC_2.36` says more than a marker such as
/// `GLIBC_ABI_DT_RELR`, whatever their names.
pub(crate) fn newer(a: &str, b: &str) -> Ordering {
    let numbered =
        |v: &str| v.rsplit('_').next().is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
    let names = || version_order(a.as_bytes(), b.as_bytes());
    numbered(a).cmp(&numbered(b)).then_with(names)
}

/// `strverscmp(3)`: runs of digits are compared as numbers, and as fractions where they start with
/// zero.
pub(crate) fn version_order(a: &[u8], b: &[u8]) -> Ordering {
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    if common == a.len() && common == b.len() {
        return Ordering::Equal;
    }
    // The run of digits that the first difference is in, or touches.
    let start = a[..common].iter().rposition(|c| !c.is_ascii_digit()).map_or(0, |i| i + 1);
    let digits = |s: &[u8]| s[start..].iter().take_while(|c| c.is_ascii_digit()).count();
    let (in_a, in_b) = (digits(a), digits(b));
    let differing = (a.get(common).copied(), b.get(common).copied());
    if in_a == 0 || in_b == 0 {
        return differing.0.cmp(&differing.1);
    }
    let zeros = |s: &[u8], n: usize| s[start..start + n].iter().take_while(|c| **c == b'0').count();
    let (zeros_a, zeros_b) = (zeros(a, in_a), zeros(b, in_b));
    // "0" alone is an integral number; a zero before other digits makes a fraction.
    let fraction = |zeros: usize, digits: usize| zeros > 0 && digits > 1;
    match (fraction(zeros_a, in_a), fraction(zeros_b, in_b)) {
        (false, false) => in_a.cmp(&in_b).then(differing.0.cmp(&differing.1)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        // More leading zeros: smaller. "00" < "01" < "010" < "09".
        (true, true) => {
            let all_zero = |zeros: usize, digits: usize| zeros == digits;
            match (all_zero(zeros_a, in_a), all_zero(zeros_b, in_b)) {
                (true, true) => in_b.cmp(&in_a),
                _ => zeros_b.cmp(&zeros_a).then(differing.0.cmp(&differing.1)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_names() {
        // Ascending as strverscmp(3) has them: its man page's examples, and names of real files.
        for ascending in [
            &["000", "00", "01", "010", "09", "0", "1", "9", "10"][..],
            &["jan1", "jan2", "jan10"],
            &["libz.so.1.2.3", "libz.so.1.2.3.4", "libz.so.1.2.11", "libz.so.1.2.13"],
            &["libc-2.9.so", "libc-2.31.so"],
            &["libdrm.so.2.4.0", "libdrm.so.2.123.0"],
            &["libelf-0.183.so", "libelf-0.188.so"],
            &["a", "b"],
            &["", "a"],
        ] {
            for (i, a) in ascending.iter().enumerate() {
                for (j, b) in ascending.iter().enumerate() {
                    assert_eq!(
                        version_order(a.as_bytes(), b.as_bytes()),
                        i.cmp(&j),
                        "{a} against {b}"
                    );
                }
            }
        }
    }

    #[test]
    fn markers_are_no_versions() {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<BTreeSet<_>>();
        let provider = set(&["GLIBC_2.30", "GLIBC_2.36", "GLIBC_ABI_DT_RELR"]);
        let told = by_sets(&provider, &set(&["GLIBC_2.30"]), "symbol version").map(|(_, why)| why);
        assert_eq!(
            told.as_deref(),
            Some("only the provider's has the symbol version GLIBC_2.36 and 1 more")
        );
    }

    #[test]
    fn sets() {
        let set = |s: &str| -> BTreeSet<String> { s.split_whitespace().map(Into::into).collect() };
        for (provider, runtime, want) in [
            ("V1 V2", "V1", Some((Ordering::Greater, "only the provider's has the x V2"))),
            (
                "V1",
                "V1 V9 V10",
                Some((Ordering::Less, "only the runtime's has the x V10 and 1 more")),
            ),
            ("V1", "V1", None),
            ("V1 V2", "V1 V3", None),
            ("", "", None),
        ] {
            let got = by_sets(&set(provider), &set(runtime), "x");
            assert_eq!(got, want.map(|(o, w)| (o, w.to_owned())), "{provider} | {runtime}");
        }
    }
}
