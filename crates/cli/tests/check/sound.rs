//! Where nothing is wrong nothing is found: every form of a runtime, both architectures, this machine.

use crate::broken::nothing_found;
use crate::support::{FORMS, Launch, lab, need, sh};

#[test]
fn every_form_of_a_runtime() {
    for form in FORMS {
        let runtime = need!(lab(form));
        let launch = || Launch::new().runtime(&runtime);
        let outcome = launch().run(&sh("/usr/bin/env true"));
        outcome.ok();
        nothing_found(&outcome);
        // Programs with many libraries, of either architecture; they need not find a display.
        for program in ["glxinfo.x86_64-linux-gnu", "glxinfo.i386-linux-gnu"] {
            let outcome = launch().run(&[&format!("/usr/bin/{program}"), "-B"]);
            nothing_found(&outcome);
        }
    }
}

#[test]
fn the_machine_itself() {
    let outcome = Launch::new().runtime("host").run(&sh("/usr/bin/env true"));
    outcome.ok();
    nothing_found(&outcome);
}
