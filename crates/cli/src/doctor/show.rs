//! The report as a person reads it: a line for each thing, what is wrong first.

use super::drivers::{Architecture, Driver, Drivers};
use super::{Report, desktop, emulators, installations, kernel, runtimes, store};
use crate::report::Finding;
use crate::terminal::{Style, Terminal};
use plan::Severity;
use std::fmt::Write as _;

/// Columns of the names on the left.
const LEFT: usize = 17;

/// The report as text.
pub(super) fn text(report: &Report, terminal: &Terminal) -> String {
    let mut page = Page { terminal, out: String::new() };
    page.verdict(report);
    page.kernel(&report.kernel);
    page.part("System", report.system.as_ref(), Page::system);
    page.part("Drivers", report.drivers.as_ref(), Page::drivers);
    page.part("Emulators", report.emulators.as_ref(), Page::emulators);
    page.part("Runtimes", report.runtimes.as_ref(), Page::runtimes);
    page.part("Store", report.store.as_ref(), Page::store);
    page.part("Desktop", report.desktop.as_ref(), Page::desktop);
    page.part("Installations", report.installations.as_ref(), Page::installations);
    page.out
}

struct Page<'t> {
    terminal: &'t Terminal,
    out: String,
}

/// A mark before a line, for those who see no colours.
fn mark(style: Style) -> &'static str {
    match style {
        Style::Good => "ok",
        Style::Warning => "!",
        Style::Bad => "FAIL",
        Style::Heading | Style::Faint => "-",
    }
}

impl Page<'_> {
    fn heading(&mut self, text: &str) {
        let painted = self.terminal.paint(Style::Heading, text);
        // Writing to a String cannot fail.
        let _ = write!(self.out, "\n{painted}\n");
    }

    /// `  name  mark  text`, the text broken below itself.
    fn line(&mut self, name: &str, style: Style, text: &str) {
        let mark = mark(style);
        let indent = 2 + LEFT + 1 + 4 + 1;
        let text = self.terminal.wrap(text, indent, indent);
        let (mark, text) = match style {
            Style::Faint => (mark.to_owned(), self.terminal.paint(style, &text).into_owned()),
            _ => (self.terminal.paint(style, mark).into_owned(), text),
        };
        let gap = " ".repeat(4_usize.saturating_sub(self::mark(style).len()));
        let _ = writeln!(self.out, "  {name:LEFT$} {mark}{gap} {text}");
    }

    fn part<T>(&mut self, name: &str, part: Option<&T>, show: fn(&mut Self, &T)) {
        self.heading(name);
        match part {
            Some(part) => show(self, part),
            None => self.line("", Style::Warning, "not found out in time"),
        }
    }

    fn verdict(&mut self, report: &Report) {
        let (style, verdict) = if report.healthy {
            (Style::Good, "A launch can work on this machine.")
        } else {
            (Style::Bad, "A launch cannot work on this machine.")
        };
        let painted = self.terminal.paint(style, verdict);
        let _ = writeln!(self.out, "{painted} (bathysphere {})", report.version);
        for problem in &report.problems {
            self.problem(problem);
        }
    }

    fn problem(&mut self, problem: &Finding) {
        let (style, kind) = match problem.severity {
            Severity::Blocking => (Style::Bad, "error"),
            Severity::Warning => (Style::Warning, "warning"),
        };
        let head = format!("{kind}: ");
        let text = format!("{}: {}", problem.code, problem.cause);
        let text = self.terminal.wrap(&text, head.len(), 4);
        let _ = writeln!(self.out, "\n{}{text}", self.terminal.paint(style, &head));
        for line in &problem.evidence {
            let line = self.terminal.wrap(line, 4, 6);
            let _ = writeln!(self.out, "    {}", self.terminal.paint(Style::Faint, &line));
        }
        if let Some(hint) = &problem.hint {
            // A text to be copied, such as a profile, keeps its lines.
            let mut lines = hint.lines();
            let first = self.terminal.wrap(lines.next().unwrap_or_default(), 6, 4);
            let _ = writeln!(self.out, "hint: {first}");
            lines.for_each(|line| {
                let _ = writeln!(self.out, "{line}");
            });
        }
    }

    fn kernel(&mut self, kernel: &kernel::Kernel) {
        self.heading("Kernel");
        self.line("release", Style::Good, &format!("Linux {} {}", kernel.release, kernel.machine));
        let namespaces = &kernel.namespaces;
        let why = namespaces.why.as_deref().unwrap_or_default();
        match namespaces.executor {
            Some("builtin") => self.line("namespaces", Style::Good, "created without bwrap"),
            Some(other) => {
                self.line("namespaces", Style::Warning, &format!("created by {other}: {why}"));
            }
            None => self.line("namespaces", Style::Bad, why),
        }
        match &kernel.bwrap {
            Some(bwrap) => {
                let version = bwrap.version.as_deref().unwrap_or("of unknown version");
                let setuid = if bwrap.setuid { ", set-uid root" } else { "" };
                let caps = if bwrap.file_capabilities { ", with capabilities" } else { "" };
                let text = format!("{version}{setuid}{caps}, {}", bwrap.path);
                self.line("bwrap", Style::Good, &text);
            }
            None => self.line("bwrap", Style::Faint, "not installed"),
        }
        let (present, missing): (Vec<_>, Vec<_>) = kernel.features.iter().partition(|f| f.present);
        let names: Vec<&str> = present.iter().map(|f| f.name).collect();
        self.line("features", Style::Good, &names.join(", "));
        for feature in missing {
            let why = feature.why.as_deref().unwrap_or_default();
            let text = format!("no {} (Linux {}): {why}", feature.name, feature.since);
            self.line("", Style::Faint, &text);
        }
    }

    fn installations(&mut self, all: &Vec<installations::Installation>) {
        if all.is_empty() {
            self.line(
                "",
                Style::Faint,
                "none: `bathysphere install` takes the place of pressure-vessel",
            );
        }
        for one in all {
            let style = if one.state == "intact" { Style::Good } else { Style::Warning };
            self.line(one.kind, style, &format!("{}: {}", one.state, one.path));
        }
    }

    fn system(&mut self, system: &runtimes::System) {
        let name = system.name.as_deref().unwrap_or("unknown");
        self.line("name", Style::Good, name);
        self.line("/usr", Style::Good, system.layout);
        if let Some(home) = &system.home {
            self.line("home", Style::Good, home);
        }
    }

    fn drivers(&mut self, drivers: &Drivers) {
        for architecture in &drivers.architectures {
            self.architecture(architecture);
        }
        if let Some(version) = &drivers.nvidia_module {
            self.line("nvidia", Style::Good, &format!("kernel module {version}"));
        }
        for rejected in &drivers.rejected {
            self.line("", Style::Warning, &format!("{}: {}", rejected.manifest, rejected.why));
        }
        if !drivers.implicit_vulkan_layers.is_empty() {
            let names = drivers.implicit_vulkan_layers.join(", ");
            self.line("vulkan layers", Style::Faint, &names);
        }
    }

    fn architecture(&mut self, architecture: &Architecture) {
        let tuple = architecture.tuple.to_string();
        let _ = writeln!(self.out, "  {}", self.terminal.paint(Style::Heading, &tuple));
        match &architecture.interpreter {
            Some(path) => self.line("C library", Style::Good, path),
            None => {
                let text = "not installed: such programs run with a runtime's, without drivers";
                return self.line("C library", Style::Faint, text);
            }
        }
        for api in APIS {
            let of_api: Vec<&Driver> =
                architecture.drivers.iter().filter(|driver| driver.api == *api).collect();
            if of_api.is_empty() {
                self.line(api, Style::Faint, "none");
            } else {
                self.line(api, Style::Good, &summary(&of_api));
            }
        }
    }

    fn emulators(&mut self, emulators: &emulators::Emulators) {
        if let Some(why) = &emulators.binfmt_misc {
            self.line("binfmt_misc", Style::Faint, why);
        }
        for entry in &emulators.registrations {
            let tuples: Vec<String> = entry.tuples.iter().map(ToString::to_string).collect();
            let state = if entry.enabled { "" } else { " (switched off)" };
            let mut text = format!(
                "{} for {}, flags {}{state}",
                entry.interpreter,
                tuples.join(" and "),
                if entry.flags.is_empty() { "none" } else { &entry.flags }
            );
            let style = match &entry.trouble {
                Some(trouble) => {
                    let _ = write!(text, "; {trouble}");
                    Style::Warning
                }
                None => Style::Good,
            };
            self.line(&entry.name, style, &text);
        }
        for program in &emulators.programs {
            let linked = if program.r#static { "static" } else { "needs libraries" };
            self.line(program.emulator, Style::Good, &format!("{}, {linked}", program.path));
        }
        if let Some(rootfs) = &emulators.fex_rootfs {
            let (style, text) = match &rootfs.found {
                Some(found) => (Style::Good, format!("{found} ({})", rootfs.origin)),
                None => {
                    let text = format!("{} is not there ({})", rootfs.setting, rootfs.origin);
                    (Style::Warning, text)
                }
            };
            self.line("FEX root", style, &text);
        }
        if emulators.programs.is_empty() && emulators.registrations.is_empty() {
            self.line("", Style::Faint, "none");
        }
    }

    fn runtimes(&mut self, runtimes: &runtimes::Runtimes) {
        for runtime in runtimes.installed.iter().chain(&runtimes.asked) {
            let name = runtime.name.as_deref().unwrap_or("--runtime");
            let (style, text) = match &runtime.trouble {
                Some(trouble) => (Style::Warning, trouble.clone()),
                None => {
                    let tuples: Vec<String> =
                        runtime.architectures.iter().map(ToString::to_string).collect();
                    let form = runtime.layout.or(runtime.form).unwrap_or_default();
                    let system = runtime.system.as_deref().unwrap_or("unnamed");
                    (
                        Style::Good,
                        format!("{system}, {form}, {}, {}", tuples.join(" "), runtime.path),
                    )
                }
            };
            self.line(name, style, &text);
        }
        self.line("default", Style::Good, &runtimes.default);
    }

    fn store(&mut self, store: &store::Report) {
        let state = if store.exists { "" } else { " (made by the first launch)" };
        self.line("place", Style::Good, &format!("{}{state}", store.path));
        if let Some(system) = &store.file_system {
            let free = system.free.map(|free| format!(", {} free", size(free))).unwrap_or_default();
            let mount = system.mount.as_deref().unwrap_or("?");
            let text = format!("{} at {mount}{free}", system.kind);
            self.line("file system", Style::Good, &text);
            let (style, text) = match (system.overlay, &system.overlay_why) {
                (Some("yes"), _) => (Style::Good, "nothing speaks against it".to_owned()),
                (Some(answer), Some(why)) => (Style::Warning, format!("{answer}: {why}")),
                _ => (Style::Faint, "not looked at".to_owned()),
            };
            self.line("overlays", style, &text);
        }
        if store.exists {
            let text = format!(
                "{} layers ({}), {} trees ({}), {} memos",
                store.layers.count,
                size(store.layers.bytes),
                store.trees.count,
                size(store.trees.bytes),
                store.memos
            );
            self.line("content", Style::Good, &text);
            let style = if store.stale == 0 { Style::Good } else { Style::Warning };
            self.line("stale", style, &format!("{} entries", store.stale));
        }
    }

    fn desktop(&mut self, desktop: &desktop::Desktop) {
        for service in &desktop.services {
            let style = match (service.found, service.answers) {
                (true, Some(false)) => Style::Warning,
                (true, _) => Style::Good,
                (false, _) => Style::Faint,
            };
            self.line(&service.name, style, &service.why);
        }
        let locales = &desktop.locales;
        let mut asked: Vec<&str> = locales.asked.values().map(String::as_str).collect();
        asked.sort_unstable();
        asked.dedup();
        let text = if asked.is_empty() { "none asked for".into() } else { asked.join(", ") };
        match locales.missing.as_slice() {
            [] => self.line("locale", Style::Good, &text),
            missing => {
                let text = format!("{text}; missing: {}", missing.join(", "));
                self.line("locale", Style::Warning, &text);
            }
        }
    }
}

/// The interfaces, in the order in which they are shown.
const APIS: &[&str] =
    &["glx", "egl", "vulkan", "gbm", "dri", "va-api", "vdpau", "opencl", "openxr"];

/// `radeon, intel 22.3.6 (1.3.230)`: drivers of one version together.
fn summary(drivers: &[&Driver]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = vec![];
    for driver in drivers {
        let mut version = driver.version.clone().unwrap_or_default();
        if let Some(api) = &driver.api_version {
            let gap = if version.is_empty() { "" } else { " " };
            let _ = write!(version, "{gap}({api})");
        }
        match groups.iter_mut().find(|(v, _)| *v == version) {
            Some((_, names)) => names.push(&driver.name),
            None => groups.push((version, vec![&driver.name])),
        }
    }
    let group = |(version, mut names): (String, Vec<&str>)| {
        names.dedup();
        let names = names.join(" ");
        if version.is_empty() { names } else { format!("{names} {version}") }
    };
    groups.into_iter().map(group).collect::<Vec<_>>().join(", ")
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    const UNITS: &[(u64, &str)] = &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(name: &str, version: Option<&str>, api_version: Option<&str>) -> Driver {
        Driver {
            api: "vulkan",
            name: name.into(),
            library: String::new(),
            version: version.map(Into::into),
            api_version: api_version.map(Into::into),
            manifest: None,
        }
    }

    #[test]
    fn drivers_of_one_version_together() {
        let all = [
            driver("intel", Some("22.3.6"), Some("1.3.230")),
            driver("radeon", Some("22.3.6"), Some("1.3.230")),
            driver("lvp", Some("22.3.6"), Some("1.1.230")),
            driver("odd", None, None),
        ];
        let all: Vec<&Driver> = all.iter().collect();
        assert_eq!(summary(&all), "intel radeon 22.3.6 (1.3.230), lvp 22.3.6 (1.1.230), odd");
    }

    #[test]
    fn sizes() {
        for (bytes, want) in [(0, "0 bytes"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")] {
            assert_eq!(size(bytes), want);
        }
    }
}
