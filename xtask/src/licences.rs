//! The licences of everything that is in the static programs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cargo;
use crate::error::{Context, Problem, Result};

/// How files are called that have a licence.
const NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "UNLICENSE", "NOTICE"];

/// Copies the licences of this project and of every package that is linked into its command to `share`.
pub(crate) fn write(share: &Path) -> Result<()> {
    let place = share.join("doc/bathysphere");
    copy(&cargo::workspace()?.root, &place)?;
    let arguments = ["metadata", "--format-version=1", "--locked"];
    let output = cargo::cargo(&arguments).output().context("starting cargo")?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("reading what `cargo metadata` says")?;
    for (name, directory) in linked(&metadata)? {
        let there = place.join("licences").join(&name);
        if copy(&directory, &there)? == 0 {
            // Some packages of a workspace leave the file out; the name of the licence is in their manifest.
            fs::create_dir_all(&there).at("creating", &there)?;
            let manifest = directory.join("Cargo.toml");
            fs::copy(&manifest, there.join("Cargo.toml")).at("copying", &manifest)?;
        }
    }
    Ok(())
}

/// Copies the licences in a directory, and tells how many there are.
fn copy(from: &Path, to: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(from).at("reading", from)? {
        let path = entry.at("reading", from)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            fs::create_dir_all(to).at("creating", to)?;
            fs::copy(&path, to.join(path.file_name().unwrap_or_default())).at("copying", &path)?;
            count += 1;
        }
    }
    Ok(count)
}

/// The packages that are linked into the command, as `NAME-VERSION` with their directories, without our own.
fn linked(metadata: &Value) -> Result<BTreeMap<String, PathBuf>> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> = list(&metadata["packages"])
        .into_iter()
        .map(|package| (package["id"].as_str().unwrap_or_default().to_owned(), package))
        .collect();
    let nodes: BTreeMap<String, Vec<Value>> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| (node["id"].as_str().unwrap_or_default().to_owned(), list(&node["deps"])))
        .collect();
    let command = packages.values().find(|package| package["name"] == "bathysphere");
    let command = command.ok_or_else(|| Problem::new("there is no package bathysphere"))?;
    let mut pending = vec![command["id"].as_str().unwrap_or_default().to_owned()];
    let mut found = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(id) = pending.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dependency in nodes.get(&id).into_iter().flatten() {
            let normal = list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
            if let (true, Some(id)) = (normal, dependency["pkg"].as_str()) {
                pending.push(id.to_owned());
            }
        }
        let Some(package) = packages.get(&id).filter(|package| !package["source"].is_null()) else {
            continue;
        };
        let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
        let manifest = PathBuf::from(text("manifest_path"));
        let directory = manifest.parent().map(Path::to_owned).unwrap_or_default();
        found.insert(format!("{}-{}", text("name"), text("version")), directory);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_linked_is_found() {
        let package = |name: &str, source: Value| {
            let manifest = format!("/registry/{name}/Cargo.toml");
            json!({ "id": name, "name": name, "version": "1", "source": source, "manifest_path": manifest })
        };
        let needs =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("bathysphere", Value::Null),
                package("own", Value::Null),
                package("linked", json!("registry")),
                package("tests-only", json!("registry")),
            ],
            "resolve": { "nodes": [
                { "id": "bathysphere", "deps": [
                    needs("own", Value::Null), needs("tests-only", json!("dev")),
                ] },
                { "id": "own", "deps": [needs("linked", Value::Null)] },
                { "id": "linked", "deps": [needs("own", Value::Null)] },
            ] },
        });
        let want = BTreeMap::from([("linked-1".to_owned(), PathBuf::from("/registry/linked"))]);
        assert_eq!(linked(&metadata).unwrap(), want);
    }

    #[test]
    fn licences_are_told_by_their_names() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["LICENSE-MIT", "license.md", "COPYING", "lib.rs"] {
            fs::write(directory.path().join(name), "").unwrap();
        }
        assert_eq!(copy(directory.path(), &directory.path().join("to")).unwrap(), 3);
    }
}
