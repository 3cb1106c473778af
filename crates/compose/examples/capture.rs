//! Prints what would be captured: `capture PROVIDER RUNTIME [MOUNT [OUTPUT]]`.
//!
//! Without OUTPUT, the table of links is printed in the form of a reference capture, then decisions
//! and warnings. With it, the layer is made there from the description (links, files, and `*.hidden`
//! lists), for trying it by hand.

use compose::capture::{Captured, Group, Input, Part, capture};
use compose::locale;
use inspect::manifest::Environment;
use inspect::root::Root;
use plan::{ContainerPath, HostPath, LayerEntry, RootPath, Tuple};
use std::collections::BTreeMap;
use std::error::Error;
use std::os::unix::fs::symlink;
use std::time::Instant;

const OVERRIDES: &str = "/usr/lib/pressure-vessel/overrides";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, provider, runtime, more @ ..] = &arguments[..] else {
        return Err("usage: capture PROVIDER RUNTIME [MOUNT [OUTPUT]]".into());
    };
    let started = Instant::now();
    let provider = Root::open(HostPath::new(provider)?)?;
    let runtime = Root::open(HostPath::new(runtime)?)?;
    let variables: Vec<(String, String)> = std::env::vars().collect();
    let environment = Environment::new(variables.clone());
    let mount = ContainerPath::new(more.first().map_or("/run/host", String::as_str))?;
    let input = Input {
        groups: vec![Group {
            provider: Some(&provider),
            mount: mount.clone(),
            tuples: vec![Tuple::X86_64, Tuple::I386],
            part: Part::Guest,
            settings: BTreeMap::new(),
        }],
        host: &provider,
        runtime: &runtime,
        overrides: ContainerPath::literal(OVERRIDES),
        environment: &environment,
        import_vulkan_layers: true,
        import_openxr_runtimes: true,
        import_openxr_layers: true,
        modules: vec![],
        stubs: vec![],
        thunks: None,
    };
    let mut captured = capture(&input)?;
    let requested: BTreeMap<String, String> =
        variables.into_iter().filter(|(n, _)| n == "LANG" || n.starts_with("LC_")).collect();
    let locales = locale::decide(&locale::Input {
        runtime: &runtime,
        provider: Some(&provider),
        provider_mount: mount,
        glibc: &captured.glibc,
        requested: &requested,
        generated: &BTreeMap::new(),
    });
    let took = started.elapsed();
    captured.entries.extend(locales.entries);
    captured.decisions.extend(locales.decisions);
    captured.warnings.extend(locales.warnings);
    match more.get(1) {
        Some(output) => materialise(&captured, &HostPath::new(output)?)?,
        None => print(&captured),
    }
    eprintln!("{} entries, {} hidden, {took:?}", captured.entries.len(), captured.hidden.len());
    Ok(())
}

fn print(captured: &Captured) {
    let overrides = RootPath::literal(OVERRIDES);
    for (path, entry) in &captured.entries {
        let shown = path.below(&overrides).map_or(path.to_string(), |p| p.display().to_string());
        match entry {
            LayerEntry::Symlink { target } => println!("{shown}\t{target}"),
            LayerEntry::File { content, .. } => println!("{shown}\t= {content}"),
            other => println!("{shown}\t{other:?}"),
        }
    }
    for hidden in &captured.hidden {
        println!("hide {hidden}");
    }
    for (name, variable) in &captured.environment.0 {
        match &variable.value {
            Some(value) => println!("set {name}={value}"),
            None => println!("unset {name}"),
        }
    }
    for decision in &captured.decisions {
        println!("{:?}\n    {:?}: {}", decision.subject, decision.verdict, decision.why);
    }
    for at in &captured.masked {
        println!("mask {at}");
    }
    for export in &captured.exports {
        println!("export {} at {}", export.source, export.at);
    }
    for (tuple, why) in &captured.left_out {
        println!("left out {tuple}: {why}");
    }
    for warning in &captured.warnings {
        println!("{warning}");
    }
}

fn materialise(captured: &Captured, output: &HostPath) -> Result<(), Box<dyn Error>> {
    for (path, entry) in &captured.entries {
        let at = output.lexically(path);
        if let Some(parent) = at.parent() {
            std::fs::create_dir_all(parent.as_path())?;
        }
        match entry {
            LayerEntry::Symlink { target } => symlink(target.as_os_str(), at.as_path())?,
            LayerEntry::File { content, .. } => std::fs::write(at.as_path(), content.as_bytes())?,
            other => return Err(format!("{path}: {other:?}").into()),
        }
    }
    let hidden: Vec<String> = captured.hidden.iter().map(|p| format!("{p}\n")).collect();
    std::fs::write(output.at("hidden.list").as_path(), hidden.concat())?;
    let environment: Vec<String> = captured
        .environment
        .0
        .iter()
        .filter_map(|(n, v)| v.value.as_ref().map(|v| format!("{n}={v}\n")))
        .collect();
    std::fs::write(output.at("environment.list").as_path(), environment.concat())?;
    std::fs::write(output.at("ld.so.cache").as_path(), &captured.ld_cache)?;
    std::fs::write(output.at("ld.so.conf").as_path(), &captured.ld_conf)?;
    Ok(())
}
