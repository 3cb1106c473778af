//! What the portal is asked to start: a pure function of settings and plan.

use super::super::settings::{Settings, Terminate};
use bus::flatpak::{EMPTY_APP, SHARE_PIDS};
use plan::{ByteString, HostPath, Plan, Preload};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;

/// Where the copy has what the drivers' provider gives.
const OVERRIDES: &str = "/usr/lib/pressure-vessel/overrides";

/// Variables that Flatpak sets in a sub-sandbox, or that name what both sandboxes have in one place.
const FLATPAKS_OWN: &[&str] = &[
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DISPLAY",
    "FLATPAK_ID",
    "FLATPAK_SANDBOX_DIR",
    "XDG_RUNTIME_DIR",
];

/// Paths of Steam's: those that are unset here are to be unset there, whatever the portal has.
const STEAMS: &[&str] = &[
    "PROTON_LOG_DIR",
    "STEAM_COMPAT_APP_LIBRARY_PATH",
    "STEAM_COMPAT_APP_LIBRARY_PATHS",
    "STEAM_COMPAT_CLIENT_INSTALL_PATH",
    "STEAM_COMPAT_DATA_PATH",
    "STEAM_COMPAT_INSTALL_PATH",
    "STEAM_COMPAT_LIBRARY_PATHS",
    "STEAM_COMPAT_MOUNTS",
    "STEAM_COMPAT_MOUNT_PATHS",
    "STEAM_COMPAT_SHADER_PATH",
    "STEAM_COMPAT_TOOL_PATH",
    "STEAM_COMPAT_TOOL_PATHS",
    "STEAM_EXTRA_COMPAT_TOOLS_PATHS",
];

/// The copy of the runtime.
pub(super) struct Copy {
    pub(super) usr: HostPath,
    /// The lock that keeps it from being collected.
    pub(super) lock: RawFd,
}

/// From what it follows.
pub(super) struct Launch<'a> {
    pub(super) settings: &'a Settings,
    pub(super) plan: &'a Plan,
    pub(super) inherited: &'a [(ByteString, ByteString)],
    pub(super) adverb: ByteString,
    pub(super) copy: Option<Copy>,
    /// The directory of the linker's cache.
    pub(super) linker: &'a HostPath,
    /// `SHARED_LIBRARY_GUARD_CONFIG` there.
    pub(super) guard: Option<ByteString>,
    pub(super) verbose: bool,
}

/// A call of the portal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) directory: ByteString,
    pub(super) words: Vec<ByteString>,
    /// Whether standard input is `/dev/null`.
    pub(super) null_stdin: bool,
    /// Descriptors beside the standard ones, by their numbers.
    pub(super) forwarded: Vec<RawFd>,
    pub(super) set: Vec<(String, String)>,
    pub(super) unset: Vec<String>,
    pub(super) flags: u32,
    pub(super) usr: Option<HostPath>,
    /// Variables that cannot be passed.
    pub(super) dropped: Vec<ByteString>,
}

/// What is asked for.
pub(super) fn spawn(launch: &Launch<'_>) -> Asked {
    let Launch { settings, plan, copy, .. } = launch;
    let mut forwarded: BTreeSet<RawFd> = settings.pass_fds.iter().copied().collect();
    forwarded.extend(plan.supervision.assign_fds.iter().map(|(_, source)| *source));
    forwarded.extend(copy.iter().map(|copy| copy.lock));
    let mut flags = if settings.unshare_pid { 0 } else { SHARE_PIDS };
    if copy.is_some() {
        flags |= EMPTY_APP;
    }
    let (set, unset, dropped) = environment(launch);
    Asked {
        directory: plan.working_directory.as_path().as_os_str().into(),
        words: words(launch),
        null_stdin: plan.supervision.null_stdin,
        forwarded: forwarded.into_iter().filter(|number| *number > 2).collect(),
        set,
        unset,
        flags,
        usr: copy.as_ref().map(|copy| copy.usr.clone()),
        dropped,
    }
}

/// The adverb with its options, and the command.
fn words(launch: &Launch<'_>) -> Vec<ByteString> {
    let Launch { settings, plan, copy, .. } = launch;
    let mut words = vec![launch.adverb.clone()];
    let mut option = |text: String| words.push(text.as_str().into());
    if let Some(copy) = copy {
        if settings.generate_locales {
            option("--generate-locales".into());
        }
        option(format!("--fd={}", copy.lock));
        option(format!("--regenerate-ld.so-cache={}", launch.linker));
        let tuples = tuples(plan);
        for tuple in &tuples {
            option(format!("--add-ld.so-path={OVERRIDES}/lib/{tuple}"));
        }
        let aliases: Vec<String> =
            tuples.iter().map(|tuple| format!("{OVERRIDES}/lib/{tuple}/aliases")).collect();
        option(format!("--set-ld-library-path={}", aliases.join(":")));
        option(format!("--overrides-path={OVERRIDES}"));
    }
    if let Some(Terminate { idle, grace }) = settings.terminate {
        option(format!("--terminate-idle-timeout={}", seconds(idle)));
        option(format!("--terminate-timeout={}", seconds(grace)));
    }
    option("--exit-with-parent".into());
    option("--subreaper".into());
    for (target, source) in &plan.supervision.assign_fds {
        option(format!("--assign-fd={target}={source}"));
    }
    for number in &settings.pass_fds {
        option(format!("--pass-fd={number}"));
    }
    let supervision = &plan.supervision;
    for (name, modules) in
        [("ld-audit", &supervision.ld_audit), ("ld-preload", &supervision.ld_preload)]
    {
        words.extend(modules.iter().map(|module| module_option(name, module)));
    }
    if launch.verbose {
        words.push("--verbose".into());
    }
    words.push("--".into());
    words.extend(plan.command.iter().cloned());
    words
}

/// `--ld-preload=MODULE[:abi=TUPLE]`.
fn module_option(name: &str, preload: &Preload) -> ByteString {
    let mut out = format!("--{name}=").into_bytes();
    out.extend(preload.module.as_bytes());
    if let Some(tuple) = preload.tuple {
        out.extend(format!(":abi={tuple}").as_bytes());
    }
    out.into()
}

/// Architectures of the runtime, the primary one first.
fn tuples(plan: &Plan) -> Vec<String> {
    let named = plan.environment.get("PRESSURE_VESSEL_ARCHITECTURES");
    let named = named.map(ToString::to_string).unwrap_or_default();
    named.split(':').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn seconds(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}") }
}

type Variables = (Vec<(String, String)>, Vec<String>, Vec<ByteString>);

/// Everything that is set here, with the plan's changes; what is unset; and what is no UTF-8.
fn environment(launch: &Launch<'_>) -> Variables {
    let own = |name: &ByteString| FLATPAKS_OWN.iter().any(|own| name.as_bytes() == own.as_bytes());
    let mut wanted: BTreeMap<ByteString, Option<ByteString>> =
        launch.inherited.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    for name in STEAMS {
        wanted.entry((*name).into()).or_default();
    }
    for (name, variable) in &launch.plan.environment.0 {
        wanted.insert(name.clone(), variable.value.clone());
    }
    let directory = launch.plan.working_directory.as_path().as_os_str().as_bytes().to_vec();
    wanted.insert("PWD".into(), Some(directory.into()));
    if let (Some(guard), Some(_)) = (&launch.guard, &launch.copy) {
        wanted.insert("SHARED_LIBRARY_GUARD_CONFIG".into(), Some(guard.clone()));
    }
    wanted.retain(|name, _| !own(name));
    let (mut set, mut unset, mut dropped) = (vec![], vec![], vec![]);
    for (name, value) in wanted {
        let text = |bytes: &ByteString| String::from_utf8(bytes.as_bytes().to_vec()).ok();
        match (text(&name), value.as_ref().map(text)) {
            (Some(name), Some(Some(value))) => set.push((name, value)),
            (Some(name), None) => unset.push(name),
            _ => dropped.push(name),
        }
    }
    (set, unset, dropped)
}
