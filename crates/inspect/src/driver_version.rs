//! The version of a driver, read from its file: the string that Mesa's libraries have for
//! `GL_VERSION` and `VkPhysicalDeviceDriverProperties`. Nothing is loaded or executed.

use crate::root::{Resolved, Root};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;

/// What comes before the version, and what may come after it.
struct Mark {
    before: &'static [u8],
    after: &'static [&'static [u8]],
}

/// In the order in which they are believed. Machine code that puts a text together in pieces has something
/// else after it.
const MARKS: &[Mark] = &[
    // `src/mesa/main/version.c`, and `driverInfo` of Mesa's Vulkan drivers.
    Mark { before: b"Mesa ", after: &[b"\0", b" ", b"\n", b"(", b"%s"] },
    // `vaQueryVendorString` of Mesa's VA-API drivers.
    Mark { before: b"Mesa Gallium driver ", after: &[b" for"] },
    // The identifiers of traces, in drivers whose `driverInfo` is put together so (Intel's).
    Mark { before: b"%s ", after: &[b" build "] },
];

/// The longest text before and after a version, in bytes.
const AROUND: usize = 24;

/// A driver is read piece by piece, in bytes; of no file more is read than the second number.
const PIECE: usize = 256 << 10;
const FILE_BYTES: u64 = 256 << 20;

/// Longest version, in bytes: `25.0.7-2+deb13u1`, `24.1.0-devel (git-0123456789)` is cut at its space.
const LONGEST: usize = 40;

/// Such as `22.3.6`; `None` where the file has no such string, or cannot be read.
pub fn mesa(root: &Root, file: &Resolved) -> Option<String> {
    let mut source = File::from(root.open_file(file).ok()??);
    let mut start = Vec::with_capacity(HEADERS);
    source.by_ref().take(HEADERS as u64).read_to_end(&mut start).ok()?;
    let whole = || std::iter::once(0..file.identity.size).collect::<Vec<_>>();
    let mut ranges = constants(&start).filter(|ranges| !ranges.is_empty()).unwrap_or_else(whole);
    // The constants come after the symbols, which are in the first such part.
    ranges.reverse();
    let mut left = FILE_BYTES;
    ranges.into_iter().find_map(|range| {
        let size = range.end.saturating_sub(range.start).min(left);
        left -= size;
        in_part(&mut source, range.start, size)
    })
}

/// The first version in `size` bytes of the file from `start`.
fn in_part(source: &mut File, start: u64, size: u64) -> Option<String> {
    source.seek(SeekFrom::Start(start)).ok()?;
    let mut source = source.take(size);
    let mut buffer = Vec::with_capacity(PIECE + LONGEST + AROUND);
    loop {
        let before = buffer.len();
        let read = source.by_ref().take(PIECE as u64).read_to_end(&mut buffer).ok()?;
        let is_end = read == 0;
        if let Some(version) = in_bytes(&buffer, is_end) {
            return Some(version);
        }
        if is_end {
            return None;
        }
        // What may be the start of a string that goes on in the next piece.
        let keep = (LONGEST + AROUND).min(before + read);
        buffer.drain(..buffer.len() - keep);
    }
}

/// Where ELF header and program headers are looked for, in bytes.
const HEADERS: usize = 4096;

/// The parts of an ELF file that are loaded to be read only: neither code nor data. They are a fraction of
/// a driver, and have all constants. `None` for what is no ELF file as linkers write it; empty where code
/// and constants are not separated.
fn constants(start: &[u8]) -> Option<Vec<Range<u64>>> {
    const PT_LOAD: u64 = 1;
    const PF_R: u64 = 4;
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = start.get(at..at.checked_add(size)?)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    };
    // Little-endian files only, as all known architectures have them (elf(5), Elf32_Phdr, Elf64_Phdr).
    let is_64 = match start.get(..6)? {
        [0x7f, b'E', b'L', b'F', 2, 1] => true,
        [0x7f, b'E', b'L', b'F', 1, 1] => false,
        _ => return None,
    };
    let (table, entry, count) = if is_64 {
        (number(32, 8)?, number(54, 2)?, number(56, 2)?)
    } else {
        (number(28, 4)?, number(42, 2)?, number(44, 2)?)
    };
    let mut ranges = vec![];
    for index in 0..count.min(64) {
        let at = usize::try_from(table.checked_add(index * entry)?).ok()?;
        let (flags, offset, size) = if is_64 {
            (
                number(at.checked_add(4)?, 4)?,
                number(at.checked_add(8)?, 8)?,
                number(at.checked_add(32)?, 8)?,
            )
        } else {
            (
                number(at.checked_add(24)?, 4)?,
                number(at.checked_add(4)?, 4)?,
                number(at.checked_add(16)?, 4)?,
            )
        };
        if number(at, 4)? == PT_LOAD && flags == PF_R {
            ranges.push(offset..offset.checked_add(size)?);
        }
    }
    Some(ranges)
}

/// The name of the library that has all of Mesa's OpenGL drivers (Mesa 24.2 and later) has the version:
/// `libgallium-25.0.7-2+deb13u1.so`.
pub fn in_name(name: &str) -> Option<&str> {
    let version = name.strip_prefix("libgallium-")?.strip_suffix(".so")?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

/// The first version in these bytes. One that touches their end counts only if that is the file's.
fn in_bytes(bytes: &[u8], is_end: bool) -> Option<String> {
    MARKS.iter().find_map(|mark| by_mark(mark, bytes, is_end))
}

fn by_mark(mark: &Mark, bytes: &[u8], is_end: bool) -> Option<String> {
    let mut from = 0;
    while let Some(at) = find(&bytes[from..], mark.before).map(|at| from + at) {
        from = at + mark.before.len();
        let rest = &bytes[from..];
        let is_part = |b: &&u8| b.is_ascii_alphanumeric() || b".-+~".contains(b);
        let length = rest.iter().take(LONGEST).take_while(is_part).count();
        let after = &rest[length..];
        let ends = (after.is_empty() && is_end) || mark.after.iter().any(|a| after.starts_with(a));
        let text = String::from_utf8_lossy(&rest[..length]).into_owned();
        if ends && is_version(&text) {
            return Some(text);
        }
    }
    None
}

/// Two numbers with a dot between them, and whatever follows.
fn is_version(text: &str) -> bool {
    let mut parts = text.splitn(2, '.');
    let number =
        |part: Option<&str>| part.is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()));
    number(parts.next()) && number(parts.next())
}

/// Where the text is. Looks for its first byte, which is rare in machine code, before the rest.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + bytes[from..].iter().position(|b| Some(b) == text.first())?;
        if bytes[at..].starts_with(text) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plan::{HostPath, RootPath};
    use testkit::TreeBuilder;

    #[test]
    fn versions_in_bytes() {
        for (bytes, want) in [
            (&b"\0Mesa 22.3.6\0"[..], Some("22.3.6")),
            (
                b"Mesa DRI %s\0Mesa Project\0OpenGL 4.5 (Core Profile) Mesa 25.0.7-2+deb13u1\0",
                Some("25.0.7-2+deb13u1"),
            ),
            (b"Mesa 24.1.0-devel (git-abc)\0", Some("24.1.0-devel")),
            (b"Mesa 3D\0Mesa ", None),
            (b"MMesa 1.2\0", Some("1.2")),
            // Instructions that store the text in two parts (libvulkan_intel.so of Debian 12).
            (b"Mesa 22.H\xba3.6\0", None),
            (b"Mesa 22.H\0%s 22.3.6 build \0", Some("22.3.6")),
            (b"%s 22.3.6 of\0", None),
            (b"Mesa 22.3.6%s\0", Some("22.3.6")),
            (b"Mesa Gallium driver 20.3.5 for %s\0", Some("20.3.5")),
            (b"Mesa 22.\x48\0 Mesa 22.3\x8b", None),
            (b"", None),
        ] {
            assert_eq!(in_bytes(bytes, true).as_deref(), want, "{}", bytes.escape_ascii());
        }
        assert_eq!(in_bytes(b"Mesa 22.3", false), None);
    }

    #[test]
    fn versions_in_names() {
        assert_eq!(in_name("libgallium-24.2.8-1ubuntu1.so"), Some("24.2.8-1ubuntu1"));
        assert_eq!(in_name("libgallium_drv_video.so"), None);
        assert_eq!(in_name("libgallium-.so"), None);
    }

    /// Only what is read-only counts, the last part of that first; what is cut short has none.
    #[test]
    fn parts_of_a_file() {
        let mut header = vec![0; 64 + 3 * 56];
        header[..6].copy_from_slice(b"\x7fELF\x02\x01");
        header[32] = 64;
        header[54] = 56;
        header[56] = 3;
        for (index, (flags, offset)) in [(4, 0), (5, 1), (4, 2)].into_iter().enumerate() {
            let at = 64 + index * 56;
            header[at] = 1;
            header[at + 4] = flags;
            header[at + 9] = offset;
            header[at + 33] = 1;
        }
        assert_eq!(constants(&header), Some(vec![0..256, 512..768]));
        assert_eq!(constants(&header[..100]), None);
        assert_eq!(constants(b"\x7fELF"), None);
        assert_eq!(constants(b""), None);
        let texts = [&b"Mesa 1.1.1\0"[..], b"Mesa 2.2.2\0", b"Mesa 3.3.3\0"];
        let mut file = header;
        for (index, text) in texts.iter().enumerate() {
            file.resize(256 * (index + 1) - 20, 0);
            file.extend_from_slice(text);
        }
        file.resize(768, 0);
        let tree = TreeBuilder::new().unwrap().file("usr/x", &file).unwrap();
        let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
        let found = root.resolve(&RootPath::literal("/usr/x")).unwrap();
        assert_eq!(mesa(&root, &found).as_deref(), Some("3.3.3"));
    }

    /// A version that lies across the border of two pieces, at every offset.
    #[test]
    fn pieces() {
        for shift in 0..24 {
            let mut content = vec![b'M'; PIECE - shift];
            content.extend_from_slice(b"Mesa 21.2.6\0");
            content.extend_from_slice(&[0; 100]);
            let tree = TreeBuilder::new().unwrap().file("usr/x", &content).unwrap();
            let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
            let file = root.resolve(&RootPath::literal("/usr/x")).unwrap();
            assert_eq!(mesa(&root, &file).as_deref(), Some("21.2.6"), "{shift}");
        }
    }
}
