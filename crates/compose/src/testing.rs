//! Trees and facts for tests.

use crate::facts::{Facts, Inherited, User};
use inspect::root::{Form, Root};
use plan::HostPath;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Facts about a machine whose root is the directory `host`.
pub(crate) fn facts(host: &Path, environment: &[(&str, &str)]) -> Facts {
    Facts {
        environment: environment.iter().copied().collect::<Inherited>(),
        user: User { uid: 1000, gid: 1000 },
        hostname: "box".into(),
        host: Root::with_form(HostPath::new(host).unwrap(), Form::Full).unwrap(),
        mounts: vec![],
        native: Some(plan::Tuple::X86_64),
        accessibility_bus: None,
    }
}

/// Makes a tree from lines: `dir/`, `link -> target`, `file = content`, `elf ELF-TUPLE` and `file`.
pub(crate) fn tree(base: &Path, lines: &[&str]) {
    for line in lines {
        if let Some((link, target)) = line.split_once(" -> ") {
            parents(&base.join(link));
            symlink(target, base.join(link)).unwrap();
        } else if let Some((file, content)) = line.split_once(" = ") {
            parents(&base.join(file));
            std::fs::write(base.join(file), content).unwrap();
        } else if let Some((file, machine)) = line.split_once(" elf ") {
            parents(&base.join(file));
            std::fs::write(base.join(file), elf(machine)).unwrap();
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(base.join(file), mode).unwrap();
        } else if line.ends_with('/') {
            std::fs::create_dir_all(base.join(line)).unwrap();
        } else {
            parents(&base.join(line));
            std::fs::write(base.join(line), "").unwrap();
        }
    }
}

fn parents(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
}

/// An ELF header and nothing else (elf(5)).
fn elf(tuple: &str) -> Vec<u8> {
    let tuple: plan::Tuple = tuple.parse().unwrap();
    let mut out = vec![0; 64];
    out[..4].copy_from_slice(b"\x7fELF");
    out[4] = if tuple.is_64_bit() { 2 } else { 1 };
    out[5] = 1;
    out[6] = 1;
    out[16] = 3;
    out[18..20].copy_from_slice(&tuple.machine().to_le_bytes());
    out[20] = 1;
    out
}
