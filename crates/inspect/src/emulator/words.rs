//! Splits a command line into words.
//!
//! As the POSIX shell's quoting (XCU 2.2) without expansion, which is also how a desktop entry's
//! `Exec` is read: blanks separate, `\` takes the next byte as it is, `'…'` takes everything, in
//! `"…"` a backslash counts before `$`, `` ` ``, `"`, `\` and a line's end only, `#` at the start of
//! a word begins a comment. Operators of the shell (`;`, `|`, `$` …) stand for themselves.

/// Why a command line cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A quotation mark is never closed.
    #[error("a quotation mark ({0}) is not closed")]
    Unclosed(char),
    /// A backslash is the last byte.
    #[error("it ends in a backslash")]
    Backslash,
}

/// The words of a command line; none for a blank one.
///
/// # Errors
/// When a quotation or an escape is not finished.
pub fn split(text: &str) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    // The word that has begun; `''` begins an empty one.
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '#' if word.is_none() => {
                // The line's end separates words; there is none to end here.
                rest.by_ref().find(|c| *c == '\n');
            }
            '\\' => match rest.next() {
                None => return Err(Error::Backslash),
                Some('\n') => {}
                Some(escaped) => word.get_or_insert_default().push(escaped),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or(Error::Unclosed('\''))? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => quoted(word.get_or_insert_default(), &mut rest)?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// What is left of a double quotation.
fn quoted(word: &mut String, rest: &mut std::str::Chars<'_>) -> Result<(), Error> {
    let mut next = || rest.next().ok_or(Error::Unclosed('"'));
    loop {
        match next()? {
            '"' => return Ok(()),
            '\\' => match next()? {
                '\n' => {}
                c @ ('$' | '`' | '"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_the_shell_makes_them() {
        // Compared with what `sh -c 'printf "[%s]" …'` prints for those without operators.
        for (text, want) in [
            ("", &[][..]),
            (" \t\n", &[]),
            ("./usr/bin/FEX", &["./usr/bin/FEX"]),
            ("a  b\tc\nd", &["a", "b", "c", "d"]),
            (r"a\ b c", &["a b", "c"]),
            (r#""a b" 'c d'"#, &["a b", "c d"]),
            (r#"x"y z"'w v'u"#, &["xy zw vu"]),
            (r#""\$\`\"\\\n""#, &[r#"$`"\\n"#]),
            (r"'\n'", &[r"\n"]),
            ("a\\\nb", &["ab"]),
            ("\"a\\\nb\"", &["ab"]),
            ("''", &[""]),
            (r#"a "" b"#, &["a", "", "b"]),
            ("a # b\nc", &["a", "c"]),
            ("a#b \\#c", &["a#b", "#c"]),
            ("a;b $HOME | c", &["a;b", "$HOME", "|", "c"]),
            ("ä 'ö'", &["ä", "ö"]),
        ] {
            assert_eq!(split(text).unwrap(), want, "{text:?}");
        }
    }

    #[test]
    fn unfinished_ones_are_errors() {
        for (text, want) in [
            ("a 'b", Error::Unclosed('\'')),
            ("a \"b", Error::Unclosed('"')),
            ("\"\\", Error::Unclosed('"')),
            ("a\\", Error::Backslash),
        ] {
            assert_eq!(split(text), Err(want), "{text:?}");
        }
    }
}
