//! How far something is, on standard error: one line that is written over on a terminal, and a line for
//! each tenth elsewhere.

use std::io::{IsTerminal, Write};

/// Without a known end, a line is written each time so many bytes have come.
const STEP: u64 = 64 << 20;

/// A measure of bytes.
pub(super) struct Progress {
    what: String,
    terminal: bool,
    shown: Option<u64>,
}

impl Progress {
    pub(super) fn new(what: impl Into<String>) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { what: what.into(), terminal, shown: None }
    }

    /// `done` bytes of `total`, if that is known.
    pub(super) fn show(&mut self, done: u64, total: Option<u64>) {
        let total = total.filter(|total| *total >= done && *total > 0);
        let steps = if self.terminal { 100 } else { 10 };
        let step = match total {
            Some(total) => done.saturating_mul(steps) / total,
            None => done / if self.terminal { 1 << 20 } else { STEP },
        };
        if self.shown.is_some_and(|shown| step <= shown) {
            return;
        }
        self.shown = Some(step);
        let text = line(&self.what, done, total);
        let text = if self.terminal { format!("\r{text}\x1b[K") } else { format!("{text}\n") };
        // Nobody may be reading.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.terminal && self.shown.is_some() {
            let _ = std::io::stderr().write_all(b"\n");
        }
    }
}

fn line(what: &str, done: u64, total: Option<u64>) -> String {
    let done_mib = done >> 20;
    match total {
        Some(total) => {
            let percent = done.saturating_mul(100) / total;
            format!("bathysphere: {what}: {percent:3} % of {} MiB", total.div_ceil(1 << 20))
        }
        None => format!("bathysphere: {what}: {done_mib} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(line("x", 5 << 20, None), "bathysphere: x: 5 MiB");
        assert_eq!(line("x", 5 << 20, Some(20 << 20)), "bathysphere: x:  25 % of 20 MiB");
        assert_eq!(line("x", 7, Some(7)), "bathysphere: x: 100 % of 1 MiB");
    }
}
