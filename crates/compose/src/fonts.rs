//! Fonts and icons of the host, at the places where fontconfig and Xcursor of the runtime look for
//! them (Flatpak's convention, which the runtimes' fontconfig is set up for).

use crate::approach::{self, Network};
use crate::draft::{Draft, is_directory};
use crate::facts::Facts;
use inspect::root::Resolved;
use plan::{Access, ByteString, ContainerPath, RootPath};

/// One directory below `/run/host`, and where the host may have it, in order.
struct Place {
    name: &'static str,
    reason: &'static str,
    /// Whether fontconfig looks for fonts there.
    fonts: bool,
    /// An empty directory takes its place where the host has none, so that nothing is cached there.
    cache: bool,
}

const PLACES: &[Place] = &[
    Place { name: "fonts", reason: "fonts of the host", fonts: true, cache: false },
    Place {
        name: "fonts-cache",
        reason: "what fontconfig knows of them",
        fonts: false,
        cache: true,
    },
    Place { name: "local-fonts", reason: "fonts installed by hand", fonts: true, cache: false },
    Place {
        name: "share/icons",
        reason: "icons and cursors of the host",
        fonts: false,
        cache: false,
    },
    Place { name: "user-fonts", reason: "fonts of the user", fonts: true, cache: false },
    Place {
        name: "user-fonts-cache",
        reason: "what fontconfig knows of them",
        fonts: false,
        cache: true,
    },
    Place {
        name: "user-share/icons",
        reason: "icons and cursors of the user",
        fonts: false,
        cache: false,
    },
];

fn sources(facts: &Facts, name: &str) -> Vec<RootPath> {
    let literal = |paths: &[&str]| paths.iter().map(|p| RootPath::literal(p)).collect();
    let data = facts.xdg("XDG_DATA_HOME", ".local/share");
    match name {
        "fonts" => literal(&["/usr/share/fonts"]),
        "local-fonts" => literal(&["/usr/local/share/fonts"]),
        "fonts-cache" => literal(&["/var/cache/fontconfig", "/usr/lib/fontconfig/cache"]),
        "share/icons" => literal(&["/usr/share/icons"]),
        "user-fonts" => {
            let old = facts.home().map(|h| h.at(".fonts"));
            [data.map(|d| d.at("fonts")), old].into_iter().flatten().collect()
        }
        "user-fonts-cache" => {
            let cache = facts.xdg("XDG_CACHE_HOME", ".cache");
            cache.map(|c| c.at("fontconfig")).into_iter().collect()
        }
        "user-share/icons" => data.map(|d| d.at("icons")).into_iter().collect(),
        _ => vec![],
    }
}

/// Shows fonts, icons and what is known about them.
pub(crate) fn share(facts: &Facts, draft: &mut Draft) {
    let host = ContainerPath::literal("/run/host");
    let mut remapped = vec![];
    for place in PLACES {
        let at = host.at(place.name);
        let found = sources(facts, place.name).into_iter().find_map(|path| {
            let reached = approach::reach(facts, &path, Network::Avoided).ok()?;
            is_directory(&reached.found).then_some((path, reached.found))
        });
        match found {
            Some((path, found)) => {
                draft.bind_optional(&found, at.clone(), Access::ReadOnly, place.reason);
                if place.fonts {
                    remap(&mut remapped, path, &found, &at);
                }
            }
            None if place.cache => draft.directory(at, 0o555, "the host has no cache of its fonts"),
            None => {}
        }
    }
    draft.file(host.at("font-dirs.xml"), document(&remapped), 0o444, "where fontconfig finds them");
}

/// Both the usual name of a directory and where it really is may be in fontconfig's caches.
fn remap(
    out: &mut Vec<(RootPath, ContainerPath)>,
    path: RootPath,
    found: &Resolved,
    at: &ContainerPath,
) {
    if found.path != path {
        out.push((found.path.clone(), at.clone()));
    }
    out.push((path, at.clone()));
}

/// A fontconfig document (fonts-conf(5)) that says which directory of the host is where.
fn document(remapped: &[(RootPath, ContainerPath)]) -> ByteString {
    let mut out = b"<?xml version=\"1.0\"?>\n\
        <!DOCTYPE fontconfig SYSTEM \"urn:fontconfig:fonts.dtd\">\n<fontconfig>\n"
        .to_vec();
    for (host, here) in remapped {
        out.extend_from_slice(b"  <remap-dir as-path=\"");
        escape(host.as_bytes(), &mut out);
        out.extend_from_slice(b"\">");
        escape(here.as_bytes(), &mut out);
        out.extend_from_slice(b"</remap-dir>\n");
    }
    out.extend_from_slice(b"</fontconfig>\n");
    out.into()
}

/// Escapes what XML gives a meaning to, and control characters, which it forbids raw.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'"' => out.extend_from_slice(b"&quot;"),
            0..=31 => out.extend_from_slice(format!("&#{byte};").as_bytes()),
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_escapes_names() {
        let remapped =
            [(RootPath::literal("/home/a<b&\"c\n/fonts"), ContainerPath::literal("/run/host/x"))];
        let text = document(&remapped).to_string();
        assert!(
            text.contains("as-path=\"/home/a&lt;b&amp;&quot;c&#10;/fonts\">/run/host/x<"),
            "{text}"
        );
    }

    #[test]
    fn every_place_has_sources() {
        let facts =
            crate::testing::facts(tempfile::tempdir().unwrap().path(), &[("HOME", "/home/u")]);
        for place in PLACES {
            assert!(!sources(&facts, place.name).is_empty(), "{}", place.name);
        }
    }
}
