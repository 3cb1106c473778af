//! The time zone: `/etc/localtime` and `/etc/timezone` (tzset(3), localtime(5)).

use crate::facts::Facts;
use inspect::root::Root;
use plan::{ByteString, LayerEntry, RootPath};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Where zone descriptions are in every runtime.
pub(crate) const ZONES: &str = "/usr/share/zoneinfo";

/// What the container's `/etc` has for the time zone.
pub(crate) struct TimeZone {
    /// `/etc/localtime`, if the host has one.
    pub(crate) localtime: Option<LayerEntry>,
    /// The zone's name, for `/etc/timezone`.
    pub(crate) name: ByteString,
}

/// Finds the host's zone. The host's link is kept where it means the same in the runtime; where the
/// runtime has no description of that zone, the host's is taken along.
pub(crate) fn time_zone(facts: &Facts, runtime: &Root) -> TimeZone {
    let path = RootPath::literal("/etc/localtime");
    let link = facts.host.lookup(&path).ok().and_then(|f| f.link);
    let target = link
        .as_deref()
        .and_then(|text| facts.host.without_dot_dot(&RootPath::literal("/etc"), text).ok());
    let in_runtime = target
        .as_ref()
        .is_some_and(|t| t.is_within(&RootPath::literal("/usr")) && runtime.find(t).is_some());
    let localtime = match link {
        Some(text) if in_runtime => Some(LayerEntry::Symlink { target: text.into() }),
        _ => facts.host.read(&path).ok().map(|content| LayerEntry::file(content.into())),
    };
    let name = target
        .and_then(|t| zone_name(facts, &t))
        .or_else(|| first_line(&facts.host.read(&RootPath::literal("/etc/timezone")).ok()?))
        .unwrap_or_else(|| "UTC".into());
    TimeZone { localtime, name }
}

/// `Europe/Berlin` of `/usr/share/zoneinfo/Europe/Berlin`.
fn zone_name(facts: &Facts, target: &RootPath) -> Option<ByteString> {
    let zones = [facts.environment.path("TZDIR"), Some(RootPath::literal(ZONES))];
    zones
        .into_iter()
        .flatten()
        .find_map(|zones| target.below(&zones).map(|p| p.as_os_str().to_owned()))
        .filter(|name| !name.is_empty())
        .map(ByteString::from)
}

fn first_line(file: &[u8]) -> Option<ByteString> {
    let line = file.split(|b| *b == b'\n').next()?.trim_ascii();
    (!line.is_empty()).then(|| OsStr::from_bytes(line).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{facts, tree};
    use inspect::root::Form;
    use plan::HostPath;

    #[test]
    fn zones() {
        const BERLIN: &str = "usr/share/zoneinfo/Europe/Berlin = TZif2 Berlin";
        let link = |target: &str| Some(LayerEntry::Symlink { target: target.into() });
        let copy = |content: &str| Some(LayerEntry::file(content.into()));
        type Case<'a> = (&'a [&'a str], &'a [&'a str], Option<LayerEntry>, &'a str);
        // The host, the runtime, the container's /etc/localtime and /etc/timezone.
        let cases: &[Case<'_>] = &[
            (&[], &[], None, "UTC"),
            (
                &[BERLIN, "etc/localtime -> ../usr/share/zoneinfo/Europe/Berlin"],
                &[BERLIN],
                link("../usr/share/zoneinfo/Europe/Berlin"),
                "Europe/Berlin",
            ),
            // A runtime without zones.
            (
                &[BERLIN, "etc/localtime -> /usr/share/zoneinfo/Europe/Berlin"],
                &[],
                copy("TZif2 Berlin"),
                "Europe/Berlin",
            ),
            // NixOS keeps zones in /etc.
            (
                &["etc/zoneinfo/Europe/Rome = TZif2 Rome", "etc/localtime -> zoneinfo/Europe/Rome"],
                &[BERLIN],
                copy("TZif2 Rome"),
                "UTC",
            ),
            (
                &["etc/localtime = TZif2 x", "etc/timezone = Asia/Tokyo \n"],
                &[],
                copy("TZif2 x"),
                "Asia/Tokyo",
            ),
            (&["etc/localtime -> /usr/share/zoneinfo/Gone"], &[], None, "Gone"),
        ];
        for (host, runtime, localtime, name) in cases {
            let (h, r) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            tree(h.path(), host);
            tree(r.path(), runtime);
            let root = Root::with_form(HostPath::new(r.path()).unwrap(), Form::Full).unwrap();
            let zone = time_zone(&facts(h.path(), &[]), &root);
            assert_eq!(&zone.localtime, localtime, "{host:?}");
            assert_eq!(zone.name.to_string(), *name, "{host:?}");
        }
    }

    #[test]
    fn tzdir_names_zones_too() {
        let host = tempfile::tempdir().unwrap();
        tree(
            host.path(),
            &["etc/zoneinfo/Europe/Rome = x", "etc/localtime -> zoneinfo/Europe/Rome"],
        );
        let facts = facts(host.path(), &[("TZDIR", "/etc/zoneinfo")]);
        assert_eq!(time_zone(&facts, &facts.host).name.to_string(), "Europe/Rome");
    }
}
