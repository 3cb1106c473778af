//! The initial file system of the virtual machine: busybox, modules, and the script that finds the root.
//!
//! Written as a `cpio` archive of the "newc" format (Linux: `Documentation/driver-api/early-userspace/buffer-format.rst`).

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::{Context, Result};

const INIT: &str = include_str!("init.sh");

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

/// Writes the archive; `kernel` is the laboratory's root with the kernel.
pub(super) fn write(kernel: &Path, out: impl Write) -> Result<()> {
    let mut archive = Archive { out: BufWriter::new(out), number: 0 };
    let mut members: Vec<(String, u32, Vec<u8>)> = ["dev", "modules", "proc", "root", "sys"]
        .iter()
        .map(|name| ((*name).to_owned(), DIRECTORY, Vec::new()))
        .collect();
    let order = read(&kernel.join("order"))?;
    for module in String::from_utf8_lossy(&order).lines() {
        let content = read(&kernel.join("modules").join(module))?;
        members.push((format!("modules/{module}"), PROGRAM, content));
    }
    members.push(("order".to_owned(), PROGRAM, order));
    members.push(("busybox".to_owned(), PROGRAM, read(&kernel.join("busybox"))?));
    members.push(("init".to_owned(), PROGRAM, INIT.as_bytes().to_vec()));
    members.push(("TRAILER!!!".to_owned(), 0, Vec::new()));
    for (name, mode, content) in members {
        archive.member(&name, mode, &content).context("writing the initial file system")?;
    }
    archive.out.flush().context("writing the initial file system")
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).at("reading", path)
}

struct Archive<W: Write> {
    out: W,
    number: u32,
}

impl<W: Write> Archive<W> {
    fn member(&mut self, name: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.number += 1;
        let length = |bytes: usize| u32::try_from(bytes).map_err(io::Error::other);
        let fields = [
            self.number,
            mode,
            0,
            0,
            1,
            0,
            length(content.len())?,
            0,
            0,
            0,
            0,
            length(name.len() + 1)?,
            0,
        ];
        let mut header = String::from("070701");
        for field in fields {
            header += &format!("{field:08x}");
        }
        self.out.write_all(header.as_bytes())?;
        self.out.write_all(name.as_bytes())?;
        self.out.write_all(b"\0")?;
        self.pad(header.len() + name.len() + 1)?;
        self.out.write_all(content)?;
        self.pad(content.len())
    }

    /// Fills up to the next multiple of four.
    fn pad(&mut self, length: usize) -> io::Result<()> {
        self.out.write_all(&[0; 3][..(4 - length % 4) % 4])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_aligned() {
        let mut archive = Archive { out: Vec::new(), number: 0 };
        archive.member("ab", PROGRAM, b"x").unwrap();
        let out = archive.out;
        assert_eq!(out.len(), 116 + 4, "{out:?}");
        assert!(out.starts_with(b"07070100000001000081ed"));
        assert_eq!(&out[110..118], b"ab\0\0\0\0x\0");
    }
}
