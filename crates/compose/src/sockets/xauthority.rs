//! The Xauthority file (libXau, `AuFileName`, `XauReadAuth`): who may connect to which X server.
//!
//! An entry is a family and four strings, each a big-endian 16-bit length and bytes: address,
//! display number, name of the protocol, data.

/// The family of entries for the local host, by its name.
const LOCAL: u16 = 256;
/// The family of entries for any host.
const WILD: u16 = 65535;
/// More entries than this are not read.
const ENTRIES: usize = 4096;

/// One entry; the strings are in the order of the file.
struct Entry<'a> {
    family: u16,
    address: &'a [u8],
    number: &'a [u8],
    /// The whole entry as it is in the file.
    raw: &'a [u8],
}

/// Keeps what lets a client on `hostname` connect to its own display `number`: entries for this
/// host and any host, for this display and any display. A truncated last entry is dropped.
pub(super) fn for_display(file: &[u8], hostname: &[u8], number: &[u8]) -> Vec<u8> {
    entries(file)
        .filter(|e| e.family == WILD || (e.family == LOCAL && e.address == hostname))
        .filter(|e| e.number.is_empty() || e.number == number)
        .flat_map(|e| e.raw.to_vec())
        .collect()
}

/// Keeps every entry for display `number` of any host.
pub(super) fn for_remote(file: &[u8], number: &[u8]) -> Vec<u8> {
    entries(file)
        .filter(|e| e.number.is_empty() || e.number == number)
        .flat_map(|e| e.raw.to_vec())
        .collect()
}

fn entries(file: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = file;
    std::iter::from_fn(move || {
        let (entry, after) = next(rest)?;
        rest = after;
        Some(entry)
    })
    .take(ENTRIES)
}

fn next(file: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (family, mut rest) = file.split_first_chunk::<2>()?;
    let mut strings = [&file[..0]; 4];
    for string in &mut strings {
        let (length, after) = rest.split_first_chunk::<2>()?;
        (*string, rest) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
    }
    let [address, number, _, _] = strings;
    let raw = &file[..file.len() - rest.len()];
    Some((Entry { family: u16::from_be_bytes(*family), address, number, raw }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(family: u16, address: &str, number: &str) -> Vec<u8> {
        let mut out = family.to_be_bytes().to_vec();
        for s in [address, number, "MIT-MAGIC-COOKIE-1", "0123456789abcdef"] {
            out.extend(u16::try_from(s.len()).unwrap().to_be_bytes());
            out.extend(s.as_bytes());
        }
        out
    }

    #[test]
    fn keeps_what_is_for_the_display() {
        let keep =
            [entry(LOCAL, "box", "0"), entry(WILD, "", ""), entry(LOCAL, "box", "")].concat();
        let drop =
            [entry(LOCAL, "box", "1"), entry(LOCAL, "other", "0"), entry(0, "\x7f", "0")].concat();
        let truncated = &entry(LOCAL, "box", "0")[..9];
        let file = [&keep[..], &drop, truncated].concat();
        assert_eq!(for_display(&file, b"box", b"0"), keep);
        assert_eq!(for_display(truncated, b"box", b"0"), b"");
        assert_eq!(for_remote(&entry(0, "\x7f", "0"), b"0"), entry(0, "\x7f", "0"));
    }
}
