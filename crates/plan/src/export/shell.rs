//! Words for a POSIX shell.

/// Bytes that no shell gives a meaning to, wherever in an argument they are.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte)
}

/// The word as it must be written, so that the shell gives back these bytes. They must have no NUL
/// byte, which no argument can have.
pub fn quoted(word: &[u8]) -> Vec<u8> {
    if !word.is_empty() && word.iter().all(|byte| is_plain(*byte)) {
        return word.to_vec();
    }
    in_quotes(word)
}

/// The same, in quotation marks whether it needs them or not.
pub fn in_quotes(word: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for byte in word {
        match byte {
            b'\'' => out.extend(br"'\''"),
            other => out.push(*other),
        }
    }
    out.push(b'\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    #[test]
    fn what_needs_no_quotes_has_none() {
        for (word, want) in [
            (&b"--ro-bind"[..], &b"--ro-bind"[..]),
            (b"/usr/lib", b"/usr/lib"),
            (b"", b"''"),
            (b"a b", b"'a b'"),
            (b"it's", br"'it'\''s'"),
            (b"~", b"'~'"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }

    /// The shell itself is the judge, for every byte.
    #[test]
    fn the_shell_gives_back_the_word() {
        for byte in 1..=255 {
            let word = [b'x', byte, b'\'', byte, b'\\'];
            let mut script = b"printf %s ".to_vec();
            script.extend(quoted(&word));
            let mut shell = Command::new("/bin/sh");
            let output = shell.arg("-c").arg(std::ffi::OsStr::from_bytes(&script)).output();
            assert_eq!(output.unwrap().stdout, word, "byte {byte}");
        }
    }
}
