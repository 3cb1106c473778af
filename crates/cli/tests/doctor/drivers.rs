//! The drivers that are found are those that the distribution's packages have installed, in their versions.

use crate::support::doctor;
use plan::Tuple;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Debian's architectures by tuple, and what manifests of drivers have in their names.
const ARCHITECTURES: &[(Tuple, &str, &str)] =
    &[(Tuple::X86_64, "amd64", "x86_64"), (Tuple::I386, "i386", "i686")];

/// Interface, package, where its files are (`LIB` is the directory of the architecture), how the names of
/// drivers among them begin and end, and what of the report has that name.
const PACKAGES: &[(&str, &str, &str, &str, &str, &str)] = &[
    ("dri", "libgl1-mesa-dri", "LIB/dri", "", "_dri.so", "library"),
    ("vulkan", "mesa-vulkan-drivers", "/usr/share/vulkan/icd.d", "", ".ARCH.json", "manifest"),
    ("egl", "libegl-mesa0", "/usr/share/glvnd/egl_vendor.d", "", ".json", "manifest"),
    ("glx", "libglx-mesa0", "LIB", "libGLX_mesa.so", ".0", "library"),
    ("va-api", "mesa-va-drivers", "LIB/dri", "", "_drv_video.so", "library"),
    ("vdpau", "mesa-vdpau-drivers", "LIB/vdpau", "libvdpau_", ".so", "library"),
];

fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The version of a package, from dpkg, or where packages were only unpacked, from its changelog.
fn version(package: &str, architecture: &str) -> Option<String> {
    let format = "-f=${db:Status-Status} ${Version}";
    let known = said("dpkg-query", &["-W", format, &format!("{package}:{architecture}")]);
    if let Some(version) = known.as_deref().and_then(|k| k.strip_prefix("installed ")) {
        return Some(version.to_owned());
    }
    let log = format!("/usr/share/doc/{package}/changelog.Debian.gz");
    let first = said("sh", &["-c", &format!("zcat {log} | head -n 1")])?;
    let version = first.split(['(', ')']).nth(1)?;
    Some(version.to_owned())
}

/// What the distribution has put there for an architecture.
fn files(directory: &str, start: &str, end: &str, tuple: Tuple, arch: &str) -> BTreeSet<String> {
    let directory = directory.replace("LIB", &format!("/usr/lib/{tuple}"));
    let end = end.replace("ARCH", arch);
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(start) && name.ends_with(&end)).collect()
}

#[test]
fn drivers_and_versions_of_the_packages() {
    let report = doctor().run().json(0);
    let mut compared = 0;
    for (tuple, architecture, arch) in ARCHITECTURES {
        let list = report["drivers"]["architectures"].as_array().unwrap();
        let found = list.iter().find(|a| a["tuple"] == tuple.name()).expect("always looked at");
        let has_loader = std::path::Path::new(tuple.interpreter()).exists();
        assert_eq!(found["interpreter"].is_string(), has_loader, "{tuple}: {found}");
        for (api, package, directory, start, end, member) in PACKAGES {
            let files = files(directory, start, end, *tuple, arch);
            if !has_loader || files.is_empty() {
                continue;
            }
            let drivers: Vec<&Value> =
                found["drivers"].as_array().unwrap().iter().filter(|d| d["api"] == *api).collect();
            let name = |driver: &Value| {
                let path = driver[*member].as_str().unwrap_or_default();
                path.rsplit('/').next().unwrap_or_default().to_owned()
            };
            let shown: BTreeSet<String> = drivers.iter().map(|d| name(d)).collect();
            for file in files {
                // The link of the package leads to the file that is reported.
                let leads = |name: &String| *name == file || name.starts_with(&format!("{file}."));
                assert!(
                    shown.iter().any(leads),
                    "{package} {tuple}: {file} is not among {shown:?}"
                );
                compared += 1;
            }
            let version = version(package, architecture).expect("a package has a version");
            // `22.3.6` of `22.3.6-1+deb12u2`.
            let upstream = version.split('-').next().unwrap_or(&version);
            for driver in drivers {
                // Mesa's VDPAU drivers do not say their version, and the tracer is libvdpau's own.
                if *api == "vdpau" && driver["version"].is_null() {
                    continue;
                }
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
             mkdir \"$HOME/n\"
             cp -L /lib/x86_64-linux-gnu/libc.so.6 \"$HOME/n/libnvidia-glcore.so.{library}\"
             mount -t overlay -o userxattr,lowerdir=\"$HOME/n\":/usr/lib/x86_64-linux-gnu none \\
               /usr/lib/x86_64-linux-gnu"
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
