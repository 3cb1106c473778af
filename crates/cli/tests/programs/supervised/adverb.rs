//! `pressure-vessel-adverb`: every option, with what comes of it.

use super::table::{Row, Tool, all_are_tried, ends, gives, reads, shows};
use crate::support::{Outcome, need};

const NAME: &str = "pressure-vessel-adverb";

/// Says which words it gets.
const WORDS: &str = r#"printf '<%s>' "$@"; echo"#;

const ROWS: &[Row] = &[
    // The command line and the command.
    gives(&["echo", "said"], "said\n"),
    gives(&["--", "sh", "-c", WORDS, "sh", "--create", "--"], "<--create><-->\n"),
    gives(&["sh", "--no-wait", "--", "-c", WORDS, "sh", "a b"], "<a b>\n"),
    ends(&["sh", "-c", "exit 7"], 64, "unknown option `-c`"),
    ends(&["--", "sh", "-c", "exit 7"], 7, ""),
    ends(&["--", "sh", "-c", "kill -TERM $$"], 128 + 15, ""),
    ends(&["--", "sh", "-c", "kill -KILL $$"], 128 + 9, ""),
    ends(&["/nonexistent"], 127, "`/nonexistent` does not exist"),
    ends(&["nonexistent"], 127, "`nonexistent` does not exist"),
    ends(&["/dev/null"], 126, "cannot be executed"),
    ends(&["{dir}/seven"], 126, "not marked as executable"),
    ends(&[], 64, "there is no command"),
    ends(&["--"], 64, "there is no command"),
    ends(&["--wrong", "true"], 64, "unknown option `--wrong`"),
    ends(&["true", "--wrong"], 64, "unknown option `--wrong`"),
    ends(&["--create=1", "true"], 64, "unknown option `--create=1`"),
    ends(&["--lock-file"], 64, "`--lock-file` needs a value"),
    // Its environment.
    shows(&["--env=A=1=2", "--env", "B="], &["A", "B"], "A=1=2\nB=\n"),
    shows(&["--unset-env=SEEN"], &["SEEN"], "SEEN=-\n").with(&[("SEEN", "1")]),
    shows(
        &["--env=SEEN=2", "--env=A=1", "--inherit-env=SEEN", "--inherit-env=A"],
        &["SEEN", "A"],
        "SEEN=1\nA=-\n",
    )
    .with(&[("SEEN", "1")]),
    shows(
        &["--env=SEEN=2", "--env=OTHER=2", "--inherit-env-matching=SE*"],
        &["SEEN", "OTHER"],
        "SEEN=1\nOTHER=2\n",
    )
    .with(&[("SEEN", "1")]),
    shows(
        &["--clear-env", "--env=A=1", "--inherit-env=SEEN"],
        &["SEEN", "A", "TMPDIR"],
        "SEEN=-\nA=1\nTMPDIR=-\n",
    )
    .with(&[("SEEN", "1")]),
    shows(&["--env-fd=5"], &["FIVE", "SIX"], "FIVE=from five\nSIX=from five\n"),
    shows(&["--env-fd=5", "--env=FIVE=2"], &["FIVE"], "FIVE=2\n"),
    ends(&["--env=FOO", "true"], 64, "not NAME=VALUE"),
    ends(&["--env==x", "true"], 64, "not NAME=VALUE"),
    ends(&["--env-fd=6", "true"], 64, "not NAME=VALUE"),
    ends(&["--env-fd=8", "true"], 69, "8 is not open"),
    ends(&["--env-fd=-1", "true"], 64, "no file descriptor"),
    // Descriptors.
    reads(&[], &["7"], "-\n"),
    reads(&["--pass-fd=7"], &["7", "5"], "seven\n-\n"),
    reads(&["--assign-fd=9=7"], &["9", "7"], "seven\n-\n"),
    gives(&["--assign-fd=0=7", "cat"], "seven\n"),
    gives(
        &[
            "--assign-fd=5=7",
            "--assign-fd=7=5",
            "--",
            "sh",
            "-c",
            "cat <&5; cat <&7 | tr '\\0' ' '",
        ],
        "seven\nFIVE=from five SIX=from five",
    ),
    reads(&["--fd=7"], &["7"], "-\n"),
    ends(&["--assign-fd=1=2", "echo", "said"], 0, "said\n"),
    ends(&["--assign-fd=2", "true"], 64, "not TARGET=SOURCE"),
    ends(&["--assign-fd=2=-1", "true"], 64, "no file descriptor"),
    ends(&["--assign-fd=2=8", "true"], 69, "8 is not open"),
    ends(&["--fd=8", "true"], 69, "8 is not open"),
    ends(&["--fd=nope", "true"], 64, "no file descriptor"),
    ends(&["--pass-fd=8", "true"], 69, "8 is not open"),
    ends(&["--pass-fd=-1", "true"], 64, "no file descriptor"),
    // Locks; those that others hold have tests of their own.
    ends(&["--lock-file={dir}/none", "true"], 69, "open {dir}/none"),
    ends(&["--lock-file=none", "--create", "true"], 69, "{dir}/none"),
    ends(&["--create", "--lock-file=none", "true"], 0, ""),
    ends(&["--create", "--no-create", "--lock-file=none", "true"], 69, "{dir}/none"),
    ends(&["--write", "--lock-file=seven", "--no-write", "--wait", "--no-wait", "true"], 0, ""),
    ends(&["--lock-file=none", "--wrong", "true"], 69, "{dir}/none"),
    ends(&["--wrong", "--lock-file=none", "true"], 64, "--wrong"),
    // Words for what has tests of its own, or none.
    ends(
        &["--exit-with-parent", "--no-exit-with-parent", "--subreaper", "--no-subreaper", "true"],
        0,
        "",
    ),
    ends(&["--terminate-timeout=0.5", "--terminate-idle-timeout=-1", "true"], 0, ""),
    ends(&["--terminate-timeout=soon", "true"], 64, "no number of seconds"),
    ends(&["--terminate-idle-timeout=", "true"], 64, "no number of seconds"),
    ends(&["--terminate-with-main", "--no-terminate-with-main", "--prefix=/none", "true"], 0, ""),
    ends(&["--verbose", "true"], 0, "starting"),
    // Shell and terminal; the scripts `xterm` and `bash` stand for the real ones.
    ends(&["--shell=what", "true"], 64, "`what` is not one of none, no, after"),
    ends(&["--terminal=what", "true"], 64, "`what` is not one of auto, none"),
    ends(&["--shell=after", "--terminal=none", "true"], 69, "needs a terminal"),
    gives(&["--shell=after", "--terminal=none", "--batch", "echo", "said"], "said\n"),
    gives(&["--shell=after", "--terminal=xterm", "echo", "said"], "said\n")
        .with(&[("PRESSURE_VESSEL_BATCH", "1")]),
    gives(&["--shell=", "--terminal=", "echo", "said"], "said\n"),
    Row { status: 3, ..gives(&["--terminal=xterm", "--", "sh", "-c", "exit 3"], "xterm\n") }
        .saying("ended with status 3. Press Enter"),
    gives(&["--shell=after", "--", "echo", "said"], "xterm\nsaid\nbash <-i><-s><echo><said>\n"),
    gives(&["--shell=after", "--terminal=xterm", "true"], "xterm /cursors\nbash <-i><-s><true>\n")
        .with(&[("XCURSOR_PATH", "/cursors")]),
    gives(&["--shell=fail", "true"], "xterm\n"),
    gives(&["--shell=fail", "--", "sh", "-c", "exit 3"], "xterm\nbash <-i><-s><sh><-c><exit 3>\n"),
    gives(&["--shell=instead", "echo", "said"], "xterm\nbash <-i><-s><echo><said>\n"),
    // Modules. Those that do not exist are told of by the dynamic linker of what runs in the shell.
    shows(&["--ld-preload=/none/m.so"], &["LD_PRELOAD"], "LD_PRELOAD=/none/m.so\n"),
    shows(&["--ld-preload="], &["LD_PRELOAD"], "LD_PRELOAD=/none/kept.so\n")
        .with(&[("LD_PRELOAD", "/none/kept.so")]),
    shows(
        &["--ld-preload=a.so", "--ld-preload=b.so", "--ld-preload=a.so"],
        &["LD_PRELOAD"],
        "LD_PRELOAD=a.so:b.so:a.so\n",
    )
    .with(&[("LD_PRELOAD", "/none/kept.so")]),
    ends(&["--ld-preload=/m.so:abi=hal9000", "true"], 64, "hal9000"),
    ends(&["--ld-preload=/m.so:arch=i386-linux-gnu", "true"], 64, "is not `abi=TUPLE`"),
    ends(&["--ld-audit=/m.so:abi=i386-linux-gnu:x", "true"], 64, "is not `abi=TUPLE`"),
    // The cache of the dynamic linker.
    shows(&["--set-ld-library-path=/new"], &["LD_LIBRARY_PATH"], "LD_LIBRARY_PATH=/new\n"),
    shows(
        &["--regenerate-ld.so-cache=", "--set-ld-library-path=/new"],
        &["LD_LIBRARY_PATH"],
        "LD_LIBRARY_PATH=/new\n",
    ),
    shows(
        &[
            "--regenerate-ld.so-cache={dir}/ldso",
            "--add-ld.so-path=relative",
            "--set-ld-library-path=/new",
        ],
        &["LD_LIBRARY_PATH"],
        "LD_LIBRARY_PATH=/old\n",
    )
    .with(&[("LD_LIBRARY_PATH", "/old")])
    .saying("`relative` cannot be searched"),
    shows(
        &["--regenerate-ld.so-cache={dir}/none", "--set-ld-library-path=/new"],
        &["LD_LIBRARY_PATH"],
        "LD_LIBRARY_PATH=/old\n",
    )
    .with(&[("LD_LIBRARY_PATH", "/old")])
    .saying("{dir}/none"),
    // What the emulator is for: here it is a script that does not run what it gets.
    gives(
        &[
            "--emulator={dir}/emulator.json",
            "--ldconfig-architecture=aarch64-linux-gnu",
            "--regenerate-ld.so-cache={dir}/ldso",
            "--set-ld-library-path=/new",
            "--",
            "sh",
            "-c",
            "echo $LD_LIBRARY_PATH; ls ldso",
        ],
        "/old\nld.so.conf\nruntime-ld.so.conf\n",
    )
    .with(&[("LD_LIBRARY_PATH", "/old")])
    .saying(
        "emulated in {dir}/ldso with yes: \
         /sbin/ldconfig -f {dir}/ldso/ld.so.conf -C {dir}/ldso/new-ld.so.cache -X",
    ),
    ends(&["--emulator={dir}/none.json", "true"], 69, "--emulator"),
    ends(&["--ldconfig-architecture=hal9000", "true"], 64, "hal9000"),
    // Drivers that are not there change nothing.
    shows(
        &["--overrides-path={dir}/none"],
        &["VDPAU_DRIVER_PATH", "SDL_DYNAMIC_API"],
        "VDPAU_DRIVER_PATH=-\nSDL_DYNAMIC_API=-\n",
    ),
    // Locales; the script `localedef` stands for the real one.
    ends(&["--generate-locales", "--no-generate-locales", "true"], 0, ""),
    gives(
        &["--generate-locales", "--", "sh", "-c", "echo $LOCPATH; ls $LOCPATH | grep xx"],
        "{dir}/pressure-vessel-locales-XXXXXX\nxx_YY.UTF-8\n",
    )
    .with(&[("LC_ALL", "xx_YY.UTF-8")])
    .saying("locales were missing"),
];

/// With a dynamic linker of a known layout: not on every machine.
const DEBIAN: &[Row] = &[
    shows(
        &[
            "--ld-preload=/64/m.so:abi=x86_64-linux-gnu",
            "--ld-preload=/32/m.so:abi=i386-linux-gnu",
            "--ld-preload=/x.so",
        ],
        &["LD_PRELOAD"],
        "LD_PRELOAD={lib}/m.so:/x.so\n",
    ),
    shows(
        &[
            "--ld-preload=/a/m.so:abi=x86_64-linux-gnu",
            "--ld-preload=/b/m.so:abi=x86_64-linux-gnu",
            "--ld-audit=/a/m.so:abi=x86_64-linux-gnu",
        ],
        &["LD_PRELOAD", "LD_AUDIT"],
        "LD_PRELOAD={lib}/m.so:/b/m.so\nLD_AUDIT={lib}/m.so\n",
    ),
    shows(
        &[
            "--ld-preload=/s/ubuntu12_32/gameoverlayrenderer.so",
            "--ld-preload=/s/ubuntu12_64/gameoverlayrenderer.so",
        ],
        &["LD_PRELOAD"],
        "LD_PRELOAD={lib}/gameoverlayrenderer.so\n",
    ),
    shows(
        &["--overrides-path={dir}/over"],
        &["VDPAU_DRIVER_PATH"],
        "VDPAU_DRIVER_PATH={lib}/vdpau\n",
    ),
    shows(
        &["--overrides-path={dir}/over"],
        &["SDL_DYNAMIC_API", "SDL3_DYNAMIC_API"],
        "SDL_DYNAMIC_API={lib}/libSDL2-2.0.so.0\nSDL3_DYNAMIC_API=-\n",
    )
    .with(&[("STEAM_COMPAT_RUNTIME_SDL2", "1")]),
    shows(
        &["--overrides-path={dir}/over"],
        &["SDL_DYNAMIC_API", "SDL3_DYNAMIC_API"],
        "SDL_DYNAMIC_API=mine\nSDL3_DYNAMIC_API={lib}/libSDL3.so.0\n",
    )
    .with(&[
        ("STEAM_COMPAT_FLAGS", "other,runtime-sdl3,runtime-sdl2"),
        ("SDL_DYNAMIC_API", "mine"),
    ]),
    shows(&["--overrides-path={dir}/over"], &["SDL_DYNAMIC_API"], "SDL_DYNAMIC_API=-\n")
        .with(&[("STEAM_COMPAT_FLAGS", "runtime-sdl2"), ("STEAM_COMPAT_RUNTIME_SDL2", "0")]),
    gives(
        &[
            "--overrides-path={dir}/over",
            "--",
            "sh",
            "-c",
            "cd \"${VDPAU_DRIVER_PATH%%/\\$*}/lib\" && readlink x86_64-linux-gnu/*",
        ],
        "{dir}/over/lib/x86_64-linux-gnu/libSDL2-2.0.so.0\n{dir}/over/lib/x86_64-linux-gnu/vdpau\n",
    )
    .with(&[("STEAM_COMPAT_RUNTIME_SDL2", "1")]),
];

/// What the rows need.
fn prepare(tool: &Tool) {
    tool.script(
        "xterm",
        "shift\nif [ \"$1\" = env ]; then echo \"xterm ${2#*=}\"; shift 2; else echo xterm; fi\nexec \"$@\"",
    );
    tool.script("bash", &format!("printf 'bash '; {WORDS}"));
    tool.script("localedef", "for last; do :; done; mkdir -p \"$last\"");
    tool.script("emulator", "echo \"emulated in $PWD with $EMULATED: $*\" >&2; exit 1");
    tool.write(
        "emulator.json",
        r#"{"emulator_v0": {"argv": ["./emulator"], "emulated_architectures": ["aarch64-linux-gnu"],
            "container_environment": {"EMULATED": "yes"}}}"#,
    );
    tool.write("ldso/runtime-ld.so.conf", "/runtime\n");
    for name in ["libSDL2-2.0.so.0", "libSDL3.so.0", "vdpau/libvdpau_x.so.1"] {
        tool.write(&format!("over/lib/x86_64-linux-gnu/{name}"), "");
    }
}

/// What answers on standard output, in more words than a row has.
const ANSWERED: [(&str, &str); 2] = [("--version", " Version: "), ("--help", "--lock-file FILE")];

#[test]
fn every_option_does_what_it_says() {
    for row in ROWS {
        row.check(NAME, prepare);
    }
    for (option, part) in ANSWERED {
        let tool = Tool::new(NAME);
        let outcome = Outcome::of(&mut tool.command(&[option]));
        assert!(outcome.ok().contains(part), "{}", outcome.account());
    }
    all_are_tried(NAME, &[ROWS, DEBIAN], &ANSWERED.map(|(option, _)| option));
}

#[test]
fn each_architecture_gets_its_own() {
    let directory = std::path::Path::new("/usr/lib/x86_64-linux-gnu");
    let debian = directory.exists().then_some(()).ok_or("this machine is no Debian of x86_64");
    need!(debian);
    for row in DEBIAN {
        row.check(NAME, prepare);
    }
}

#[test]
fn the_short_name_is_the_same_program() {
    shows(&["--env=A=1"], &["A"], "A=1\n").check("pv-adverb", prepare);
}

#[test]
fn a_terminal_is_needed_where_it_is_asked_for() {
    let tool = Tool::new(NAME);
    let command = tool.command(&["--terminal=tty", "true"]);
    // A session of its own has none.
    let mut alone = std::process::Command::new("setsid");
    alone.arg("--wait").arg(command.get_program()).args(command.get_args());
    let outcome = Outcome::of(alone.current_dir(tool.path("")));
    assert_eq!(outcome.status(), 69, "{}", outcome.account());
    assert!(outcome.stderr().contains("/dev/tty"), "{}", outcome.account());
}
