//! Where qemu-user looks for foreign files.
//!
//! Mirrors linux-user/main.c (`interp_prefix`): `-L`, else `$QEMU_LD_PREFIX`, else the prefix that was
//! compiled in, in which `%M` stands for the machine. A prefix that does not exist is no error of its.

use crate::manifest::Environment;
use crate::root::{Kind, Resolved, Root};
use plan::{RootPath, Tuple};

/// Prefixes that are compiled in (`--interp-prefix`): Debian's, then upstream's default.
const PREFIXES: &[&str] = &["/etc/qemu-binfmt/%M", "/usr/gnemul/qemu-%M"];

/// A prefix that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// As it was named.
    pub path: RootPath,
    /// What names it: a variable, or `compiled in`.
    pub origin: &'static str,
    /// What is there: a directory.
    pub directory: Option<Resolved>,
}

/// qemu's name of an architecture (`UNAME_MACHINE`, and the end of its programs' names).
pub fn machine(tuple: Tuple) -> &'static str {
    match tuple {
        Tuple::X86_64 => "x86_64",
        Tuple::I386 => "i386",
        Tuple::Aarch64 => "aarch64",
    }
}

/// The prefixes that may be in force for an architecture, the strongest first. A variable excludes
/// the others; of those compiled in, only qemu knows which it has, so the first that exists is a
/// guess that nothing contradicts.
pub fn prefixes(root: &Root, env: &Environment, tuple: Tuple) -> Vec<Prefix> {
    let prefix = |path: RootPath, origin| {
        let directory = root.find(&path).filter(|found| found.kind == Kind::Directory);
        Prefix { path, origin, directory }
    };
    if let Some(value) = env.get("QEMU_LD_PREFIX").filter(|v| !v.is_empty()) {
        let base = env.working_directory.clone().unwrap_or_else(RootPath::root);
        let path = root.without_dot_dot(&base, value).ok();
        return path.map(|p| prefix(p, "$QEMU_LD_PREFIX")).into_iter().collect();
    }
    let filled = PREFIXES.iter().map(|p| p.replace("%M", machine(tuple)));
    filled.filter_map(|p| RootPath::new(p).ok()).map(|p| prefix(p, "compiled in")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::HostPath;
    use testkit::TreeBuilder;

    #[test]
    fn a_variable_excludes_the_others() {
        let tree = TreeBuilder::new().unwrap();
        let tree = tree.table("usr/\netc/qemu-binfmt/x86_64/\nhome/arm/\nhome/file = x").unwrap();
        let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
        let found = |value: Option<&str>, tuple| -> Vec<_> {
            let mut env = Environment::new(value.map(|v| ("QEMU_LD_PREFIX", v)));
            env.working_directory = Some(RootPath::literal("/home"));
            let all = prefixes(&root, &env, tuple);
            all.iter().map(|p| (p.path.to_string(), p.origin, p.directory.is_some())).collect()
        };
        let row = |path: &str, origin, there| (path.to_owned(), origin, there);
        assert_eq!(
            found(None, Tuple::X86_64),
            [
                row("/etc/qemu-binfmt/x86_64", "compiled in", true),
                row("/usr/gnemul/qemu-x86_64", "compiled in", false),
            ]
        );
        assert!(found(None, Tuple::I386).iter().all(|(_, _, there)| !there));
        for (value, want) in [
            ("/home/arm", row("/home/arm", "$QEMU_LD_PREFIX", true)),
            ("arm", row("/home/arm", "$QEMU_LD_PREFIX", true)),
            ("/home/file", row("/home/file", "$QEMU_LD_PREFIX", false)),
            ("/gone", row("/gone", "$QEMU_LD_PREFIX", false)),
        ] {
            assert_eq!(found(Some(value), Tuple::Aarch64), [want], "{value}");
        }
    }
}
