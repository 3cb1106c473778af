use super::*;
use crate::manifest::vulkan::{self, parse_icd, parse_layers};
use plan::Tuple;

fn icds(sample: &Sample, variables: &[(&str, &str)]) -> Vec<String> {
    let found = vulkan::icds(&sample.root(), &sample.env(variables));
    shown(&found, |i| library(&i.library_path))
}

#[test]
fn drivers_are_searched_in_the_loaders_order() {
    let sample = Sample::new([
        ("/home/u/.config/vulkan/icd.d/a.json", icd("a")),
        ("/etc/xdg/vulkan/icd.d/b.json", icd("b")),
        ("/etc/vulkan/icd.d/c.json", icd("c")),
        ("/home/u/data/vulkan/icd.d/d.json", icd("d")),
        ("/home/u/.local/share/vulkan/icd.d/e.json", icd("e")),
        ("/usr/local/share/vulkan/icd.d/f.json", icd("f")),
        ("/usr/share/vulkan/icd.d/h.json", icd("h")),
        ("/usr/share/vulkan/icd.d/g.json", icd("g")),
        ("/usr/share/vulkan/icd.d/no-manifest.txt", icd("x")),
    ]);
    assert_eq!(
        icds(&sample, &[("HOME", "/home/u"), ("XDG_DATA_HOME", "/home/u/data")]),
        [
            "/home/u/.config/vulkan/icd.d/a.json [~/.config] soname a",
            "/etc/xdg/vulkan/icd.d/b.json [default $XDG_CONFIG_DIRS] soname b",
            "/etc/vulkan/icd.d/c.json [/etc] soname c",
            "/home/u/data/vulkan/icd.d/d.json [$XDG_DATA_HOME] soname d",
            "/home/u/.local/share/vulkan/icd.d/e.json [~/.local/share] soname e",
            "/usr/local/share/vulkan/icd.d/f.json [default $XDG_DATA_DIRS] soname f",
            "/usr/share/vulkan/icd.d/g.json [default $XDG_DATA_DIRS] soname g",
            "/usr/share/vulkan/icd.d/h.json [default $XDG_DATA_DIRS] soname h",
        ]
    );
    assert_eq!(
        icds(&sample, &[("XDG_CONFIG_DIRS", ""), ("XDG_DATA_DIRS", "/nowhere:/usr/share")]),
        [
            "/etc/xdg/vulkan/icd.d/b.json [default $XDG_CONFIG_DIRS] soname b",
            "/etc/vulkan/icd.d/c.json [/etc] soname c",
            "/usr/share/vulkan/icd.d/g.json [$XDG_DATA_DIRS] soname g",
            "/usr/share/vulkan/icd.d/h.json [$XDG_DATA_DIRS] soname h",
        ]
    );
}

#[test]
fn variables_replace_or_extend_the_search() {
    let sample = Sample::new([
        ("/a.json", icd("a")),
        ("/b.json", icd("b")),
        ("/c.txt", icd("c")),
        ("/dir/d.json", icd("d")),
        ("/usr/share/vulkan/icd.d/u.json", icd("u")),
    ]);
    let u = "/usr/share/vulkan/icd.d/u.json [default $XDG_DATA_DIRS] soname u";
    for (variables, want) in [
        (
            &[("VK_ICD_FILENAMES", "/b.json"), ("VK_DRIVER_FILES", "/a.json")][..],
            &["/a.json [$VK_DRIVER_FILES] soname a"][..],
        ),
        (&[("VK_ICD_FILENAMES", "/b.json")], &["/b.json [$VK_ICD_FILENAMES] soname b"]),
        (&[("VK_ICD_FILENAMES", "/b.json"), ("VK_DRIVER_FILES", "")], &[]),
        (&[("VK_ADD_DRIVER_FILES", "/a.json:")], &["/a.json [$VK_ADD_DRIVER_FILES] soname a", u]),
        (&[("VK_DRIVER_FILES", "relative.json")], &[]),
        (
            &[("VK_DRIVER_FILES", "/c.txt:/dir:/dir/../dir:/missing.json")],
            &[
                "/c.txt [$VK_DRIVER_FILES] no: its name does not end in `.json`",
                "/dir/d.json [$VK_DRIVER_FILES] soname d",
                "/missing.json [$VK_DRIVER_FILES] no: `/missing.json` does not exist",
            ],
        ),
    ] {
        assert_eq!(icds(&sample, variables), want, "{variables:?}");
    }
    let mut env = sample.env(&[("VK_DRIVER_FILES", "d.json:../a.json")]);
    env.working_directory = Some(RootPath::literal("/dir"));
    let found = vulkan::icds(&sample.root(), &env);
    assert_eq!(
        shown(&found, |i| library(&i.library_path)),
        ["/dir/d.json [$VK_DRIVER_FILES] soname d", "/a.json [$VK_DRIVER_FILES] soname a"]
    );
}

#[test]
fn a_directory_reached_twice_is_read_once() {
    let sample = Sample::new([
        ("/usr/share/vulkan/icd.d/u.json", icd("u")),
        ("/usr/local/share", Item::Link("/usr/share")),
    ]);
    assert_eq!(
        icds(&sample, &[]),
        ["/usr/local/share/vulkan/icd.d/u.json [default $XDG_DATA_DIRS] soname u"]
    );
}

#[test]
fn equal_manifests_count_once() {
    let sample = Sample::new([
        ("/etc/vulkan/icd.d/a.json", icd("libx.so")),
        ("/usr/share/vulkan/icd.d/a.json", icd("libx.so")),
        ("/etc/vulkan/icd.d/b.json", icd("./liby.so")),
        ("/usr/share/vulkan/icd.d/b.json", icd("./liby.so")),
        ("/usr/share/vulkan/icd.d/broken1.json", file("{")),
        ("/usr/share/vulkan/icd.d/broken2.json", file("{")),
    ]);
    assert_eq!(
        icds(&sample, &[]),
        [
            "/etc/vulkan/icd.d/a.json [/etc] soname libx.so",
            "/etc/vulkan/icd.d/b.json [/etc] /etc/vulkan/icd.d/liby.so",
            "/usr/share/vulkan/icd.d/a.json [default $XDG_DATA_DIRS] \
             no: it is the same as /etc/vulkan/icd.d/a.json",
            "/usr/share/vulkan/icd.d/b.json [default $XDG_DATA_DIRS] \
             /usr/share/vulkan/icd.d/liby.so",
            "/usr/share/vulkan/icd.d/broken1.json [default $XDG_DATA_DIRS] \
             no: line 1, column 1: EOF while parsing an object",
            "/usr/share/vulkan/icd.d/broken2.json [default $XDG_DATA_DIRS] \
             no: line 1, column 1: EOF while parsing an object",
        ]
    );
}

#[test]
fn flatpaks_extensions_are_searched() {
    let sample = Sample::new([
        ("/.flatpak-info", file("")),
        ("/usr/lib/x86_64-linux-gnu/GL/vulkan/icd.d/a.json", icd("a")),
        ("/usr/lib/i386-linux-gnu/GL/vulkan/icd.d/b.json", icd("b")),
        ("/usr/lib/extensions/vulkan/share/vulkan/icd.d/c.json", icd("c")),
    ]);
    assert_eq!(
        icds(&sample, &[]),
        [
            "/usr/lib/x86_64-linux-gnu/GL/vulkan/icd.d/a.json [/usr/lib/x86_64-linux-gnu/GL] soname a",
            "/usr/lib/i386-linux-gnu/GL/vulkan/icd.d/b.json [/usr/lib/i386-linux-gnu/GL] soname b",
            "/usr/lib/extensions/vulkan/share/vulkan/icd.d/c.json \
             [/usr/lib/extensions/vulkan/share] soname c",
        ]
    );
}

#[test]
fn layers_have_variables_of_their_own() {
    let sample = Sample::new([
        ("/only/b.json", layer("b", "b.so")),
        ("/only/a.json", layer("a", "a.so")),
        ("/more/c.json", layer("c", "c.so")),
        ("/usr/share/vulkan/explicit_layer.d/e.json", layer("e", "e.so")),
        ("/usr/share/vulkan/implicit_layer.d/i.json", layer("i", "i.so")),
        ("/etc/vulkan/explicit_layer.d/e.json", layer("e", "e.so")),
    ]);
    let names = |kind, variables: &[(&str, &str)]| -> Vec<String> {
        let found = vulkan::layers(&sample.root(), &sample.env(variables), kind);
        found.iter().flat_map(|f| f.loaded().unwrap().iter().map(|l| l.name.clone())).collect()
    };
    for (kind, variables, want) in [
        // Equal layers stay.
        (LayerKind::Explicit, &[][..], &["e", "e"][..]),
        (LayerKind::Implicit, &[], &["i"]),
        (LayerKind::Explicit, &[("VK_LAYER_PATH", "/only")], &["a", "b"]),
        (LayerKind::Implicit, &[("VK_LAYER_PATH", "/only")], &["i"]),
        (LayerKind::Explicit, &[("VK_ADD_LAYER_PATH", "/more")], &["c", "e", "e"]),
        (LayerKind::Implicit, &[("VK_IMPLICIT_LAYER_PATH", "/more/c.json")], &["c"]),
        (LayerKind::Implicit, &[("VK_ADD_IMPLICIT_LAYER_PATH", "/more")], &["c", "i"]),
        (LayerKind::Explicit, &[("VK_LAYER_PATH", "")], &[]),
    ] {
        assert_eq!(names(kind, variables), want, "{kind:?} {variables:?}");
    }
    let env = sample.env(&[("VK_LAYER_PATH", "/only")]);
    let directories = vulkan::layer_directories(&sample.root(), &env, LayerKind::Explicit);
    let paths: Vec<_> = directories.iter().map(|d| d.path.to_string()).collect();
    assert_eq!(paths, ["/etc/vulkan/explicit_layer.d", "/usr/share/vulkan/explicit_layer.d"]);
}

#[test]
fn drivers_are_rejected_with_the_reason() {
    let json = |version: &str, members: &str| {
        format!(r#"{{"file_format_version":{version},"ICD":{{{members}}}}}"#)
    };
    let good = r#""library_path":"a","api_version":"1""#;
    for (raw, want) in [
        ("".into(), "line 1, column 0: EOF while parsing a value"),
        ("{\n\"a\": 1,\n}".into(), "line 3, column 1: trailing comma"),
        ("{} x".into(), "line 1, column 4: trailing characters"),
        ("[]".into(), "`the manifest` is not an object"),
        ("{}".into(), "it has no `file_format_version`"),
        (json("1", good), "`file_format_version` is not a string"),
        (json("\"1.1.0\"", good), "its file_format_version is `1.1.0`, accepted is 1.0.*"),
        (json("\"1.0\"", good), "its file_format_version is `1.0`, accepted is 1.0.*"),
        (r#"{"file_format_version":"1.0.0"}"#.into(), "it has no `ICD`"),
        (r#"{"file_format_version":"1.0.0","ICD":[]}"#.into(), "`ICD` is not an object"),
        (json("\"1.0.0\"", r#""api_version":"1""#), "it has no `ICD.library_path`"),
        (json("\"1.0.0\"", r#""library_path":"a""#), "it has no `ICD.api_version`"),
        (
            json("\"1.0.0\"", r#""library_path":"","api_version":"1""#),
            "`ICD.library_path` is empty",
        ),
        (
            json("\"1.0.0\"", r#""library_path":"a","api_version":1"#),
            "`ICD.api_version` is not a string",
        ),
        (
            json("\"1.0.0\"", &format!(r#"{good},"is_portability_driver":"yes""#)),
            "`ICD.is_portability_driver` is not a boolean",
        ),
    ] {
        let why = parse_icd(raw.as_bytes(), &literally).unwrap_err();
        assert_eq!(why.to_string(), want, "{raw}");
    }
    assert!(parse_icd(json("\"1.0.9\"", good).as_bytes(), &literally).is_ok());
    let deep = "[".repeat(100_000);
    assert!(matches!(parse_icd(deep.as_bytes(), &literally), Err(Reason::Syntax { .. })));
}

#[test]
fn layers_are_rejected_with_the_reason() {
    let all = r#""name":"n","type":"GLOBAL","api_version":"1","implementation_version":"1","description":"d""#;
    let json = |version: &str, members: &str| {
        format!(r#"{{"file_format_version":"{version}","layer":{{{members}}}}}"#)
    };
    let with = |more: &str| json("1.0.0", &format!("{all},{more}"));
    for (raw, want) in [
        (with(r#""library_path":"a""#), None),
        (with(r#""component_layers":["a"]"#), None),
        (json("1.2.1", &format!(r#"{all},"library_path":"a""#)), None),
        (json("1.2.2", all), Some("its file_format_version is `1.2.2`, accepted is up to 1.2.1")),
        (json("1.10.0", all), Some("its file_format_version is `1.10.0`, accepted is up to 1.2.1")),
        (json("x", all), Some("its file_format_version is `x`, accepted is up to 1.2.1")),
        (json("1.0.0", all), Some("it has no `layer.library_path`")),
        (with(r#""component_layers":[]"#), Some("it has no `layer.library_path`")),
        (with(r#""library_path":1"#), Some("`layer.library_path` is not a string")),
        (
            with(r#""library_path":"a","component_layers":["b"]"#),
            Some("it has both `layer.library_path` and `layer.component_layers`"),
        ),
        (
            with(r#""component_layers":[1]"#),
            Some("`layer.component_layers` is not an array of strings"),
        ),
        (json("1.0.0", r#""name":"n""#), Some("it has no `layer.type`")),
        (r#"{"file_format_version":"1.0.0"}"#.into(), Some("it has no `layer`")),
        (r#"{"file_format_version":"1.0.0","layers":{}}"#.into(), Some("`layers` is not an array")),
        (r#"{"file_format_version":"1.0.0","layers":[]}"#.into(), Some("`layers` is empty")),
        (
            r#"{"file_format_version":"1.0.0","layers":[1]}"#.into(),
            Some("layer 0: `layers` is not an array of objects"),
        ),
    ] {
        let why = parse_layers(raw.as_bytes(), &literally, &mut vec![]).err();
        assert_eq!(why.map(|w| w.to_string()).as_deref(), want, "{raw}");
    }
}

#[test]
fn one_bad_layer_does_not_spoil_a_file() {
    let good = r#"{"name":"n","type":"GLOBAL","api_version":"1","implementation_version":"1",
        "description":"d","library_path":"a"}"#;
    let raw = format!(r#"{{"file_format_version":"1.0.1","layers":[{good},{{}},{good}]}}"#);
    let mut notes = vec![];
    let layers = parse_layers(raw.as_bytes(), &literally, &mut notes).unwrap();
    assert_eq!(layers.len(), 2);
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["layer 1: it has no `layer.name`"]);
}

#[test]
fn drivers_are_written_again() {
    let raw = |more: &str| {
        format!(
            r#"{{"file_format_version":"1.0.0","other":1,"ICD":{{"library_path":"a","api_version":"1.3.2","x":2{more}}}}}"#
        )
    };
    for (more, tuple, want) in [
        ("", Tuple::X86_64, r#"{"library_path":"/o/a","api_version":"1.3.2","library_arch":"64"}"#),
        ("", Tuple::I386, r#"{"library_path":"/o/a","api_version":"1.3.2","library_arch":"32"}"#),
        (
            r#","library_arch":"64","is_portability_driver":true"#,
            Tuple::X86_64,
            r#"{"library_path":"/o/a","api_version":"1.3.2","library_arch":"64","is_portability_driver":true}"#,
        ),
        (
            r#","is_portability_driver":false"#,
            Tuple::Aarch64,
            r#"{"library_path":"/o/a","api_version":"1.3.2","library_arch":"64"}"#,
        ),
    ] {
        let icd = parse_icd(raw(more).as_bytes(), &literally).unwrap();
        let written = icd.rewritten("/o/a", tuple);
        let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
        let want = format!(r#"{{"file_format_version":"1.0.1","ICD":{want}}}"#);
        assert_eq!(value.to_string(), want, "{more}");
        // What is written can be read.
        let again = parse_icd(&written, &literally).unwrap();
        assert_eq!(again.library_path, LibraryPath::Absolute(RootPath::literal("/o/a")));
    }
}

#[test]
fn layers_are_written_again() {
    let raw = r#"{"file_format_version":"1.1.0","layer":{
        "description":"d","name":"n","type":"GLOBAL","api_version":"1","implementation_version":"2",
        "library_path":"a","introduction":"long","features":{"x":[1]},
        "functions":{"f":"g","h":1},"pre_instance_functions":{"p":"q"},
        "instance_extensions":[{"name":"i","spec_version":"1","more":2},3],
        "device_extensions":[{"name":"d","spec_version":"1","entrypoints":["e"]}],
        "enable_environment":{"A":"1","B":"2"},"disable_environment":{"C":""}}}"#;
    let layer = &parse_layers(raw.as_bytes(), &literally, &mut vec![]).unwrap()[0];
    let written = layer.rewritten("/o/a", Tuple::I386);
    let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
    let want = concat!(
        r#"{"file_format_version":"1.2.1","layer":{"name":"n","type":"GLOBAL","library_path":"/o/a","#,
        r#""api_version":"1","implementation_version":"2","description":"d","functions":{"f":"g"},"#,
        r#""pre_instance_functions":{"p":"q"},"instance_extensions":[{"name":"i","spec_version":"1"}],"#,
        r#""device_extensions":[{"name":"d","spec_version":"1","entrypoints":["e"]}],"#,
        r#""enable_environment":{"A":"1"},"disable_environment":{"C":""},"library_arch":"32"}}"#
    );
    assert_eq!(value.to_string(), want);
    assert!(parse_layers(&written, &literally, &mut vec![]).is_ok());
}

#[test]
fn a_layer_of_several_can_stand_alone() {
    let raw = r#"{"file_format_version":"1.1.1","layers":[{
        "name":"a","type":"GLOBAL","api_version":"1","implementation_version":"1","description":"",
        "library_path":"liba.so","enable_environment":{"E":"1"}},{
        "name":"m","type":"GLOBAL","api_version":"1","implementation_version":"1","description":"",
        "component_layers":["a","b"]}]}"#;
    let layers = parse_layers(raw.as_bytes(), &literally, &mut vec![]).unwrap();
    for layer in &layers {
        let alone = parse_layers(&layer.alone(), &literally, &mut vec![]).unwrap();
        assert_eq!(alone, std::slice::from_ref(layer));
    }
    assert_eq!(layers[1].component_layers, ["a", "b"]);
}

#[test]
fn library_arch_decides() {
    for (arch, tuple, want) in [
        ("", Tuple::X86_64, true),
        (r#","library_arch":"64""#, Tuple::X86_64, true),
        (r#","library_arch":"64""#, Tuple::Aarch64, true),
        (r#","library_arch":"64""#, Tuple::I386, false),
        (r#","library_arch":"32""#, Tuple::I386, true),
        (r#","library_arch":"32""#, Tuple::X86_64, false),
        (r#","library_arch":"odd""#, Tuple::X86_64, true),
    ] {
        let raw = format!(
            r#"{{"file_format_version":"1.0.1","ICD":{{"library_path":"a","api_version":"1"{arch}}}}}"#
        );
        let icd = parse_icd(raw.as_bytes(), &literally).unwrap();
        assert_eq!(icd.suits(tuple).is_ok(), want, "{arch} {tuple}");
    }
}

#[test]
fn a_stray_backslash_is_passed_over() {
    for (path, want) in [
        (r"/usr/\$LIB/liba.so", Some("/usr/$LIB/liba.so")),
        (r"/\a\\$\/\u0062.so", Some(r"/a\$/b.so")),
        (r"/a\u12.so", None),
    ] {
        let raw = format!(
            r#"{{"file_format_version":"1.0.1","ICD":{{"library_path":"{path}","api_version":"1"}}}}"#
        );
        let icd = parse_icd(raw.as_bytes(), &literally).ok();
        let want = want.and_then(|path| literally(path).ok());
        assert_eq!(icd.map(|icd| icd.library_path), want, "{path}");
    }
}
