//! The first line of a script, and what `env` makes of its arguments.
//!
//! Mirrors Linux' fs/binfmt_script.c (`load_script`), which looks at the first 256 bytes of the file
//! (`BINPRM_BUF_SIZE`), and `env -S` of GNU coreutils (src/env.c), as far as it needs no quoting.

/// `BINPRM_BUF_SIZE` (include/uapi/linux/binfmts.h) since Linux 5.1.
pub const BUFFER: usize = 256;

/// What a script asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The interpreter; never empty.
    pub interpreter: Vec<u8>,
    /// The rest of the line, as one argument. What is beyond the buffer is cut off.
    pub argument: Option<Vec<u8>>,
}

/// Why the kernel takes a file that starts with `#!` for no script (`ENOEXEC`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is nothing after `#!`.
    Empty,
    /// The name of the interpreter does not end within the buffer.
    TooLong,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Reads the first line. `start` is the beginning of the file, of which no more than the buffer is
/// looked at; `None` when it is no script.
pub fn parse(start: &[u8]) -> Option<Result<Line, Refused>> {
    let rest = start.get(..start.len().min(BUFFER))?.strip_prefix(b"#!")?;
    // The kernel's buffer is filled with zeroes where the file is shorter, and keeps its last byte.
    let end = rest.iter().position(|b| *b == b'\n');
    let line = match end {
        Some(end) => &rest[..end],
        None => {
            let name = &rest[rest.iter().position(|b| !is_blank(*b)).unwrap_or(rest.len())..];
            let ends = start.len() < BUFFER || name.iter().any(|b| is_blank(*b) || *b == 0);
            if !name.is_empty() && !ends {
                return Some(Err(Refused::TooLong));
            }
            &rest[..rest.len().min(BUFFER - 3)]
        }
    };
    let line = &line[..line.iter().rposition(|b| !is_blank(*b)).map_or(0, |i| i + 1)];
    let line = &line[line.iter().position(|b| !is_blank(*b)).unwrap_or(line.len())..];
    let split = line.iter().position(|b| is_blank(*b) || *b == 0).unwrap_or(line.len());
    let (interpreter, rest) = line.split_at(split);
    if interpreter.is_empty() {
        return Some(Err(Refused::Empty));
    }
    // A NUL byte ends the name and everything.
    let rest = if rest.first() == Some(&0) { &[] } else { rest };
    let argument = rest.iter().position(|b| !is_blank(*b)).map(|i| &rest[i..]);
    let argument = argument.map(|a| a.split(|b| *b == 0).next().unwrap_or_default().to_vec());
    Some(Ok(Line { interpreter: interpreter.to_vec(), argument }))
}

/// What `env` looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The program, with or without a slash.
    pub program: Vec<u8>,
    /// The search path, where the line sets it.
    pub path: Option<Vec<u8>>,
}

/// What `env` with the one argument of a script's line executes; `None` where that cannot be said
/// without doing all that `env` does.
pub fn env(argument: &[u8]) -> Option<Wanted> {
    let split = [&b"-S"[..], b"--split-string=", b"--split-string", b"-vS"];
    let Some(text) = split.iter().find_map(|s| argument.strip_prefix(*s)) else {
        let plain = !argument.starts_with(b"-") && !argument.contains(&b'=');
        return plain.then(|| Wanted { program: argument.to_vec(), path: None });
    };
    if text.iter().any(|b| matches!(b, b'"' | b'\'' | b'\\' | b'$' | b'#')) {
        return None;
    }
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | 0x0b | 0x0c | b'\r' | b'\n');
    let mut path = None;
    for word in text.split(blank).filter(|word| !word.is_empty()) {
        if word.starts_with(b"-") {
            return None;
        }
        match word.iter().position(|b| *b == b'=') {
            Some(at) if &word[..at] == b"PATH" => path = Some(word[at + 1..].to_vec()),
            Some(_) => {}
            None => return Some(Wanted { program: word.to_vec(), path }),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(start: &[u8]) -> String {
        match parse(start) {
            None => "no script".into(),
            Some(Err(refused)) => format!("{refused:?}"),
            Some(Ok(Line { interpreter, argument })) => {
                let argument = argument.map(|a| format!("[{}]", a.escape_ascii()));
                format!("{}{}", interpreter.escape_ascii(), argument.unwrap_or_default())
            }
        }
    }

    /// What `sandbox`'s kernel does with the same bytes was tried by hand on Linux 6.18.
    #[test]
    fn lines() {
        let long = |n: usize| [&b"#!/"[..], &vec![b'x'; n]].concat();
        let argument = |n: usize| [&b"#!/bin/sh "[..], &vec![b'a'; n], b"\n"].concat();
        let rows: &[(&[u8], &str)] = &[
            (b"", "no script"),
            (b"echo", "no script"),
            (b"#!", "Empty"),
            (b"#!\n/bin/sh\n", "Empty"),
            (b"#! \t \n", "Empty"),
            (b"#!/bin/sh", "/bin/sh"),
            (b"#!/bin/sh\n", "/bin/sh"),
            (b"#!/bin/sh\r\n", "/bin/sh\\r"),
            (b"#! /bin/sh  -e  -u \t\nx", "/bin/sh[-e  -u]"),
            (b"#!\t/usr/bin/env\tpython3\n", "/usr/bin/env[python3]"),
            (b"#!/bin/sh\0junk -e\n", "/bin/sh"),
            (b"#!/bin/sh -e\0junk\n", "/bin/sh[-e]"),
        ];
        for (start, want) in rows {
            assert_eq!(shown(start), *want, "{}", start.escape_ascii());
        }
        // Without a newline in the buffer the name must end in it.
        assert_eq!(shown(&long(300)), "TooLong");
        assert_eq!(shown(&long(253)), "TooLong");
        assert_eq!(shown(&long(252)), format!("/{}", "x".repeat(252)));
        // An argument is cut without a word.
        assert_eq!(shown(&argument(300)), format!("/bin/sh[{}]", "a".repeat(245)));
        assert_eq!(shown(&argument(100)), format!("/bin/sh[{}]", "a".repeat(100)));
    }

    #[test]
    fn arguments_of_env() {
        type Row = (&'static str, Option<(&'static str, Option<&'static str>)>);
        let rows: &[Row] = &[
            ("python3", Some(("python3", None))),
            ("python3\r", Some(("python3\r", None))),
            // Without -S, all of it is the name.
            ("perl -w", Some(("perl -w", None))),
            ("-S perl -w", Some(("perl", None))),
            ("-Sperl", Some(("perl", None))),
            ("--split-string=perl -w", Some(("perl", None))),
            ("-S PATH=/opt/bin:/bin A=b perl -w", Some(("perl", Some("/opt/bin:/bin")))),
            ("-S -i perl", None),
            ("-S 'a b'", None),
            ("-S ${X}", None),
            ("-S", None),
            ("-i", None),
            ("A=b", None),
        ];
        for (argument, want) in rows {
            let want = want.map(|(program, path)| Wanted {
                program: program.into(),
                path: path.map(Into::into),
            });
            assert_eq!(env(argument.as_bytes()), want, "{argument}");
        }
    }
}
