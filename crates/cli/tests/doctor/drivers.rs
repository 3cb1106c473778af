//! The drivers that are found are those that the distribution's packages have installed.

use crate::support::{doctor, need};
use plan::Tuple;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Debian's architectures by tuple.
const ARCHITECTURES: &[(Tuple, &str)] = &[(Tuple::X86_64, "amd64"), (Tuple::I386, "i386")];

/// Interface, package, how a file of the package that is a driver of it ends or begins, and what of the
/// report has that file's name.
const PACKAGES: &[(&str, &str, &str, &str, &str)] = &[
    ("dri", "libgl1-mesa-dri", "/dri/", "_dri.so", "library"),
    ("vulkan", "mesa-vulkan-drivers", "/icd.d/", ".json", "manifest"),
    ("egl", "libegl-mesa0", "/egl_vendor.d/", ".json", "manifest"),
    ("glx", "libglx-mesa0", "/libGLX_mesa.so.0", ".0", "library"),
    ("va-api", "mesa-va-drivers", "/dri/", "_drv_video.so", "library"),
    ("vdpau", "mesa-vdpau-drivers", "/vdpau/libvdpau_", ".so", "library"),
];

fn dpkg(arguments: &[&str]) -> Option<String> {
    let output = Command::new("dpkg-query").args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Files of a package with their names only, resolved or not: a merged root has them under other paths.
fn files(package: &str, middle: &str, end: &str) -> BTreeSet<String> {
    let list = dpkg(&["-L", package]).unwrap_or_default();
    let wanted = list.lines().filter(|path| path.contains(middle) && path.ends_with(end));
    wanted.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

fn is_installed(package: &str) -> Option<String> {
    let status = dpkg(&["-W", "-f=${db:Status-Status} ${Version}", package])?;
    status.strip_prefix("installed ").map(ToOwned::to_owned)
}

#[test]
fn drivers_and_versions_of_the_packages() {
    need!(dpkg(&["--version"]).map(drop).ok_or("there is no dpkg here"));
    let report = doctor().run().json(0);
    let mut compared = 0;
    for (tuple, architecture) in ARCHITECTURES {
        let list = report["drivers"]["architectures"].as_array().unwrap();
        let found = list.iter().find(|a| a["tuple"] == tuple.name()).expect("always looked at");
        let libc = is_installed(&format!("libc6:{architecture}"));
        assert_eq!(found["interpreter"].is_string(), libc.is_some(), "{tuple}: {found}");
        for (api, package, middle, end, member) in PACKAGES {
            let package = format!("{package}:{architecture}");
            let Some(version) = is_installed(&package) else { continue };
            let drivers: Vec<&Value> =
                found["drivers"].as_array().unwrap().iter().filter(|d| d["api"] == *api).collect();
            let name = |driver: &Value| {
                let path = driver[*member].as_str().unwrap_or_default();
                path.rsplit('/').next().unwrap_or_default().to_owned()
            };
            let shown: BTreeSet<String> = drivers.iter().map(|d| name(d)).collect();
            for file in files(&package, middle, end) {
                let is_shown = shown.contains(&file)
                    // The link of the package leads to the file that is reported.
                    || shown.iter().any(|name| name.starts_with(&format!("{file}.")));
                assert!(is_shown, "{package}: {file} is not among {shown:?}");
                compared += 1;
            }
            // `22.3.6` of `22.3.6-1+deb12u2`.
            let upstream = version.split('-').next().unwrap_or(&version);
            let upstream = upstream.split(':').next_back().unwrap_or(upstream);
            for driver in drivers {
                let shown = driver["version"].as_str().unwrap_or("none");
                assert!(shown.starts_with(upstream), "{package} {version}: {driver}");
            }
        }
    }
    assert!(compared > 5, "only {compared} files were compared");
}

/// A Vulkan driver's manifest of the user's own, and one that is broken.
#[test]
fn manifests_of_the_user() {
    let call = doctor();
    let directory = call.home().join(".local/share/vulkan/icd.d");
    std::fs::create_dir_all(&directory).unwrap();
    let libc = "libc.so.6";
    let text = format!(
        r#"{{"file_format_version":"1.0.0","ICD":{{"library_path":"{libc}","api_version":"1.4.9"}}}}"#
    );
    std::fs::write(directory.join("mine.json"), text).unwrap();
    std::fs::write(directory.join("broken.json"), "{").unwrap();
    let report = call.run().json(0);
    let drivers = report["drivers"]["architectures"][0]["drivers"].as_array().unwrap();
    let mine = drivers.iter().find(|d| d["api_version"] == "1.4.9").expect("it is found");
    assert!(mine["manifest"].as_str().unwrap().ends_with("/mine.json"), "{mine}");
    let rejected = report["drivers"]["rejected"].to_string();
    assert!(rejected.contains("broken.json"), "{rejected}");
}

/// A kernel module and libraries of different versions, at their real places.
#[test]
fn parts_of_nvidia_that_do_not_fit() {
    let machine = |module: &str, library: &str| {
        let script = format!(
            "mount -t tmpfs none /sys/module && mkdir /sys/module/nvidia
             echo {module} > /sys/module/nvidia/version
             mount -t tmpfs none /usr/local/lib && mkdir /usr/local/lib/x86_64-linux-gnu
             for libc in /lib/x86_64-linux-gnu/libc.so.6; do
               cp $libc /usr/local/lib/x86_64-linux-gnu/libnvidia-glcore.so.{library}
             done"
        );
        doctor().after(&script).run().json(0)
    };
    let report = machine("550.54.14", "535.183.01");
    let causes = crate::support::causes(&report, "BS0046");
    assert_eq!(causes.len(), 1, "{report}");
    assert!(causes[0].contains("module is version 550.54.14"), "{causes:?}");
    assert!(causes[0].contains("x86_64-linux-gnu libraries are 535.183.01"), "{causes:?}");
    assert_eq!(report["drivers"]["nvidia_module"], "550.54.14");
    let report = machine("535.183.01", "535.183.01");
    assert_eq!(crate::support::causes(&report, "BS0046"), Vec::<String>::new());
}
