//! Whether symbol versions that a file needs are defined by the library that it will get.
//!
//! Mirrors glibc's elf/dl-version.c (`match_symbol`): a library without any version definition serves
//! with a complaint, a version that only weak references need may be missing, anything else that is
//! missing ends the program.

use inspect::elf::Elf;

/// A version that is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    /// The library that should have it, by the name in the file that needs it.
    pub(crate) library: String,
    pub(crate) version: String,
}

/// The versions that `elf` needs and that `provider`, asked by name, does not define. What the
/// provider does not find is missing as a library, not as a version.
pub(crate) fn missing<'e>(
    elf: &Elf,
    mut provider: impl FnMut(&str) -> Option<&'e Elf>,
) -> Vec<Missing> {
    let mut found = vec![];
    for (library, versions) in &elf.requires {
        let Some(provider) = provider(library) else { continue };
        let base = provider.base_version.iter();
        if provider.defines.is_empty() && provider.base_version.is_none() {
            continue;
        }
        for version in versions {
            let weak = elf.requires_weakly.iter().any(|(l, v)| l == library && v == version);
            let defined = provider.defines.iter().chain(base.clone()).any(|d| d == version);
            if !weak && !defined {
                found.push(Missing { library: library.clone(), version: version.clone() });
            }
        }
    }
    found
}

/// The highest version of the family of `version` that a library defines, such as `GLIBC_2.31` for
/// `GLIBC_2.34`.
pub(crate) fn highest<'e>(provider: &'e Elf, version: &str) -> Option<&'e str> {
    let (family, _) = version.rsplit_once('_')?;
    let number = |text: &str| -> Option<Vec<u32>> {
        let (own, number) = text.rsplit_once('_')?;
        (own == family).then(|| number.split('.').map(|n| n.parse().ok()).collect())?
    };
    let known = provider.defines.iter().filter_map(|d| number(d).map(|n| (n, d)));
    known.max().map(|(_, text)| text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use inspect::elf::parse;
    use plan::Tuple;
    use testkit::ElfBuilder;

    fn elf(builder: ElfBuilder) -> Elf {
        parse(&builder.build()).unwrap()
    }

    #[test]
    fn what_is_missing() {
        let shared = || ElfBuilder::shared(Tuple::X86_64);
        let libc = elf(shared().soname("libc.so.6").defines("GLIBC_2.2.5").defines("GLIBC_2.31"));
        let plain = elf(shared().soname("libp.so.1"));
        let needs = |file: &str, versions: &[&str]| elf(shared().requires(file, versions));
        let rows: &[(Elf, &[&str])] = &[
            (needs("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.31"]), &[]),
            (needs("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34"]), &["GLIBC_2.34"]),
            (needs("libc.so.6", &["GLIBC_ABI_DT_RELR"]), &["GLIBC_ABI_DT_RELR"]),
            // The name of the file is a version too.
            (needs("libc.so.6", &["libc.so.6"]), &[]),
            (needs("libp.so.1", &["P_1"]), &[]),
            (needs("libother.so", &["X_1"]), &[]),
        ];
        for (elf, want) in rows {
            let provider = |name: &str| match name {
                "libc.so.6" => Some(&libc),
                "libp.so.1" => Some(&plain),
                _ => None,
            };
            let missing = missing(elf, provider);
            let versions: Vec<&str> = missing.iter().map(|m| m.version.as_str()).collect();
            assert_eq!(versions, *want, "{:?}", elf.requires);
        }
        let mut weak = needs("libc.so.6", &["GLIBC_2.34"]);
        weak.requires_weakly = vec![("libc.so.6".into(), "GLIBC_2.34".into())];
        assert_eq!(missing(&weak, |_| Some(&libc)), []);
    }

    #[test]
    fn the_highest_of_a_family() {
        let shared = ElfBuilder::shared(Tuple::X86_64).soname("libc.so.6");
        let names = ["GLIBC_2.2.5", "GLIBC_2.31", "GLIBC_2.4", "GLIBC_PRIVATE", "OTHER_9"];
        let libc = elf(names.iter().fold(shared, |b, v| b.defines(v)));
        for (version, want) in [
            ("GLIBC_2.34", Some("GLIBC_2.31")),
            ("OTHER_1", Some("OTHER_9")),
            ("NONE_1", None),
            ("odd", None),
        ] {
            assert_eq!(highest(&libc, version), want, "{version}");
        }
    }
}
