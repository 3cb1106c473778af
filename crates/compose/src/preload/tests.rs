//! Modules in, variables and links out.

use crate::testing::facts;
use crate::{ProviderChoice, Request, RuntimeChoice, compose};
use plan::{Code, HostPath, Op, Plan, Preload, Tuple};
use testkit::{ElfBuilder, TreeBuilder};

const X: Tuple = Tuple::X86_64;
const I: Tuple = Tuple::I386;

/// The multiarch directories, as Debian's dynamic linkers have them for `$LIB`.
const DEBIAN: [&str; 2] = ["lib/x86_64-linux-gnu", "lib/i386-linux-gnu"];

/// A merged root with a dynamic linker for both architectures, and what each puts for `$LIB`.
fn root(libs: [&str; 2]) -> TreeBuilder {
    let top = "usr/bin/\nusr/lib64/\nusr/lib/\nbin -> usr/bin\nlib -> usr/lib\nlib64 -> usr/lib64\netc/\n";
    let mut tree = TreeBuilder::new().unwrap().table(top).unwrap();
    for (tuple, lib) in [(X, libs[0]), (I, libs[1])] {
        let mut linker = ElfBuilder::shared(tuple).build();
        linker.extend(format!("\0{lib}\0").bytes());
        linker.extend(format!("\0/{lib}/\0/usr/{lib}/\0").bytes());
        tree = tree.program(format!("usr{}", tuple.interpreter()), &linker).unwrap();
    }
    tree
}

struct Bench {
    host: TreeBuilder,
    runtime: TreeBuilder,
    environment: Vec<(&'static str, String)>,
}

impl Bench {
    /// A host with modules in all places, and a runtime that has one of them itself.
    fn new() -> Self {
        Self::with(DEBIAN)
    }

    /// With what the runtime's dynamic linkers put for `$LIB`.
    fn with(libs: [&str; 2]) -> Self {
        let mut host = root(DEBIAN)
            .table("home/ann/\nhome/ann/deep/\nopt/\ntmp/\nvar/tmp/\ndev/\nproc/\nsys/\n")
            .unwrap();
        let mut runtime = root(libs);
        for (tuple, bits) in [(X, 64), (I, 32)] {
            let elf = ElfBuilder::shared(tuple).build();
            for path in [
                format!("usr/lib/{tuple}/hud/libhud.so"),
                format!("usr/lib/{tuple}/libhost.so.0"),
                format!("usr/lib/{tuple}/libboth.so.0"),
                format!("opt/vendor/lib/{tuple}/libvendor.so"),
                format!("home/ann/.steam/ubuntu12_{bits}/gameoverlayrenderer.so"),
            ] {
                host = host.program(path, &elf).unwrap();
            }
            runtime = runtime.program(format!("usr/lib/{tuple}/libboth.so.0"), &elf).unwrap();
        }
        let elf = ElfBuilder::shared(X).build();
        for path in [
            "usr/lib/x86_64-linux-gnu/only64.so",
            "home/ann/mine.so",
            "home/ann/deep/mine.so",
            "home/ann/other/libhud.so",
        ] {
            host = host.program(path, &elf).unwrap();
        }
        let links = "usr/lib/x86_64-linux-gnu/away.so -> /etc/alternatives/away.so\n\
                     etc/alternatives/away.so -> /usr/lib/x86_64-linux-gnu/only64.so\n\
                     home/ann/deep/hud.so -> /usr/lib/x86_64-linux-gnu/hud/libhud.so\n";
        let host = host.table(links).unwrap();
        Self { host, runtime, environment: vec![("HOME", "/home/ann".into())] }
    }

    fn env(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn request(&self, preloads: &[(&str, Option<Tuple>)]) -> Request {
        let module =
            |(module, tuple): &(&str, _)| Preload { module: (*module).into(), tuple: *tuple };
        Request {
            runtime: RuntimeChoice::Dir(HostPath::new(self.runtime.path()).unwrap()),
            provider: ProviderChoice::None,
            tuples: vec![X, I],
            command: vec!["true".into()],
            working_directory: HostPath::root(),
            preloads: preloads.iter().map(module).collect(),
            ..Request::default()
        }
    }

    fn plan(&self, request: &Request) -> Plan {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(n, v)| (*n, v.as_str())).collect();
        compose(request, &facts(self.host.path(), &environment)).unwrap()
    }

    /// `LD_PRELOAD` of a launch with some modules, and the codes of its warnings.
    fn preload(&self, modules: &[(&str, Option<Tuple>)]) -> (String, Vec<Code>) {
        let plan = self.plan(&self.request(modules));
        (variable(&plan, "LD_PRELOAD"), codes(&plan))
    }

    /// Links that the plan makes for modules: what follows the common directory, and where it leads.
    fn links(&self, plan: &Plan) -> Vec<String> {
        let links = plan.steps.iter().filter_map(|step| match &step.op {
            Op::Symlink { at, target } => {
                Some(format!("{} -> {target}", at.to_string().strip_prefix(&format!("{PLACE}/"))?))
            }
            _ => None,
        });
        links.collect()
    }

    /// What is shared for reading below some directories.
    fn shared(&self, plan: &Plan, below: &str) -> Vec<String> {
        let steps = plan.steps.iter().filter(|s| s.reason == "a preloaded module");
        let shown = steps.map(|s| s.op.at().to_string());
        shown.filter(|at| at.starts_with(below)).collect()
    }
}

const PLACE: &str = "/run/pressure-vessel/modules";

fn variable(plan: &Plan, name: &str) -> String {
    match plan.environment_changes().get(name.as_bytes()) {
        Some(Some(value)) => value.to_string(),
        Some(None) => "unset".into(),
        None => "as it is".into(),
    }
}

fn codes(plan: &Plan) -> Vec<Code> {
    plan.warnings.iter().map(|w| w.code).collect()
}

#[test]
fn what_the_container_calls_a_module() {
    let lib = |name: &str| format!("{PLACE}/${{LIB}}/{name}");
    let rows: &[(&str, Option<Tuple>, String)] = &[
        // Paths that say all.
        (
            "/usr/lib/x86_64-linux-gnu/only64.so",
            None,
            "/run/host/usr/lib/x86_64-linux-gnu/only64.so".into(),
        ),
        (
            "/lib/x86_64-linux-gnu/only64.so",
            None,
            "/run/host/lib/x86_64-linux-gnu/only64.so".into(),
        ),
        (
            "/usr/lib/x86_64-linux-gnu/away.so",
            None,
            "/run/host/usr/lib/x86_64-linux-gnu/only64.so".into(),
        ),
        ("/usr/lib/none.so", None, "/run/host/usr/lib/none.so".into()),
        ("/home/ann/mine.so", None, "/home/ann/mine.so".into()),
        ("/home/ann/deep/hud.so", None, "/run/host/usr/lib/x86_64-linux-gnu/hud/libhud.so".into()),
        ("/opt/none.so", None, "/opt/none.so".into()),
        ("./relative.so", None, "./relative.so".into()),
        // For one architecture.
        ("/home/ann/mine.so", Some(X), lib("mine.so")),
        ("/usr/$LIB/hud/libhud.so", Some(I), lib("libhud.so")),
        // One file for each.
        ("/usr/$LIB/hud/libhud.so", None, lib("libhud.so")),
        ("/usr/${LIB}/hud/libhud.so", None, lib("libhud.so")),
        ("/opt/vendor/$LIB/libvendor.so", None, lib("libvendor.so")),
        ("/usr/$LIB/only64.so", None, lib("only64.so")),
        // The program decides, or nobody does.
        ("$ORIGIN/x.so", None, "$ORIGIN/x.so".into()),
        ("/opt/vendor/$ORIGIN/x.so", None, "/opt/vendor/$ORIGIN/x.so".into()),
        ("/opt/$LIB/${OTHER}/x.so", None, "/opt/$LIB/${OTHER}/x.so".into()),
        // SONAMEs: the runtime's, or the host's.
        ("libboth.so.0", None, "libboth.so.0".into()),
        ("libhost.so.0", None, lib("libhost.so.0")),
        // Steam's overlay, by the directory.
        (
            "/home/ann/.steam/ubuntu12_32/gameoverlayrenderer.so",
            None,
            lib("gameoverlayrenderer.so"),
        ),
        (
            "/home/ann/.steam/gameoverlayrenderer.so",
            None,
            "/home/ann/.steam/gameoverlayrenderer.so".into(),
        ),
    ];
    let bench = Bench::new();
    for (module, tuple, want) in rows {
        assert_eq!(
            bench.preload(&[(module, *tuple)]),
            (want.clone(), vec![]),
            "{module} {tuple:?}"
        );
    }
}

#[test]
fn what_is_left_out() {
    let bench = Bench::new();
    for (module, tuple, want) in [
        ("/usr/lib/x86_64-linux-gnu/libgtk3-nocsd.so.0", None, Code::PRELOAD_DROPPED),
        ("libnone.so.0", None, Code::PRELOAD_DROPPED),
        ("/usr/$LIB/none.so", None, Code::PRELOAD_DROPPED),
        ("/usr/$LIB/only64.so", Some(I), Code::PRELOAD_DROPPED),
        ("/home/ann/mine.so", Some(Tuple::Aarch64), Code::PRELOAD_FOREIGN),
    ] {
        let got = bench.preload(&[(module, tuple)]);
        assert_eq!(got, ("as it is".into(), vec![want]), "{module} {tuple:?}");
    }
    let overlay = "/home/ann/.steam/ubuntu12_64/gameoverlayrenderer.so";
    let mut request = bench.request(&[(overlay, None), ("/home/ann/mine.so", None)]);
    request.remove_game_overlay = true;
    let plan = bench.plan(&request);
    assert_eq!(
        (variable(&plan, "LD_PRELOAD").as_str(), codes(&plan)),
        ("/home/ann/mine.so", vec![])
    );
    // An overlay for an architecture that the runtime lacks is nobody's mistake.
    let mut request = bench.request(&[(&overlay.replace("64", "32"), None)]);
    request.tuples = vec![X];
    let plan = bench.plan(&request);
    assert_eq!((variable(&plan, "LD_PRELOAD").as_str(), codes(&plan)), ("as it is", vec![]));
}

/// The first two architectures' modules of one name are one entry, and each finds its own.
#[test]
fn links_for_each_architecture() {
    let steam = |bits| format!("/home/ann/.steam/ubuntu12_{bits}/gameoverlayrenderer.so");
    let bench = Bench::new();
    let modules = [(&*steam(32), None), ("/usr/$LIB/hud/libhud.so", None), (&*steam(64), None)];
    let plan = bench.plan(&bench.request(&modules));
    let want = format!("{PLACE}/${{LIB}}/gameoverlayrenderer.so:{PLACE}/${{LIB}}/libhud.so");
    assert_eq!(variable(&plan, "LD_PRELOAD"), want);
    let mut want = vec![];
    for (lib, bits) in [(DEBIAN[0], 64), (DEBIAN[1], 32)] {
        want.push(format!("{lib}/gameoverlayrenderer.so -> {}", steam(bits)));
        want.push(format!("{lib}/libhud.so -> /run/host/usr/{lib}/hud/libhud.so"));
    }
    assert_eq!(bench.links(&plan), want);
}

#[test]
fn directories_by_what_the_linkers_of_the_container_say() {
    for (libs, token, want) in [
        (["lib64", "lib"], "${LIB}", &["lib64", "lib"][..]),
        (["lib", "lib32"], "${LIB}", &["lib", "lib32"]),
        (["lib64", "lib32"], "${LIB}", &["lib64", "lib32"]),
        (
            ["lib/lib/x86_64-linux-gnu", "lib/lib/i386-linux-gnu"],
            "${LIB}",
            &["lib/lib/x86_64-linux-gnu", "lib/lib/i386-linux-gnu"],
        ),
        (
            ["lib", "lib"],
            "${PLATFORM}",
            &["xeon_phi", "haswell", "x86_64", "i686", "i586", "i486", "i386"],
        ),
    ] {
        let bench = Bench::with(libs);
        let plan = bench.plan(&bench.request(&[("/usr/$LIB/hud/libhud.so", None)]));
        assert_eq!(variable(&plan, "LD_PRELOAD"), format!("{PLACE}/{token}/libhud.so"), "{libs:?}");
        let links = bench.links(&plan);
        let names: Vec<&str> =
            links.iter().filter_map(|l| l.split_once("/libhud")).map(|l| l.0).collect();
        assert_eq!(names, want, "{libs:?}");
    }
}

/// With the host's drivers its C library may come, and its `$LIB` with it.
#[test]
fn directories_by_the_provider_s_linker() {
    let bench = Bench::with(["lib64", "lib"]);
    let mut request = bench.request(&[("/usr/$LIB/hud/libhud.so", None)]);
    request.provider = ProviderChoice::Default;
    for tuple in [X, I] {
        let libc = ElfBuilder::shared(tuple).soname("libc.so.6");
        let newer = libc.clone().defines("GLIBC_2.31").defines("GLIBC_2.40").build();
        let driver = ElfBuilder::shared(tuple).soname("libGL.so.1").needed("libc.so.6").build();
        let at = bench.host.path().join(format!("usr/lib/{tuple}"));
        std::fs::write(at.join("libc.so.6"), newer).unwrap();
        std::fs::write(at.join("libGL.so.1"), driver).unwrap();
        let lib = if tuple == X { "lib64" } else { "lib" };
        let at = bench.runtime.path().join(format!("usr/{lib}/libc.so.6"));
        std::fs::write(at, libc.defines("GLIBC_2.31").build()).unwrap();
    }
    let links = bench.links(&bench.plan(&request));
    assert!(links.iter().all(|l| DEBIAN.iter().any(|lib| l.starts_with(lib))), "{links:?}");
    assert_eq!(links.len(), 2);
}

#[test]
fn names_that_are_taken() {
    let bench = Bench::new();
    let (hud, mine) = ("/usr/$LIB/hud/libhud.so", "/home/ann/other/libhud.so");
    let (value, codes) = bench.preload(&[(hud, None), (mine, Some(X)), (hud, Some(I))]);
    assert_eq!(value, format!("{PLACE}/${{LIB}}/libhud.so:{mine}"));
    assert_eq!(codes, [Code::PRELOAD_CLASH]);
    // Without an architecture there is no name to be taken, and what is said twice stays so.
    let (value, codes) = bench.preload(&[(mine, None), (hud, None), (mine, None)]);
    assert_eq!(value, format!("{mine}:{PLACE}/${{LIB}}/libhud.so:{mine}"));
    assert_eq!(codes, []);
}

#[test]
fn what_is_shared_for_them() {
    for (module, want) in [
        (
            "/opt/vendor/$LIB/libvendor.so",
            &["/opt/vendor/lib/i386-linux-gnu", "/opt/vendor/lib/x86_64-linux-gnu"][..],
        ),
        ("/opt/vendor/$ORIGIN/x.so", &["/opt/vendor"]),
        ("/usr/$LIB/hud/libhud.so", &[]),
        ("relative/x.so", &[]),
        ("/$ORIGIN/x.so", &[]),
    ] {
        let bench = Bench::new();
        let plan = bench.plan(&bench.request(&[(module, None)]));
        assert_eq!(bench.shared(&plan, "/"), want, "{module}");
    }
    // Of the home directory only the file, where the container has another one.
    let private = |bench: &Bench, module| {
        let home = crate::HomeMode::Transient;
        bench.shared(&bench.plan(&Request { home, ..bench.request(&[(module, None)]) }), "/home")
    };
    let bench = Bench::new();
    assert_eq!(private(&bench, "/home/ann/mine.so"), ["/home/ann/mine.so"]);
    assert_eq!(private(&bench, "/home/ann/deep/mine.so"), ["/home/ann/deep"]);
    let client = bench.env("STEAM_COMPAT_CLIENT_INSTALL_PATH", "/home/ann/.steam");
    let overlay = "/home/ann/.steam/ubuntu12_64/gameoverlayrenderer.so";
    assert_eq!(private(&client, overlay), [""; 0]);
}

#[test]
fn inherited_variables() {
    let hud = "/usr/$LIB/hud/libhud.so";
    let taken = format!("{PLACE}/${{LIB}}/libhud.so");
    let bench = Bench::new()
        .env("LD_PRELOAD", format!("{hud} /home/ann/mine.so::"))
        .env("LD_AUDIT", "/home/ann/deep/mine.so:/with blank.so");
    let plan = bench.plan(&bench.request(&[]));
    assert_eq!(variable(&plan, "LD_PRELOAD"), format!("{taken}:/home/ann/mine.so"));
    assert_eq!(variable(&plan, "LD_AUDIT"), "/home/ann/deep/mine.so:/with blank.so");
    // Options replace one, and leave the other.
    let plan = bench.plan(&bench.request(&[("/opt/x.so", None)]));
    assert_eq!(variable(&plan, "LD_PRELOAD"), "/opt/x.so");
    assert_eq!(variable(&plan, "LD_AUDIT"), "/home/ann/deep/mine.so:/with blank.so");
    // What is said in the container's terms is said last.
    let asked = vec![("LD_PRELOAD".into(), Some("/as/it/is.so".into()))];
    let plan = bench.plan(&Request { environment: asked, ..bench.request(&[]) });
    assert_eq!(variable(&plan, "LD_PRELOAD"), "/as/it/is.so");
    // Nothing of it is of use.
    let bench = Bench::new().env("LD_PRELOAD", "libgtk3-nocsd.so.0");
    assert_eq!(variable(&bench.plan(&bench.request(&[])), "LD_PRELOAD"), "unset");
    let bench = Bench::new();
    assert_eq!(variable(&bench.plan(&bench.request(&[])), "LD_PRELOAD"), "as it is");
}

/// The host's own `/usr` is the container's: names stay, but for those that differ by architecture.
#[test]
fn without_a_runtime() {
    let bench = Bench::new();
    let plan = |module: &str| {
        let request = Request { runtime: RuntimeChoice::Host, ..bench.request(&[(module, None)]) };
        bench.plan(&request)
    };
    let path = "/usr/lib/x86_64-linux-gnu/only64.so";
    assert_eq!(variable(&plan(path), "LD_PRELOAD"), path);
    let hud = plan("/usr/$LIB/hud/libhud.so");
    assert_eq!(variable(&hud, "LD_PRELOAD"), format!("{PLACE}/${{LIB}}/libhud.so"));
    let want = DEBIAN.map(|lib| format!("{lib}/libhud.so -> /usr/{lib}/hud/libhud.so"));
    assert_eq!(bench.links(&hud), want);
    assert_eq!(
        variable(&plan("libhost.so.0"), "LD_PRELOAD"),
        format!("{PLACE}/${{LIB}}/libhost.so.0")
    );
}

/// In a Flatpak application this program's `/usr` is the application's, and elsewhere in a sub-sandbox.
#[test]
fn in_flatpak() {
    let bench = Bench::new();
    std::fs::write(bench.host.path().join(".flatpak-info"), "[Application]\n").unwrap();
    for (module, want) in [
        ("/usr/lib/x86_64-linux-gnu/only64.so", "/run/parent/usr/lib/x86_64-linux-gnu/only64.so"),
        ("/app/lib/none.so", "/run/parent/app/lib/none.so"),
    ] {
        assert_eq!(bench.preload(&[(module, None)]).0, want);
    }
}

#[test]
fn the_runtime_s_sdl() {
    let (sdl2, sdl3) = ("SDL_DYNAMIC_API", "SDL3_DYNAMIC_API");
    let none: &[Code] = &[];
    for (set, variable_, below, warned) in [
        ("STEAM_COMPAT_RUNTIME_SDL2=1", sdl2, Some(""), none),
        ("STEAM_COMPAT_RUNTIME_SDL2=classic", sdl2, Some(""), none),
        ("STEAM_COMPAT_RUNTIME_SDL2=sdl2-compat", sdl2, Some("sdl2-compat/"), none),
        ("STEAM_COMPAT_RUNTIME_SDL2=0", sdl2, None, none),
        ("STEAM_COMPAT_RUNTIME_SDL2=2", sdl2, None, &[Code::BAD_VALUE]),
        ("STEAM_COMPAT_RUNTIME_SDL2=1 SDL_DYNAMIC_API=/my/sdl.so", sdl2, None, none),
        ("STEAM_COMPAT_FLAGS=other,runtime-sdl2", sdl2, Some(""), none),
        ("STEAM_COMPAT_FLAGS=runtime-sdl2 STEAM_COMPAT_RUNTIME_SDL2=0", sdl2, None, none),
        ("STEAM_COMPAT_RUNTIME_SDL3=1", sdl3, None, &[Code::SDL_MISSING]),
        ("", sdl2, None, none),
    ] {
        let mut bench = Bench::new();
        for lib in DEBIAN {
            for below in ["", "sdl2-compat/"] {
                let at = format!("usr/{lib}/{below}libSDL2-2.0.so.0");
                bench.runtime = bench.runtime.file(at, b"").unwrap();
            }
        }
        for (name, value) in set.split(' ').filter_map(|pair| pair.split_once('=')) {
            bench = bench.env(name, value);
        }
        let plan = bench.plan(&bench.request(&[]));
        assert_eq!(codes(&plan), warned, "{set}");
        let Some(below) = below else {
            assert_eq!(variable(&plan, variable_), "as it is", "{set}");
            assert_eq!(bench.links(&plan), [""; 0], "{set}");
            continue;
        };
        let want = format!("{PLACE}/${{LIB}}/libSDL2-2.0.so.0");
        assert_eq!(variable(&plan, variable_), want, "{set}");
        let name = "libSDL2-2.0.so.0";
        let want = DEBIAN.map(|lib| format!("{lib}/{name} -> /usr/{lib}/{below}{name}"));
        assert_eq!(bench.links(&plan), want, "{set}");
    }
}
