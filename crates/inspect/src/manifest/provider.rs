//! `graphics-provider.json`: a tree whose drivers are used (object `graphics_provider_v0`).
//!
//! Unknown members are ignored; a known one of a wrong type or value is an error that names it.
//! Paths per architecture are those of the provider's root; whether they exist is for the one who
//! has that root.

use super::json::{self, Object};
use super::{Reason, json::optional_string};
use crate::emulator::manifest::{Error, Members, tuple};
use crate::root::Root;
use plan::{HostPath, RootPath, Tuple};
use serde_json::Value;

/// The object that the file consists of.
const OBJECT: &str = "graphics_provider_v0";

/// Where libraries are searched last, where the manifest does not say.
const FALLBACK_LIBRARY_PATHS: &[&str] = &["/lib", "/usr/lib"];

/// What the manifest says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderManifest {
    /// The tree. A relative one starts from the manifest's directory; `..` stays as it is.
    pub root: HostPath,
    /// What it provides, in the order of the file; not empty, unless there are others.
    pub architectures: Vec<Architecture>,
    /// Architectures that are not known here.
    pub other_architectures: Vec<String>,
    /// Whether its locales are used.
    pub locales: bool,
}

/// What it provides for one architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Which.
    pub tuple: Tuple,
    /// The directory of Mesa's DRI drivers; `None`: to be found.
    pub dri: Option<RootPath>,
    /// The directory of GBM back ends; `None`: to be found.
    pub gbm: Option<RootPath>,
    /// The directory of glibc's character sets; `None`: to be found.
    pub gconv: Option<RootPath>,
    /// Where libraries are searched last.
    pub fallback_library_paths: Vec<RootPath>,
    /// Whether VA-API drivers are taken and searched.
    pub va_api: bool,
    /// Whether VDPAU drivers are taken and searched.
    pub vdpau: bool,
}

impl ProviderManifest {
    /// What it provides for an architecture.
    pub fn architecture(&self, tuple: Tuple) -> Option<&Architecture> {
        self.architectures.iter().find(|a| a.tuple == tuple)
    }
}

/// Reads the manifest at `path`. Relative paths in it start from the directory that it is really in.
///
/// # Errors
/// As [`parse`], and when it cannot be read.
pub fn read(root: &Root, path: &RootPath) -> Result<ProviderManifest, Error> {
    let found = root.resolve(path)?;
    let bytes = root.read(&found.path)?;
    let directory = found.host.parent().unwrap_or_else(HostPath::root);
    parse(&bytes, &directory).map_err(|why| Error::Content { file: found.host, why })
}

/// Reads a manifest that is in `directory`.
///
/// # Errors
/// When it is not JSON, has no `graphics_provider_v0`, or a known member of a wrong type or value.
pub fn parse(bytes: &[u8], directory: &HostPath) -> Result<ProviderManifest, Reason> {
    let outer = json::parse(bytes)?;
    let members = Members { object: json::object(&outer, OBJECT)?, name: OBJECT.into() };
    let root = optional_string(members.object, "root", &members.path("root"))?.unwrap_or("./");
    let root = if root.starts_with('/') { HostPath::new(root) } else { directory.join(root) };
    let root =
        root.map_err(|e| Reason::Value { member: members.path("root"), why: e.to_string() })?;
    let defaults = Defaults {
        va_api: members.truth("va_api")?.unwrap_or(true),
        vdpau: members.truth("vdpau")?.unwrap_or(true),
    };
    let locales = members.truth("locales")?.unwrap_or(true);
    let (architectures, other_architectures) = architectures(&members, defaults)?;
    Ok(ProviderManifest { root, architectures, other_architectures, locales })
}

/// What holds for every architecture that does not say otherwise.
#[derive(Clone, Copy)]
struct Defaults {
    va_api: bool,
    vdpau: bool,
}

fn architectures(
    members: &Members<'_>,
    defaults: Defaults,
) -> Result<(Vec<Architecture>, Vec<String>), Reason> {
    const NAME: &str = "architectures";
    let none = Object::new();
    let (mut known, mut others) = (Vec::new(), Vec::new());
    match members.object.get(NAME) {
        None => return Err(Reason::Missing(members.path(NAME))),
        Some(Value::Array(_)) => {
            let (tuples, unknown) = members.tuples(NAME)?;
            for tuple in tuples {
                let name = members.path(NAME);
                known.push(architecture(tuple, &Members { object: &none, name }, defaults)?);
            }
            others = unknown;
        }
        Some(Value::Object(object)) => {
            for (text, value) in object {
                let name = format!("{}.{text}", members.path(NAME));
                let Value::Object(object) = value else {
                    return Err(Reason::Type { member: name, wanted: "an object" });
                };
                match tuple(members.path(NAME), text)? {
                    Ok(tuple) => {
                        known.push(architecture(tuple, &Members { object, name }, defaults)?);
                    }
                    Err(other) => others.push(other),
                }
            }
        }
        Some(_) => {
            let wanted = "an array of strings or an object";
            return Err(Reason::Type { member: members.path(NAME), wanted });
        }
    }
    if known.is_empty() && others.is_empty() {
        return Err(Reason::Empty(members.path(NAME)));
    }
    Ok((known, others))
}

fn architecture(
    tuple: Tuple,
    members: &Members<'_>,
    defaults: Defaults,
) -> Result<Architecture, Reason> {
    if members.object.contains_key("locales") {
        let why = "it is for all architectures, not for one".into();
        return Err(Reason::Value { member: members.path("locales"), why });
    }
    let directory = |name| {
        let member = members.path(name);
        let text = optional_string(members.object, name, &member)?;
        text.map(|text| inside(member, text)).transpose()
    };
    Ok(Architecture {
        tuple,
        dri: directory("dri")?,
        gbm: directory("gbm")?,
        gconv: directory("gconv")?,
        fallback_library_paths: fallback(members)?,
        va_api: members.truth("va_api")?.unwrap_or(defaults.va_api),
        vdpau: members.truth("vdpau")?.unwrap_or(defaults.vdpau),
    })
}

fn fallback(members: &Members<'_>) -> Result<Vec<RootPath>, Reason> {
    let Some(listed) = members.strings("fallback_library_paths")? else {
        return Ok(FALLBACK_LIBRARY_PATHS.iter().map(|path| RootPath::literal(path)).collect());
    };
    let mut paths = Vec::new();
    for (member, text) in listed {
        if text.contains(':') {
            // It could not be part of a search path.
            return Err(Reason::Value { member, why: format!("`{text}` contains `:`") });
        }
        paths.push(inside(member, text)?);
    }
    Ok(paths)
}

/// A path inside the root.
fn inside(member: String, text: &str) -> Result<RootPath, Reason> {
    RootPath::new(text).map_err(|e| Reason::Value { member, why: e.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(members: &str) -> Result<ProviderManifest, Reason> {
        let text = format!("{{\"graphics_provider_v0\": {{{members}}}}}");
        parse(text.as_bytes(), &HostPath::literal("/srv/gfx"))
    }

    fn paths(list: &[RootPath]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_array_gives_defaults() {
        let got = with(
            r#""architectures": ["x86_64-linux-gnu", "i386-linux-gnu", "x86_64-linux-gnu", "arm-linux-gnueabihf"]"#,
        );
        let got = got.unwrap();
        let tuples: Vec<_> = got.architectures.iter().map(|a| a.tuple).collect();
        assert_eq!(tuples, [Tuple::X86_64, Tuple::I386]);
        assert_eq!(got.other_architectures, ["arm-linux-gnueabihf"]);
        assert_eq!((got.root, got.locales), (HostPath::literal("/srv/gfx"), true));
        let first = &got.architectures[0];
        assert_eq!((&first.dri, &first.gbm, &first.gconv), (&None, &None, &None));
        assert_eq!(paths(&first.fallback_library_paths), ["/lib", "/usr/lib"]);
        assert!(first.va_api && first.vdpau);
    }

    #[test]
    fn an_object_overrides() {
        let got = with(
            r#""root": "../rootfs/", "locales": false, "vdpau": false, "va_api": true, "new": 1,
            "architectures": {
                "i386-linux-gnu": {"vdpau": true, "va_api": false, "fallback_library_paths": []},
                "x86_64-linux-gnu": {
                    "dri": "/usr/lib64/dri", "gbm": "/usr/lib64/gbm", "gconv": "/usr/lib64/gconv",
                    "fallback_library_paths": ["/lib64", "/usr/lib64"], "new": {}
                },
                "riscv64-linux-gnu": {"dri": 7}
            }"#,
        )
        .unwrap();
        assert_eq!(got.root, HostPath::literal("/srv/gfx/../rootfs"));
        assert!(!got.locales);
        assert_eq!(got.other_architectures, ["riscv64-linux-gnu"]);
        let i386 = got.architecture(Tuple::I386).unwrap();
        assert_eq!((i386.va_api, i386.vdpau), (false, true));
        assert!(i386.fallback_library_paths.is_empty());
        let x86 = got.architecture(Tuple::X86_64).unwrap();
        assert_eq!(x86.dri, Some(RootPath::literal("/usr/lib64/dri")));
        assert_eq!(x86.gbm, Some(RootPath::literal("/usr/lib64/gbm")));
        assert_eq!(x86.gconv, Some(RootPath::literal("/usr/lib64/gconv")));
        assert_eq!(paths(&x86.fallback_library_paths), ["/lib64", "/usr/lib64"]);
        assert_eq!((x86.va_api, x86.vdpau), (true, false));
        assert_eq!(got.architecture(Tuple::Aarch64), None);
    }

    #[test]
    fn errors_name_the_member() {
        let tuples = r#""architectures": ["x86_64-linux-gnu"]"#;
        for (members, want) in [
            ("", "it has no `graphics_provider_v0.architectures`"),
            (r#""architectures": []"#, "`graphics_provider_v0.architectures` is empty"),
            (r#""architectures": {}"#, "`graphics_provider_v0.architectures` is empty"),
            (
                r#""architectures": "x86_64-linux-gnu""#,
                "`graphics_provider_v0.architectures` is not an array of strings or an object",
            ),
            (
                r#""architectures": ["x86"]"#,
                "`graphics_provider_v0.architectures[0]`: `x86` is not a multiarch tuple",
            ),
            (
                r#""architectures": {"x86": {}}"#,
                "`graphics_provider_v0.architectures`: `x86` is not a multiarch tuple",
            ),
            (
                r#""architectures": {"i386-linux-gnu": true}"#,
                "`graphics_provider_v0.architectures.i386-linux-gnu` is not an object",
            ),
            (&format!(r#"{tuples}, "root": 1"#), "`graphics_provider_v0.root` is not a string"),
            (
                &format!(r#"{tuples}, "root": "a\u0000""#),
                "`graphics_provider_v0.root`: `/srv/gfx/a\\x00` contains a NUL byte",
            ),
            (
                &format!(r#"{tuples}, "locales": "no""#),
                "`graphics_provider_v0.locales` is not `true` or `false`",
            ),
            (
                &format!(r#"{tuples}, "va_api": 0"#),
                "`graphics_provider_v0.va_api` is not `true` or `false`",
            ),
        ] {
            assert_eq!(with(members).unwrap_err().to_string(), want, "{members}");
        }
        for (member, want) in [
            (r#""locales": true"#, "locales`: it is for all architectures, not for one"),
            (r#""dri": 1"#, "dri` is not a string"),
            (r#""dri": "lib/dri""#, "dri`: `lib/dri` is not an absolute path"),
            (r#""gbm": "/a/../b""#, "gbm`: `/a/../b` contains `..`"),
            (r#""gconv": """#, "gconv`: `` is not an absolute path"),
            (r#""vdpau": null"#, "vdpau` is not `true` or `false`"),
            (
                r#""fallback_library_paths": "/lib""#,
                "fallback_library_paths` is not an array of strings",
            ),
            (
                r#""fallback_library_paths": ["/lib", "/a:b"]"#,
                "fallback_library_paths[1]`: `/a:b` contains `:`",
            ),
            (
                r#""fallback_library_paths": ["lib"]"#,
                "fallback_library_paths[0]`: `lib` is not an absolute path",
            ),
        ] {
            let members = format!(r#""architectures": {{"x86_64-linux-gnu": {{{member}}}}}"#);
            let want = format!("`graphics_provider_v0.architectures.x86_64-linux-gnu.{want}");
            assert_eq!(with(&members).unwrap_err().to_string(), want, "{member}");
        }
    }
}
