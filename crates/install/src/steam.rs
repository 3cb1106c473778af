//! The compatibility tool for Steam: a directory with two descriptions, an entry point, and a tree.

use crate::error::Error;
use crate::stage::Stage;
use crate::tree::{Sources, write_tree};

/// The tool's name: that of its directory, and the one by which Steam remembers a choice.
pub const TOOL: &str = "bathysphere";

/// What Steam reads to list the tool.
fn description(runtime: Option<&str>) -> String {
    let title = match runtime {
        Some(runtime) => format!("Bathysphere ({runtime})"),
        None => "Bathysphere".into(),
    };
    let tool = [
        ("install_path", "."),
        ("display_name", title.as_str()),
        ("from_oslist", "linux"),
        ("to_oslist", "linux"),
    ];
    format!(
        "{}\n{{\n\t{}\n\t{{\n\t\t{}\n{}\t}}\n}}\n",
        quoted("compatibilitytools"),
        quoted("compat_tools"),
        quoted(TOOL),
        block(&tool, "\t\t"),
    )
}

/// What Steam reads to start the tool.
fn manifest(runtime: Option<&str>) -> String {
    let suite = runtime.map(|runtime| format!(" --suite={runtime}")).unwrap_or_default();
    let command = format!("/_v2-entry-point{suite} --verb=%verb% --");
    let keys = [
        ("version", "2"),
        ("commandline", command.as_str()),
        ("use_tool_subprocess_reaper", "1"),
        ("compatmanager_layer_name", "container-runtime"),
    ];
    format!("{}\n{}", quoted("manifest"), block(&keys, ""))
}

/// Keys with values in braces.
fn block(rows: &[(&str, &str)], indent: &str) -> String {
    let rows =
        rows.iter().map(|(key, value)| format!("{indent}\t{}\t{}\n", quoted(key), quoted(value)));
    format!("{indent}{{\n{}{indent}}}\n", rows.collect::<String>())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Writes the tool; `runtime` is the name of the one that it starts games in.
///
/// # Errors
/// [`Error::NoBuild`], [`Error::Io`].
pub fn write_tool(
    stage: &mut Stage,
    runtime: Option<&str>,
    sources: &Sources,
) -> Result<(), Error> {
    write_tree(stage, "pressure-vessel/", sources)?;
    stage.file("compatibilitytool.vdf", description(runtime).as_bytes(), false)?;
    stage.file("toolmanifest.vdf", manifest(runtime).as_bytes(), false)?;
    stage.link("_v2-entry-point", "pressure-vessel/bin/bathysphere")
}

#[cfg(test)]
mod tests {
    use super::*;
    use inspect::vdf;

    #[test]
    fn steam_finds_the_tool() {
        let text = description(Some("sniper"));
        let read = vdf::parse(text.as_bytes()).unwrap();
        let tool = |key| read.text(&["compatibilitytools", "compat_tools", TOOL, key]);
        assert_eq!(tool("install_path"), Some("."));
        assert_eq!(tool("display_name"), Some("Bathysphere (sniper)"));
        assert_eq!((tool("from_oslist"), tool("to_oslist")), (Some("linux"), Some("linux")));
    }

    #[test]
    fn steam_starts_the_tool() {
        for (runtime, want) in [
            (None, "/_v2-entry-point --verb=%verb% --"),
            (Some("a\"b\\"), "/_v2-entry-point --suite=a\"b\\ --verb=%verb% --"),
        ] {
            let read = vdf::parse(manifest(runtime).as_bytes()).unwrap();
            assert_eq!(read.text(&["manifest", "commandline"]), Some(want));
            assert_eq!(read.text(&["manifest", "version"]), Some("2"));
        }
    }
}
