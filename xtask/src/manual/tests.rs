use super::*;
use crate::shell::{need, run};

/// Everything that can be asked for is in a page.
#[test]
fn pages_have_every_option() {
    for program in options::ALL {
        let text = roff::text(&Page::of_program(program), "2026-01-01");
        for option in program.options.iter().filter(|option| option.shown()) {
            let name = format!("\\-\\-{}", option.long.replace('-', "\\-"));
            assert!(text.contains(&name), "{} --{}", program.name(), option.long);
        }
        for variable in program.variables {
            assert!(text.contains(variable.name), "{} {}", program.name(), variable.name);
        }
    }
    let names: Vec<_> = pages().into_iter().map(|page| page.name).collect();
    for name in ["bathysphere", "bathysphere-run", "bathysphere-uninstall", "_v2-entry-point"] {
        assert!(names.iter().any(|known| known == name), "{names:?}");
    }
}

#[test]
fn text_stands_for_itself() {
    let row = |term: &str, text: &str| vec![(term.to_owned(), text.to_owned())];
    let page = Page {
        name: "x".into(),
        summary: "a\\b".into(),
        usages: vec!["x [OPTION…]".into()],
        about: vec![".one".into(), "'two".into()],
        options: row("--o-p V", "first\n.second"),
        commands: vec![],
        variables: vec![],
        statuses: vec![],
        see: vec!["y".into()],
    };
    let text = roff::text(&page, "2026-01-01");
    let want = ".SH NAME\nx \\- a\\eb\n.SH SYNOPSIS\n\\fBx\\fR [OPTION...]\n.SH DESCRIPTION\n\
        \\&.one\n.PP\n\\&'two\n.SH OPTIONS\n.TP\n\\fB\\-\\-o\\-p V\\fR\nfirst\n.br\n\\&.second\n\
        .SH SEE ALSO\n.BR y (1)\n";
    assert!(text.ends_with(want), "{text}");
}

/// Both readers of pages have nothing to object to.
#[test]
fn readers_understand_the_pages() {
    let share = tempfile::tempdir().unwrap();
    write(share.path()).unwrap();
    let directory = share.path().join("man/man1");
    let mut pages: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|e| e.unwrap().path()).collect();
    pages.sort();
    let mut lint = vec!["mandoc".into(), "-T".into(), "lint".into(), "-W".into(), "warning".into()];
    lint.extend(pages.iter().map(|path| path.display().to_string()));
    let said = need!(run(&lint, &[]));
    assert_eq!(said, "", "mandoc");
    for page in &pages {
        let words = ["man", "--warnings", "-l", page.to_str().unwrap()].map(String::from);
        let said =
            need!(run(&words, &[("MANROFFSEQ", ""), ("MANPAGER", "cat"), ("MANWIDTH", "80")]));
        assert!(said.contains("NAME"), "{}: {said}", page.display());
        assert!(!said.contains("warning:"), "{}: {said}", page.display());
    }
}

/// Who comes from pressure-vessel finds every option and variable that is started from outside.
#[test]
fn the_guide_has_every_option() {
    let guide = include_str!("../../../docs/migrating.md");
    for name in ["pressure-vessel-wrap", "_v2-entry-point"] {
        let program = options::named(name.as_ref()).unwrap();
        let shown = program.options.iter().filter(|option| option.shown());
        for option in shown.filter(|_| name == "pressure-vessel-wrap") {
            let row = format!("| `--{}", option.long);
            assert!(guide.contains(&row), "docs/migrating.md has no row for --{}", option.long);
        }
        for variable in program.variables {
            let word = format!("`{}`", variable.name);
            assert!(guide.contains(&word), "docs/migrating.md does not have {}", variable.name);
        }
    }
}
