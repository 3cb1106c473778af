//! The version of Flatpak, as it is in the description of the sandbox.

use plan::{Code, Problem};

/// Sub-sandboxes with another `/usr` are there since this version.
const NEEDED: [u32; 3] = [1, 11, 0];

/// The first stable one that has them.
const STABLE: [u32; 3] = [1, 12, 0];

/// Gives back a warning about a development version.
///
/// # Errors
/// When it is too old, or says no version.
pub(super) fn check(info: &[u8]) -> Result<Option<Problem>, Problem> {
    let text = version(info).unwrap_or_default();
    let parsed = numbers(&text);
    let hint = "update Flatpak to version 1.12 or later";
    let (code, shown) = (Code::FLATPAK_TOO_OLD, if text.is_empty() { "unknown" } else { &text });
    match parsed {
        Some(version) if version >= STABLE => Ok(None),
        Some(version) if version >= NEEDED => {
            let cause = format!("Flatpak is {shown}, a development version");
            Ok(Some(Problem::warning(code, cause).hint(hint)))
        }
        _ => {
            let cause = format!(
                "Flatpak's version is {shown}; a game's sandbox inside an app's needs 1.11.0 or later"
            );
            Err(Problem::blocking(code, cause).hint(hint))
        }
    }
}

/// `flatpak-version` of the group `Instance`.
fn version(info: &[u8]) -> Option<String> {
    let mut group: &[u8] = b"";
    for line in info.split(|b| *b == b'\n').map(<[u8]>::trim_ascii) {
        if line.starts_with(b"[") {
            group = line;
        } else if group == b"[Instance]"
            && let Some(rest) = line.strip_prefix(b"flatpak-version")
            && let Some(value) = rest.trim_ascii_start().strip_prefix(b"=")
        {
            return Some(String::from_utf8_lossy(value.trim_ascii()).into_owned());
        }
    }
    None
}

/// Three numbers; what is missing at the end is zero.
fn numbers(text: &str) -> Option<[u32; 3]> {
    let mut out = [0; 3];
    for (place, part) in out.iter_mut().zip(text.split('.')) {
        *place = part.parse().ok()?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (info, want) in [
            ("[Instance]\nflatpak-version=1.14.10\n", "fine"),
            ("[Application]\nname=x\n\n[Instance]\r\nflatpak-version = 1.12\r\n", "fine"),
            ("[Instance]\nflatpak-version=2.0.0\n", "fine"),
            ("[Instance]\nflatpak-version=1.11.0\n", "warned"),
            ("[Instance]\nflatpak-version=1.11.3\n", "warned"),
            ("[Instance]\nflatpak-version=1.10.8\n", "refused"),
            ("[Instance]\nflatpak-version=one\n", "refused"),
            ("[Application]\nflatpak-version=1.14.10\n", "refused"),
            ("", "refused"),
        ] {
            let got = match check(info.as_bytes()) {
                Ok(None) => "fine",
                Ok(Some(_)) => "warned",
                Err(_) => "refused",
            };
            assert_eq!(got, want, "{info:?}");
        }
    }
}
