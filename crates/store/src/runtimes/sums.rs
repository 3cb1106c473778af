//! `SHA256SUMS`, as sha256sum(1) writes it: `DIGEST  NAME` or `DIGEST *NAME`, a line each.

/// The digest of the file called `name`. `None`: it is not listed.
#[must_use]
pub fn digest_of(sums: &[u8], name: &str) -> Option<[u8; 32]> {
    let mut lines = sums.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
    lines.find_map(|line| {
        let (digest, rest) = line.split_at_checked(64)?;
        let listed = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
        // Some lists have the names of a directory.
        let listed = listed.strip_prefix(b"./").unwrap_or(listed);
        if listed != name.as_bytes() {
            return None;
        }
        let mut out = [0; 32];
        plan::hex::decode_into(digest, &mut out).then_some(out)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_the_whole_name() {
        let (a, b) = ("ab".repeat(32), "0F".repeat(32));
        let sums = format!(
            "{b}  SteamLinuxRuntime_4-arm64.tar.xz\n{a}  ./SteamLinuxRuntime_4.tar.xz\r\nshort  x\n\
             {a} *binary\n{a} one-space\nzz{0}  bad\n+f{0}  signed\n",
            &a[2..]
        );
        for (name, want) in [
            ("SteamLinuxRuntime_4.tar.xz", Some(0xab)),
            ("SteamLinuxRuntime_4-arm64.tar.xz", Some(0x0f)),
            ("binary", Some(0xab)),
            ("4.tar.xz", None),
            ("one-space", None),
            ("x", None),
            ("bad", None),
            ("signed", None),
            ("", None),
        ] {
            assert_eq!(digest_of(sums.as_bytes(), name), want.map(|byte| [byte; 32]), "{name}");
        }
    }
}
