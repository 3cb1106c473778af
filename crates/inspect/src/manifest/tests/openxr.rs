use super::*;
use crate::manifest::openxr::{self, parse_layer, parse_runtime};
use plan::Tuple;

fn runtime(library: &str) -> Item {
    file(format!(r#"{{"file_format_version":"1.0.0","runtime":{{"library_path":"{library}"}}}}"#))
}

#[test]
fn the_first_runtime_counts() {
    let sample = Sample::new([
        ("/home/u/.config/openxr/1/active_runtime.json", runtime("user")),
        ("/etc/xdg/openxr/1/active_runtime.x86_64.json", runtime("xdg64")),
        ("/etc/openxr/1/active_runtime.i686.json", runtime("etc32")),
        ("/etc/openxr/1/active_runtime.json", Item::Link("../../../opt/vr/manifest.json")),
        ("/opt/vr/manifest.json", runtime("lib/vr.so")),
        ("/other.json", runtime("other")),
    ]);
    let find = |tuple, variables: &[(&str, &str)]| {
        let found = openxr::runtimes(&sample.root(), &sample.env(variables), tuple);
        shown(&found, |r| library(&r.library_path))
    };
    let home = ("HOME", "/home/u");
    let xdg64 = "/etc/xdg/openxr/1/active_runtime.x86_64.json";
    assert_eq!(
        find(Tuple::X86_64, &[home]),
        [
            format!("{xdg64} [default $XDG_CONFIG_DIRS] soname xdg64"),
            format!(
                "/home/u/.config/openxr/1/active_runtime.json [~/.config] no: {xdg64} comes first"
            ),
            format!("/etc/openxr/1/active_runtime.json [/etc] no: {xdg64} comes first"),
        ]
    );
    assert_eq!(
        find(Tuple::I386, &[home])[0],
        "/etc/openxr/1/active_runtime.i686.json [/etc] soname etc32"
    );
    // Relative to the real manifest, as the loader does.
    assert_eq!(
        find(Tuple::Aarch64, &[]),
        ["/etc/openxr/1/active_runtime.json [/etc] /opt/vr/lib/vr.so"]
    );
    assert_eq!(
        find(Tuple::I386, &[home, ("XR_RUNTIME_JSON", "/other.json")]),
        ["/other.json [$XR_RUNTIME_JSON] soname other"]
    );
    assert_eq!(find(Tuple::Aarch64, &[("XR_RUNTIME_JSON", "")]).len(), 1);
}

#[test]
fn runtimes_are_judged_and_written_again() {
    for (raw, want) in [
        (
            r#"{"file_format_version":"1.0.1"}"#,
            "its file_format_version is `1.0.1`, accepted is 1.0.0",
        ),
        (r#"{"file_format_version":"1.0.0"}"#, "it has no `runtime`"),
        (r#"{"file_format_version":"1.0.0","runtime":{}}"#, "it has no `runtime.library_path`"),
    ] {
        assert_eq!(parse_runtime(raw.as_bytes(), &literally).unwrap_err().to_string(), want);
    }
    let raw = br#"{"file_format_version":"1.0.0","runtime":{"library_path":"a","name":"N",
        "VALVE_runtime_is_steamvr":true,"MND_libmonado_path":"x/y.so","functions":{"f":"g"}}}"#;
    let written = parse_runtime(raw, &literally).unwrap().rewritten("/o/a");
    let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
    let want = r#"{"file_format_version":"1.0.0","runtime":{"name":"N","library_path":"/o/a","functions":{"f":"g"}}}"#;
    assert_eq!(value.to_string(), want);
}

#[test]
fn layers_are_searched_and_judged() {
    let layer = |more: &str| {
        file(format!(
            r#"{{"file_format_version":"1.0.0","api_layer":{{"name":"n","library_path":"l",
            "api_version":"1.0","implementation_version":"1"{more}}}}}"#
        ))
    };
    let disable = r#","disable_environment":"NO_N""#;
    let sample = Sample::new([
        ("/usr/share/openxr/1/api_layers/explicit.d/a.json", layer("")),
        ("/usr/share/openxr/1/api_layers/implicit.d/a.json", layer("")),
        ("/usr/share/openxr/1/api_layers/implicit.d/b.json", layer(disable)),
        ("/only/x.json", layer("")),
    ]);
    let find = |kind, variables: &[(&str, &str)]| {
        let found = openxr::layers(&sample.root(), &sample.env(variables), kind);
        shown(&found, |l| l.name.clone())
    };
    let data = "/usr/share/openxr/1/api_layers";
    assert_eq!(
        find(LayerKind::Explicit, &[]),
        [format!("{data}/explicit.d/a.json [default $XDG_DATA_DIRS] n")]
    );
    assert_eq!(
        find(LayerKind::Implicit, &[("XR_API_LAYER_PATH", "/only")]),
        [
            format!(
                "{data}/implicit.d/a.json [default $XDG_DATA_DIRS] \
                 no: it has no `api_layer.disable_environment`"
            ),
            format!("{data}/implicit.d/b.json [default $XDG_DATA_DIRS] n"),
        ]
    );
    assert_eq!(
        find(LayerKind::Explicit, &[("XR_API_LAYER_PATH", "/only")]),
        ["/only/x.json [$XR_API_LAYER_PATH] n"]
    );
    let raw = br#"{"file_format_version":"1.0.0","api_layer":{"name":"n","library_path":"l",
        "api_version":"1.0","implementation_version":"1","disable_environment":"NO_N","x":1}}"#;
    let written = parse_layer(raw, LayerKind::Implicit, &literally).unwrap().rewritten("/o/l");
    let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
    let want = concat!(
        r#"{"file_format_version":"1.0.0","api_layer":{"name":"n","library_path":"/o/l","#,
        r#""api_version":"1.0","implementation_version":"1","disable_environment":"NO_N"}}"#
    );
    assert_eq!(value.to_string(), want);
}
