//! Modules for the dynamic linker, of which an emulator must not load any.

use super::bench::*;
use super::direct;
use crate::{EmulatorChoice, Request};
use plan::{Code, Plan, Preload, Tuple};
use testkit::ElfBuilder;

const HUD: &str = "/usr/$LIB/hud/libhud.so";
const ENTRY: &str = "/run/pressure-vessel/modules/${LIB}/libhud.so";

/// The module is there for every architecture: the host has it for its own.
fn with_modules(bench: Bench) -> Bench {
    let Bench { mut host, mut rootfs, .. } = bench;
    host = host.library(&format!("usr/lib/{A}/hud/libhud.so"), ElfBuilder::shared(A), "libhud.so");
    host = host.library("home/ann/native.so", ElfBuilder::shared(A), "native.so");
    host = host.library("home/ann/game.so", ElfBuilder::shared(X), "game.so");
    for tuple in [X, I] {
        let at = format!("usr/lib/{tuple}/hud/libhud.so");
        rootfs = rootfs.library(&at, ElfBuilder::shared(tuple), "libhud.so");
    }
    Bench { host, rootfs, ..bench }
}

fn request(bench: &Bench, emulator: EmulatorChoice, modules: &[(&str, Option<Tuple>)]) -> Request {
    let module = |(module, tuple): &(&str, _)| Preload { module: (*module).into(), tuple: *tuple };
    Request { preloads: modules.iter().map(module).collect(), ..bench.request(emulator) }
}

fn entries(plan: &Plan) -> Vec<String> {
    let value = plan.module_variables().next().map(|(_, value)| value.to_string());
    value.iter().flat_map(|v| v.split(':')).map(str::to_owned).collect()
}

/// What programs of an architecture find by an entry.
fn place(tuple: Tuple, name: &str) -> String {
    format!("/run/pressure-vessel/modules/lib/{tuple}/{name}")
}

#[test]
fn the_overlay_composition_has_the_roots_modules() {
    for mix in mixes() {
        let bench = with_modules(Bench::new(mix.0, mix.1, mix.2));
        for emulator in [EmulatorChoice::Fex, EmulatorChoice::Qemu] {
            let modules = [(HUD, None), ("/home/ann/game.so", Some(X))];
            let plan = bench.plan(&request(&bench, emulator.clone(), &modules));
            let own = "/run/pressure-vessel/modules/${LIB}/game.so";
            assert_eq!(entries(&plan), [ENTRY, own], "{mix:?} {emulator:?}");
            let seen = Seen::new(&bench, &plan);
            for tuple in [X, I] {
                let want = format!("ROOTFS/usr/lib/{tuple}/hud/libhud.so");
                assert_eq!(seen.emulated(&place(tuple, "libhud.so")), want, "{mix:?} {emulator:?}");
            }
            let want = "HOST/home/ann/game.so";
            assert_eq!(seen.emulated(&place(X, "game.so")), want, "{mix:?} {emulator:?}");
        }
    }
}

#[test]
fn the_direct_composition_has_the_providers_modules() {
    for mix in mixes() {
        let bench = with_modules(direct::fex(mix.0, mix.1, mix.2));
        let plan = bench.plan(&request(&bench, direct::manifest("opt/fex"), &[(HUD, None)]));
        assert_eq!(entries(&plan), [ENTRY], "{mix:?}");
        let seen = Seen::new(&bench, &plan);
        for tuple in [X, I] {
            let want = format!("ROOTFS/usr/lib/{tuple}/hud/libhud.so");
            assert_eq!(seen.native(&place(tuple, "libhud.so")), want, "{mix:?}");
        }
        assert!(seen.native(&place(A, "libhud.so")).contains("does not exist"), "{mix:?}");
    }
}

#[test]
fn modules_for_the_machine_are_left_out() {
    let merged = || (Layout::Merged, Layout::Merged, Layout::Merged);
    let (h, e, r) = merged();
    for (bench, emulator) in [
        (Bench::new(h, e, r), EmulatorChoice::Fex),
        (direct::fex(h, e, r), direct::manifest("opt/fex")),
    ] {
        let bench = with_modules(bench);
        for (module, tuple) in [("/home/ann/native.so", None), (HUD, Some(A))] {
            let plan = bench.plan(&request(&bench, emulator.clone(), &[(module, tuple)]));
            assert_eq!(entries(&plan), [""; 0], "{module}");
            let codes: Vec<Code> = plan.warnings.iter().map(|w| w.code).collect();
            assert!(codes.contains(&Code::PRELOAD_FOREIGN), "{module} {codes:?}");
        }
        for path in ["/home/ann/game.so", "/home/ann/none.so"] {
            let plan = bench.plan(&request(&bench, emulator.clone(), &[(path, None)]));
            assert_eq!(entries(&plan), [path]);
        }
    }
}
