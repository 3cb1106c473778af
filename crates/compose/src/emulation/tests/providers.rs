//! Whose drivers each architecture has.

use super::bench::*;
use crate::{EmulatorChoice, ProviderChoice};
use plan::{Code, HostPath};

/// Two more roots beside the emulator's, and what each architecture's libGL comes from.
fn outcome(
    option: Option<ProviderChoice>,
    single: Option<ProviderChoice>,
    variables: &[(&str, &str)],
) -> (String, String) {
    let (one, two) = (rootfs(Layout::Merged), rootfs(Layout::NonMerged));
    let path = |tree: &Tree| tree.0.path().to_str().unwrap().to_owned();
    let (one_path, two_path) = (path(&one), path(&two));
    let fill = |text: &str| text.replace("ONE", &one_path).replace("TWO", &two_path);
    let mut bench = Bench::new(Layout::Merged, Layout::Merged, Layout::Merged);
    for (name, value) in variables {
        bench = bench.env(name, &fill(value));
    }
    let filled = |choice: ProviderChoice| match choice {
        ProviderChoice::Root(path) => {
            let text = fill(&path.to_string()[1..]);
            ProviderChoice::Root(HostPath::new(text).unwrap())
        }
        other => other,
    };
    let mut request = bench.request(EmulatorChoice::Fex);
    request.provider = option.map_or(ProviderChoice::Default, filled);
    request.providers.extend(single.map(|choice| (I, filled(choice))));
    let plan = bench.plan(&request);
    let seen = Seen::new(&bench, &plan);
    let of = |tuple| {
        let origin = seen.emulated(&format!("/overrides/lib/{tuple}/libGL.so.1"));
        let origin = origin.replace(&one_path, "ONE").replace(&two_path, "TWO");
        origin.split("/usr/lib").next().unwrap().to_owned()
    };
    (of(X), of(I))
}

fn root(name: &str) -> Option<ProviderChoice> {
    Some(ProviderChoice::Root(HostPath::literal(&format!("/{name}"))))
}

#[test]
fn the_strongest_that_serves() {
    const ALL: &str = "PRESSURE_VESSEL_GRAPHICS_PROVIDER";
    const FOR_I386: &str = "PRESSURE_VESSEL_GRAPHICS_PROVIDER_i386_linux_gnu";
    const STEAM: &str = "STEAM_COMPAT_GRAPHICS_PROVIDER";
    for (option, single, variables, want) in [
        (None, None, &[][..], ("ROOTFS", "ROOTFS")),
        (None, None, &[(STEAM, "ONE")], ("ONE", "ONE")),
        (None, None, &[(STEAM, "ONE"), (ALL, "TWO")], ("TWO", "TWO")),
        (None, None, &[(STEAM, "ONE"), (FOR_I386, "TWO")], ("ONE", "TWO")),
        (None, None, &[(FOR_I386, "TWO")], ("ROOTFS", "TWO")),
        (root("ONE"), None, &[(FOR_I386, "TWO"), (ALL, "TWO")], ("ONE", "ONE")),
        (root("ONE"), root("TWO"), &[], ("ONE", "TWO")),
        (None, root("TWO"), &[(ALL, "ONE")], ("ONE", "TWO")),
    ] {
        let got = outcome(option.clone(), single.clone(), variables);
        assert_eq!((got.0.as_str(), got.1.as_str()), want, "{option:?} {single:?} {variables:?}");
    }
}

#[test]
fn a_manifest_serves_what_it_names() {
    let one = rootfs(Layout::NonMerged);
    let text = r#"{ "graphics_provider_v0": { "root": ".", "architectures": {"x86_64-linux-gnu": {"dri": "/usr/lib/own/dri"}} } }"#;
    let library = testkit::ElfBuilder::shared(X).needed("libc.so.6");
    let one = one
        .library("usr/lib/own/dri/own_dri.so", library, "own_dri.so")
        .table(&format!("provider.json = {text}\n"));
    let bench = Bench::new(Layout::Hybrid, Layout::Merged, Layout::NonMerged);
    let mut request = bench.request(EmulatorChoice::Fex);
    let file = one.path().join("provider.json").unwrap();
    request.provider = ProviderChoice::Root(file);
    let plan = bench.plan(&request);
    let seen = Seen::new(&bench, &plan);
    let short = |text: String| text.replace(one.0.path().to_str().unwrap(), "ONE");
    for (path, want) in [
        (format!("/overrides/lib/{X}/libGL.so.1"), format!("ONE/usr/lib/{X}/libGL.so.1")),
        (format!("/overrides/lib/{X}/dri/own_dri.so"), "ONE/usr/lib/own/dri/own_dri.so".into()),
        // It does not name this one: the emulator's root is next, at a place of its own.
        (format!("/overrides/lib/{I}/libGL.so.1"), format!("ROOTFS/usr/lib/{I}/libGL.so.1")),
        (format!("/run/gfx/{I}/usr/lib/{I}/libGL.so.1"), format!("ROOTFS/usr/lib/{I}/libGL.so.1")),
        (format!("/run/gfx/usr/lib/{X}/libGL.so.1"), format!("ONE/usr/lib/{X}/libGL.so.1")),
    ] {
        assert_eq!(short(seen.emulated(&path)), want, "{path}");
    }
    let own = format!("/overrides/lib/{X}/dri/x_dri.so");
    let emulated = seen.emulated.clone().unwrap();
    assert!(seen.find(&emulated, plan::simulate::Call::Lstat, &own).is_err());
}

#[test]
fn the_runtimes_own_drivers() {
    let bench = Bench::new(Layout::NonMerged, Layout::Merged, Layout::NonMerged);
    let mut request = bench.request(EmulatorChoice::Qemu);
    request.provider = ProviderChoice::None;
    // Then no root of the emulator's is needed.
    request.emulator_root = None;
    let plan = bench.plan(&request);
    let seen = Seen::new(&bench, &plan);
    for tuple in [X, I] {
        let want = format!("RT/lib/{tuple}/ld-2.31.so");
        assert_eq!(seen.emulated(tuple.interpreter()), want);
        let library = format!("/usr/lib/{tuple}/libGL.so.1");
        assert_eq!(seen.emulated(&library), format!("RT{library}"));
    }
}

#[test]
fn what_stops_it() {
    let bench = Bench::new(Layout::Merged, Layout::Merged, Layout::Merged);
    let rootfs = Tree(bench.rootfs.0.table("p.json = {}\nq = x\n").unwrap());
    let bench = Bench { rootfs, ..bench };
    for (name, code, said) in [
        ("p.json", Code::PROVIDER_MANIFEST, "graphics_provider_v0"),
        ("q", Code::PROVIDER_MANIFEST, "line 1"),
        ("gone", Code::PROVIDER_UNUSABLE, "gone"),
        ("etc", Code::PROVIDER_UNUSABLE, "usr"),
    ] {
        let mut request = bench.request(EmulatorChoice::Fex);
        request.provider = ProviderChoice::Root(bench.rootfs.path().join(name).unwrap());
        let problem = bench.failure(&request);
        assert_eq!(problem.code, code, "{name}: {problem}");
        assert!(problem.to_string().contains(said), "{name}: {problem}");
    }
}
