//! The overlay composition.

use super::bench::*;
use crate::emulation::INTERPRETER_ROOT;
use crate::{EmulatorChoice, RuntimeChoice};
use plan::simulate::{Call, View};
use plan::{Code, Composition, Emulator, HostPath, Plan};
use std::os::unix::fs::PermissionsExt;

const EMULATORS: [(EmulatorChoice, Emulator); 2] =
    [(EmulatorChoice::Fex, Emulator::Fex), (EmulatorChoice::Qemu, Emulator::Qemu)];

/// One mix with one emulator.
struct Case<'p> {
    seen: Seen<'p>,
    plan: &'p Plan,
    emulator: Emulator,
    /// Host, emulator's root, runtime.
    mix: (Layout, Layout, Layout),
}

/// Every mix works the same way.
#[test]
fn every_mix() {
    let mut cases = 0;
    for mix in mixes() {
        let bench = Bench::new(mix.0, mix.1, mix.2);
        for (choice, emulator) in EMULATORS {
            let plan = bench.plan(&bench.request(choice));
            let case = Case { seen: Seen::new(&bench, &plan), plan: &plan, emulator, mix };
            emulated_programs_see_the_runtime_with_the_roots_drivers(&case);
            native_processes_see_the_host(&case);
            nothing_of_the_machine_is_hidden_from_emulated_programs(&case);
            every_override_leads_to_a_file_of_its_architecture_in_both_views(&case);
            the_command_is_named_as_the_kernel_finds_it(&case);
            cases += 1;
        }
    }
    assert_eq!(cases, 54);
}

/// Where a root of a layout has what Debian packages put into `/lib`.
fn lib(layout: Layout) -> &'static str {
    if layout == Layout::Merged { "/usr/lib" } else { "/lib" }
}

fn emulated_programs_see_the_runtime_with_the_roots_drivers(case: &Case<'_>) {
    let Case { seen, plan: _, emulator, mix: (_, e, r) } = case;
    let about = format!("{emulator:?} {e:?} {r:?} {:?}", seen.bench);
    for tuple in [X, I] {
        for (path, want) in [
            (format!("/usr/lib/{tuple}/libx.so.1"), format!("RT/usr/lib/{tuple}/libx.so.1")),
            (format!("/lib/{tuple}/libz.so.1"), format!("RT{}/{tuple}/libz.so.1", lib(*r))),
            // The root's C library is newer, so the root's linker is in place of the runtime's.
            (tuple.interpreter().into(), format!("ROOTFS{}/{tuple}/ld-2.36.so", lib(*e))),
            (format!("/lib/{tuple}/ld-2.31.so"), format!("ROOTFS{}/{tuple}/ld-2.36.so", lib(*e))),
            (
                format!("/usr/lib/pressure-vessel/overrides/lib/{tuple}/libc.so.6"),
                format!("ROOTFS{}/{tuple}/libc.so.6", lib(*e)),
            ),
            (
                format!("/overrides/lib/{tuple}/libGL.so.1"),
                format!("ROOTFS/usr/lib/{tuple}/libGL.so.1"),
            ),
            (
                format!("/overrides/lib/{tuple}/dri/x_dri.so"),
                format!("ROOTFS/usr/lib/{tuple}/dri/x_dri.so"),
            ),
            (
                format!("/run/gfx/usr/lib/{tuple}/libGL.so.1"),
                format!("ROOTFS/usr/lib/{tuple}/libGL.so.1"),
            ),
            (
                format!("/run/gfx/main/usr/lib/{tuple}/libGL.so.1"),
                format!("ROOTFS/usr/lib/{tuple}/libGL.so.1"),
            ),
            (
                format!("/run/gfx/lib/{tuple}/libc.so.6"),
                format!("ROOTFS{}/{tuple}/libc.so.6", lib(*e)),
            ),
            (
                format!("/var/pressure-vessel/gfx/usr/lib/{tuple}/libGL.so.1"),
                format!("ROOTFS/usr/lib/{tuple}/libGL.so.1"),
            ),
        ] {
            assert_eq!(seen.emulated(&path), want, "{path}: {about}");
        }
    }
    for (path, want) in [
        ("/usr/bin/game", "RT/usr/bin/game"),
        ("/etc/ld.so.cache", "layer:var-pressure-vessel-ldso/ld.so.cache"),
        ("/etc/ld.so.conf", "layer:var-pressure-vessel-ldso/ld.so.conf"),
        ("/etc/passwd", "layer:etc/passwd"),
        ("/etc/hosts", "HOST/etc/hosts"),
        ("/etc/drirc", "ROOTFS/etc/drirc"),
        ("/run/host/usr/lib/os-release", "ROOTFS/usr/lib/os-release"),
        ("/run/host/container-manager", "made for the container"),
        ("/run/interpreter-host/usr/lib/os-release", "HOST/usr/lib/os-release"),
        ("/home/ann", "HOST/home/ann"),
        ("/var/lib/dpkg/status", "RT/var/lib/dpkg/status"),
    ] {
        assert_eq!(seen.emulated(path), want, "{path}: {about}");
    }
    // `execve` is FEX's affair; qemu-user leaves it to the kernel, to which these are the host's.
    if *emulator == Emulator::Fex {
        let emulated = seen.emulated.clone().unwrap();
        for (path, call) in [
            ("/bin/sh", Call::Shebang),
            ("/bin/sh", Call::Execute),
            ("/usr/bin/sh", Call::Execute),
            ("/usr/bin/cat", Call::Execute),
            ("/bin/cat", Call::Execute),
        ] {
            let found = seen.find(&emulated, call, path);
            let found = found.unwrap_or_else(|e| panic!("{path}: {e}: {about}"));
            assert_eq!(seen.namespace.architecture(&found), Some(X), "{path}: {about}");
        }
    }
}

fn native_processes_see_the_host(case: &Case<'_>) {
    let Case { seen, plan, emulator, mix: (h, _, _) } = case;
    let about = format!("{emulator:?} {h:?} {:?}", seen.bench);
    let program = plan.emulation.as_ref().unwrap().program.to_string();
    for (path, want) in [
        (A.interpreter(), format!("HOST{}/{A}/ld-2.40.so", lib(*h))),
        (&program, format!("HOST{program}")),
        ("/usr/lib/aarch64-linux-gnu/libstdc++.so.6", {
            format!("HOST/usr/lib/{A}/libstdc++.so.6")
        }),
        ("/lib/aarch64-linux-gnu/libc.so.6", format!("HOST{}/{A}/libc.so.6", lib(*h))),
        ("/etc/ld.so.cache", "HOST/etc/ld.so.cache".into()),
        ("/etc/ld.so.conf", "HOST/etc/ld.so.conf".into()),
        ("/etc/alternatives", "HOST/etc/alternatives".into()),
        ("/etc/hosts", "HOST/etc/hosts".into()),
        ("/run/host/usr/bin/FEX", "HOST/usr/bin/FEX".into()),
        ("/run/interpreter-host/etc/vulkan/icd.d/local.json", {
            "HOST/etc/vulkan/icd.d/local.json".into()
        }),
        ("/run/host/container-manager", "made for the container".into()),
        ("/run/gfx/main/usr/lib/os-release", "ROOTFS/usr/lib/os-release".into()),
    ] {
        assert_eq!(seen.native(path), want, "{path}: {about}");
    }
    for (name, merged) in [("lib", *h == Layout::Merged), ("bin", *h != Layout::NonMerged)] {
        let found = seen.find(&View::Native, Call::Lstat, &format!("/{name}")).unwrap();
        assert_eq!(found.link.is_some(), merged, "/{name} is as the host has it: {about}");
    }
}

fn nothing_of_the_machine_is_hidden_from_emulated_programs(case: &Case<'_>) {
    let Case { seen, plan: _, emulator, mix } = case;
    let machine = ["/proc", "/sys", "/dev", "/tmp", "/home", "/home/ann", "/run/pressure-vessel"];
    let emulated = seen.emulated.clone().unwrap();
    for path in machine.iter().chain(&["/proc/version", "/var/tmp", "/run/user"]) {
        let native = seen.find(&View::Native, Call::Stat, path).map(|f| f.path);
        let other = seen.find(&emulated, Call::Stat, path).map(|f| f.path);
        assert_eq!(other.ok(), native.ok(), "{path}: {emulator:?} {mix:?}");
    }
    let allowed = ["bin", "etc", "lib", "lib64", "overrides", "run", "sbin", "usr", "var"];
    let has = seen.names(&View::Native, INTERPRETER_ROOT);
    assert_eq!(has, allowed, "{emulator:?} {mix:?}");
    let run = seen.names(&View::Native, &format!("{INTERPRETER_ROOT}/run"));
    assert_eq!(run, ["gfx", "host"], "{emulator:?} {mix:?}");
    let var = seen.names(&View::Native, &format!("{INTERPRETER_ROOT}/var"));
    assert_eq!(var, ["cache", "lib", "pressure-vessel"], "{emulator:?} {mix:?}");
}

fn every_override_leads_to_a_file_of_its_architecture_in_both_views(case: &Case<'_>) {
    let Case { seen, plan: _, emulator, mix } = case;
    let emulated = seen.emulated.clone().unwrap();
    for tuple in [X, I] {
        let base = format!("/usr/lib/pressure-vessel/overrides/lib/{tuple}");
        let mut looked = 0;
        for directory in [base.clone(), format!("{base}/dri"), format!("{base}/vulkan")] {
            for name in seen.names(&emulated, &directory) {
                let path = format!("{directory}/{name}");
                if !name.contains(".so") {
                    continue;
                }
                let below = format!("{INTERPRETER_ROOT}{path}");
                for (view, path) in [(&emulated, &path), (&View::Native, &below)] {
                    let found = seen.find(view, Call::Open, path);
                    let found = found.unwrap_or_else(|e| panic!("{path}: {e}: {mix:?}"));
                    let of = seen.namespace.architecture(&found);
                    assert_eq!(of, Some(tuple), "{path}: {emulator:?} {mix:?}");
                }
                looked += 1;
            }
        }
        assert!(looked >= 5, "{looked}");
    }
}

fn the_command_is_named_as_the_kernel_finds_it(case: &Case<'_>) {
    let Case { seen, plan, emulator, mix: (h, e, r) } = case;
    let root = INTERPRETER_ROOT;
    let about = format!("{emulator:?} {h:?} {e:?} {r:?}");
    assert_eq!(words(&plan.command), [format!("{root}/usr/bin/game"), "--fast".into()]);
    let program = seen.find(&View::Native, Call::Execute, &plan.command[0].to_string());
    assert_eq!(seen.namespace.architecture(&program.unwrap()), Some(X), "{about}");
    let variable = if *emulator == Emulator::Fex { "FEX_ROOTFS" } else { "QEMU_LD_PREFIX" };
    assert_eq!(plan.environment.get(variable).unwrap().to_string(), root);
    let emulation = plan.emulation.as_ref().unwrap();
    assert_eq!((emulation.emulator, emulation.native), (*emulator, A));
    assert_eq!(emulation.tuples, [X, I]);
    let Composition::Overlay { fixed, .. } = &emulation.composition else { panic!() };
    assert_eq!(*fixed, *emulator == Emulator::Fex);
}

/// The command as it was asked for, and what is executed with which warnings.
#[test]
fn commands() {
    let root = INTERPRETER_ROOT;
    for (layout, emulator, asked, want, warned) in [
        (Layout::Merged, EmulatorChoice::Fex, "game", vec![format!("{root}/usr/bin/game")], false),
        // Found along PATH in the runtime before any of the host's.
        (Layout::NonMerged, EmulatorChoice::Fex, "cat", vec![format!("{root}/bin/cat")], false),
        // Links on the way are relative below the root; many programs go by their name.
        (
            Layout::Merged,
            EmulatorChoice::Fex,
            "editor",
            vec![format!("{root}/usr/bin/editor")],
            false,
        ),
        // Elsewhere absolute ones stay, and mean something else to the kernel.
        (
            Layout::Merged,
            EmulatorChoice::Fex,
            "/usr/games/far",
            vec![format!("{root}/usr/bin/game")],
            false,
        ),
        (
            Layout::NonMerged,
            EmulatorChoice::Fex,
            "script",
            vec![format!("{root}/bin/sh"), "/usr/bin/script".into()],
            false,
        ),
        (
            Layout::NonMerged,
            EmulatorChoice::Qemu,
            "script",
            vec![format!("{root}/bin/sh"), "/usr/bin/script".into()],
            true,
        ),
        (
            Layout::Hybrid,
            EmulatorChoice::Fex,
            "/usr/bin/env-script",
            vec![format!("{root}/usr/bin/game"), "/usr/bin/env-script".into()],
            false,
        ),
        // What only the host has runs natively; what is nowhere is left for the check.
        (Layout::Merged, EmulatorChoice::Fex, "hosttool", vec!["hosttool".into()], false),
        (Layout::Merged, EmulatorChoice::Fex, "./gone", vec!["./gone".into()], false),
    ] {
        let bench = Bench::new(Layout::Merged, Layout::Merged, layout);
        let mut request = bench.request(emulator);
        request.command = vec![asked.into()];
        let plan = bench.plan(&request);
        assert_eq!(words(&plan.command), want, "{asked}");
        if let Some(program) = want[0].strip_prefix(root) {
            let seen = Seen::new(&bench, &plan);
            let found = seen.find(&View::Native, Call::Execute, &want[0]);
            let found = found.unwrap_or_else(|e| panic!("{program}: {e}"));
            assert_eq!(seen.namespace.architecture(&found), Some(X), "{program}");
        }
        let codes: Vec<Code> = plan.warnings.iter().map(|w| w.code).collect();
        assert_eq!(codes.contains(&Code::NATIVE_CHILDREN), warned, "{asked}: {codes:?}");
    }
}

#[test]
fn a_script_in_a_shared_directory_has_the_runtimes_interpreter() {
    let bench = Bench::new(Layout::Merged, Layout::Merged, Layout::Merged);
    let host = Bench {
        host: bench.host.table("home/ann/run.sh 0755 = #!/bin/sh -e\nhome/ann/x\n"),
        ..bench
    };
    let mut request = host.request(EmulatorChoice::Fex);
    request.command = vec!["./run.sh".into(), "a".into()];
    let plan = host.plan(&request);
    let want = [&format!("{INTERPRETER_ROOT}/usr/bin/sh"), "-e", "/home/ann/run.sh", "a"];
    let got = words(&plan.command);
    assert!(got[0].ends_with("/bin/sh") && got[1..] == want[1..], "{got:?}");
}

/// A server that the container's programs start must not be found outside, and takes its lock elsewhere.
#[test]
fn the_container_has_a_server_of_its_own() {
    let socket = "FEX_SERVERSOCKETPATH";
    let data = "FEX_APP_DATA_LOCATION";
    let system = r#"usr/share/fex-emu/Config.json = {"Config":{"ServerSocketPath":"theirs"}}"#;
    for (emulator, table, asked, own, per_launch) in [
        (EmulatorChoice::Fex, "", None, true, true),
        (EmulatorChoice::Qemu, "", None, false, false),
        // The lock's place cannot be moved, or somebody has thought of it.
        (EmulatorChoice::Fex, "home/ann/.fex-emu/", None, false, false),
        (EmulatorChoice::Fex, system, None, false, false),
        (EmulatorChoice::Fex, "", Some((false, socket)), false, false),
        (EmulatorChoice::Fex, "", Some((false, data)), false, false),
        // What is asked for the command is said as it is.
        (EmulatorChoice::Fex, "", Some((true, socket)), true, false),
    ] {
        let bench = Bench::new(Layout::Merged, Layout::Merged, Layout::Merged);
        let mut bench = Bench { host: bench.host.table(table), ..bench };
        if let Some((false, name)) = asked {
            bench = bench.env(name, "/x");
        }
        let mut request = bench.request(emulator.clone());
        if let Some((true, name)) = asked {
            request.environment.push((name.into(), Some("/x".into())));
        }
        let plan = bench.plan(&request);
        let about = format!("{emulator:?} {table} {asked:?}");
        let uid = bench.facts().user.uid;
        let place = plan.environment.get(data).map(ToString::to_string);
        assert_eq!(place, own.then(|| format!("/run/user/{uid}/fex-emu/")), "{about}");
        let names: Vec<String> =
            plan.supervision.per_launch.iter().map(ToString::to_string).collect();
        assert_eq!(names, if per_launch { vec![socket] } else { vec![] }, "{about}");
        assert_eq!(plan.environment.get(socket).is_some(), own, "{about}");
    }
}

#[test]
fn native_drivers_are_listed_after_emulated_ones() {
    let bench = Bench::new(Layout::NonMerged, Layout::Merged, Layout::Merged);
    let plan = bench.plan(&bench.request(EmulatorChoice::Fex));
    let overrides = "/usr/lib/pressure-vessel/overrides";
    let icds = format!(
        "{overrides}/share/vulkan/icd.d/x.i386-linux-gnu.json:\
         {overrides}/share/vulkan/icd.d/x.x86_64-linux-gnu.json:\
         /run/interpreter-host/etc/vulkan/icd.d/local.json:/usr/share/vulkan/icd.d/host.json"
    );
    let modules = format!("{overrides}/lib/{X}/dri:{overrides}/lib/{I}/dri:/usr/lib/{A}/dri");
    for (name, want) in
        [("VK_DRIVER_FILES", &icds), ("VK_ICD_FILENAMES", &icds), ("LIBGL_DRIVERS_PATH", &modules)]
    {
        assert_eq!(plan.environment.get(name).unwrap().to_string(), *want, "{name}");
    }
}

#[test]
fn stubs_of_thunks_are_no_drivers() {
    let bench = Bench::new(Layout::Merged, Layout::Merged, Layout::Merged);
    let stub = "usr/share/fex-emu/GuestThunks/libGL-guest.so";
    let library = testkit::ElfBuilder::shared(X).needed("libc.so.6");
    let rootfs = Tree(bench.rootfs.0.table("usr/share/fex-emu/GuestThunks/\n").unwrap());
    let rootfs = rootfs.library(stub, library, "libGL.so.1").table(&format!(
        "usr/lib/{X}/libOpenGL.so.0 -> /{stub}\nusr/lib/{X}/dri/stub_dri.so -> /{stub}\n"
    ));
    let bench = Bench { rootfs, ..bench };
    let plan = bench.plan(&bench.request(EmulatorChoice::Fex));
    let seen = Seen::new(&bench, &plan);
    let emulated = seen.emulated.clone().unwrap();
    let overrides = format!("/overrides/lib/{X}");
    assert!(seen.find(&emulated, Call::Open, &format!("{overrides}/libGL.so.1")).is_ok());
    for name in ["libOpenGL.so.0", "dri/stub_dri.so"] {
        let path = format!("{overrides}/{name}");
        assert!(seen.find(&emulated, Call::Lstat, &path).is_err(), "{path}");
    }
}

/// The other forms in which a runtime lies on disk: a merged `/usr` alone, as Flatpak has it, a depot.
#[test]
fn forms_of_runtimes() {
    const FORMS: [&str; 3] = ["usr", "flatpak", "depot"];
    for form in FORMS {
        let bench = Bench::new(Layout::NonMerged, Layout::Merged, Layout::Merged);
        let place = tempfile::tempdir().unwrap();
        let source = bench.runtime.0.path();
        let rt = place.path().join("rt");
        let usr = if form == "usr" { rt.clone() } else { rt.join("files") };
        std::fs::create_dir_all(usr.parent().unwrap()).unwrap();
        std::fs::rename(source.join("usr"), &usr).unwrap();
        std::fs::rename(source.join("etc"), usr.join("etc")).unwrap();
        if form == "depot" {
            let mut manifest = "#mtree\n".to_owned();
            list(&usr, ".", &mut manifest);
            // What a depot does not have on disk: a link.
            std::fs::remove_file(usr.join("bin/sh")).unwrap();
            std::fs::write(place.path().join("rt/usr-mtree.txt"), manifest).unwrap();
        }
        let mut request = bench.request(EmulatorChoice::Fex);
        request.runtime = RuntimeChoice::Dir(HostPath::new(place.path().join("rt")).unwrap());
        request.command = vec!["script".into()];
        let plan = bench.plan(&request);
        let seen = Seen::new(&bench, &plan);
        let place = place.path().join("rt").display().to_string();
        let short = |text: String| {
            text.replace(&format!("{place}/files"), "FILES").replace(&place, "FILES")
        };
        for (path, want) in [
            (format!("/usr/lib/{X}/libx.so.1"), format!("FILES/lib/{X}/libx.so.1")),
            (format!("/lib/{I}/libz.so.1"), format!("FILES/lib/{I}/libz.so.1")),
            (X.interpreter().into(), format!("ROOTFS/usr/lib/{X}/ld-2.36.so")),
            ("/bin/sh".into(), "FILES/bin/dash".into()),
            (format!("/overrides/lib/{X}/libGL.so.1"), format!("ROOTFS/usr/lib/{X}/libGL.so.1")),
            ("/etc/ld.so.cache".into(), "layer:var-pressure-vessel-ldso/ld.so.cache".into()),
        ] {
            assert_eq!(short(seen.emulated(&path)), want, "{form}: {path}");
        }
        let command = words(&plan.command);
        assert_eq!(command[1..], ["/usr/bin/script"], "{form}");
        let found = seen.find(&View::Native, Call::Execute, &command[0]).unwrap();
        assert_eq!(seen.namespace.architecture(&found), Some(X), "{form}: {command:?}");
    }
}

/// The lines of a depot's manifest for a directory.
fn list(directory: &std::path::Path, name: &str, out: &mut String) {
    out.push_str(&format!("{name} type=dir\n"));
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let name = format!("{name}/{}", entry.file_name().to_str().unwrap());
        if kind.is_symlink() {
            let target = std::fs::read_link(&path).unwrap();
            out.push_str(&format!("{name} type=link link={}\n", target.display()));
        } else if kind.is_dir() {
            list(&path, &name, out);
        } else {
            let data = entry.metadata().unwrap();
            let mode = if data.permissions().mode() & 0o111 == 0 { "644" } else { "755" };
            out.push_str(&format!("{name} type=file size={} mode={mode}\n", data.len()));
        }
    }
}

/// The tree of the specification for its own case: a non-merged host, a merged emulator's root.
#[test]
fn the_interpreter_root_as_specified() {
    let bench = Bench::new(Layout::NonMerged, Layout::Merged, Layout::Merged);
    let plan = bench.plan(&bench.request(EmulatorChoice::Fex));
    let seen = Seen::new(&bench, &plan);
    let look = |path: &str| {
        let found = seen.find(&View::Native, Call::Lstat, path).unwrap();
        found.link.map_or_else(|| found.kind.to_string(), |text| format!("-> {text}"))
    };
    for (path, want) in [
        ("/lib", "directory"),
        ("/bin", "directory"),
        ("/bin/sh", "file"),
        ("/run/gfx/bin", "-> usr/bin"),
        ("/run/gfx/lib", "-> usr/lib"),
        ("/run/gfx/usr", "-> main/usr"),
        ("/run/host", "directory"),
        ("/run/pressure-vessel/interpreter-root/bin", "-> usr/bin"),
        ("/run/pressure-vessel/interpreter-root/lib", "-> usr/lib"),
        ("/run/pressure-vessel/interpreter-root/overrides", "-> usr/lib/pressure-vessel/overrides"),
        (
            "/run/pressure-vessel/interpreter-root/usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/libGL.so.1",
            "-> /run/gfx/usr/lib/x86_64-linux-gnu/libGL.so.1",
        ),
        (
            "/run/pressure-vessel/interpreter-root/usr/lib/pressure-vessel/overrides/lib/i386-linux-gnu/libGL.so.1",
            "-> /run/gfx/usr/lib/i386-linux-gnu/libGL.so.1",
        ),
    ] {
        assert_eq!(look(path), want, "{path}");
    }
}
