//! What the container is, by options and variables, with either executor.

use super::{by, launch, sh, wrap, wrap_in};
use crate::support::{BACKENDS, lab, need};
use crate::tool::Places;
use std::fs::{self, File};
use std::path::Path;

/// Something to share, not below the home directory nor where disks usually are.
fn outside() -> tempfile::TempDir {
    let near = lab(".stores").unwrap_or_else(|_| "/var/tmp".into());
    let directory = tempfile::Builder::new().prefix("wrap-").tempdir_in(near).unwrap();
    fs::write(directory.path().join("file"), "content\n").unwrap();
    directory
}

/// A script that says of each path whether it can be written, read only, or is not there.
fn access(paths: &[&Path]) -> String {
    let words: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    format!(
        "for d in {}; do if ! [ -e \"$d/file\" ]; then echo absent; \
         elif touch \"$d/new\" 2>/dev/null; then rm \"$d/new\"; echo rw; else echo ro; fi; done",
        words.join(" ")
    )
}

/// Without a runtime the host's own system is there, with one the runtime's; `--env-if-host` tells them apart.
#[test]
fn variables_for_the_host() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let script = "echo \"$A,$B\"; cat /run/host/container-manager";
        let options = ["--env-if-host=A=1=2", "--env-if-host=B="];
        let host = sh(by(wrap(), backend).args(&options), script).env("B", "outer").run();
        assert_eq!(host.ok(), "1=2,\npressure-vessel\n", "{backend}");
        let contained = sh(launch(&runtime, backend).args(&options), script).env("B", "outer");
        assert_eq!(contained.run().ok(), ",outer\npressure-vessel\n", "{backend}");
    }
}

/// The library runtime that the command is to be in again is shared, for reading.
#[test]
fn the_library_runtime_comes_back() {
    let scout = outside();
    for backend in BACKENDS {
        let option = format!("--env-if-host=STEAM_RUNTIME={}", scout.path().display());
        // Where all disks are shared it can be written already.
        let tool =
            by(wrap(), backend).arg(option).env("PRESSURE_VESSEL_WORKAROUNDS", "limit-shared-dirs");
        let outcome = sh(tool, "cat \"$STEAM_RUNTIME/file\"").run();
        assert_eq!(outcome.ok(), "content\n", "{backend}");
    }
}

#[test]
fn filesystems() {
    let runtime = need!(lab("runtime-bullseye"));
    let (rw, ro, below) = (outside(), outside(), "below/x");
    for backend in BACKENDS {
        let places = Places::new();
        let place = places.home().join(below);
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("file"), "").unwrap();
        let private = places.at("private");
        let tool = by(wrap_in(places).pair("--runtime", &runtime), backend)
            .pair("--home", private)
            .args(&["--filesystem=~/below/x:ro", "--filesystem=host-etc", "--filesystem=host-os"])
            .pair("--filesystem", rw.path())
            .arg(format!("--filesystem={}:ro", ro.path().display()))
            .in_directory("/");
        let outcome = sh(tool, &access(&[rw.path(), ro.path()])).run();
        assert_eq!(outcome.ok(), "rw\nro\n", "{backend}");
    }
}

#[test]
fn the_hosts_directories_and_root() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let script = "test -e /run/host/root/proc/self && touch /run/host/root/tmp 2>/dev/null && echo root; \
                      test -d /srv && echo srv";
        let options = ["--filesystem=host-root", "--filesystem=host"];
        let outcome = sh(launch(&runtime, backend).args(&options), script).run();
        assert_eq!(outcome.ok(), "root\nsrv\n", "{backend}");
    }
}

/// A directory at the top of the host's tree that neither a runtime has nor a home is in; empty where there is none.
fn other_directory() -> String {
    const USUAL: &str = " app bin boot dev efi etc home lost+found media mnt nix opt overrides proc root run \
         sbin srv sys tmp usr var ";
    let names = fs::read_dir("/").unwrap().flatten();
    let names = names.filter(|entry| fs::read_dir(entry.path()).is_ok());
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let other =
        { names }.find(|name| !USUAL.contains(&format!(" {name} ")) && !name.starts_with("lib"));
    other.map(|name| format!("/{name}")).unwrap_or_default()
}

/// Steam's own client: /sys and the host's directories for writing, and the user's home whatever else is asked for.
#[test]
fn steams_client() {
    let runtime = need!(lab("runtime-bullseye"));
    let place = outside();
    // Where /sys cannot be written outside, it cannot be inside.
    let sys = "awk '$5 == \"/sys\" { print $6 }' /proc/self/mountinfo | grep -o '^r[ow]'";
    let own = std::process::Command::new("sh").args(["-c", sys]).output().unwrap();
    let own = String::from_utf8(own.stdout).unwrap();
    let root = Path::new("/run/host/root").join(place.path().strip_prefix("/").unwrap());
    let other = other_directory();
    let whole = if other.is_empty() { "rw\n" } else { "host\nrw\n" };
    let script =
        format!("{sys}; echo kept > ~/kept; test -d '{other}' && echo host; {}", access(&[&root]));
    let limited = [
        ("STEAM_COMPAT_FOR_STEAM_CLIENT", "1"),
        ("PRESSURE_VESSEL_WORKAROUNDS", "limit-shared-dirs"),
    ];
    let client = &["--for-steam-client", "--unshare-home"][..];
    let mut places = Places::new();
    for (backend, options, variables, sys, rest) in [
        ("builtin", &[][..], &[][..], "ro\n", "absent\n"),
        ("builtin", client, &[], own.as_str(), whole),
        ("bwrap", client, &[], &own, whole),
        ("builtin", &[], &limited, &own, "absent\n"),
    ] {
        let tool = by(wrap_in(places).pair("--runtime", &runtime), backend);
        let (outcome, used) = sh(tool.args(options).envs(variables), &script).run_in();
        assert_eq!(outcome.ok(), format!("{sys}{rest}"), "{}", outcome.account());
        fs::remove_file(used.home().join("kept")).unwrap();
        let warned = outcome.stderr().contains("W: Steam's client has the user's own home");
        assert_eq!(warned, options == client, "{}", outcome.account());
        places = used;
    }
    drop(places);
}

/// Paths that Steam's variables name are shared, and rewritten where they are not written plainly.
#[test]
fn paths_of_the_environment() {
    let runtime = need!(lab("runtime-bullseye"));
    let (data, a, b, ro) = (outside(), outside(), outside(), outside());
    for backend in BACKENDS {
        let list = format!(
            "{}:{}/../{}:",
            a.path().display(),
            b.path().display(),
            b.path().file_name().unwrap().to_str().unwrap()
        );
        let tool = launch(&runtime, backend)
            .env("PRESSURE_VESSEL_WORKAROUNDS", "limit-shared-dirs")
            .env("STEAM_COMPAT_DATA_PATH", data.path())
            .env("STEAM_COMPAT_MOUNTS", &list)
            .env("PRESSURE_VESSEL_FILESYSTEMS_RO", ro.path());
        let script =
            access(&[data.path(), a.path(), b.path(), ro.path()]) + "; echo $STEAM_COMPAT_MOUNTS";
        let want = format!("rw\nrw\nrw\nro\n{}:{}:\n", a.path().display(), b.path().display());
        assert_eq!(sh(tool, &script).run().ok(), want, "{backend}");
    }
}

#[test]
fn places_of_their_own_are_refused() {
    let runtime = need!(lab("runtime-bullseye"));
    let outcome = launch(&runtime, "builtin").args(&["--filesystem=/usr", "true"]).run();
    outcome.ok();
    assert!(outcome.stderr().contains("W: BS0009"), "{}", outcome.account());
}

#[test]
fn descriptors() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let places = Places::new();
        let file = places.at("out");
        // A shell opens them, as Steam's scripts do.
        let wrap = wrap_in(places).pair("--runtime", &runtime);
        let (command, places) = by(wrap, backend).prepare();
        let program = command.get_program().to_owned();
        let script = format!(
            "exec 7>{out} 8>&7; exec \"$0\" \"$@\" --pass-fd=7 --assign-fd=9=8 -- \
             sh -c 'echo seven >&7; echo nine >&9; test -e /proc/self/fd/8 && echo leaked'",
            out = file.display()
        );
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &script]).arg(program).args(command.get_args()).env_clear();
        shell.envs(command.get_envs().filter_map(|(n, v)| Some((n, v?))));
        let output = shell.current_dir(places.home()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{backend}: {output:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "seven\nnine\n", "{backend}: {output:?}");
    }
}

/// Standard input is nothing's, but for developers; the limit of descriptors is what old programs can bear.
#[test]
fn what_the_process_is_given() {
    let runtime = need!(lab("runtime-bullseye"));
    let input = tempfile::NamedTempFile::new().unwrap();
    fs::write(input.path(), "input\n").unwrap();
    for backend in BACKENDS {
        let with = |options: &[&str], script: &str| {
            let tool = launch(&runtime, backend).args(options);
            sh(tool.stdin(File::open(input.path()).unwrap()), script).run().ok()
        };
        assert_eq!(with(&[], "cat; readlink /proc/self/fd/0"), "/dev/null\n", "{backend}");
        assert_eq!(with(&["--devel"], "cat"), "input\n", "{backend}");
        assert_eq!(with(&[], "ulimit -Sn"), "1024\n", "{backend}");
    }
}

/// The device files of CUDA are made where NVIDIA's module is loaded and that for CUDA is not.
#[test]
fn nvidias_second_module_is_loaded() {
    use std::os::unix::fs::PermissionsExt;
    for (modules, want) in [("nvidia", "-u -c=0\n"), ("nvidia nvidia_uvm", ""), ("other", "")] {
        let places = Places::new();
        let (tool, said) = (places.at("prefix/bin/nvidia-modprobe"), places.at("said"));
        fs::write(&tool, format!("#!/bin/sh\necho \"$@\" >> {}\n", said.display())).unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", places.at("prefix/bin").display());
        let (call, places) = wrap_in(places).arg("--only-prepare").env("PATH", path).prepare();
        let script = format!(
            "mount -t tmpfs none /sys/module && for m in {modules}; do mkdir /sys/module/$m && \
             echo 1 > /sys/module/$m/version; done && exec \"$0\" \"$@\""
        );
        let mut outer = std::process::Command::new("unshare");
        outer.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        outer.arg(call.get_program()).args(call.get_args()).env_clear();
        outer.envs(call.get_envs().filter_map(|(n, v)| Some((n, v?)))).current_dir(places.home());
        crate::support::Outcome::of(&mut outer).ok();
        assert_eq!(fs::read_to_string(&said).unwrap_or_default(), want, "{modules}");
    }
}

/// The program's own tree is where programs in the container look for it.
#[test]
fn the_installation_is_shown() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let script =
            "test -L /run/pressure-vessel/pv-from-host/bin/pressure-vessel-wrap && echo here";
        assert_eq!(sh(launch(&runtime, backend), script).run().ok(), "here\n", "{backend}");
    }
}

/// The launcher service of the installation, in the place of a command and before one.
#[test]
fn the_launcher_service() {
    use std::os::unix::fs::PermissionsExt;
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let service = |words: &[&str], variables: &[(&str, &str)]| {
            let places = Places::new();
            let file = places.at("prefix/bin/steam-runtime-launcher-service");
            fs::write(&file, "#!/bin/sh\necho \"$STEAM_COMPAT_LAUNCHER_SERVICE|$@\"\n").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
            let tool = by(wrap_in(places).pair("--runtime", &runtime), backend);
            tool.envs(variables).args(words).run().ok()
        };
        assert_eq!(service(&["--launcher", "--", "--session", "x"], &[]), "|--session x\n");
        let wanted = [("STEAM_COMPAT_LAUNCHER_SERVICE", "container-runtime")];
        assert_eq!(
            service(&["echo", "x"], &wanted),
            "|--exec-fallback --hint --no-stop-on-name-loss --replace --session -- echo x\n"
        );
        let other = [("STEAM_COMPAT_LAUNCHER_SERVICE", "proton")];
        assert_eq!(service(&["echo", "x"], &other), "x\n");
    }
}

/// Processes that outlive the command are ended where that is asked for.
#[test]
fn what_is_left_behind_is_ended() {
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        let options = ["--terminate-timeout=5", "--terminate-idle-timeout=0"];
        let script = "(trap 'echo ended; exit' TERM; echo ready > ~/ready; while :; do sleep 0.1; done) & \
                      until test -e ~/ready; do sleep 0.05; done";
        let outcome = sh(launch(&runtime, backend).args(&options), script).run();
        assert_eq!(outcome.ok(), "ended\n", "{backend}");
    }
}

#[test]
fn certificates_of_the_machine() {
    let runtime = need!(lab("runtime-bullseye"));
    let certificates = Path::new("/etc/ssl/certs");
    let needed = ["ca-certificates.crt", "4042bcee.0", "244b5494.0"];
    if let Some(missing) = needed.iter().find(|name| !certificates.join(name).exists()) {
        let outcome = launch(&runtime, "builtin")
            .arg("true")
            .env("PRESSURE_VESSEL_IMPORT_CA_CERTS", "1")
            .run();
        assert!(outcome.stderr().contains(missing), "{}", outcome.account());
        return;
    }
    let script = "cat /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/4042bcee.0 | cksum; \
                  for f in /etc/ssl/certs/*; do test -s \"$f\" || echo \"bad $f\"; done";
    let direct = |script: &str| {
        let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let sum = direct("cat /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/4042bcee.0 | cksum");
    for backend in BACKENDS {
        let tool = launch(&runtime, backend).env("PRESSURE_VESSEL_IMPORT_CA_CERTS", "1");
        assert_eq!(sh(tool, script).run().ok(), sum, "{backend}");
        let off = launch(&runtime, backend)
            .env("PRESSURE_VESSEL_IMPORT_CA_CERTS", "1")
            .env("PRESSURE_VESSEL_WORKAROUNDS", "steam-snap#397");
        let outcome = sh(off, "cat /etc/ssl/certs/4042bcee.0 2>/dev/null | cksum").run();
        assert_ne!(outcome.ok(), sum, "{backend}");
    }
}
