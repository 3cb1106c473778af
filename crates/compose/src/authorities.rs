//! The certificates of this machine's authorities, in place of the runtime's, on request
//! (`PRESSURE_VESSEL_IMPORT_CA_CERTS`).
//!
//! The directory is `/etc/ssl/certs` as OpenSSL and GnuTLS look for it (openssl-rehash(1)): a bundle, and for
//! each certificate a link by the hash of its subject. The container's links lead to where it has the
//! host's files.

use crate::approach::relative_link;
use crate::area::Area;
use crate::draft::Draft;
use crate::facts::Facts;
use crate::workarounds::Workarounds;
use inspect::root::Kind;
use plan::{ByteString, Code, ContainerPath, LayerEntry, Problem, RootPath};
use std::os::unix::ffi::OsStrExt;

const VARIABLE: &str = "PRESSURE_VESSEL_IMPORT_CA_CERTS";
const DIRECTORY: &str = "/etc/ssl/certs";
const BUNDLE: &str = "ca-certificates.crt";

/// Without these, whatever it is, it is not a directory of certificates that programs can use: ISRG Root X1
/// and GlobalSign, which the servers of games have.
const NEEDED: &[&str] = &[BUNDLE, "4042bcee.0", "244b5494.0"];

/// Shows the host's certificates, if that is asked for.
pub(crate) fn share(facts: &Facts, draft: &mut Draft) {
    let asked = facts.environment.get(VARIABLE).is_some_and(|value| value == "1");
    if !asked || Workarounds::of(facts).no_certificates() {
        return;
    }
    let directory = RootPath::literal(DIRECTORY);
    if let Some(missing) = NEEDED.iter().find(|name| facts.host.find(&directory.at(name)).is_none())
    {
        draft.warnings.push(
            Problem::warning(
                Code::SHARED_PATH_MISSING,
                format!("the certificates of this machine are not shared: it has no {DIRECTORY}/{missing}"),
            )
            .hint("install ca-certificates, or do without PRESSURE_VESSEL_IMPORT_CA_CERTS"),
        );
        return;
    }
    let place = draft.place(&directory);
    if let Some((area, inner, raw)) = draft.area_and_raw(&directory) {
        area.mount_point(raw, &inner, Kind::Directory);
    }
    draft.area(links(facts, &place));
    if draft.has_interpreter_root() {
        // Native programs have the same; emulated ones find it in their root first.
        let target = ByteString::from(place.as_path().as_os_str());
        draft.symlink(ContainerPath::literal(DIRECTORY), target, "the same, for native programs");
    }
}

/// The directory as the container has it at `place`.
fn links(facts: &Facts, place: &ContainerPath) -> Area {
    let directory = RootPath::literal(DIRECTORY);
    let mut area = Area::new(place.clone(), None, "certificates of this machine's authorities");
    for entry in facts.host.list(&directory).unwrap_or_default() {
        let name = entry.name.as_bytes();
        if name != BUNDLE.as_bytes() && !name.ends_with(b".0") {
            continue;
        }
        let Ok(path) = directory.join(&entry.name) else { continue };
        // Links of the host lead through places that the container has of its own.
        let Some(found) = facts.host.find(&path) else { continue };
        let (Ok(at), Ok(inner)) =
            (RootPath::new(place.as_path()), RootPath::root().join(&entry.name))
        else {
            continue;
        };
        let shown = [b"/run/host", found.path.as_bytes()].concat();
        let target = match at.join(&entry.name) {
            Ok(at) => relative_link(&at, &shown),
            Err(_) => continue,
        };
        area.put(inner, LayerEntry::Symlink { target });
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, tree};

    #[test]
    fn links_lead_to_where_the_container_has_the_host() {
        let base = tempfile::tempdir().unwrap();
        tree(
            base.path(),
            &[
                "etc/ssl/certs/ca-certificates.crt = bundle",
                "etc/ssl/certs/one.pem -> /usr/share/ca/one.crt",
                "etc/ssl/certs/4042bcee.0 -> one.pem",
                "etc/ssl/certs/dead.0 -> nowhere",
                "usr/share/ca/one.crt = certificate",
            ],
        );
        let facts = facts(base.path(), &[]);
        let area = links(&facts, &ContainerPath::literal("/etc/ssl/certs"));
        let shown: Vec<String> = area
            .entries
            .iter()
            .map(|(path, entry)| match entry {
                LayerEntry::Symlink { target } => format!("{path} -> {target}"),
                other => format!("{path}: {other:?}"),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "/4042bcee.0 -> ../../../run/host/usr/share/ca/one.crt",
                "/ca-certificates.crt -> ../../../run/host/etc/ssl/certs/ca-certificates.crt",
            ]
        );
    }
}
