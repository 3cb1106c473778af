//! What a directory is as a runtime, for whoever only wants to know.

use crate::runtime;
use inspect::root::{Form, Layout, Root};
use plan::{HostPath, Problem, Tuple};

/// A runtime at a glance.
#[derive(Clone, Debug)]
pub struct RuntimeSummary {
    /// The architectures that it has, each with a program interpreter.
    pub tuples: Vec<Tuple>,
    /// `depot`, `sysroot`, or `usr` for a merged `/usr` alone.
    pub form: &'static str,
    /// Which of its top directories are links; only for a `sysroot`.
    pub layout: Option<Layout>,
    /// What its `os-release` calls it.
    pub name: Option<String>,
}

/// Looks at the runtime at `path`, a path of the real root `raw`, as a launch would.
///
/// # Errors
/// The problem with which a launch would stop.
pub fn runtime_summary(raw: &Root, path: &HostPath) -> Result<RuntimeSummary, Problem> {
    let runtime = runtime::open(raw, path, &[])?;
    let root = runtime.root;
    Ok(RuntimeSummary {
        form: match root.form() {
            Form::Full => "sysroot",
            Form::Usr => "usr",
            Form::Depot(_) => "depot",
        },
        layout: matches!(root.form(), Form::Full).then(|| root.layout()),
        name: os_name(&root),
        tuples: runtime.tuples,
    })
}

/// The files of the runtime at `path`: a root, or a merged `/usr`.
///
/// # Errors
/// As [`runtime_summary`].
pub fn runtime_files(raw: &Root, path: &HostPath) -> Result<HostPath, Problem> {
    Ok(runtime::open(raw, path, &[])?.root.path().clone())
}

/// `PRETTY_NAME` of a root's `os-release` (os-release(5)).
pub fn os_name(root: &Root) -> Option<String> {
    let places = ["/etc/os-release", "/usr/lib/os-release", "/lib/os-release"];
    let content = places.iter().find_map(|path| {
        root.read(&plan::RootPath::literal(path)).ok().filter(|c| !c.is_empty())
    })?;
    let text = String::from_utf8_lossy(&content);
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?.trim();
    let value = value.trim_matches(['"', '\'']);
    // It goes to a terminal.
    Some(value.chars().filter(|c| !c.is_control()).take(80).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::TreeBuilder;

    #[test]
    fn names_of_systems() {
        for (table, want) in [
            ("usr/lib/os-release = PRETTY_NAME='Steam Runtime 3'", Some("Steam Runtime 3")),
            ("usr/lib/os-release = NAME=x", None),
            ("usr/", None),
        ] {
            let tree = TreeBuilder::new().unwrap().table(table).unwrap();
            let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
            assert_eq!(os_name(&root).as_deref(), want, "{table}");
        }
        let text = b"ID=x\nPRETTY_NAME=\"Debian\x1b GNU/Linux 12\"\n";
        let tree = TreeBuilder::new().unwrap().file("etc/os-release", text).unwrap();
        let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
        assert_eq!(os_name(&root).as_deref(), Some("Debian GNU/Linux 12"));
    }
}
