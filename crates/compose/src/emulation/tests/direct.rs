//! The direct composition.

use super::bench::*;
use crate::EmulatorChoice;
use plan::simulate::{Call, View};
use plan::{Code, Composition, Emulator, HostPath};

/// FEX's own manifest, as it is shipped.
const FEX: &str = r#"{ "emulator_v0": { "argv": "./usr/bin/FEX", "container_argv": "./usr/bin/FEX", "main_argv": "./FEXCompatTool", "server_argv": "./usr/bin/FEXServerManager", "emulated_architectures": ["x86_64-linux-gnu", "i386-linux-gnu"], "required_architectures": ["aarch64-linux-gnu"], "required_libraries": ["libc.so.6", "libstdc++.so.6"], "environment": {"FEX_PORTABLE": "1"}, "container_environment": {"FEX_ROOTFS": ""} } }"#;

/// A bench with FEX and its manifest in a directory of their own.
fn bench(h: Layout, e: Layout, r: Layout, directory: &str, manifest: &str) -> Bench {
    let bench = Bench::new(h, e, r);
    let fex = testkit::ElfBuilder::program(A).needed("libstdc++.so.6");
    let host = bench
        .host
        .program(&format!("{directory}/usr/bin/FEX"), &fex)
        .program(&format!("{directory}/usr/bin/FEXServerManager"), &fex)
        .program(&format!("{directory}/FEXCompatTool"), &fex)
        .table(&format!("{directory}/emulator.json = {manifest}\n"));
    Bench { host, ..bench }
}

/// A bench with FEX as it is shipped.
pub(super) fn fex(h: Layout, e: Layout, r: Layout) -> Bench {
    bench(h, e, r, "opt/fex", FEX)
}

pub(super) fn manifest(directory: &str) -> EmulatorChoice {
    EmulatorChoice::Manifest(HostPath::literal(&format!("/{directory}/emulator.json")))
}

fn lib(layout: Layout) -> &'static str {
    if layout == Layout::Merged { "/usr/lib" } else { "/lib" }
}

#[test]
fn every_mix_has_the_runtime_the_drivers_and_the_emulators_own() {
    for (h, e, r) in mixes() {
        let bench = bench(h, e, r, "opt/fex", FEX);
        let plan = bench.plan(&bench.request(manifest("opt/fex")));
        let seen = Seen::new(&bench, &plan);
        assert_eq!(seen.emulated, None, "one view");
        for tuple in [X, I] {
            for (path, want) in [
                (format!("/usr/lib/{tuple}/libx.so.1"), format!("RT/usr/lib/{tuple}/libx.so.1")),
                (tuple.interpreter().into(), format!("ROOTFS{}/{tuple}/ld-2.36.so", lib(e))),
                (
                    format!("/overrides/lib/{tuple}/libGL.so.1"),
                    format!("ROOTFS/usr/lib/{tuple}/libGL.so.1"),
                ),
                (
                    format!("/run/gfx/main/usr/lib/{tuple}/libGL.so.1"),
                    format!("ROOTFS/usr/lib/{tuple}/libGL.so.1"),
                ),
            ] {
                assert_eq!(seen.native(&path), want, "{path}: {h:?} {e:?} {r:?}");
            }
        }
        let own = format!("/overrides/lib/{A}");
        for (path, want) in [
            // The runtime has nothing of this architecture.
            (A.interpreter().into(), format!("HOST{}/{A}/ld-2.40.so", lib(h))),
            (format!("{own}/libc.so.6"), format!("HOST{}/{A}/libc.so.6", lib(h))),
            (format!("{own}/libstdc++.so.6"), format!("HOST/usr/lib/{A}/libstdc++.so.6")),
            (format!("{own}/libGL.so.1"), format!("HOST/usr/lib/{A}/libGL.so.1")),
            ("/opt/fex/FEXCompatTool".into(), "HOST/opt/fex/FEXCompatTool".into()),
            ("/run/host/container-manager".into(), "made for the container".into()),
            (
                "/bin/cat".into(),
                format!("RT{}/cat", { if r == Layout::NonMerged { "/bin" } else { "/usr/bin" } }),
            ),
        ] {
            assert_eq!(seen.native(&path), want, "{path}: {h:?} {e:?} {r:?}");
        }
        let want = ["/opt/fex/FEXCompatTool", "/usr/bin/game", "--fast"];
        assert_eq!(words(&plan.command), want, "{h:?} {e:?} {r:?}");
        let cache = plan.layers.iter().find(|l| l.name.0 == "var-pressure-vessel-ldso").unwrap();
        let cache = cache.entries.values().find_map(|e| match e {
            plan::LayerEntry::File { content, .. } => {
                inspect::ld_cache::parse(content.as_bytes()).ok()
            }
            _ => None,
        });
        let own: Vec<_> = cache
            .unwrap()
            .into_iter()
            .filter(|e| e.path.to_string().contains("overrides/lib/aarch64"))
            .map(|e| e.name.to_string())
            .collect();
        assert!(own.contains(&"libstdc++.so.6".to_owned()), "{own:?}");
    }
}

#[test]
fn fexs_own_manifest() {
    let bench = bench(Layout::Merged, Layout::Merged, Layout::Merged, "opt/fex", FEX);
    let plan = bench.plan(&bench.request(manifest("opt/fex")));
    let emulation = plan.emulation.unwrap();
    assert_eq!((emulation.emulator, emulation.native), (Emulator::Fex, A));
    assert_eq!(emulation.tuples, [X, I]);
    let Composition::Direct { prefix, container_argv } = &emulation.composition else { panic!() };
    assert_eq!(words(prefix), ["/opt/fex/FEXCompatTool"]);
    assert_eq!(words(container_argv), ["/opt/fex/usr/bin/FEX"]);
    let server = emulation.server.unwrap();
    assert_eq!(words(&server.argv), ["/opt/fex/usr/bin/FEXServerManager"]);
    let get = |name: &str| plan.environment.get(name).map(ToString::to_string);
    assert_eq!(get("FEX_PORTABLE").as_deref(), Some("1"));
    assert_eq!(get("FEX_ROOTFS").as_deref(), Some(""));
    assert_eq!(
        get("PRESSURE_VESSEL_ARCHITECTURES").as_deref(),
        Some("x86_64-linux-gnu:i386-linux-gnu")
    );
    // The emulator's own drivers, for thunks, after the game's.
    assert_eq!(
        get("LIBGL_DRIVERS_PATH").unwrap(),
        format!(
            "/usr/lib/pressure-vessel/overrides/lib/{X}/dri:\
                 /usr/lib/pressure-vessel/overrides/lib/{I}/dri:\
                 /usr/lib/pressure-vessel/overrides/lib/{A}/dri"
        )
    );
}

#[test]
fn a_manifest_below_usr_is_seen_below_run_host() {
    let bench = bench(Layout::NonMerged, Layout::Merged, Layout::Merged, "usr/share/fex", FEX);
    let plan = bench.plan(&bench.request(manifest("usr/share/fex")));
    let seen = Seen::new(&bench, &plan);
    let program = plan.command[0].to_string();
    assert_eq!(program, "/run/host/usr/share/fex/FEXCompatTool");
    assert_eq!(seen.native(&program), "HOST/usr/share/fex/FEXCompatTool");
}

#[test]
fn native_programs_and_scripts() {
    let bench = bench(Layout::Merged, Layout::Merged, Layout::NonMerged, "opt/fex", FEX);
    let native = testkit::ElfBuilder::program(A);
    let host = bench
        .host
        .program("home/ann/tool", &native)
        .table("home/ann/run 0755 = #!/bin/sh\nhome/ann/nothing = x\n");
    let bench = Bench { host, ..bench };
    let fex = "/opt/fex/FEXCompatTool";
    for (asked, want) in [
        ("/home/ann/tool", vec!["/home/ann/tool"]),
        ("./tool", vec!["./tool"]),
        ("script", vec![fex, "/bin/sh", "/usr/bin/script"]),
        ("/home/ann/run", vec![fex, "/bin/sh", "/home/ann/run"]),
        ("gone", vec![fex, "gone"]),
    ] {
        let mut request = bench.request(manifest("opt/fex"));
        request.command = vec![asked.into()];
        assert_eq!(words(&bench.plan(&request).command), want, "{asked}");
    }
}

/// Where qemu-user is registered too, what emulated programs start must reach it.
#[test]
fn the_registered_emulator_is_where_the_kernel_looks() {
    let qemu = r#"{ "emulator_v0": { "argv": ["/usr/bin/qemu-x86_64"], "emulated_architectures": ["x86_64-linux-gnu"], "required_architectures": ["aarch64-linux-gnu"] } }"#;
    let bench = bench(Layout::NonMerged, Layout::Merged, Layout::Merged, "opt/qemu", qemu);
    let mut request = bench.request(manifest("opt/qemu"));
    request.tuples = vec![X];
    let plan = bench.plan(&request);
    let seen = Seen::new(&bench, &plan);
    assert_eq!(words(&plan.command)[0], "/run/host/usr/bin/qemu-x86_64");
    assert_eq!(seen.native("/usr/bin/qemu-x86_64"), "HOST/usr/bin/qemu-x86_64");
    // FEX's is held open by the kernel, and it is another emulator.
    assert!(seen.find(&View::Native, Call::Open, "/usr/bin/FEX").is_err());
}

#[test]
fn what_stops_it() {
    let with = |change: &dyn Fn(String) -> String| change(FEX.to_owned());
    for (manifest_text, code, evidence) in [
        ("{".to_owned(), Code::EMULATOR_MANIFEST, "emulator.json"),
        ("{}".to_owned(), Code::EMULATOR_MANIFEST, "emulator_v0"),
        (with(&|m| m.replace("\"./FEXCompatTool\"", "1")), Code::EMULATOR_MANIFEST, "main_argv"),
        (
            with(&|m| m.replace("[\"x86_64-linux-gnu\", \"i386-linux-gnu\"]", "[]")),
            Code::EMULATOR_MANIFEST,
            "emulated_architectures",
        ),
        (
            with(&|m| {
                m.replace("[\"x86_64-linux-gnu\", \"i386-linux-gnu\"]", "[\"aarch64-linux-gnu\"]")
            }),
            Code::EMULATOR_MANIFEST,
            "x86_64-linux-gnu",
        ),
        (with(&|m| m.replace("./FEXCompatTool", "./gone")), Code::EMULATOR_PROGRAM, "gone"),
        (with(&|m| m.replace("./FEXCompatTool", "./emulator.json")), Code::EMULATOR_PROGRAM, "ELF"),
        (
            with(&|m| m.replace("libstdc++.so.6", "libgone.so.9")),
            Code::EMULATOR_LIBRARY_MISSING,
            "libgone.so.9",
        ),
    ] {
        let bench =
            bench(Layout::Merged, Layout::Merged, Layout::Merged, "opt/fex", &manifest_text);
        let problem = bench.failure(&bench.request(manifest("opt/fex")));
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.to_string().contains(evidence), "{problem}");
        assert!(problem.hint.is_some(), "{problem}");
    }
    let bench = Bench::new(Layout::Merged, Layout::Merged, Layout::Merged);
    let problem = bench.failure(&bench.request(manifest("opt/fex")));
    assert_eq!(problem.code, Code::EMULATOR_MANIFEST, "{problem}");
}
