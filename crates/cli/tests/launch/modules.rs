//! Modules that the dynamic linker loads into games: real ones, of the hosts of the laboratory.

use crate::support::{BACKENDS, FORMS, Launch, host_name, lab, need, sh, x_server};
use std::path::Path;
use std::process::Stdio;

const ABIS: &[&str] = &["x86_64-linux-gnu", "i386-linux-gnu"];

/// The architectures for which this host has a module, or a reason to skip.
fn abis_with(tail: &str) -> Result<Vec<&'static str>, String> {
    let there = |abi: &&str| Path::new("/usr/lib").join(abi).join(tail).exists();
    let abis: Vec<&str> = ABIS.iter().copied().filter(there).collect();
    // The machine itself need not have what games are played with; each host of the laboratory has.
    match host_name() {
        None if abis.is_empty() => Err(format!("this machine has no {tail}")),
        _ if abis.is_empty() => panic!("this host of the laboratory has no {tail}"),
        _ => Ok(abis),
    }
}

/// What the dynamic linker says (`LD_DEBUG=files`) to have started, of programs and what they loaded.
fn started(log: &str) -> Vec<&str> {
    log.lines().filter_map(|line| line.split("calling init: ").nth(1)).collect()
}

/// Where the container has a module for an architecture.
fn place(abi: &str, name: &str) -> String {
    format!("/run/pressure-vessel/modules/lib/{abi}/{name}")
}

/// A launch as `mangohud` and `gamemoderun` make it: with variables, which name no path.
fn as_its_script_does(name: &str, directory: &str) -> Launch {
    Launch::new().env("LD_PRELOAD", name).env("LD_LIBRARY_PATH", directory)
}

/// As the `mangohud` of this host does it for OpenGL: newer ones (0.7) name a module of its own by path.
fn mangohud_for_gl() -> Launch {
    if Path::new("/usr/lib/x86_64-linux-gnu/mangohud/libMangoHud_opengl.so").exists() {
        return Launch::new().env("LD_PRELOAD", "/usr/$LIB/mangohud/libMangoHud_opengl.so");
    }
    as_its_script_does("libMangoHud.so", "/usr/$LIB/mangohud/")
}

/// In every form of a runtime programs of both architectures load their own; the executors take turns.
#[test]
fn mangohud_is_loaded_everywhere() {
    let abis = need!(abis_with("mangohud/libMangoHud.so"));
    for (turn, form) in FORMS.iter().enumerate() {
        let runtime = need!(lab(form));
        for (n, abi) in abis.iter().enumerate() {
            let backend = BACKENDS[(turn + n) % BACKENDS.len()];
            let outcome = as_its_script_does("libMangoHud.so", "/usr/$LIB/mangohud/")
                .runtime(&runtime)
                .backend(backend)
                .env("LD_DEBUG", "files")
                .run(&[format!("/usr/bin/glxinfo.{abi}"), "-h".into()]);
            let log = outcome.stderr();
            let want = place(abi, "libMangoHud.so");
            assert!(started(&log).contains(&&*want), "{form} {backend}: {}", outcome.account());
            assert!(!log.contains("cannot be preloaded"), "{form}: {}", outcome.account());
        }
    }
}

/// It draws into a game of either architecture and measures it: the log is its own.
#[test]
fn mangohud_measures_gl_games() {
    let abis = need!(abis_with("mangohud/libMangoHud.so"));
    let runtime = need!(lab("runtime-bullseye"));
    let x = need!(x_server());
    let mut games = vec![];
    for (n, abi) in abis.iter().enumerate() {
        let launch = mangohud_for_gl();
        let config =
            format!("autostart_log=1,log_duration=2,output_folder={}", launch.home().display());
        let (mut process, home) = launch
            .runtime(&runtime)
            .backend(BACKENDS[n % BACKENDS.len()])
            .env("DISPLAY", &x.display)
            .env("MANGOHUD", "1")
            .env("MANGOHUD_CONFIG", config)
            .prepare(&["timeout", "8", &format!("/usr/bin/glxgears.{abi}")]);
        let process = process.stdout(Stdio::null()).stderr(Stdio::piped());
        games.push((process.spawn().expect("the program under test starts"), home, abi));
    }
    for (game, home, abi) in games {
        let output = game.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let logs = std::fs::read_dir(home.path()).expect("the home is there").flatten();
        let logs =
            logs.map(|entry| entry.path()).filter(|p| p.extension().is_some_and(|e| e == "csv"));
        let logs: Vec<String> = logs.filter_map(|p| std::fs::read_to_string(p).ok()).collect();
        let frames = logs.iter().flat_map(|log| log.lines()).filter(|line| {
            line.split(',')
                .next()
                .is_some_and(|first| first.parse::<f64>().is_ok_and(|fps| fps > 0.0))
        });
        assert!(frames.count() > 0, "{abi}: no frames in {logs:?}\n{said}");
    }
}

/// Whether the host's Vulkan loader knows for which architecture a manifest is. Older ones (Debian 11's) take the first
/// of two layers of one name, and find then that its library is none of theirs.
fn loader_knows_architectures(abi: &str) -> bool {
    let loader = std::fs::read(format!("/usr/lib/{abi}/libvulkan.so.1")).expect("the host's");
    loader.windows(12).any(|bytes| bytes == b"library_arch")
}

/// Its Vulkan layer, which a manifest of the host names, is loaded for either architecture.
#[test]
fn mangohud_is_a_vulkan_layer() {
    let abis = need!(abis_with("mangohud/libMangoHud.so"));
    let x = need!(x_server());
    for form in ["runtime-bullseye", "form-usr"] {
        let runtime = need!(lab(form));
        for (n, abi) in abis.iter().enumerate() {
            let outcome = Launch::new()
                .runtime(&runtime)
                .backend(BACKENDS[n % BACKENDS.len()])
                .env("DISPLAY", &x.display)
                .env("MANGOHUD", "1")
                .env("LD_DEBUG", "files")
                .run(&[format!("/usr/bin/vulkaninfo.{abi}"), "--summary".into()]);
            let text = outcome.ok();
            assert!(text.contains("VK_LAYER_MANGOHUD_overlay"), "{form}: {}", outcome.account());
            let log = outcome.stderr();
            let loaded = |path: &&str| path.contains(abi) && path.ends_with("/libMangoHud.so");
            let serves = n == 0 || loader_knows_architectures(abi);
            let is_loaded = started(&log).iter().any(loaded);
            assert_eq!(is_loaded, serves, "{form} {abi}: {}", outcome.account());
        }
    }
}

/// Preloaded by name: gamemode's module opens its library by name, and both are the host's.
#[test]
fn gamemode_finds_its_library() {
    let abis = need!(abis_with("libgamemodeauto.so.0"));
    let runtime = need!(lab("runtime-bullseye-nonmerged"));
    for backend in BACKENDS {
        for abi in &abis {
            let outcome = Launch::new()
                .runtime(&runtime)
                .backend(backend)
                .pair("--ld-preload", "libgamemodeauto.so.0")
                .env("LD_DEBUG", "files")
                .run(&[format!("/usr/bin/glxinfo.{abi}"), "-h".into()]);
            let log = outcome.stderr();
            let started = started(&log);
            let want = place(abi, "libgamemodeauto.so.0");
            assert!(started.contains(&&*want), "{backend}: {}", outcome.account());
            let opened = format!("/usr/lib/pressure-vessel/overrides/lib/{abi}/libgamemode.so.0");
            assert!(started.contains(&&*opened), "{backend}: {}", outcome.account());
        }
    }
}

/// A module does what it is for: with libeatmydata nothing is synchronised. The host's own `/usr` too.
#[test]
fn a_module_does_its_work() {
    need!(abis_with("libeatmydata.so.1"));
    let bullseye = need!(lab("runtime-bullseye"));
    for runtime in [bullseye.as_path(), Path::new("host")] {
        for backend in BACKENDS {
            let launch = || Launch::new().runtime(runtime).backend(backend);
            let command = sh("grep -c libeatmydata /proc/self/maps; sync -d /proc/self/cmdline");
            // Without it the file system of processes refuses.
            assert_ne!(launch().run(&command).status(), 0);
            let outcome =
                launch().pair("--ld-preload", "/usr/$LIB/libeatmydata.so.1").run(&command);
            assert_ne!(outcome.ok().trim(), "0", "{}", outcome.account());
        }
    }
}

/// glibc's own audit module, which says which functions are called between libraries.
#[test]
fn an_audit_module_is_told() {
    let runtime = need!(lab("runtime-bullseye"));
    let module = "/usr/$LIB/audit/sotruss-lib.so";
    let with = ["/usr/lib", "/lib"]
        .iter()
        .any(|lib| Path::new(lib).join("x86_64-linux-gnu/audit/sotruss-lib.so").exists());
    if !with {
        // glibc 2.37 and Debian 12 do not install it any more: nothing to audit with.
        let outcome = Launch::new().runtime(&runtime).pair("--ld-audit", module).run(&["true"]);
        outcome.ok();
        assert!(outcome.stderr().contains("BS0021"), "{}", outcome.account());
        return;
    }
    for backend in BACKENDS {
        let launch = || Launch::new().runtime(&runtime).backend(backend);
        let outcome = launch().pair("--ld-audit", module).run(&["/usr/bin/env", "true"]);
        outcome.ok();
        assert!(outcome.stderr().contains("libc.so.6"), "{backend}: {}", outcome.account());
        let without = launch().run(&["/usr/bin/env", "true"]);
        assert!(!without.stderr().contains("libc.so.6"), "{backend}: {}", without.account());
    }
}

/// `explain` says where a module is from, and the plan what names it.
#[test]
fn where_a_module_is_from() {
    need!(abis_with("mangohud/libMangoHud.so"));
    let runtime = need!(lab("runtime-bullseye"));
    let launch = Launch::verb("explain").runtime(&runtime);
    let launch = launch.pair("--ld-preload", "/usr/$LIB/mangohud/libMangoHud.so");
    let outcome = launch.run(&["libMangoHud.so"]);
    let text = outcome.ok();
    for want in ["LD_PRELOAD", "/run/host/usr/lib/x86_64-linux-gnu/mangohud/libMangoHud.so"] {
        assert!(text.contains(want), "no {want}: {}", outcome.account());
    }
}

/// A game with an SDL of its own gets the runtime's where Steam's variable asks for it.
#[test]
fn the_runtimes_sdl() {
    let runtime = need!(lab("runtime-bullseye"));
    let game = need!(lab("game-neverball"));
    let play = |backend: &str, asked: &[(&str, &str)]| {
        let launch = Launch::new();
        let home = launch.home().to_owned();
        let sdl = runtime.join("usr/lib/x86_64-linux-gnu/libSDL2-2.0.so.0");
        std::fs::copy(sdl, home.join("libSDL2-2.0.so.0")).expect("the runtime has SDL");
        let libraries = format!("{}:{}/usr/lib/x86_64-linux-gnu", home.display(), game.display());
        let mut launch = launch
            .runtime(&runtime)
            .backend(backend)
            .pair("--filesystem", &game)
            .pair("--env", format!("LD_LIBRARY_PATH={libraries}"))
            .env("SDL_VIDEODRIVER", "none")
            .env("LD_DEBUG", "files");
        for (name, value) in asked {
            launch = launch.env(name, value);
        }
        let outcome = launch.run(&[game.join("usr/games/neverball")]);
        let log = outcome.stderr();
        let sdl = started(&log).into_iter().filter(|path| path.ends_with("libSDL2-2.0.so.0"));
        let sdl = sdl.map(|path| path.replace(&*home.to_string_lossy(), "HOME"));
        (sdl.collect::<Vec<String>>(), outcome.account())
    };
    let own = "HOME/libSDL2-2.0.so.0".to_owned();
    let taken = place("x86_64-linux-gnu", "libSDL2-2.0.so.0");
    for backend in BACKENDS {
        for asked in [("STEAM_COMPAT_RUNTIME_SDL2", "1"), ("STEAM_COMPAT_FLAGS", "a,runtime-sdl2")]
        {
            let (sdl, account) = play(backend, &[asked]);
            assert!(sdl.contains(&own) && sdl.contains(&taken), "{sdl:?} {account}");
        }
        let (sdl, account) = play(backend, &[]);
        assert_eq!(sdl, std::slice::from_ref(&own), "{account}");
    }
}

/// libvdpau finds the host's driver by the one name that serves all architectures.
#[test]
fn the_hosts_vdpau_driver() {
    let runtime = need!(lab("runtime-bullseye"));
    let drivers = "/usr/lib/x86_64-linux-gnu/vdpau/libvdpau_r600.so.1";
    if !Path::new(drivers).exists() {
        need!(Err::<(), _>(format!("this host has no {drivers}")));
    }
    let x = need!(x_server());
    for backend in BACKENDS {
        let outcome = Launch::new()
            .runtime(&runtime)
            .backend(backend)
            .env("DISPLAY", &x.display)
            .env("VDPAU_DRIVER", "r600")
            .env("LD_DEBUG", "files")
            .run(&["vdpauinfo"]);
        // There is no card for it: it is loaded, and says so.
        let log = outcome.stderr();
        let want =
            "/usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/vdpau/libvdpau_r600.so.1";
        assert!(started(&log).contains(&want), "{backend}: {}", outcome.account());
    }
}
