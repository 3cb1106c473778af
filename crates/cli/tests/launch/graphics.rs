//! The host's drivers work in the runtime: real programs with real Mesa.

use crate::support::{
    BACKENDS, FORMS, Launch, XServer, host_name, lab, need, outside, sh, x_server,
};

/// Suffixes of programs in the laboratory.
const ABIS: &[&str] = &["x86_64-linux-gnu", "i386-linux-gnu"];

/// The line of `text` that starts with `key`, trimmed.
fn line<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    text.lines().map(str::trim).find(|l| l.starts_with(key))
}

/// Whether this host has drivers of the ABI.
fn has_drivers(abi: &str) -> bool {
    ["/usr/lib", "/lib"]
        .iter()
        .any(|l| std::path::Path::new(l).join(abi).join("libGLX_mesa.so.0").exists())
}

/// The Mesa version in a string such as `4.5 (Compatibility Profile) Mesa 22.3.6`.
fn mesa(text: &str) -> Option<String> {
    let at = text.find("Mesa ")?;
    Some(text[at + 5..].split_whitespace().next()?.to_owned())
}

/// The Mesa version that `glxinfo -B` reports.
fn glx_mesa(text: &str) -> Option<String> {
    line(text, "OpenGL version string:").and_then(mesa)
}

fn host_mesa(x: &XServer) -> Result<String, String> {
    let text = outside("glxinfo", &["-B"], &x.display)?;
    glx_mesa(&text).ok_or_else(|| format!("the host's glxinfo names no Mesa version:\n{text}"))
}

/// Runs `PROGRAM.ABI` in every form of a runtime, with both executors, for each ABI that this host has
/// drivers of, and compares the Mesa version that `version` finds in its output with the host's.
fn everywhere(
    program: &str,
    argument: &str,
    version: impl Fn(&str) -> Option<String>,
) -> Result<(), String> {
    let x = x_server()?;
    let want = host_mesa(&x)?;
    for form in FORMS {
        let runtime = lab(form)?;
        for backend in BACKENDS {
            for abi in ABIS.iter().filter(|abi| has_drivers(abi)) {
                let outcome = Launch::new()
                    .runtime(&runtime)
                    .backend(backend)
                    .env("DISPLAY", &x.display)
                    .run(&[&format!("/usr/bin/{program}.{abi}"), argument]);
                let found = version(&outcome.ok());
                let account = outcome.account();
                assert_eq!(found.as_deref(), Some(&*want), "{form} {backend} {abi}: {account}");
            }
        }
    }
    Ok(())
}

#[test]
fn glxinfo_reports_the_hosts_mesa() {
    need!(everywhere("glxinfo", "-B", |text| {
        assert!(line(text, "OpenGL renderer string: llvmpipe").is_some(), "{text}");
        glx_mesa(text)
    }));
}

#[test]
fn vulkaninfo_reports_the_hosts_mesa() {
    need!(everywhere("vulkaninfo", "--summary", |text| line(text, "driverInfo").and_then(mesa)));
}

/// The drivers that are loaded are the host's files, also where the versions are the same.
#[test]
fn the_mapped_driver_is_the_hosts_file() {
    let x = need!(x_server());
    let runtime = need!(lab("runtime-bullseye"));
    for backend in BACKENDS {
        for abi in ABIS.iter().filter(|abi| has_drivers(abi)) {
            let outcome = Launch::new()
                .runtime(&runtime)
                .backend(backend)
                .env("DISPLAY", &x.display)
                .env("LD_DEBUG", "files")
                .run(&[&format!("/usr/bin/glxinfo.{abi}"), "-B"]);
            outcome.ok();
            let log = outcome.stderr();
            let loaded: Vec<&str> = log
                .lines()
                .filter_map(|l| l.split("calling init: ").nth(1))
                .filter(|p| p.contains("_dri.so") || p.contains("libgallium"))
                .collect();
            assert!(!loaded.is_empty(), "{backend} {abi}: no driver was loaded\n{log}");
            for path in loaded {
                let overrides = format!("/usr/lib/pressure-vessel/overrides/lib/{abi}/");
                assert!(
                    path.starts_with(&overrides) || path.starts_with("/run/host/"),
                    "{backend} {abi}: {path} is not the host's"
                );
            }
        }
    }
}

/// EGL without an X server: Mesa is found, and its surfaceless platform works where the host's
/// `eglinfo` knows it (Debian 11's does not).
#[test]
fn eglinfo_without_x() {
    let runtime = need!(lab("runtime-bullseye"));
    let newer = host_name().is_none_or(|h| !h.contains("bullseye"));
    for backend in BACKENDS {
        let launch = || Launch::new().runtime(&runtime).backend(backend);
        let outcome = launch().run(&["/usr/bin/eglinfo"]);
        // It fails for the platforms that are not there (X11, Wayland) and reports the others.
        let text = outcome.stdout();
        assert!(text.contains("EGL_MESA_platform_surfaceless"), "{}", outcome.account());
        if newer {
            let program = "/run/host/usr/bin/eglinfo.x86_64-linux-gnu";
            let outcome = launch().run(&[program, "-B"]);
            let text = outcome.stdout();
            let works = text
                .split("Surfaceless platform:")
                .nth(1)
                .is_some_and(|t| t.contains("EGL vendor string: Mesa Project"));
            assert!(works, "{backend}: {}", outcome.account());
        }
    }
}

/// A program of the host that needs symbols of its newer C library runs on the older runtime,
/// because the C library comes from the host as well; without the host's drivers it cannot.
#[test]
fn a_program_built_against_the_hosts_newer_glibc() {
    let runtime = need!(lab("runtime-bullseye"));
    let newer = host_name().is_none_or(|h| !h.contains("bullseye"));
    for backend in BACKENDS {
        let launch = || Launch::new().runtime(&runtime).backend(backend);
        let outcome = launch().run(&["/run/host/usr/bin/env", "true"]);
        outcome.ok();
        if newer {
            let outcome =
                launch().pair("--graphics-provider", "").run(&["/run/host/usr/bin/env", "true"]);
            assert_ne!(outcome.status(), 0, "{}", outcome.account());
            assert!(outcome.stderr().contains("GLIBC_2.3"), "{}", outcome.account());
        }
    }
}

/// The dynamic linker's cache has the override directories first, and is readable by the runtime's
/// own `ldconfig`.
#[test]
fn the_cache_has_the_overrides() {
    for form in FORMS {
        let runtime = need!(lab(form));
        let outcome = Launch::new()
            .runtime(&runtime)
            .run(&sh("/sbin/ldconfig -p | grep 'libGL.so.1 '; readlink -f /etc/ld.so.cache"));
        let text = outcome.ok();
        assert!(
            text.contains("libGL.so.1 (libc6,x86-64) => /usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/libGL.so.1"),
            "{form}: {text}"
        );
    }
}

/// DRI drivers that are links to one file keep their names (the table of the old tool had them all
/// point at `crocus_dri.so`).
#[test]
fn hard_linked_drivers_keep_their_names() {
    let runtime = need!(lab("runtime-bullseye"));
    let script = "cd /usr/lib/pressure-vessel/overrides/lib/x86_64-linux-gnu/dri && \
         for f in *_dri.so; do readlink $f; done";
    let outcome = Launch::new().runtime(&runtime).run(&sh(script));
    let targets = outcome.ok();
    let names: Vec<&str> = targets.lines().filter_map(|t| t.rsplit('/').next()).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert!(names.len() > 3, "{}", outcome.account());
    assert_eq!(unique.len(), names.len(), "{targets}");
}

/// The table names every library with its verdict.
#[test]
fn the_table_says_where_libraries_come_from() {
    let runtime = need!(lab("runtime-bullseye"));
    let outcome =
        Launch::verb("plan").runtime(&runtime).pair("--format", "libraries").run(&["true"]);
    let table = outcome.ok();
    let native = |l: &&str| l.starts_with("libGL.so.1 ") && l.contains("x86_64-linux-gnu");
    let row = table.lines().find(native).unwrap_or_default();
    assert!(row.contains("host: /"), "{row}");
    assert!(table.lines().any(|l| l.starts_with("vulkan-icd")), "{table}");
}

/// Equal input gives equal output.
#[test]
fn plans_are_deterministic() {
    let runtime = need!(lab("runtime-bullseye"));
    let home = tempfile::tempdir().unwrap();
    let plan = || {
        let launch = Launch::verb("plan").runtime(&runtime).pair("--format", "json");
        launch.env("HOME", home.path()).in_directory(home.path()).run(&["true"]).ok()
    };
    assert_eq!(plan(), plan());
}
