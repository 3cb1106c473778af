//! The command cannot be executed.

use crate::broken::{LOADER, Small, nothing_found, program, warned};
use crate::support::{Launch, lab, need};
use plan::Tuple;
use testkit::ElfBuilder;

/// The launch stops with this code before anything is executed; without the check it fails too.
#[track_caller]
fn stops(
    make: impl Fn() -> Launch,
    command: &[&str],
    content: Option<&[u8]>,
    want: (i32, &str, &str),
) {
    let (status, code, text) = want;
    let run = |launch: Launch| {
        let file = content.map(|content| program(&launch, "it", content));
        let file = file.map(|path| path.to_string_lossy().into_owned());
        let words: Vec<&str> =
            file.iter().map(String::as_str).chain(command.iter().copied()).collect();
        launch.run(&words)
    };
    let checked = run(make());
    checked.fails(status, code);
    assert!(checked.stderr().contains(text), "no `{text}`: {}", checked.account());
    let unchecked = run(make().option("--no-check"));
    assert!([126, 127].contains(&unchecked.status()), "it works: {}", unchecked.account());
    let stderr = unchecked.stderr();
    assert!(!stderr.contains(code) || ["BS0007", "BS0008"].contains(&code), "{stderr}");
}

#[test]
fn a_command_that_is_nowhere() {
    let runtime = need!(lab("runtime-bullseye"));
    let launch = || Launch::new().runtime(&runtime);
    stops(launch, &["no-such-command"], None, (127, "BS0007", "tried /usr/bin/no-such-command"));
    stops(launch, &["/no/such/command"], None, (127, "BS0007", "/no: it does not exist"));
    stops(launch, &["/usr/share"], None, (126, "BS0008", "it is a directory"));
    stops(launch, &["/etc/os-release"], None, (126, "BS0008", "not marked as executable"));
}

/// The kernel says "No such file or directory" of a file that is there.
#[test]
fn a_program_without_its_interpreter() {
    let small = need!(Small::new());
    let of = |tuple| ElfBuilder::program(tuple).build();
    let row = (126, "BS0023", "/lib/ld-linux.so.2");
    stops(|| small.launch(), &[], Some(&of(Tuple::I386)), row);
    let odd = ElfBuilder::program(Tuple::X86_64).interpreter("/nix/store/x/ld-linux.so").build();
    stops(|| small.launch(), &[], Some(&odd), (126, "BS0023", "/nix/store/x/ld-linux.so"));
}

#[test]
fn a_program_whose_interpreter_is_none() {
    let small = need!(Small::new());
    let with = |path: &str| ElfBuilder::program(Tuple::X86_64).interpreter(path).build();
    small.put("usr/lib/ld-text", b"text\n");
    small.put("usr/lib/ld-arm", &ElfBuilder::shared(Tuple::Aarch64).build());
    let row = (126, "BS0024", "is not a program");
    stops(|| small.launch(), &[], Some(&with("/usr/lib/ld-text")), row);
    let row = (126, "BS0024", "is for aarch64-linux-gnu");
    stops(|| small.launch(), &[], Some(&with("/usr/lib/ld-arm")), row);
}

#[test]
fn a_script_without_its_interpreter() {
    let runtime = need!(lab("runtime-bullseye"));
    let launch = || Launch::new().runtime(&runtime);
    let rows: &[(&[u8], &str)] = &[
        (b"#!/no/such/interpreter -x\n", "/no/such/interpreter"),
        (b"#!/bin/sh\r\necho\r\n", "sed -i"),
        (b"#!/usr/bin/env no-such-program\n", "tried /usr/bin/no-such-program"),
        (b"#!/usr/bin/env perl -w\n", "env -S"),
        (b"#!/usr/bin/env -S PATH=/none perl\n", "tried /none/perl"),
    ];
    for (content, text) in rows {
        stops(launch, &[], Some(content), (126, "BS0023", text));
    }
}

#[test]
fn scripts_that_work() {
    let runtime = need!(lab("runtime-bullseye"));
    for content in [
        "#!/bin/sh\necho fine\n",
        "#! /bin/sh -e \necho fine\n",
        "#!/usr/bin/env sh\necho fine\n",
        "#!/usr/bin/env -S sh -e\necho fine\n",
        "#!/usr/bin/env -S A=b PATH=/bin sh -e\necho fine\n",
        "echo fine\n",
    ] {
        let launch = Launch::new().runtime(&runtime);
        let script = program(&launch, "script", content.as_bytes());
        let outcome = launch.run(&[&script]);
        assert_eq!(outcome.ok(), "fine\n", "{content}");
        nothing_found(&outcome);
    }
}

#[test]
fn first_lines_that_the_kernel_does_not_take() {
    let runtime = need!(lab("runtime-bullseye"));
    // It is no script to the kernel, and the shell takes it: a comment and a command.
    let launch = Launch::new().runtime(&runtime);
    let text = format!("#!/{}\necho by the shell\n", "x".repeat(300));
    let script = program(&launch, "script", text.as_bytes());
    let outcome = launch.run(&[&script]);
    assert_eq!(outcome.ok(), "by the shell\n");
    warned(&outcome, "BS0026");
    // Two scripts that are each other's interpreter.
    let make = || {
        let launch = Launch::new().runtime(&runtime);
        let [a, b] = ["a", "b"].map(|name| launch.home().join(name));
        program(&launch, "a", format!("#!{}\n", b.display()).as_bytes());
        program(&launch, "b", format!("#!{}\n", a.display()).as_bytes());
        (launch, a)
    };
    let (launch, script) = make();
    launch.run(&[&script]).fails(126, "BS0026");
    let (launch, script) = make();
    assert_eq!(launch.option("--no-check").run(&[&script]).status(), 126);
}

/// Five scripts in a row are as many as the kernel follows.
#[test]
fn as_many_scripts_as_may_be() {
    let runtime = need!(lab("runtime-bullseye"));
    for (count, works) in [(5, true), (6, false)] {
        for check in ["--verbose", "--no-check"] {
            let launch = Launch::new().runtime(&runtime).option(check);
            let mut next = "/bin/true".to_owned();
            for i in 0..count {
                let path = program(&launch, &format!("s{i}"), format!("#!{next}\n").as_bytes());
                next = path.to_string_lossy().into_owned();
            }
            let outcome = launch.run(&[&next]);
            let status = if works { 0 } else { 126 };
            assert_eq!(outcome.status(), status, "{count} {}", outcome.account());
            let found = outcome.stderr().contains("BS0026");
            assert_eq!(found, !works && check != "--no-check", "{}", outcome.account());
        }
    }
}

#[test]
fn a_program_for_another_machine() {
    let runtime = need!(lab("runtime-bullseye"));
    let mut riscv = ElfBuilder::program(Tuple::X86_64).build();
    riscv[18] = 243;
    // Where binfmt_misc is not mounted it is a warning, and the kernel has the last word.
    let launch = || Launch::new().runtime(&runtime);
    let outcome = {
        let launch = launch();
        let file = program(&launch, "riscv", &riscv);
        launch.run(&[&file])
    };
    outcome.fails(126, "BS0025");
    assert!(outcome.stderr().contains("RISC-V"), "{}", outcome.account());
}

#[test]
fn a_runtime_without_a_shell() {
    let small = need!(Small::new()).without("usr/bin/env");
    let outcome = small.launch().run(&["true"]);
    outcome.ok();
    assert!(warned(&outcome, "BS0027").contains("/usr/bin/env"), "{}", outcome.account());
    // The shell is a program of another architecture.
    let small = need!(Small::new());
    small.put("usr/bin/sh", &ElfBuilder::program(Tuple::I386).build());
    let outcome = small.launch().run(&["true"]);
    outcome.ok();
    assert!(warned(&outcome, "BS0027").contains("/lib/ld-linux.so.2"), "{}", outcome.account());
    // The small runtime is sound when nothing is taken from it.
    let small = need!(Small::new());
    let outcome = small.launch().run(&["sh", "-c", "ls / > /dev/null && env true"]);
    outcome.ok();
    nothing_found(&outcome);
    assert!(small.path().join(LOADER).exists());
}
