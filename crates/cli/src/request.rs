//! From the command line to a request: every value checked, every default filled in.

use crate::args::{Launch, Stacking};
use crate::stop::Stop;
use crate::{report, runtimes};
use compose::{
    EmulatorChoice, Facts, HomeMode, ProviderChoice, Request, RuntimeChoice, Share, Sharing,
};
use plan::{
    ByteString, Code, HostPath, Preload, Problem, RootPath, StackForm, Tuple, UnknownTuple,
};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// An option whose value cannot be used.
pub(crate) fn bad_value<E: std::fmt::Display>(option: &str) -> impl Fn(E) -> Stop {
    move |error| {
        Problem::blocking(Code::BAD_VALUE, format!("{option}: {error}"))
            .hint("`bathysphere run --help` says what each option takes")
            .into()
    }
}

/// What the options ask for on this machine.
///
/// # Errors
/// Every problem with their values; exit status 2.
pub(crate) fn request(launch: &Launch, facts: &Facts) -> Result<Request, Stop> {
    let working_directory = rustix::process::getcwd(vec![]).map_err(|error| {
        Problem::blocking(Code::BAD_VALUE, format!("the working directory is gone: {error}"))
            .hint("change to a directory that exists")
    })?;
    let defaults = Request::default();
    let (provider, providers) = providers(&launch.graphics_provider)?;
    let mut request = Request {
        runtime: runtime(launch, facts)?,
        tuples: launch.architectures.as_deref().map(tuples).transpose()?.unwrap_or_default(),
        provider,
        providers,
        emulator: emulator(&launch.emulator)?,
        emulator_root: launch
            .emulator_root
            .as_ref()
            .map(|path| absolute(path.as_os_str()).map_err(bad_value("--emulator-root")))
            .transpose()?,
        home: home(launch)?,
        environment: launch.env.iter().map(|e| variable(e)).collect::<Result<_, _>>()?,
        working_directory: HostPath::new(OsStr::from_bytes(working_directory.as_bytes()))
            .map_err(bad_value("working directory"))?,
        command: launch.command.iter().map(|c| c.as_os_str().into()).collect(),
        stack: if launch.stacking == Stacking::Tree { StackForm::Tree } else { StackForm::Overlay },
        pass_fds: launch.pass_fd.clone(),
        terminate_idle: milliseconds(
            "--terminate-idle-timeout",
            launch.terminate_idle_timeout.as_ref(),
        )?
        .or(launch.terminate_timeout.as_ref().map(|_| 0)),
        terminate_grace: milliseconds("--terminate-timeout", launch.terminate_timeout.as_ref())?
            .unwrap_or(defaults.terminate_grace),
        unshare_pid: launch.unshare_pid,
        devel: launch.devel,
        interactive: launch.interactive,
        import_vulkan_layers: !launch.no_import_vulkan_layers,
        import_openxr_runtimes: launch.import_openxr_runtimes,
        import_openxr_layers: launch.import_openxr_layers,
        preloads: modules("--ld-preload", &launch.ld_preload)?,
        audits: modules("--ld-audit", &launch.ld_audit)?,
        ..defaults
    };
    let home = facts.home();
    for value in &launch.filesystem {
        shared(value, home.as_ref()).map_err(bad_value("--filesystem"))?.add(&mut request);
    }
    Ok(request)
}

/// The runtime that is asked for; without one, an installed Steam Linux Runtime, else the host.
fn runtime(launch: &Launch, facts: &Facts) -> Result<RuntimeChoice, Stop> {
    match launch.runtime.as_deref() {
        Some(host) if host == "host" => Ok(RuntimeChoice::Host),
        Some(path) if path.as_bytes().contains(&b'/') => {
            let path = absolute(path).map_err(bad_value("--runtime"))?;
            Ok(RuntimeChoice::Dir(runtimes::within(facts, path)))
        }
        Some(name) => Ok(RuntimeChoice::Dir(runtimes::by_name(facts, name)?)),
        None => match runtimes::default(facts) {
            Some(best) => {
                report::standing(&format!("runtime: {} in {}", best.name, best.path));
                Ok(RuntimeChoice::Dir(best.path))
            }
            None => {
                report::standing("runtime: this machine's own /usr, as no other is installed");
                Ok(RuntimeChoice::Host)
            }
        },
    }
}

/// A path of the command line, relative ones to the working directory.
fn absolute(path: &OsStr) -> Result<HostPath, String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    HostPath::new(absolute).map_err(|error| error.to_string())
}

fn tuples(list: &str) -> Result<Vec<Tuple>, Stop> {
    let mut out: Vec<Tuple> = vec![];
    for name in list.split(':').filter(|n| !n.is_empty()) {
        let tuple = name.parse().map_err(bad_value("--architectures"))?;
        if !out.contains(&tuple) {
            out.push(tuple);
        }
    }
    if out.is_empty() {
        return Err(bad_value("--architectures")("names no architecture"));
    }
    Ok(out)
}

/// The provider for all architectures, and those for single ones. The last of several counts.
fn providers(
    values: &[OsString],
) -> Result<(ProviderChoice, BTreeMap<Tuple, ProviderChoice>), Stop> {
    let mut all = ProviderChoice::Default;
    let mut single = BTreeMap::new();
    for value in values {
        match tuple_and_path(value) {
            (Some(tuple), path) => {
                single.insert(tuple, provider(path)?);
            }
            (None, path) => all = provider(path)?,
        }
    }
    Ok((all, single))
}

/// `TUPLE=PATH`, where what is before the `=` is an architecture; else it belongs to the path.
pub(crate) fn tuple_and_path(value: &OsStr) -> (Option<Tuple>, &OsStr) {
    let bytes = value.as_bytes();
    let Some(at) = bytes.iter().position(|b| *b == b'=') else { return (None, value) };
    let tuple = std::str::from_utf8(&bytes[..at]).ok().and_then(|name| name.parse().ok());
    match tuple {
        Some(tuple) => (Some(tuple), OsStr::from_bytes(&bytes[at + 1..])),
        None => (None, value),
    }
}

fn provider(value: &OsStr) -> Result<ProviderChoice, Stop> {
    if value.is_empty() {
        return Ok(ProviderChoice::None);
    }
    absolute(value).map(ProviderChoice::Root).map_err(bad_value("--graphics-provider"))
}

/// A word, or the path of a manifest, which has a slash or ends in `.json`.
fn emulator(value: &OsStr) -> Result<EmulatorChoice, Stop> {
    match value.as_bytes() {
        b"auto" => Ok(EmulatorChoice::Auto),
        b"none" => Ok(EmulatorChoice::None),
        b"fex" => Ok(EmulatorChoice::Fex),
        b"qemu" => Ok(EmulatorChoice::Qemu),
        path if path.contains(&b'/') || path.ends_with(b".json") => {
            absolute(value).map(EmulatorChoice::Manifest).map_err(bad_value("--emulator"))
        }
        _ => {
            let value = ByteString::from(value);
            let why =
                format!("`{value}` is neither auto, none, fex, qemu nor the path of a manifest");
            Err(bad_value("--emulator")(why))
        }
    }
}

/// What `--filesystem` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// A file or directory.
    Path(Share),
    /// What of the host is not the container's own.
    Host(Sharing),
    /// The host's root.
    HostRoot(Sharing),
    /// What every container has.
    Nothing,
}

/// `PATH`, `PATH:ro` or `PATH:rw`, where PATH is absolute, `~/…` or one of Flatpak's words. Other colons
/// belong to the path.
pub(crate) fn shared(value: &OsStr, home: Option<&RootPath>) -> Result<Shared, String> {
    let bytes = value.as_bytes();
    let (path, read_only) = match (bytes.strip_suffix(b":ro"), bytes.strip_suffix(b":rw")) {
        (Some(path), _) => (path, true),
        (None, Some(path)) => (path, false),
        (None, None) => (bytes, false),
    };
    let sharing = if read_only { Sharing::ReadOnly } else { Sharing::ReadWrite };
    let path = match path {
        b"host" => return Ok(Shared::Host(sharing)),
        b"host-root" => return Ok(Shared::HostRoot(sharing)),
        b"host-etc" | b"host-os" => return Ok(Shared::Nothing),
        b"home" | b"~" => return Err("the home directory has options of its own".into()),
        [b'~', b'/', below @ ..] => {
            let home = home.ok_or("HOME is not an absolute path")?;
            let below = home.join(OsStr::from_bytes(below)).map_err(|e| e.to_string())?;
            HostPath::new(below.as_path())
        }
        path => HostPath::new(OsStr::from_bytes(path)),
    };
    Ok(Shared::Path(Share { path: path.map_err(|error| error.to_string())?, read_only }))
}

impl Shared {
    /// Adds it to a request.
    pub(crate) fn add(self, request: &mut Request) {
        match self {
            Shared::Path(share) => request.filesystems.push(share),
            Shared::Host(sharing) => request.host = Some(sharing),
            Shared::HostRoot(sharing) => request.host_root = Some(sharing),
            Shared::Nothing => {}
        }
    }
}

fn home(launch: &Launch) -> Result<HomeMode, Stop> {
    match &launch.home {
        _ if launch.transient_home => Ok(HomeMode::Transient),
        Some(path) => {
            absolute(path.as_os_str()).map(HomeMode::Private).map_err(bad_value("--home"))
        }
        None => Ok(HomeMode::Shared),
    }
}

fn variable(value: &OsStr) -> Result<(ByteString, Option<ByteString>), Stop> {
    let bytes = value.as_bytes();
    let (name, value) = match bytes.iter().position(|b| *b == b'=') {
        Some(at) => (&bytes[..at], Some(bytes[at + 1..].to_vec().into())),
        None => (bytes, None),
    };
    if name.is_empty() {
        return Err(bad_value("--env")("the name of the variable is empty"));
    }
    Ok((name.to_vec().into(), value))
}

/// `MODULE` or `MODULE:abi=TUPLE`; the dynamic linker has no words for other colons.
fn modules(option: &str, values: &[OsString]) -> Result<Vec<Preload>, Stop> {
    values.iter().map(|value| module(value).map_err(bad_value(option))).collect()
}

fn module(value: &OsStr) -> Result<Preload, String> {
    let bytes = value.as_bytes();
    let (module, rest) = match bytes.iter().position(|b| *b == b':') {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    };
    if module.is_empty() {
        return Err("the module has no name".into());
    }
    let tuple = rest.map(|rest| match rest.strip_prefix(b"abi=") {
        Some(tuple) => {
            String::from_utf8_lossy(tuple).parse().map_err(|e: UnknownTuple| e.to_string())
        }
        None => Err("what follows a colon is not `abi=TUPLE`".into()),
    });
    Ok(Preload { module: module.to_vec().into(), tuple: tuple.transpose()? })
}

fn milliseconds(option: &str, seconds: Option<&OsString>) -> Result<Option<u64>, Stop> {
    let time = |value| options::seconds(value).flatten();
    let wrong = || bad_value(option)("it is not a time in seconds");
    seconds.map(|value| time(value).map(whole_milliseconds).ok_or_else(wrong)).transpose()
}

pub(crate) fn whole_milliseconds(time: Duration) -> u64 {
    time.as_secs() * 1000 + u64::from(time.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let home = RootPath::literal("/h");
        let path = |path: &str, read_only| {
            Some(Shared::Path(Share { path: HostPath::literal(path), read_only }))
        };
        for (value, want) in [
            ("/a", path("/a", false)),
            ("/a:ro", path("/a", true)),
            ("/a:rw", path("/a", false)),
            ("/a:b", path("/a:b", false)),
            ("/a:b:ro", path("/a:b", true)),
            ("~/x:ro", path("/h/x", true)),
            ("~x", None),
            ("host:ro", Some(Shared::Host(Sharing::ReadOnly))),
            ("host-root", Some(Shared::HostRoot(Sharing::ReadWrite))),
            ("host-etc", Some(Shared::Nothing)),
            ("home", None),
            ("relative", None),
        ] {
            assert_eq!(shared(OsStr::new(value), Some(&home)).ok(), want, "{value}");
        }
        assert!(shared(OsStr::new("~/x"), None).is_err());
    }

    #[test]
    fn whose_drivers() {
        let values = ["/a", "i386-linux-gnu=/b", "x=/c", "x86_64-linux-gnu="].map(OsString::from);
        let (all, single) = providers(&values).ok().unwrap();
        let root = |path: &str| ProviderChoice::Root(HostPath::literal(path));
        let here = std::env::current_dir().unwrap();
        assert_eq!(all, ProviderChoice::Root(HostPath::new(here.join("x=/c")).unwrap()));
        let want = [(Tuple::X86_64, ProviderChoice::None), (Tuple::I386, root("/b"))];
        assert_eq!(single, BTreeMap::from(want));
        assert_eq!(providers(&[]).ok(), Some((ProviderChoice::Default, BTreeMap::new())));
    }

    #[test]
    fn emulators() {
        let manifest = |path: &str| Some(EmulatorChoice::Manifest(HostPath::literal(path)));
        for (value, want) in [
            ("auto", Some(EmulatorChoice::Auto)),
            ("none", Some(EmulatorChoice::None)),
            ("fex", Some(EmulatorChoice::Fex)),
            ("qemu", Some(EmulatorChoice::Qemu)),
            ("/x/y", manifest("/x/y")),
            ("", None),
            ("box64", None),
        ] {
            assert_eq!(emulator(OsStr::new(value)).ok(), want, "{value}");
        }
    }

    #[test]
    fn variables() {
        let some = |n: &str, v: &str| Some((n.into(), Some(v.into())));
        assert_eq!(variable(OsStr::new("A=b=c")).ok(), some("A", "b=c"));
        assert_eq!(variable(OsStr::new("A=")).ok(), some("A", ""));
        assert_eq!(variable(OsStr::new("A")).ok(), Some(("A".into(), None)));
        assert!(variable(OsStr::new("=x")).is_err());
    }

    #[test]
    fn modules_for_the_dynamic_linker() {
        let want = |m: &str, tuple| Some(Preload { module: m.into(), tuple });
        for (value, want) in [
            ("/a.so", want("/a.so", None)),
            ("a.so:abi=i386-linux-gnu", want("a.so", Some(Tuple::I386))),
            ("a.so:abi=sparc-linux-gnu", None),
            ("a.so:arch=i386-linux-gnu", None),
            ("a.so:b.so", None),
            (":abi=i386-linux-gnu", None),
            ("", None),
        ] {
            assert_eq!(module(OsStr::new(value)).ok(), want, "{value}");
        }
    }

    #[test]
    fn times() {
        let milliseconds = |value| milliseconds("--t", Some(&OsString::from(value))).ok();
        assert_eq!(milliseconds("1.5"), Some(Some(1500)));
        assert_eq!(milliseconds("1e300"), Some(Some(30_000_000_000)));
        for bad in ["-1", "NaN", "inf", "x"] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn architectures() {
        let both = "i386-linux-gnu:x86_64-linux-gnu:i386-linux-gnu";
        assert_eq!(tuples(both).ok(), Some(vec![Tuple::I386, Tuple::X86_64]));
        assert!(tuples("").is_err());
        assert!(tuples("riscv64-linux-gnu").is_err());
    }
}
