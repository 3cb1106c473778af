//! Drivers, architectures, and modules for the dynamic linker.

use super::super::obsolete;
use super::super::reading::{Reading, Usage, absolute, bad};
use compose::ProviderChoice;
use plan::{ByteString, Preload, Tuple};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Whose drivers, by options and by the obsolete variable. The others are read where providers are chosen.
pub(super) fn graphics(
    reading: &Reading<'_>,
) -> Result<(ProviderChoice, BTreeMap<Tuple, ProviderChoice>), Usage> {
    let mut all = ProviderChoice::Default;
    let mut single = BTreeMap::new();
    const VARIABLE: &str = "PRESSURE_VESSEL_GRAPHICS_PROVIDER";
    match reading.variable(VARIABLE) {
        None => match reading.tristate("PRESSURE_VESSEL_HOST_GRAPHICS") {
            Some(true) => all = obsolete::host_graphics(),
            Some(false) => all = ProviderChoice::None,
            None => {}
        },
        Some(path) if !path.is_empty() && !path.as_bytes().starts_with(b"/") => {
            let path = ByteString::from(path);
            return Err(Usage(format!("{VARIABLE} is `{path}`, which is not absolute")));
        }
        Some(_) => {}
    }
    for (option, value) in &reading.given.options {
        match *option {
            "with-host-graphics" => all = obsolete::host_graphics(),
            "without-host-graphics" => all = ProviderChoice::None,
            "graphics-provider" => {
                let (tuple, path) = crate::request::tuple_and_path(value);
                let choice = provider(path)?;
                match tuple {
                    Some(tuple) => drop(single.insert(tuple, choice)),
                    None => all = choice,
                }
            }
            _ => {}
        }
    }
    Ok((all, single))
}

fn provider(path: &OsStr) -> Result<ProviderChoice, Usage> {
    match path.as_bytes() {
        b"" => Ok(ProviderChoice::None),
        [b'/', ..] => absolute("graphics-provider", path).map(ProviderChoice::Root),
        _ => Err(bad("graphics-provider", path, "is not absolute")),
    }
}

/// Architectures that are known; others are those of other versions.
pub(super) fn architectures(reading: &Reading<'_>) -> Vec<Tuple> {
    let value = reading.non_empty("PRESSURE_VESSEL_ARCHITECTURES").unwrap_or_default();
    let mut out: Vec<Tuple> = vec![];
    for name in value.as_bytes().split(|b| *b == b':') {
        let tuple = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
        out.extend(tuple.filter(|tuple| !out.contains(tuple)));
    }
    out
}

/// Modules for the dynamic linker, in the order in which they are given: one each, or several separated by
/// any of `separators`.
pub(super) fn modules(
    reading: &Reading<'_>,
    one: &[&str],
    several: &str,
    separators: &[u8],
) -> Vec<Preload> {
    let mut out = vec![];
    for (option, value) in &reading.given.options {
        let parts: Vec<&[u8]> = if *option == several {
            value.as_bytes().split(|b| separators.contains(b)).collect()
        } else if one.contains(option) {
            vec![value.as_bytes()]
        } else {
            continue;
        };
        let named = parts.into_iter().filter(|part| !part.is_empty());
        out.extend(named.map(|part| Preload { module: part.to_vec().into(), tuple: None }));
    }
    out
}
