//! Further names under which a runtime wants a library to be found.
//!
//! Knows the `steam-runtime-abi.json` of the Steam Runtime: `shared_libraries` is an array of objects
//! `{SONAME: {"aliases": [NAME…]}}`. Programs of other distributions ask for these names.

use super::work::Work;
use inspect::root::Root;
use plan::{Code, ContainerPath, Problem, RootPath};
use serde_json::Value;
use std::collections::BTreeSet;

/// Where a runtime describes itself.
const DESCRIPTION: &str = "/usr/lib/steamrt/steam-runtime-abi.json";

/// More aliases than any runtime has.
const MAX_ALIASES: usize = 10_000;

/// Links every alias below `lib/TUPLE/aliases`, and returns for each architecture the aliases that
/// stand for an override; `None` where a library that the runtime promises is nowhere, so that it
/// cannot be told what may be hidden.
pub(crate) fn link(work: &mut Work<'_>) -> Vec<Option<BTreeSet<String>>> {
    let pairs = match work.input.runtime.find(&RootPath::literal(DESCRIPTION)) {
        None => vec![],
        Some(found) => read(work.input.runtime, &found.path).unwrap_or_else(|why| {
            let cause = format!("the runtime's {DESCRIPTION} cannot be used: {why}");
            work.out.warnings.push(Problem::warning(Code::UNREADABLE, cause));
            vec![]
        }),
    };
    (0..work.abis.len()).map(|abi| link_for(work, abi, &pairs)).collect()
}

fn link_for(
    work: &mut Work<'_>,
    abi: usize,
    pairs: &[(String, String)],
) -> Option<BTreeSet<String>> {
    let tuple = work.abis[abi].tuple;
    let mut overridden = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for (soname, alias) in pairs {
        let target = if work.abis[abi].taken().contains_key(soname) {
            overridden.insert(alias.clone());
            Some(work.container(&format!("lib/{tuple}/{soname}")))
        } else {
            own_library(work.input.runtime, tuple.name(), soname)
        };
        match target {
            Some(target) => {
                let at = work.overrides(&format!("lib/{tuple}/aliases/{alias}"));
                work.link(at, &target);
            }
            None => {
                missing.insert(soname.as_str());
            }
        }
    }
    if missing.is_empty() {
        return Some(overridden);
    }
    // The other architectures of a runtime need not have everything.
    if work.pass == 0 && abi == 0 {
        let names: Vec<&str> = missing.into_iter().collect();
        let cause =
            format!("the runtime lacks {} for {tuple}, which it promises", names.join(", "));
        work.out.warnings.push(Problem::warning(Code::RUNTIME_INCOMPLETE, cause));
    }
    None
}

fn own_library(runtime: &Root, tuple: &str, soname: &str) -> Option<ContainerPath> {
    ["/usr/lib", "/lib"].into_iter().find_map(|directory| {
        let path = RootPath::literal(directory).at(tuple).join(soname).ok()?;
        runtime.find(&path)?;
        Some(ContainerPath::root().lexically(&path))
    })
}

/// Pairs of SONAME and alias, in the order of the file.
fn read(runtime: &Root, path: &RootPath) -> Result<Vec<(String, String)>, String> {
    let bytes = runtime.read(path).map_err(|e| e.to_string())?;
    parse(&bytes).map_err(|e| e.to_string())
}

fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, serde_json::Error> {
    let description: Value = serde_json::from_slice(bytes)?;
    let libraries = description.get("shared_libraries").and_then(Value::as_array);
    let mut out = vec![];
    for library in libraries.into_iter().flatten().filter_map(Value::as_object) {
        for (soname, details) in library {
            let aliases = details.get("aliases").and_then(Value::as_array);
            for alias in aliases.into_iter().flatten().filter_map(Value::as_str) {
                if is_file_name(soname) && is_file_name(alias) && out.len() < MAX_ALIASES {
                    out.push((soname.clone(), alias.to_owned()));
                }
            }
        }
    }
    Ok(out)
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_description() {
        let text = br#"{"shared_libraries": ["libplain.so.1",
            {"libcurl.so.4": {"aliases": ["libcurl-old.so.4", 3, "../x", ""]}},
            {"libz.so.1": {"deps": []}, "libq.so.2": {"aliases": ["q"]}}]}"#;
        let want = [("libcurl.so.4", "libcurl-old.so.4"), ("libq.so.2", "q")];
        let got = parse(text).unwrap();
        assert_eq!(got, want.map(|(s, a)| (s.to_owned(), a.to_owned())));
        assert!(parse(b"{").is_err());
        assert_eq!(parse(b"[]").unwrap(), []);
    }
}
