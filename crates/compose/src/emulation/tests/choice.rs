//! Whether anything is emulated, and by what.

use super::bench::*;
use crate::{EmulatorChoice, RuntimeChoice};
use plan::{Code, Composition, Emulator, HostPath, Plan};

fn bench() -> Bench {
    Bench::new(Layout::Merged, Layout::Merged, Layout::NonMerged)
}

fn kind(plan: &Plan) -> Option<Emulator> {
    plan.emulation.as_ref().map(|e| e.emulator)
}

#[test]
fn what_is_chosen() {
    let every = |names: &'static [&'static str]| {
        move |directory: &std::path::Path| {
            for name in names {
                std::fs::remove_file(directory.join(name)).unwrap();
            }
        }
    };
    for (removed, choice, want) in [
        (&[][..], EmulatorChoice::Auto, Emulator::Fex),
        (&["FEX-x86", "FEX-x86_64"], EmulatorChoice::Auto, Emulator::Qemu),
        (&[], EmulatorChoice::Qemu, Emulator::Qemu),
        (&[], EmulatorChoice::Fex, Emulator::Fex),
    ] {
        let bench = bench();
        bench.host.binfmt(every(removed));
        let plan = bench.plan(&bench.request(choice.clone()));
        assert_eq!(kind(&plan), Some(want), "{removed:?} {choice:?}");
        let names =
            ["emulator x86_64-linux-gnu", "graphics provider i386-linux-gnu", "emulator's root"];
        for name in names {
            let subject = plan::Subject::Other { name: name.into() };
            assert!(plan.decisions.iter().any(|d| d.subject == subject), "{name}");
        }
    }
}

#[test]
fn the_environment_names_a_manifest() {
    let manifest = r#"{ "emulator_v0": { "argv": ["/usr/bin/FEX"], "emulated_architectures": ["x86_64-linux-gnu", "i386-linux-gnu"] } }"#;
    for (variables, choice, direct) in [
        (&["PRESSURE_VESSEL_EMULATOR"][..], EmulatorChoice::Auto, true),
        (&["STEAM_COMPAT_EMULATOR"], EmulatorChoice::Auto, true),
        (&["PRESSURE_VESSEL_EMULATOR"], EmulatorChoice::Fex, false),
    ] {
        let mut bench = bench();
        bench.host = bench.host.table(&format!("opt/e.json = {manifest}\n"));
        for variable in variables {
            bench = bench.env(variable, "/opt/e.json");
        }
        // The stronger one counts.
        let bench = bench.env("STEAM_COMPAT_EMULATOR", "/opt/e.json");
        let plan = bench.plan(&bench.request(choice));
        let composition = plan.emulation.unwrap().composition;
        assert_eq!(matches!(composition, Composition::Direct { .. }), direct, "{variables:?}");
    }
}

#[test]
fn nothing_is_emulated_where_nothing_needs_it() {
    let bench = bench();
    let mut facts = bench.facts();
    facts.native = Some(X);
    let mut request = bench.request(EmulatorChoice::Fex);
    let plan = crate::compose(&request, &facts).unwrap();
    assert_eq!(plan.emulation, None);
    assert_eq!(words(&plan.command), ["game", "--fast"]);
    request.runtime = RuntimeChoice::Host;
    request.emulator = EmulatorChoice::Auto;
    assert_eq!(bench.plan(&request).emulation, None);
}

/// A runtime for several machines serves this one as it is, unless something else is asked for.
#[test]
fn a_runtime_for_this_machine_too() {
    let bench = bench();
    let bench = Bench { runtime: bench.runtime.glibc(A, "2.31"), ..bench };
    for (tuples, variable, choice, want) in [
        (&[][..], None, EmulatorChoice::Auto, "aarch64-linux-gnu"),
        (&[], None, EmulatorChoice::Fex, "x86_64-linux-gnu:i386-linux-gnu"),
        (&[X], None, EmulatorChoice::Auto, "x86_64-linux-gnu"),
        (&[], Some("i386-linux-gnu:bogus"), EmulatorChoice::Auto, "i386-linux-gnu"),
        (&[A], Some("i386-linux-gnu"), EmulatorChoice::Auto, "aarch64-linux-gnu"),
    ] {
        let mut facts = bench.facts();
        if let Some(value) = variable {
            let pairs = [("HOME", "/home/ann"), ("PRESSURE_VESSEL_ARCHITECTURES", value)];
            facts.environment = pairs.into_iter().collect();
        }
        let mut request = bench.request(choice.clone());
        request.tuples = tuples.to_vec();
        let plan = crate::compose(&request, &facts).unwrap();
        let got = plan.environment.get("PRESSURE_VESSEL_ARCHITECTURES").unwrap().to_string();
        assert_eq!(got, want, "{tuples:?} {variable:?} {choice:?}");
        assert_eq!(plan.emulation.is_some(), want != "aarch64-linux-gnu");
    }
}

#[test]
fn an_architecture_without_emulator_is_left_out() {
    let bench = bench();
    bench.host.binfmt(|d| std::fs::remove_file(d.join("FEX-x86")).unwrap());
    let plan = bench.plan(&bench.request(EmulatorChoice::Fex));
    assert_eq!(plan.emulation.unwrap().tuples, [X]);
    assert!(plan.warnings.iter().any(|w| w.code == Code::ARCHITECTURE_LEFT_OUT));
}

#[test]
fn what_stops_it() {
    type Change = fn(&std::path::Path);
    let nothing: Change = |_| {};
    let gone: Change = |d| {
        for name in ["FEX-x86", "FEX-x86_64", "qemu-i386", "qemu-x86_64"] {
            std::fs::remove_file(d.join(name)).unwrap();
        }
    };
    let off: Change = |d| std::fs::write(d.join("status"), "disabled\n").unwrap();
    let one_off: Change = |d| {
        let file = d.join("FEX-x86_64");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text.replace("enabled", "disabled")).unwrap();
    };
    for (change, choice, code, said) in [
        (nothing, EmulatorChoice::None, Code::NO_EMULATOR, "--emulator none"),
        (gone, EmulatorChoice::Auto, Code::NO_EMULATOR, "nothing"),
        (gone, EmulatorChoice::Qemu, Code::NO_EMULATOR, "qemu-user is not registered"),
        (off, EmulatorChoice::Auto, Code::EMULATOR_DISABLED, "/status"),
        (one_off, EmulatorChoice::Fex, Code::EMULATOR_DISABLED, "/FEX-x86_64"),
    ] {
        let bench = bench();
        bench.host.binfmt(change);
        let problem = bench.failure(&bench.request(choice));
        assert_eq!(problem.code, code, "{problem}");
        assert!(problem.to_string().contains(said), "{problem}");
    }
    // Where one emulator is switched off, the other serves.
    let bench = bench();
    bench.host.binfmt(one_off);
    assert_eq!(kind(&bench.plan(&bench.request(EmulatorChoice::Auto))), Some(Emulator::Qemu));
    let bad = self::bench().env("PRESSURE_VESSEL_EMULATOR", "here.json");
    let problem = bad.failure(&bad.request(EmulatorChoice::Auto));
    assert_eq!(problem.code, Code::EMULATOR_MANIFEST, "{problem}");
    let mut facts = bench.facts();
    facts.mounts.clear();
    let problems = crate::compose(&bench.request(EmulatorChoice::Auto), &facts).unwrap_err();
    assert_eq!(problems[0].code, Code::NO_EMULATOR);
}

/// What must be mounted first, and only where it is needed.
#[test]
fn images() {
    for (root, variable, choice, native, want) in [
        (None, Some("/opt/image"), EmulatorChoice::Auto, A, true),
        (None, Some("/opt/image"), EmulatorChoice::Fex, A, true),
        (None, Some("/opt/image"), EmulatorChoice::Qemu, A, false),
        (None, Some("/opt/image"), EmulatorChoice::None, A, false),
        (None, Some("/opt/image"), EmulatorChoice::Auto, X, false),
        (None, Some("/opt/x86"), EmulatorChoice::Auto, A, false),
        (None, None, EmulatorChoice::Auto, A, false),
        (Some("opt/image"), None, EmulatorChoice::Qemu, A, true),
        (Some("opt/x86"), None, EmulatorChoice::Qemu, A, false),
        (Some("opt/gone"), None, EmulatorChoice::Qemu, A, false),
    ] {
        let mut bench = bench();
        bench.host = bench.host.table("opt/x86/usr/lib/\nopt/image = hsqs\n");
        if let Some(value) = variable {
            bench = bench.env("FEX_ROOTFS", value);
        }
        let mut request = bench.request(choice.clone());
        request.emulator_root = root.map(|root| bench.host.path().join(root).unwrap());
        let mut facts = bench.facts();
        facts.native = Some(native);
        let image = crate::emulator_image(&request, &facts).unwrap();
        let image = image.map(|(path, _)| bench.short(&path.to_string()));
        let want = want.then(|| "HOST/opt/image".to_owned());
        assert_eq!(image, want, "{root:?} {variable:?} {choice:?} {native}");
    }
}

/// FEXServer names the image to what serves it as the configuration does: through a link, here.
#[test]
fn an_image_that_a_server_has_mounted() {
    for (named, want) in [("/opt/link", false), ("/opt/image", false), ("/opt/other", true)] {
        let mut bench = bench().env("FEX_ROOTFS", "/opt/link");
        let table = "opt/image = hsqs\nopt/other = hsqs\nopt/link -> image\nrun/.FEXMount7-x/\n";
        bench.host = bench.host.table(table);
        let mut facts = bench.facts();
        let at = bench.host.path().join("run/.FEXMount7-x").unwrap();
        let line = format!("squashfuse\0{named}\0{at}\0");
        bench.host = Tree(bench.host.0.file("proc/7/cmdline", line.as_bytes()).unwrap());
        let mut mount = facts.mounts[0].clone();
        (mount.at, mount.fs_type) = (at, "fuse.squashfuse".into());
        facts.mounts.push(mount);
        let mut request = bench.request(EmulatorChoice::Auto);
        request.emulator_root = None;
        let image = crate::emulator_image(&request, &facts).unwrap();
        assert_eq!(image.is_some(), want, "{named}: {image:?}");
    }
}

#[test]
fn the_emulators_root() {
    for (root, variable, choice, said) in [
        (Some("/nowhere"), None, EmulatorChoice::Fex, Some("/nowhere")),
        (None, None, EmulatorChoice::Fex, Some("FEX_ROOTFS")),
        (None, None, EmulatorChoice::Qemu, Some("QEMU_LD_PREFIX")),
        (None, Some(("QEMU_LD_PREFIX", "/nowhere")), EmulatorChoice::Qemu, Some("/nowhere")),
        (None, Some(("FEX_ROOTFS", "/nowhere")), EmulatorChoice::Fex, Some("/nowhere")),
        (None, Some(("FEX_ROOTFS", "/opt/root")), EmulatorChoice::Fex, Some("is no root")),
        (None, Some(("FEX_ROOTFS", "/opt/image")), EmulatorChoice::Fex, Some("squashfs")),
        (None, Some(("QEMU_LD_PREFIX", "/opt/x86")), EmulatorChoice::Qemu, None),
        (None, Some(("FEX_ROOTFS", "/opt/x86")), EmulatorChoice::Fex, None),
    ] {
        let mut bench = bench();
        bench.host = bench.host.table("opt/root/\nopt/x86/usr/lib/\nopt/image = hsqs\n");
        if let Some((name, value)) = variable {
            bench = bench.env(name, value);
        }
        let mut request = bench.request(choice);
        request.emulator_root = root.map(HostPath::literal);
        match said {
            None => {
                let plan = bench.plan(&request);
                assert!(bench.short(&format!("{:?}", plan.steps)).contains("HOST/opt/x86/usr"));
            }
            Some(said) => {
                let problem = bench.failure(&request);
                assert_eq!(problem.code, Code::EMULATOR_ROOT_UNUSABLE, "{problem}");
                assert!(problem.to_string().contains(said), "{said}: {problem}");
            }
        }
    }
}
