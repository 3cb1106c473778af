//! The table of calls of the portal.

use super::super::reading::Reading;
use super::spawn::{Asked, Copy, Launch, spawn};
use super::*;
use plan::{ByteString, HostPath, Preload, Tuple};
use tools::messages::Messages;

fn settings(words: &[&str]) -> Settings {
    let program = options::named(std::ffi::OsStr::new("pressure-vessel-wrap")).unwrap();
    let given = program.read(words.iter().map(std::ffi::OsString::from)).unwrap();
    let environment = vec![];
    let messages = Messages::new("tried", &environment, 0);
    let reading = Reading { given: &given, environment: &environment, messages: &messages };
    Settings::read(&reading).unwrap_or_else(|usage| panic!("{}", usage.0))
}

/// A plan with what a call depends on.
fn plan(preloads: &[(&str, Option<Tuple>)]) -> Plan {
    let mut plan = Plan::new(vec!["game".into(), "--fd".into()]);
    plan.working_directory = plan::ContainerPath::literal("/games/one");
    plan.environment.set("PRESSURE_VESSEL_ARCHITECTURES", "x86_64-linux-gnu:i386-linux-gnu", "");
    plan.environment.set("VK_DRIVER_FILES", "/o/one.json", "");
    plan.environment.set("DISPLAY", ":7", "");
    plan.environment.unset("XDG_RUNTIME_DIR", "");
    plan.environment.unset("LIBGL_X", "");
    plan.supervision.null_stdin = true;
    plan.supervision.ld_preload = preloads
        .iter()
        .map(|(module, tuple)| Preload { module: (*module).into(), tuple: *tuple })
        .collect();
    plan
}

fn asked(settings: &Settings, plan: &Plan, copied: bool, inherited: &[(&str, &[u8])]) -> Asked {
    let inherited: Vec<(ByteString, ByteString)> =
        inherited.iter().map(|(name, value)| ((*name).into(), value.to_vec().into())).collect();
    spawn(&Launch {
        settings,
        plan,
        inherited: &inherited,
        adverb: "/adverb".into(),
        copy: copied.then(|| Copy { usr: HostPath::literal("/var/c/usr"), lock: 9 }),
        linker: &HostPath::literal("/run/user/1/ldso"),
        guard: Some("/run/parent/app/list".into()),
        verbose: false,
    })
}

fn words(asked: &Asked) -> Vec<String> {
    asked.words.iter().map(ToString::to_string).collect()
}

const RUNTIME: &[&str] = &[
    "/adverb",
    "--generate-locales",
    "--fd=9",
    "--regenerate-ld.so-cache=/run/user/1/ldso",
    "--add-ld.so-path=/usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu",
    "--add-ld.so-path=/usr/lib/pressure-vessel/overrides/lib/i386-linux-gnu",
    "--set-ld-library-path=/usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/aliases:\
     /usr/lib/pressure-vessel/overrides/lib/i386-linux-gnu/aliases",
    "--overrides-path=/usr/lib/pressure-vessel/overrides",
    "--exit-with-parent",
    "--subreaper",
    "--",
    "game",
    "--fd",
];

#[test]
fn a_runtime() {
    let asked = asked(&settings(&[]), &plan(&[]), true, &[]);
    assert_eq!(words(&asked), RUNTIME);
    assert_eq!(asked.directory, "/games/one".into());
    // SHARE_PIDS and EMPTY_APP of Flatpak's interface.
    assert_eq!((asked.flags, asked.usr), (128 | 256, Some(HostPath::literal("/var/c/usr"))));
    assert_eq!((asked.forwarded, asked.null_stdin), (vec![9], true));
}

#[test]
fn without_a_runtime() {
    let asked = asked(&settings(&[]), &plan(&[("/usr/m.so", None)]), false, &[]);
    let want = [
        "/adverb",
        "--exit-with-parent",
        "--subreaper",
        "--ld-preload=/usr/m.so",
        "--",
        "game",
        "--fd",
    ];
    assert_eq!(words(&asked), want);
    assert_eq!((asked.flags, asked.usr, asked.forwarded), (128, None, vec![]));
    let names: Vec<&str> = asked.set.iter().map(|(name, _)| name.as_str()).collect();
    assert!(!names.contains(&"SHARED_LIBRARY_GUARD_CONFIG"), "{names:?}");
}

/// What each option adds to or takes from the words for a runtime.
#[test]
fn options_and_words() {
    for (options, added, removed, flags) in [
        (&["--no-generate-locales"][..], &[][..], &["--generate-locales"][..], 384),
        (
            &["--terminate-timeout=1.5", "--terminate-idle-timeout=2"],
            &["--terminate-idle-timeout=2", "--terminate-timeout=1.500"],
            &[],
            384,
        ),
        (&["--terminate-idle-timeout=2"], &[], &[], 384),
        (&["--pass-fd=2"], &["--pass-fd=2"], &[], 384),
        (&["--unshare-pid"], &[], &[], 256),
    ] {
        let asked = asked(&settings(options), &plan(&[]), true, &[]);
        let got = words(&asked);
        let more: Vec<&str> =
            got.iter().map(String::as_str).filter(|w| !RUNTIME.contains(w)).collect();
        let less: Vec<&str> =
            RUNTIME.iter().copied().filter(|w| !got.iter().any(|g| g == w)).collect();
        assert_eq!((&more[..], &less[..]), (added, removed), "{options:?}");
        assert_eq!(asked.flags, flags, "{options:?}");
    }
}

#[test]
fn modules() {
    let modules =
        [("/run/parent/usr/m.so", Some(Tuple::I386)), ("/home/m.so", None), ("libm.so.6", None)];
    let asked = asked(&settings(&[]), &plan(&modules), true, &[]);
    let got = words(&asked);
    let got: Vec<&str> =
        got.iter().map(String::as_str).filter(|word| word.starts_with("--ld-")).collect();
    let want = [
        "--ld-preload=/run/parent/usr/m.so:abi=i386-linux-gnu",
        "--ld-preload=/home/m.so",
        "--ld-preload=libm.so.6",
    ];
    assert_eq!(got, want);
}

#[test]
fn variables() {
    let inherited: &[(&str, &[u8])] = &[
        ("DISPLAY", b":0"),
        ("FLATPAK_ID", b"com.example.App"),
        ("LIBGL_X", b"1"),
        ("PWD", b"/elsewhere"),
        ("STEAM_COMPAT_DATA_PATH", b"/data"),
        ("BAD", b"\xff"),
    ];
    let asked = asked(&settings(&[]), &plan(&[]), true, inherited);
    let set: Vec<String> =
        asked.set.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        set,
        [
            "PRESSURE_VESSEL_ARCHITECTURES=x86_64-linux-gnu:i386-linux-gnu",
            "PWD=/games/one",
            "SHARED_LIBRARY_GUARD_CONFIG=/run/parent/app/list",
            "STEAM_COMPAT_DATA_PATH=/data",
            "VK_DRIVER_FILES=/o/one.json",
        ]
    );
    assert_eq!(asked.dropped, [ByteString::from("BAD")]);
    let unset = |name: &str| asked.unset.iter().any(|n| n == name);
    assert!(unset("LIBGL_X") && unset("STEAM_COMPAT_MOUNTS") && unset("PROTON_LOG_DIR"));
    for name in ["STEAM_COMPAT_DATA_PATH", "DISPLAY", "XDG_RUNTIME_DIR", "FLATPAK_ID", "BAD"] {
        assert!(!unset(name), "{name}");
    }
}
