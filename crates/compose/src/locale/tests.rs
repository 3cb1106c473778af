use super::*;
use plan::HostPath;
use testkit::TreeBuilder;

const MOUNT: &str = "/run/host";

/// Data of a category: the two words that are looked at.
fn category(items: u32) -> Vec<u8> {
    [0x2009_0720_u32, items].iter().flat_map(|w| w.to_le_bytes()).collect()
}

/// A locale as directory, of which all categories have this number of items.
fn directory(mut tree: TreeBuilder, name: &str, items: u32) -> TreeBuilder {
    for (_, file) in compiled::CATEGORIES {
        tree = tree.file(format!("usr/lib/locale/{name}/{file}"), &category(items)).unwrap();
    }
    tree
}

/// An archive with these locales, laid out as localedef does: header, name table, strings, records.
fn archive(names: &[&str], items: u32) -> Vec<u8> {
    let mut strings = vec![];
    let mut starts = vec![];
    let string_offset = 56 + names.len() * 12;
    for name in names {
        starts.push(string_offset + strings.len());
        strings.extend(name.bytes().chain([0]));
    }
    let records = string_offset + strings.len();
    let data = records + names.len() * 108;
    let count = names.len();
    let mut words: Vec<usize> =
        vec![0xde02_0109, 1, 56, count, count, string_offset, strings.len(), strings.len()];
    words.extend([records, count, count, 0, 0, 0]);
    for (i, start) in starts.iter().enumerate() {
        words.extend([7, *start, records + i * 108]);
    }
    let bytes = |words: &[usize]| -> Vec<u8> {
        words.iter().flat_map(|w| u32::try_from(*w).unwrap().to_le_bytes()).collect()
    };
    let mut out = bytes(&words);
    out.extend(strings);
    for _ in names {
        out.extend(bytes(&[1]));
        (0..13).for_each(|_| out.extend(bytes(&[data, 8])));
    }
    out.extend(category(items));
    out
}

fn tree() -> TreeBuilder {
    TreeBuilder::new().unwrap().table("usr/lib/").unwrap()
}

fn with_archive(tree: TreeBuilder, names: &[&str], items: u32) -> TreeBuilder {
    tree.file("usr/lib/locale/locale-archive", &archive(names, items)).unwrap()
}

fn root(tree: &TreeBuilder) -> Root {
    Root::open(HostPath::new(tree.path()).unwrap()).unwrap()
}

fn run(provider: &TreeBuilder, runtime: &TreeBuilder, glibc: Origin, lang: &str) -> Locales {
    let requested = BTreeMap::from([("LANG".to_owned(), lang.to_owned())]);
    let (provider, runtime) = (root(provider), root(runtime));
    decide(&Input {
        runtime: &runtime,
        provider: Some(&provider),
        provider_mount: ContainerPath::literal(MOUNT),
        glibc: &BTreeMap::from([(Tuple::X86_64, glibc)]),
        requested: &requested,
        generated: &BTreeMap::new(),
    })
}

fn entries(locales: &Locales) -> Vec<(String, String)> {
    let text = |e: &LayerEntry| match e {
        LayerEntry::Symlink { target } => target.to_string(),
        other => format!("{other:?}"),
    };
    locales.entries.iter().map(|(p, e)| (p.to_string(), text(e))).collect()
}

#[test]
fn what_the_container_gets() {
    const P: Origin = Origin::Provider;
    const R: Origin = Origin::Runtime;
    let dir = "/usr/lib/locale";
    let whole = vec![(dir.to_owned(), format!("{MOUNT}{dir}"))];
    let only = |tail: &str| vec![(format!("{dir}/{tail}"), format!("{MOUNT}{dir}/{tail}"))];
    let none: Vec<(String, String)> = vec![];
    let provider = || with_archive(directory(tree(), "C.utf8", 70), &["de_DE.utf8"], 70);
    let runtime = || directory(tree(), "C.utf8", 70);
    let in_runtime = || with_archive(runtime(), &["fr_FR.utf8"], 70);
    let older = || with_archive(directory(tree(), "C.utf8", 60), &["de_DE.utf8"], 60);
    for (case, provider, runtime, glibc, lang, want, served) in [
        (
            "the provider's C library",
            provider(),
            runtime(),
            P,
            "de_DE.UTF-8",
            whole.clone(),
            Some(P),
        ),
        ("built in", provider(), runtime(), P, "C", whole.clone(), None),
        ("the runtime has it", provider(), in_runtime(), R, "fr_FR.UTF-8", none.clone(), Some(R)),
        (
            "only the provider has it",
            provider(),
            runtime(),
            R,
            "de_DE.UTF-8",
            only("locale-archive"),
            Some(P),
        ),
        (
            "as a directory",
            directory(tree(), "de_DE.utf8", 71),
            runtime(),
            R,
            "de_DE.UTF-8",
            only("de_DE.utf8"),
            Some(P),
        ),
        ("compiled for an older one", older(), runtime(), R, "de_DE.UTF-8", none.clone(), None),
        ("nobody has it", provider(), runtime(), R, "xx_YY.UTF-8", none.clone(), None),
        ("no locales at all", tree(), runtime(), R, "C.UTF-8", none.clone(), Some(R)),
    ] {
        let locales = run(&provider, &runtime, glibc, lang);
        assert_eq!(entries(&locales), want, "{case}");
        let verdict = locales
            .decisions
            .iter()
            .find(|d| d.subject == Subject::Other { name: format!("locale {lang}") });
        let origin = verdict.and_then(|d| match d.verdict {
            Verdict::Taken { origin, .. } => Some(origin),
            _ => None,
        });
        assert_eq!(origin, served, "{case}");
        let missing = served.is_none() && lang != "C";
        assert_eq!(!locales.warnings.is_empty(), missing, "{case}: {:?}", locales.warnings);
    }
}

#[test]
fn both_roots_are_merged() {
    // The provider rules, and the runtime has what is asked for.
    let provider = with_archive(directory(tree(), "C.utf8", 70), &["de_DE.utf8"], 70);
    let runtime = directory(directory(tree(), "C.UTF-8", 70), "fr_FR.utf8", 70);
    let locales = run(&provider, &runtime, Origin::Provider, "fr_FR.UTF-8");
    let at =
        |tail: &str| (format!("/usr/lib/locale/{tail}"), format!("{MOUNT}/usr/lib/locale/{tail}"));
    assert_eq!(entries(&locales), [at("C.utf8"), at("locale-archive")]);
    assert!(locales.warnings.is_empty());
}

#[test]
fn damaged_archives_are_left_aside() {
    let good = archive(&["de_DE.utf8"], 70);
    for length in (0..good.len()).step_by(7) {
        let provider = tree().file("usr/lib/locale/locale-archive", &good[..length]).unwrap();
        let runtime = directory(tree(), "C.utf8", 70);
        let locales = run(&provider, &runtime, Origin::Runtime, "de_DE.UTF-8");
        assert_eq!(locales.warnings.len(), 1, "{length}");
    }
    for position in (0..good.len() - 4).step_by(8) {
        let mut bad = good.clone();
        bad[position..position + 4].copy_from_slice(&[0xff; 4]);
        let provider = tree().file("usr/lib/locale/locale-archive", &bad).unwrap();
        // Must not panic; what comes of it depends on what was hit.
        run(&provider, &tree(), Origin::Provider, "de_DE.UTF-8");
    }
}

/// What nobody has comes from what was generated, in place of a warning; what its C library would refuse
/// does not.
#[test]
fn generated_ones_serve_where_nothing_else_does() {
    for (items, rules, taken) in
        [(70, Origin::Runtime, true), (60, Origin::Runtime, false), (70, Origin::Provider, true)]
    {
        let provider = directory(tree(), "C.utf8", 70);
        let runtime = directory(tree(), "C.utf8", 70);
        let made = directory(TreeBuilder::new().unwrap(), "x", items);
        let place = HostPath::new(made.path().join("usr/lib/locale/x")).unwrap();
        let requested = BTreeMap::from([("LANG".to_owned(), "de_AT.UTF-8".to_owned())]);
        let (provider, runtime) = (root(&provider), root(&runtime));
        let locales = decide(&Input {
            runtime: &runtime,
            provider: Some(&provider),
            provider_mount: ContainerPath::literal(MOUNT),
            glibc: &BTreeMap::from([(Tuple::X86_64, rules)]),
            requested: &requested,
            generated: &BTreeMap::from([("de_AT.UTF-8".to_owned(), place.clone())]),
        });
        let at = RootPath::literal("/usr/lib/locale/de_AT.utf8/LC_TIME");
        let source = match locales.entries.get(&at) {
            Some(LayerEntry::CopyOf { source, .. }) => Some(source.clone()),
            _ => None,
        };
        assert_eq!(source, taken.then(|| place.at("LC_TIME")), "{items} {rules:?}");
        assert_eq!(locales.warnings.len(), usize::from(!taken));
        assert_eq!(locales.warnings.first().and_then(missing), (!taken).then_some("de_AT.UTF-8"));
        // The directory is no link to the provider's, in which nothing could be put.
        let whole = locales.entries.get(&RootPath::literal("/usr/lib/locale"));
        assert_eq!(whole, None);
    }
}

#[test]
fn names_for_localedef() {
    for (locale, want) in [
        ("de_AT.UTF-8", Some(("de_AT", "UTF-8"))),
        ("de_AT.UTF-8@euro", Some(("de_AT@euro", "UTF-8"))),
        ("-x", None),
        ("../x", None),
        ("a b", None),
        (".UTF-8", None),
    ] {
        let got = source_and_charset(locale);
        assert_eq!(got.as_ref().map(|(s, c)| (s.as_str(), *c)), want, "{locale}");
    }
}
