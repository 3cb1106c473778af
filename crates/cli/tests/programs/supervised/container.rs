//! What concerns libraries, in the container of a laboratory runtime: with 64-bit and 32-bit programs of
//! its own, and its own `ldconfig`.

use super::table::Tool;
use crate::support::{lab, need, program};
use std::path::Path;
use std::process::Command;

const NAME: &str = "pressure-vessel-adverb";

/// A runtime with both architectures.
const RUNTIME: &str = "runtime-bullseye";

const TUPLES: [&str; 2] = ["x86_64-linux-gnu", "i386-linux-gnu"];

/// A call in a container whose `/` is the runtime, with the tool's directory as `/mnt/work`: made by
/// bwrap, as other tools make it.
fn inside(runtime: &Path, tool: &Tool, variables: &[(&str, &str)], words: &[&str]) -> String {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-user", "--die-with-parent", "--ro-bind"]).arg(runtime).arg("/");
    command.args(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--tmpfs", "/mnt"]);
    command.arg("--bind").arg(tool.path("")).arg("/mnt/work");
    command.arg("--ro-bind").arg(program()).arg("/mnt/bathysphere");
    command.args(["--symlink", "/mnt/bathysphere", "/mnt/pressure-vessel-adverb"]);
    command.args(["--chdir", "/mnt/work", "/mnt/pressure-vessel-adverb"]).args(words);
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LANG", "C.UTF-8");
    let output = command.envs(variables.iter().copied()).output().expect("bwrap starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} {output:?}");
    format!("{}{errors}", String::from_utf8_lossy(&output.stdout))
}

/// Gives the tool a library of the runtime for each architecture.
fn libraries(runtime: &Path, tool: &Tool) {
    for tuple in TUPLES {
        let place = tool.path(&format!("own/{tuple}"));
        std::fs::create_dir_all(&place).unwrap();
        let from = runtime.join("usr/lib").join(tuple).join("libz.so.1");
        std::fs::copy(from, place.join("libz.so.1")).unwrap();
    }
}

/// The program under test needs no library of the container.
fn is_static() -> Result<(), String> {
    let content = std::fs::read(program()).map_err(|error| error.to_string())?;
    // Among the first bytes, if anywhere, stands the name of a dynamic linker.
    let dynamic = content[..1024].windows(7).any(|text| text == b"/ld-lin");
    if dynamic {
        Err("the program is not static (cargo xtask test uses one that is)".into())
    } else {
        Ok(())
    }
}

#[test]
fn each_architecture_loads_its_own_module() {
    let runtime = need!(is_static().and_then(|()| lab(RUNTIME)));
    let tool = Tool::new(NAME);
    libraries(&runtime, &tool);
    let modules =
        TUPLES.map(|tuple| format!("--ld-preload=/mnt/work/own/{tuple}/libz.so.1:abi={tuple}"));
    // In this mode the dynamic linker of each program tells what it loads, and does not start it.
    const TRACE: &str = "echo $LD_PRELOAD
        LD_TRACE_LOADED_OBJECTS=1 /bin/true; LD_TRACE_LOADED_OBJECTS=1 glxinfo.i386-linux-gnu
        readlink /tmp/pressure-vessel-libs-*/lib/*/*";
    let words = [&*modules[0], &modules[1], "--", "sh", "-c", TRACE];
    let text = inside(&runtime, &tool, &[], &words);
    let variable = text.lines().next().unwrap_or_default();
    assert!(variable.ends_with("/${LIB}/libz.so.1") && !variable.contains(':'), "{text}");
    for tuple in TUPLES {
        let loaded = variable.replace("${LIB}", &format!("lib/{tuple}"));
        assert!(text.contains(&format!("\t{variable} => {loaded} (0x")), "no {loaded}: {text}");
        assert!(text.contains(&format!("\n/mnt/work/own/{tuple}/libz.so.1\n")), "{text}");
    }
    assert!(!text.contains("ERROR"), "{text}");
}

#[test]
fn the_cache_of_the_dynamic_linker_is_made_anew() {
    let runtime = need!(is_static().and_then(|()| lab(RUNTIME)));
    let tool = Tool::new(NAME);
    libraries(&runtime, &tool);
    tool.write("ldso/runtime-ld.so.conf", "/usr/lib/x86_64-linux-gnu\n/usr/lib/i386-linux-gnu\n");
    tool.write("ldso/runtime-ld.so.cache", "old");
    for name in ["ld.so.conf", "ld.so.cache"] {
        std::os::unix::fs::symlink(format!("runtime-{name}"), tool.path("ldso").join(name))
            .unwrap();
    }
    const SHOW: &str = "echo $LD_LIBRARY_PATH; cat ldso/ld.so.conf; ls ldso
        /sbin/ldconfig -p -C ldso/ld.so.cache | grep 'libz.so.1 '";
    let words = [
        "--regenerate-ld.so-cache=/mnt/work/ldso",
        "--add-ld.so-path=/mnt/work/own/x86_64-linux-gnu",
        "--add-ld.so-path",
        "/mnt/work/own/i386-linux-gnu",
        "--set-ld-library-path=/aliases",
        "--",
        "sh",
        "-c",
        SHOW,
    ];
    let text = inside(&runtime, &tool, &[("LD_LIBRARY_PATH", "/old")], &words);
    let mut want = String::from("/aliases\n");
    for directory in ["/mnt/work/own", "/usr/lib"] {
        want += &TUPLES.map(|tuple| format!("{directory}/{tuple}\n")).concat();
    }
    want += "ld.so.cache\nld.so.conf\nruntime-ld.so.cache\nruntime-ld.so.conf\n";
    for (tuple, abi) in TUPLES.iter().zip(["libc6,x86-64", "libc6"]) {
        for directory in ["/mnt/work/own", "/usr/lib"] {
            want += &format!("\tlibz.so.1 ({abi}) => {directory}/{tuple}/libz.so.1\n");
        }
    }
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&text), sorted(&want), "{text}");
    // The added directories come first.
    let own = text.find("=> /mnt/work/own/x86_64").unwrap();
    assert!(own < text.find("=> /usr/lib/x86_64").unwrap(), "{text}");
    for name in ["ld.so.conf", "ld.so.cache"] {
        let kind = std::fs::symlink_metadata(tool.path("ldso").join(name)).unwrap().file_type();
        assert!(kind.is_file(), "{name} still leads to the runtime's");
    }
    assert_eq!(std::fs::read(tool.path("ldso/runtime-ld.so.cache")).unwrap(), b"old");
}
