use crate::testing::{LIB, Stage, X86_64, program, shared};
use inspect::binfmt::Absent;
use plan::{Composition, ContainerPath, Emulation, Emulator, HostPath, Op, Preload, Tuple};
use testkit::ElfBuilder;

const GAME: &[&str] = &["game"];
const SCRIPT: &[&str] = &["/home/script"];

fn script(text: &str) -> Stage {
    Stage::new(SCRIPT).program("home/script", text.as_bytes())
}

fn found(stage: &Stage, want: &[&str]) {
    let shown: Vec<String> = stage.findings().iter().map(ToString::to_string).collect();
    let shown = shown.join("\n");
    for text in want {
        assert!(shown.contains(text), "no `{text}` in:\n{shown}");
    }
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(Stage::new(GAME).codes(), "");
    assert_eq!(Stage::new(&["/usr/bin/game", "-x"]).codes(), "");
    assert_eq!(Stage::new(&["../usr/bin/game"]).codes(), "");
    // A static program.
    let fixed = ElfBuilder::shared(X86_64);
    assert_eq!(Stage::new(&["./static"]).elf("home/static", &fixed).codes(), "");
}

#[test]
fn the_command_is_looked_for_as_execvp_does() {
    let rows: &[(&str, Stage, &str)] = &[
        ("nowhere", Stage::new(&["nosuch"]), "7!"),
        ("empty", Stage::new(&[""]), "7!"),
        ("no such path", Stage::new(&["/no/such"]), "7!"),
        ("below a file", Stage::new(&["/usr/bin/game/x"]), "7!"),
        ("dangling", Stage::new(&["./x"]).table("home/x -> none"), "7!"),
        ("a loop", Stage::new(&["./x"]).table("home/x -> x"), "8!"),
        ("a directory", Stage::new(&["/usr/bin"]), "8!"),
        ("no bit", Stage::new(&["./x"]).table("home/x = text"), "8!"),
        (
            "a directory of that name first",
            {
                let mut stage = Stage::new(GAME).table("home/game/");
                stage.environment.push(("PATH", "/home:/usr/bin".into()));
                stage
            },
            "",
        ),
        (
            "no interpreter first",
            {
                let broken = ElfBuilder::program(X86_64).interpreter("/none");
                let mut stage = Stage::new(GAME).elf("home/game", &broken);
                stage.environment.push(("PATH", "/home:/usr/bin".into()));
                stage
            },
            "",
        ),
        (
            "a foreign one first ends the search",
            {
                let foreign = ElfBuilder::program(Tuple::Aarch64);
                let mut stage = Stage::new(GAME).elf("home/game", &foreign);
                stage.environment.push(("PATH", "/home:/usr/bin".into()));
                stage
            },
            "25",
        ),
        (
            "an empty entry is the working directory",
            {
                let mut stage = Stage::new(&["here"]).elf("home/here", &program());
                stage.environment.push(("PATH", "/none:".into()));
                stage
            },
            "",
        ),
    ];
    for (what, stage, want) in rows {
        assert_eq!(stage.codes(), *want, "{what}");
    }
}

#[test]
fn program_interpreters() {
    let at = |path: &str| ElfBuilder::program(X86_64).interpreter(path);
    let game = |builder: &ElfBuilder| Stage::new(&["./game"]).elf("home/game", builder);
    let foreign = ElfBuilder::shared(Tuple::Aarch64);
    let rows: &[(&str, Stage, &str)] = &[
        ("missing", game(&at("/lib/ld-none.so.1")), "23!"),
        ("a directory", game(&at("/usr/lib")), "23!"),
        ("not executable", game(&at("/home/ld")).table("home/ld = x"), "23!"),
        ("no program", game(&at("/home/ld")).program("home/ld", b"#!/bin/sh\n"), "24!"),
        ("of another architecture", game(&at("/home/ld")).elf("home/ld", &foreign), "24!"),
        ("32 bit, which the runtime lacks", game(&ElfBuilder::program(Tuple::I386)), "23!"),
        ("relative to the working directory", game(&at("ld")).elf("home/ld", &shared("ld")), ""),
    ];
    for (what, stage, want) in rows {
        assert_eq!(stage.codes(), *want, "{what}");
    }
    found(&rows[0].1, &["its interpreter `/lib/ld-none.so.1` does not exist", "/lib -> usr/lib"]);
    found(&rows[5].1, &["i386-linux-gnu", "--architectures"]);
    found(&rows[4].1, &["is for aarch64-linux-gnu"]);
}

#[test]
fn scripts() {
    let rows: &[(&str, Stage, &str)] = &[
        ("plain", script("#!/bin/sh\n"), ""),
        ("by env", script("#!/usr/bin/env game\n"), ""),
        ("by env -S", script("#!/usr/bin/env -S game -x\n"), ""),
        ("without a line", script("echo\n"), ""),
        ("missing", script("#!/no/such\n"), "23!"),
        ("of Windows", script("#!/bin/sh\r\n"), "23!"),
        ("env of nothing", script("#!/usr/bin/env python9\n"), "23!"),
        ("env of two words", script("#!/usr/bin/env game -x\n"), "23!"),
        ("env with a path of its own", script("#!/usr/bin/env -S PATH=/none game\n"), "23!"),
        ("env that cannot be understood", script("#!/usr/bin/env -S -i game\n"), ""),
        ("without a name", script("#!\n"), "26"),
        ("too long", script(&format!("#!/{}\n", "x".repeat(300))), "26"),
        ("not executable", script("#!/home/plain\n").table("home/plain = x"), "23!"),
        ("of itself", script("#!/home/script\n"), "26!"),
        (
            "of a foreign program",
            script("#!/home/arm\n").elf("home/arm", &ElfBuilder::program(Tuple::Aarch64)),
            "25",
        ),
    ];
    for (what, stage, want) in rows {
        assert_eq!(stage.codes(), *want, "{what}");
    }
    let chain = |length: usize| {
        let mut stage = script("#!/home/s1\n");
        for i in 1..length {
            let next = if i + 1 == length { "/bin/sh".into() } else { format!("/home/s{}", i + 1) };
            stage = stage.program(&format!("home/s{i}"), format!("#!{next}\n").as_bytes());
        }
        stage
    };
    assert_eq!(chain(5).codes(), "", "five scripts are as many as may be");
    assert_eq!(chain(6).codes(), "26!");
    found(&rows[5].1, &["Windows", "sed -i"]);
    found(&rows[7].1, &["env -S"]);
}

#[test]
fn foreign_programs() {
    let arm = || Stage::new(&["./arm"]).elf("home/arm", &ElfBuilder::program(Tuple::Aarch64));
    // What is not mounted here may be registered all the same.
    assert_eq!(arm().codes(), "25");
    let mut none = arm();
    none.registry = Err(Absent::Automount(HostPath::literal("/proc/sys/fs/binfmt_misc")));
    assert_eq!(none.codes(), "25!");
    assert_eq!(arm().registered("/usr/bin/qemu", true).codes(), "");
    assert_eq!(arm().registered("/usr/bin/qemu", false).codes(), "23!");
    let stage = arm().registered("/usr/bin/qemu", false).elf("rt/usr/bin/qemu", &program());
    assert_eq!(stage.codes(), "");
    let mut riscv = ElfBuilder::program(X86_64).build();
    riscv[18] = 243;
    let stage = Stage::new(&["./r"]).program("home/r", &riscv).registered("/usr/bin/qemu", true);
    assert_eq!(stage.codes(), "25!");
    found(&stage, &["RISC-V"]);
}

#[test]
fn shells() {
    assert_eq!(Stage::new(GAME).without("rt/usr/bin/sh").codes(), "27");
    assert_eq!(Stage::new(GAME).without("rt/usr/bin/env").codes(), "27");
    // Only of the shell is it said that it is missing; the command needs it.
    let stage = script("echo\n").without("rt/usr/bin/sh");
    assert_eq!(stage.codes(), "27");
    let broken = ElfBuilder::program(X86_64).interpreter("/none");
    assert_eq!(Stage::new(GAME).elf("rt/usr/bin/sh", &broken).codes(), "27");
    assert_eq!(Stage::new(&["/bin/sh"]).elf("rt/usr/bin/sh", &broken).codes(), "23!");
}

#[test]
fn libraries_of_the_command() {
    let game = |builder: &ElfBuilder| Stage::new(&["./game"]).elf("home/game", builder);
    let needs = |name: &str| program().needed(name);
    let rows: &[(&str, Stage, &str)] = &[
        ("missing", game(&needs("libx.so.1")), "28"),
        (
            "missing for another",
            game(&needs("libx.so.1"))
                .elf(&format!("{LIB}/libx.so.1"), &shared("libx.so.1").needed("liby.so")),
            "28",
        ),
        (
            "beside it, by RUNPATH",
            game(&needs("libx.so.1").runpath("$ORIGIN"))
                .elf("home/libx.so.1", &shared("libx.so.1")),
            "",
        ),
        (
            "by the environment",
            {
                let mut stage =
                    game(&needs("libx.so.1")).elf("home/l/libx.so.1", &shared("libx.so.1"));
                stage.environment.push(("LD_LIBRARY_PATH", "/home/l".into()));
                stage
            },
            "",
        ),
        (
            "by the environment and the program's place",
            {
                let mut stage =
                    game(&needs("libx.so.1")).elf("home/l/libx.so.1", &shared("libx.so.1"));
                stage.environment.push(("LD_LIBRARY_PATH", "$ORIGIN/l".into()));
                stage
            },
            "",
        ),
        (
            "preloaded by its name",
            {
                let mut stage = game(&needs("libx.so.1")).elf("home/pre.so", &shared("libx.so.1"));
                let module = "/home/pre.so".into();
                stage.plan.supervision.ld_preload.push(Preload { module, tuple: None });
                stage
            },
            "",
        ),
        (
            "of another architecture",
            game(&needs("libx.so.1"))
                .elf(&format!("{LIB}/libx.so.1"), &ElfBuilder::shared(Tuple::I386)),
            "28",
        ),
        ("new enough", game(&program().requires("libc.so.6", &["GLIBC_2.31"])), ""),
        ("too old", game(&program().requires("libc.so.6", &["GLIBC_2.34"])), "29"),
        ("of a static program with a table", game(&ElfBuilder::shared(X86_64).needed("x.so")), ""),
        (
            "of another C library",
            game(
                &ElfBuilder::program(X86_64).interpreter("/lib/ld-musl-x86_64.so.1").needed("x.so"),
            )
            .elf("rt/usr/lib/ld-musl-x86_64.so.1", &shared("libc.musl-x86_64.so.1")),
            "",
        ),
        (
            "of a script's interpreter",
            script("#!/home/game\n").elf("home/game", &needs("x.so")),
            "28",
        ),
    ];
    for (what, stage, want) in rows {
        assert_eq!(stage.codes(), *want, "{what}");
    }
    let old: Vec<_> = rows[8].1.findings();
    assert!(
        old[0].cause.contains("GLIBC_2.34 of libc.so.6, which has GLIBC_2.31 at most"),
        "{old:?}"
    );
}

const OVERRIDES: &str = "/lib/pressure-vessel/overrides";

#[test]
fn overrides_and_what_they_need() {
    let link = |target: &str| {
        let path = format!("{OVERRIDES}/lib/x86_64-linux-gnu/libg.so.1");
        Stage::new(GAME).layer(&[(path.as_str(), target)])
    };
    let good = || link("/home/libg.so.1");
    let rows: &[(&str, Stage, &str)] = &[
        ("sound", good().elf("home/libg.so.1", &shared("libg.so.1").needed("libc.so.6")), ""),
        ("dangling", good(), "31"),
        (
            "for another architecture",
            good().elf("home/libg.so.1", &ElfBuilder::shared(Tuple::I386)),
            "31",
        ),
        ("no library", good().table("home/libg.so.1 = text"), "31"),
        ("a loop", good().table("home/libg.so.1 -> libg.so.1"), "31"),
        (
            "lacks a library",
            good().elf("home/libg.so.1", &shared("libg.so.1").needed("libz.so.9")),
            "30",
        ),
        (
            "lacks a version",
            good().elf(
                "home/libg.so.1",
                &shared("libg.so.1").needed("libc.so.6").requires("libc.so.6", &["GLIBC_2.34"]),
            ),
            "30",
        ),
        (
            "lacks one that another brings along",
            {
                let other = format!("{OVERRIDES}/lib/x86_64-linux-gnu/other.so");
                let own = format!("{OVERRIDES}/lib/x86_64-linux-gnu/libg.so.1");
                Stage::new(GAME)
                    .layer(&[
                        (own.as_str(), "/home/libg.so.1"),
                        (other.as_str(), "/home/o/libother.so"),
                    ])
                    .elf("home/libg.so.1", &shared("libg.so.1").needed("libz.so.9"))
                    .elf(
                        "home/o/libother.so",
                        &shared("other.so").needed("libz.so.9").runpath("$ORIGIN/p"),
                    )
                    .elf("home/o/p/libz.so.9", &shared("libz.so.9"))
            },
            "30",
        ),
    ];
    for (what, stage, want) in rows {
        // By the link's own place, `$ORIGIN` is the override directory: the last row lacks it too.
        assert_eq!(stage.codes(), *want, "{what}");
    }
    let data = format!("{OVERRIDES}/share/x.json");
    assert_eq!(Stage::new(GAME).layer(&[(data.as_str(), "/none/x.json")]).codes(), "31");
    assert_eq!(Stage::new(GAME).layer(&[("/share/other", "/none")]).codes(), "");
}

#[test]
fn preloaded_modules() {
    let stage = |modules: &[(&str, Option<Tuple>)]| {
        let mut stage = Stage::new(GAME)
            .elf("home/m.so", &shared("m.so"))
            .elf("home/needy.so", &shared("needy.so").needed("none.so"))
            .elf("home/m32.so", &ElfBuilder::shared(Tuple::I386));
        let list = modules.iter().map(|(m, tuple)| Preload { module: (*m).into(), tuple: *tuple });
        stage.plan.supervision.ld_preload = list.collect();
        stage
    };
    type Module = (&'static str, Option<Tuple>);
    let rows: &[(&[Module], &str)] = &[
        (&[], ""),
        (&[("/home/m.so", None)], ""),
        (&[("libm.so.6", None)], ""),
        (&[("/home/none.so", None)], "32"),
        (&[("none.so", None)], "32"),
        (&[("/home/m32.so", Some(Tuple::I386))], ""),
        (&[("/home/m32.so", Some(Tuple::X86_64))], "32"),
        (&[("/home/$LIB/m.so", None)], "32"),
        (&[("/home/none.so", None), ("/home/m.so", None)], "32"),
        (&[("/home/needy.so", None)], "32"),
    ];
    for (modules, want) in rows {
        assert_eq!(stage(modules).codes(), *want, "{modules:?}");
    }
    let needy = stage(&[("/home/needy.so", None)]);
    found(&needy, &["`/home/needy.so` of LD_PRELOAD", "x86_64-linux-gnu", "`none.so`"]);
    let mut audit = stage(&[("/home/m.so", None), ("/home/none.so", None)]);
    audit.plan.supervision.ld_audit = audit.plan.supervision.ld_preload.split_off(1);
    found(&audit, &["`/home/none.so` of LD_AUDIT"]);
    let mut by_variable = stage(&[]);
    by_variable.environment.push(("LD_PRELOAD", "/home/m.so /none.so".into()));
    assert_eq!(by_variable.codes(), "32");
}

#[test]
fn directories_and_links() {
    let mut stage = Stage::new(GAME);
    stage.plan.working_directory = ContainerPath::literal("/none");
    assert_eq!(stage.codes(), "33!");
    let mut stage = Stage::new(GAME).table("home/file = x");
    stage.plan.working_directory = ContainerPath::literal("/home/file");
    assert_eq!(stage.codes(), "33!");
    // What is shared at its own place, as the command line does it.
    let links = "share/in -> real\nshare/real = x\nshare/none -> /no/such\nother/x = x";
    let mut stage = Stage::new(GAME).table(links);
    stage.named = vec!["share"];
    let at = stage.host("share").to_string();
    stage.bind(&at, "share");
    assert_eq!(stage.codes(), "", "dangling on the host too: nothing is lost");
    let out = format!("share/out -> {}", stage.host("other/x"));
    let stage = stage.table(&out);
    assert_eq!(stage.codes(), "34");
    found(&stage, &["share/out` lead out of", "--filesystem", "other"]);
    let stage = stage.table("share/shell -> /usr/bin/env");
    assert_eq!(stage.codes(), "34", "the runtime has it too");
    // A name that means something else in the container is not shared.
    let mut stage = Stage::new(GAME).table("share/x -> /no/such");
    stage.named = vec!["share"];
    let at = stage.host("share").to_string();
    let out = format!("share/out -> {}", stage.host("home"));
    let mut stage = stage.table(&out).table("rt/other/in = x");
    stage.bind(&at, "rt/other");
    assert_eq!(stage.codes(), "");
}

#[test]
fn a_runtime_with_a_hole() {
    let mut stage = Stage::new(&["./static"]).elf("home/static", &ElfBuilder::shared(X86_64));
    stage.plan.environment.set("PRESSURE_VESSEL_ARCHITECTURES", "x86_64-linux-gnu", "a test");
    assert_eq!(stage.codes(), "");
    let stage = stage.without(&format!("{LIB}/libm.so.6"));
    assert_eq!(stage.codes(), "35");
    let stage = stage.without("rt/usr/lib64/ld-linux-x86-64.so.2");
    assert_eq!(stage.codes(), "27 27 35");
}

#[test]
fn a_plan_that_cannot_be() {
    let mut stage = Stage::new(GAME);
    stage.plan.steps.push(plan::Step {
        op: Op::ReadOnly { at: ContainerPath::literal("/nothing/here") },
        reason: "a test".into(),
    });
    assert_eq!(stage.codes(), "37");
}

fn emulation(composition: Composition, emulator: Emulator, program: &str) -> Emulation {
    Emulation {
        emulator,
        tuples: vec![Tuple::Aarch64],
        native: X86_64,
        program: ContainerPath::literal(program),
        composition,
        server: None,
    }
}

fn overlay(fixed: bool) -> Composition {
    let root = ContainerPath::literal("/run/ir");
    Composition::Overlay { root, registrations: vec!["qemu-aarch64".into()], fixed }
}

/// An ARM game in an emulator's root, the emulator among native programs.
fn foreign(emulator: Emulator, composition: Composition) -> Stage {
    let arm = || ElfBuilder::program(Tuple::Aarch64).needed("libc.so.6");
    let lib = "foreign/usr/lib/aarch64-linux-gnu";
    let mut stage = Stage::new(&["/run/ir/usr/bin/game"])
        .elf("foreign/usr/bin/game", &arm())
        .elf("foreign/bin/sh", &arm())
        .elf("foreign/usr/bin/env", &arm())
        .elf("foreign/lib/ld-linux-aarch64.so.1", &ElfBuilder::shared(Tuple::Aarch64))
        .elf("rt/usr/bin/emulator", &program());
    for name in ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"] {
        let library = ElfBuilder::shared(Tuple::Aarch64).soname(name).defines("GLIBC_2.31");
        stage = stage.elf(&format!("{lib}/{name}"), &library);
    }
    stage.bind("/run/ir", "foreign");
    stage.plan.environment.set("PRESSURE_VESSEL_ARCHITECTURES", "aarch64-linux-gnu", "a test");
    stage.emulation(emulation(composition, emulator, "/usr/bin/emulator"))
}

#[test]
fn both_views_of_the_overlay() {
    for emulator in [Emulator::Fex, Emulator::Qemu] {
        let stage = || foreign(emulator, overlay(false));
        assert_eq!(stage().codes(), "", "{emulator:?}");
        let no_loader = stage().without("foreign/lib/ld-linux-aarch64.so.1");
        assert!(no_loader.codes().starts_with("23!"), "{emulator:?}: {}", no_loader.codes());
        // A native file of that name does not help.
        let native = no_loader.elf("rt/usr/lib/ld-linux-aarch64.so.1", &shared("x"));
        assert!(native.codes().starts_with("24!"), "{emulator:?}: {}", native.codes());
        let lib = "foreign/usr/lib/aarch64-linux-gnu/libc.so.6";
        let old = stage().without(lib);
        assert_eq!(old.codes(), "28 35", "{emulator:?}: a native libc is none for it");
        found(&old, &["libc.so.6", "aarch64-linux-gnu"]);
    }
}

/// What the existing tool dies of: the emulator's own interpreter is gone in the native view.
#[test]
fn the_emulator_itself() {
    let dynamic = || foreign(Emulator::Fex, overlay(false));
    let broken = ElfBuilder::program(X86_64).interpreter("/lib64/ld-none.so");
    let rows: &[(&str, Stage, &str)] = &[
        ("gone", dynamic().without("rt/usr/bin/emulator"), "36!"),
        ("without interpreter", dynamic().elf("rt/usr/bin/emulator", &broken), "36!"),
        (
            "without a library",
            dynamic().elf("rt/usr/bin/emulator", &program().needed("libstdc++.so.6")),
            "36!",
        ),
        (
            "too old a library",
            dynamic().elf("rt/usr/bin/emulator", &program().requires("libc.so.6", &["GLIBC_2.38"])),
            "36!",
        ),
        (
            "of the wrong architecture",
            dynamic().elf("rt/usr/bin/emulator", &ElfBuilder::program(Tuple::Aarch64)),
            "36!",
        ),
        (
            "held open by the kernel",
            foreign(Emulator::Fex, overlay(true)).without("rt/usr/bin/emulator"),
            "",
        ),
    ];
    for (what, stage, want) in rows {
        assert_eq!(stage.codes(), *want, "{what}");
    }
    // A native command does not need it.
    let mut native = dynamic().without("rt/usr/bin/emulator");
    native.plan.command = vec!["game".into()];
    assert_eq!(native.codes(), "36");
}

#[test]
fn the_direct_form() {
    let direct = |emulator, words: &[&str]| {
        let prefix = vec!["/usr/bin/emulator".into()];
        let composition = Composition::Direct { container_argv: prefix.clone(), prefix };
        let arm = || ElfBuilder::program(Tuple::Aarch64).needed("libc.so.6");
        let mut stage = Stage::new(words)
            .elf("rt/usr/bin/emulator", &program())
            .elf("home/game", &arm())
            .program("home/script", b"#!/bin/sh\n")
            .elf("rt/usr/lib/ld-linux-aarch64.so.1", &ElfBuilder::shared(Tuple::Aarch64));
        for name in ["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"] {
            let library = ElfBuilder::shared(Tuple::Aarch64).soname(name);
            stage = stage.elf(&format!("rt/usr/lib/aarch64-linux-gnu/{name}"), &library);
        }
        stage.plan.environment.set("PRESSURE_VESSEL_ARCHITECTURES", "aarch64-linux-gnu", "a test");
        stage.emulation(emulation(composition, emulator, "/usr/bin/emulator"))
    };
    let words = &["/usr/bin/emulator", "/home/game"];
    assert_eq!(direct(Emulator::Qemu, words).codes(), "");
    assert_eq!(direct(Emulator::Plain, words).codes(), "");
    let stage = direct(Emulator::Qemu, words).without("rt/usr/lib/ld-linux-aarch64.so.1");
    assert_eq!(stage.codes(), "23! 35");
    let stage = direct(Emulator::Qemu, &["/usr/bin/emulator", "/home/none"]);
    assert_eq!(stage.codes(), "7!");
    // The emulator opens a script as a program, unless it knows better.
    let words = &["/usr/bin/emulator", "/home/script"];
    assert_eq!(direct(Emulator::Qemu, words).codes(), "8!");
    assert_eq!(direct(Emulator::Fex, words).codes(), "");
    // The emulator's own loader, natively.
    let broken = ElfBuilder::program(X86_64).interpreter("/none");
    let stage = direct(Emulator::Fex, &["/usr/bin/emulator", "/home/game"])
        .elf("rt/usr/bin/emulator", &broken);
    assert!(stage.codes().starts_with("36!"), "{}", stage.codes());
}
