//! The table of the specification: options and variables, and what they come to.

use super::*;
use compose::Sharing;
use tools::messages::Messages;

/// What a command line in an environment comes to.
fn read(words: &[&str], variables: &[(&str, &str)]) -> Result<Settings, String> {
    let program = options::named(std::ffi::OsStr::new("pressure-vessel-wrap")).unwrap();
    let given = program.read(words.iter().map(std::ffi::OsString::from)).unwrap();
    let environment: Vec<_> = variables.iter().map(|(n, v)| (n.into(), v.into())).collect();
    let messages = Messages::new("tried", &environment, 0);
    let reading = Reading { given: &given, environment: &environment, messages: &messages };
    Settings::read(&reading).map_err(|Usage(why)| why)
}

#[test]
fn what_is_on_or_off() {
    type Of = fn(&Settings) -> bool;
    let rows: &[(&str, &str, &str, bool, Of)] = &[
        ("devel", "", "DEVEL", false, |s| s.devel),
        ("gc-runtimes", "no-gc-runtimes", "GC_RUNTIMES", true, |s| s.collect),
        ("generate-locales", "no-generate-locales", "GENERATE_LOCALES", true, |s| {
            s.generate_locales
        }),
        ("import-vulkan-layers", "no-import-vulkan-layers", "IMPORT_VULKAN_LAYERS", true, |s| {
            s.vulkan_layers
        }),
        (
            "import-openxr-1-runtimes",
            "no-import-openxr-1-runtimes",
            "IMPORT_OPENXR_1_RUNTIMES",
            false,
            |s| s.openxr_runtimes,
        ),
        (
            "import-openxr-1-layers",
            "no-import-openxr-1-layers",
            "IMPORT_OPENXR_1_LAYERS",
            false,
            |s| s.openxr_layers,
        ),
        ("remove-game-overlay", "keep-game-overlay", "REMOVE_GAME_OVERLAY", false, |s| {
            s.remove_game_overlay
        }),
        ("share-pid", "unshare-pid", "SHARE_PID", true, |s| !s.unshare_pid),
        ("systemd-scope", "no-systemd-scope", "SYSTEMD_SCOPE", false, |s| s.systemd_scope),
    ];
    for (on, off, variable, default, of) in rows {
        let variable = format!("PRESSURE_VESSEL_{variable}");
        let with = |words: &[&str], value: Option<&str>| {
            let variables: Vec<_> =
                value.map(|value| (variable.as_str(), value)).into_iter().collect();
            of(&read(words, &variables).unwrap())
        };
        let (on, off) = (format!("--{on}"), format!("--{off}"));
        assert_eq!(with(&[], None), *default, "{on}");
        assert!(with(&[], Some("1")), "{on}");
        assert!(!with(&[], Some("0")) && !with(&[], Some("")), "{on}");
        assert_eq!(with(&[], Some("yes")), *default, "{on}");
        assert!(with(&[&on], Some("0")), "{on}");
        if off != "--" {
            assert!(!with(&[&off], Some("1")) && !with(&[&on, &off], None), "{on}");
            assert!(with(&[&off, &on], None), "{on}");
        }
    }
}

#[test]
fn where_copies_are() {
    let (copy, into, place) = (
        "PRESSURE_VESSEL_COPY_RUNTIME",
        "PRESSURE_VESSEL_COPY_RUNTIME_INTO",
        "PRESSURE_VESSEL_VARIABLE_DIR",
    );
    for (words, variables, want) in [
        (&[][..], &[][..], Some("no -")),
        (&["--copy-runtime"], &[], None),
        (&["--copy-runtime", "--variable-dir=/v"], &[], Some("copy /v")),
        (&["--copy-runtime", "--no-copy-runtime"], &[(place, "/v")], Some("no /v")),
        (&["--copy-runtime-into", "/v"], &[], Some("copy /v")),
        (&["--copy-runtime-into="], &[(copy, "1"), (place, "/v")], Some("no /v")),
        (&[], &[(into, "/v")], Some("copy /v")),
        (&[], &[(into, "/v"), (copy, "0"), (place, "/w")], Some("no /w")),
        (&[], &[(into, ""), (copy, "1"), (place, "/w")], Some("copy /w")),
        (&[], &[(copy, "1")], None),
    ] {
        let got = read(words, variables).ok().map(|s| {
            let place = s.variable_dir.map_or("-".to_owned(), |place| place.to_string());
            format!("{} {place}", if s.copy_runtime { "copy" } else { "no" })
        });
        assert_eq!(got.as_deref(), want, "{words:?} {variables:?}");
    }
}

#[test]
fn homes() {
    let shared = Some(Home::Shared);
    let app = |id: &str| Some(Home::Application(id.into()));
    let private = |path: &str| Some(Home::Private(HostPath::literal(path)));
    let (share, home, id) =
        ("PRESSURE_VESSEL_SHARE_HOME", "PRESSURE_VESSEL_HOME", "PRESSURE_VESSEL_FDO_APP_ID");
    for (words, variables, want) in [
        (&[][..], &[][..], shared.clone()),
        (&["--share-home", "--home=/h"], &[], shared.clone()),
        (&["--home=/h"], &[], private("/h")),
        (&["--home=/h", "--unshare-home"], &[], private("/h")),
        (&[], &[(home, "/h")], private("/h")),
        (&[], &[(home, "")], shared.clone()),
        (&[], &[(share, "")], shared.clone()),
        (&[], &[(share, "1"), (home, "/h")], shared.clone()),
        (&[], &[(share, "0")], None),
        (&["--unshare-home"], &[], None),
        (&["--unshare-home", "--freedesktop-app-id=org.x.Y"], &[], app("org.x.Y")),
        (&["--unshare-home"], &[(id, "org.x.Y"), ("SteamAppId", "7")], app("org.x.Y")),
        (&["--unshare-home"], &[(id, ""), ("SteamAppId", "7")], app("com.steampowered.App7")),
        (
            &["--unshare-home"],
            &[("STEAM_COMPAT_APP_ID", "8"), ("SteamAppId", "7")],
            app("com.steampowered.App8"),
        ),
        (
            &["--unshare-home", "--steam-app-id=9"],
            &[("SteamAppId", "7")],
            app("com.steampowered.App9"),
        ),
        (&["--unshare-home", "--batch"], &[], Some(Home::Transient)),
        (&["--unshare-home", "--for-steam-client"], &[], shared.clone()),
        (&["--unshare-home", "--share-home"], &[], shared),
    ] {
        assert_eq!(read(words, variables).ok().map(|s| s.home), want, "{words:?} {variables:?}");
    }
}

#[test]
fn shells_and_terminals() {
    let (shell, terminal) = ("PRESSURE_VESSEL_SHELL", "PRESSURE_VESSEL_TERMINAL");
    use tools::interactive as i;
    for (words, variables, want) in [
        (&[][..], &[][..], Some((i::Shell::None, i::Terminal::None))),
        (&["--shell=after"], &[], Some((i::Shell::After, i::Terminal::Xterm))),
        (&["--shell-fail", "--tty"], &[], Some((i::Shell::Fail, i::Terminal::Tty))),
        (
            &["--shell=instead", "--terminal=xterm"],
            &[],
            Some((i::Shell::Instead, i::Terminal::Xterm)),
        ),
        (&["--xterm"], &[], Some((i::Shell::None, i::Terminal::Xterm))),
        (&["--xterm", "--terminal=no"], &[], Some((i::Shell::None, i::Terminal::None))),
        (&["--shell=no", "--tty"], &[], Some((i::Shell::None, i::Terminal::Tty))),
        (&["--shell=after", "--terminal=none"], &[], None),
        (&["--shell=after", "--terminal=none", "--batch"], &[], None),
        (&["--shell=after", "--tty", "--batch"], &[], Some((i::Shell::None, i::Terminal::None))),
        (&["--tty", "--launcher"], &[], Some((i::Shell::None, i::Terminal::None))),
        (&["--shell=often"], &[], None),
        (&["--terminal=vt100"], &[], None),
        (&[], &[(shell, "after"), (terminal, "tty")], Some((i::Shell::After, i::Terminal::Tty))),
        (&[], &[(shell, ""), (terminal, "")], Some((i::Shell::None, i::Terminal::None))),
        (
            &["--shell=", "--terminal="],
            &[(shell, "after")],
            Some((i::Shell::None, i::Terminal::None)),
        ),
        (&[], &[(shell, "often")], None),
        (&["--shell-none"], &[(shell, "after")], Some((i::Shell::None, i::Terminal::None))),
    ] {
        let got = read(words, variables).ok().map(|s| (s.shell, s.terminal));
        assert_eq!(got, want, "{words:?} {variables:?}");
    }
}

#[test]
fn runtimes() {
    let (runtime, base) = ("PRESSURE_VESSEL_RUNTIME", "PRESSURE_VESSEL_RUNTIME_BASE");
    for (words, variables, want) in [
        (&[][..], &[][..], None),
        (&["--runtime=/r"], &[(runtime, "/s")], Some("/r")),
        (&["--runtime="], &[(runtime, "/s")], None),
        (&[], &[(runtime, "")], None),
        (&[], &[(runtime, "r"), (base, "/b")], Some("/b/r")),
        (&["--runtime=/r", "--runtime-base=/b"], &[], Some("/r")),
        (&["--runtime=r", "--runtime-base=/b"], &[(base, "/c")], Some("/b/r")),
    ] {
        let got = read(words, variables).unwrap().runtime.map(|path| path.to_string());
        assert_eq!(got.as_deref(), want, "{words:?} {variables:?}");
    }
    let here = std::env::current_dir().unwrap().join("r");
    assert_eq!(read(&["--runtime=r"], &[]).unwrap().runtime, HostPath::new(here).ok());
}

#[test]
fn what_cannot_be_used() {
    for (words, variables) in [
        (&["--env-if-host=A"][..], &[][..]),
        (&["--env-if-host==x"], &[]),
        (&["--filesystem=relative"], &[]),
        (&["--filesystem=/a:b"], &[]),
        (&["--filesystem=/a\\b:ro"], &[]),
        (&["--filesystem=home"], &[]),
        (&["--filesystem=~/x"], &[("HOME", "relative")]),
        (&["--graphics-provider=relative"], &[]),
        (&["--graphics-provider=x86_64-linux-gnu=relative"], &[]),
        (&[], &[("PRESSURE_VESSEL_GRAPHICS_PROVIDER", "relative")]),
        (&["--pass-fd=x"], &[]),
        (&["--pass-fd=-1"], &[]),
        (&["--pass-fd=987"], &[]),
        (&["--assign-fd=3"], &[]),
        (&["--assign-fd=3=987"], &[]),
        (&["--assign-fd=x=0"], &[]),
        (&["--test", "--only-prepare"], &[]),
        (&["--terminate-timeout=soon"], &[]),
        (&["--terminate-idle-timeout="], &[]),
        (&["--runtime=/r", "--runtime-archive=/a.tar.gz"], &[]),
        (&["--runtime-archive=/a.tar.gz"], &[]),
        (&["--runtime-id=-x"], &[]),
        (&["--runtime-id=a/b"], &[]),
    ] {
        assert!(read(words, variables).is_err(), "{words:?} {variables:?}");
    }
    assert!(read(&["--runtime-id=a_B-1.0", "--deterministic", "--single-thread"], &[]).is_ok());
}

#[test]
fn lists() {
    let words = [
        "--ld-preload=/a:b c",
        "--ld-preloads=/d: /e :",
        "--host-ld-preload=f",
        "--ld-audits=/g h:/i",
        "--ld-audit=",
        "--env-if-host=A=1=2",
        "--env-if-host=B=",
        "--pass-fd=0",
        "--assign-fd=9=1",
    ];
    let settings = read(&words, &[]).unwrap();
    let names = |modules: &[Preload]| {
        modules.iter().map(|m| m.module.to_string()).collect::<Vec<_>>().join("|")
    };
    assert_eq!(names(&settings.preloads), "/a:b c|/d|/e|f");
    assert_eq!(names(&settings.audits), "/g h|/i");
    let variable = |name: &str, value: &str| (ByteString::from(name), ByteString::from(value));
    assert_eq!(settings.environment_if_host, [variable("A", "1=2"), variable("B", "")]);
    assert_eq!((settings.pass_fds, settings.assign_fds), (vec![0], vec![(9, 1)]));
}

#[test]
fn drivers() {
    let root = |path: &str| ProviderChoice::Root(HostPath::literal(path));
    let (new, old) = ("PRESSURE_VESSEL_GRAPHICS_PROVIDER", "PRESSURE_VESSEL_HOST_GRAPHICS");
    for (words, variables, want) in [
        (&[][..], &[][..], ProviderChoice::Default),
        (&["--graphics-provider=/p"], &[(old, "0")], root("/p")),
        (&["--graphics-provider="], &[], ProviderChoice::None),
        (&["--graphics-provider=/p", "--without-host-graphics"], &[], ProviderChoice::None),
        (&["--with-host-graphics"], &[], super::super::obsolete::host_graphics()),
        (&[], &[(old, "0")], ProviderChoice::None),
        (&[], &[(old, "1")], super::super::obsolete::host_graphics()),
        (&[], &[(old, "")], ProviderChoice::Default),
        (&[], &[(old, "0"), (new, "/p")], ProviderChoice::Default),
    ] {
        assert_eq!(read(words, variables).unwrap().provider, want, "{words:?} {variables:?}");
    }
    let settings = read(&["--graphics-provider=i386-linux-gnu=/p", "--graphics-provider=/q"], &[]);
    let settings = settings.unwrap();
    assert_eq!(settings.provider, root("/q"));
    assert_eq!(settings.providers, BTreeMap::from([(Tuple::I386, root("/p"))]));
    let list = "i386-linux-gnu:sparc64-linux-gnu:x86_64-linux-gnu:i386-linux-gnu:";
    let settings = read(&[], &[("PRESSURE_VESSEL_ARCHITECTURES", list)]).unwrap();
    assert_eq!(settings.architectures, [Tuple::I386, Tuple::X86_64]);
}

#[test]
fn ends() {
    let times = |idle, grace| Some(Terminate { idle, grace });
    for (words, want) in [
        (&[][..], None),
        (&["--terminate-idle-timeout=5"], None),
        (&["--terminate-timeout=-1", "--terminate-idle-timeout=5"], None),
        (&["--terminate-timeout=0"], times(0, 0)),
        (&["--terminate-timeout=1.5", "--terminate-idle-timeout=-3"], times(0, 1500)),
        (&["--terminate-timeout=1", "--terminate-idle-timeout=0.25"], times(250, 1000)),
    ] {
        assert_eq!(read(words, &[]).unwrap().terminate, want, "{words:?}");
    }
}

#[test]
fn the_client_has_nearly_everything() {
    let client = read(&["--for-steam-client"], &[]).unwrap();
    let all = [Shared::Host(Sharing::ReadWrite), Shared::HostRoot(Sharing::ReadWrite)];
    assert_eq!((client.shared, client.writable_sys), (all.into(), true));
    let limited = ("PRESSURE_VESSEL_WORKAROUNDS", "limit-shared-dirs");
    let client = read(&[], &[("STEAM_COMPAT_FOR_STEAM_CLIENT", "1"), limited]).unwrap();
    assert!(client.shared.is_empty() && client.writable_sys);
}
