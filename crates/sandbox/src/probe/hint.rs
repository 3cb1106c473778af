//! What can be done about a rule.

use super::{Facts, Rule};

/// Where a profile for this program is put.
const PROFILE: &str = "/etc/apparmor.d/bathysphere";

/// For a rule found with these facts.
pub(super) fn of(rule: Rule, facts: &Facts) -> String {
    match rule {
        Rule::AppArmor => apparmor(facts),
        Rule::SeLinux => "start it from an ordinary session; `sudo ausearch -m avc -ts recent` shows \
                          what was denied, `audit2allow` makes a module that allows it"
            .into(),
        Rule::UsernsClone => sysctl("kernel.unprivileged_userns_clone", 1),
        Rule::MaxUserNamespaces => sysctl("user.max_user_namespaces", 15000),
        Rule::MaxMountNamespaces => sysctl("user.max_mnt_namespaces", 15000),
        Rule::Seccomp => "start it outside of the container that it runs in, or let the container's \
                          filter allow `unshare` and `mount` (`docker run --security-opt \
                          seccomp=unconfined`)"
            .into(),
        Rule::Chroot => "start it outside of the chroot, or enter the directory with `sudo bwrap \
                         --bind DIRECTORY / --dev-bind /dev /dev --bind /proc /proc COMMAND` instead"
            .into(),
        Rule::Kernel => "use a kernel with CONFIG_USER_NS, or `sudo chmod u+s \"$(command -v bwrap)\"` \
                         so that bwrap can do without"
            .into(),
        Rule::Nesting => "start it outside of the container that it runs in".into(),
        Rule::Unmapped => "start it outside of the container, or have that map the user: \
                           `unshare --user --map-current-user`, `podman run --userns=keep-id`"
            .into(),
        Rule::Capabilities => "drop them with `setpriv --ambient-caps=-all --inh-caps=-all COMMAND`, \
                               or use `--backend builtin`"
            .into(),
        Rule::SetuidIgnored => "start it without `no_new_privs`, or put bwrap on a file system that is \
                                not mounted with `nosuid`"
            .into(),
    }
}

fn sysctl(name: &str, value: u32) -> String {
    format!(
        "run `sudo sysctl {name}={value}`; to keep it, \
         `echo {name}={value} | sudo tee /etc/sysctl.d/50-user-namespaces.conf`"
    )
}

fn apparmor(facts: &Facts) -> String {
    if facts.file(super::facts::RESTRICTED) != Some("1") {
        return "start it outside of what AppArmor confines (a container, a snap)".into();
    }
    format!(
        "give this program a profile: run `sudo apparmor_parser -r {PROFILE}` after writing this to \
         {PROFILE}:\n{}",
        profile(&facts.program)
    )
}

/// The profile that lets the program at `path` create user namespaces and confines nothing.
fn profile(path: &str) -> String {
    // apparmor.d(5): a path in quotes; globbing characters are escaped.
    let mut escaped = String::new();
    for character in path.chars() {
        if "\\\"*?[]{}^@".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    format!(
        "    abi <abi/4.0>,\n    include <tunables/global>\n    profile bathysphere \"{escaped}\" \
         flags=(unconfined) {{\n      userns,\n    }}"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_profile_names_the_program() {
        for (path, shown) in [
            ("/usr/bin/bathysphere", "\"/usr/bin/bathysphere\""),
            ("/home/a b/[x]/bathysphere", "\"/home/a b/\\[x\\]/bathysphere\""),
        ] {
            let text = super::profile(path);
            assert!(text.contains(shown) && text.contains("userns,"), "{text}");
        }
    }
}
