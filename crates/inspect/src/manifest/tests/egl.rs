use super::*;
use crate::manifest::egl;

fn vendors(sample: &Sample, variables: &[(&str, &str)]) -> Vec<String> {
    let found = egl::vendors(&sample.root(), &sample.env(variables));
    shown(&found, |i| library(&i.library_path))
}

#[test]
fn vendors_are_searched() {
    let sample = Sample::new([
        ("/usr/share/glvnd/egl_vendor.d/50_mesa.json", icd("libEGL_mesa.so.0")),
        ("/usr/share/glvnd/egl_vendor.d/10_x.json", icd("libEGL_x.so.0")),
        ("/etc/glvnd/egl_vendor.d/90_y.json", icd("../lib/libEGL_y.so.0")),
        ("/etc/glvnd/egl_vendor.d/91_broken.json", Item::Link("/nowhere")),
        ("/a", icd("a")),
    ]);
    let y = "/etc/glvnd/egl_vendor.d/90_y.json";
    assert_eq!(
        vendors(&sample, &[]),
        [
            format!("{y} [/etc/glvnd/egl_vendor.d] /etc/glvnd/lib/libEGL_y.so.0").as_str(),
            "/etc/glvnd/egl_vendor.d/91_broken.json [/etc/glvnd/egl_vendor.d] \
             no: `/etc/glvnd/egl_vendor.d/91_broken.json` does not exist; \
             by /etc/glvnd/egl_vendor.d/91_broken.json -> /nowhere",
            "/usr/share/glvnd/egl_vendor.d/10_x.json [/usr/share/glvnd/egl_vendor.d] \
             soname libEGL_x.so.0",
            "/usr/share/glvnd/egl_vendor.d/50_mesa.json [/usr/share/glvnd/egl_vendor.d] \
             soname libEGL_mesa.so.0",
        ]
    );
    let (files, dirs) = ("__EGL_VENDOR_LIBRARY_FILENAMES", "__EGL_VENDOR_LIBRARY_DIRS");
    assert_eq!(
        vendors(&sample, &[(files, "/a"), (dirs, "/etc")]),
        ["/a [$__EGL_VENDOR_LIBRARY_FILENAMES] soname a"]
    );
    assert_eq!(
        vendors(
            &sample,
            &[(dirs, "/usr/share/glvnd/egl_vendor.d:/usr/share/./glvnd/egl_vendor.d")]
        )
        .len(),
        2
    );
    assert_eq!(vendors(&sample, &[(dirs, "")]), [""; 0]);
}

#[test]
fn flatpaks_vendors_are_in_extensions_only() {
    let sample = Sample::new([
        ("/.flatpak-info", file("")),
        ("/usr/share/glvnd/egl_vendor.d/50_mesa.json", icd("x")),
        ("/usr/lib/i386-linux-gnu/GL/glvnd/egl_vendor.d/50_mesa.json", icd("y")),
    ]);
    let found = vendors(&sample, &[]);
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with("soname y"), "{found:?}");
}

#[test]
fn external_platforms_are_searched() {
    let sample = Sample::new([
        ("/usr/share/egl/egl_external_platform.d/10.json", icd("a")),
        ("/etc/egl/egl_external_platform.d/20.json", icd("b")),
    ]);
    let find = |variables: &[(&str, &str)]| {
        let found = egl::external_platforms(&sample.root(), &sample.env(variables));
        shown(&found, |i| library(&i.library_path))
    };
    assert_eq!(
        find(&[]),
        [
            "/etc/egl/egl_external_platform.d/20.json [/etc/egl/egl_external_platform.d] soname b",
            "/usr/share/egl/egl_external_platform.d/10.json \
             [/usr/share/egl/egl_external_platform.d] soname a",
        ]
    );
    assert_eq!(find(&[("__EGL_EXTERNAL_PLATFORM_CONFIG_FILENAMES", "")]), [""; 0]);
}

#[test]
fn vendors_are_written_again() {
    let raw = br#"{"file_format_version":"1.0.7","ICD":{"library_path":"x","more":1}}"#;
    let icd = egl::parse_icd(raw, &literally).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&icd.rewritten("/o/x")).unwrap();
    let want = r#"{"file_format_version":"1.0.0","ICD":{"library_path":"/o/x"}}"#;
    assert_eq!(value.to_string(), want);
}
