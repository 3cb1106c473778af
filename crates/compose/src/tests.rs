//! Trees in, plans out.

use crate::testing::{facts, tree};
use crate::{Facts, HomeMode, ProviderChoice, Request, RuntimeChoice, Share, compose};
use plan::{ByteString, Code, HostPath, LayerEntry, Plan, RootPath, Severity, Tuple};
use std::path::Path;

/// A host as small as it can be: a merged `/usr`, one user.
const HOST: &[&str] = &[
    "usr/bin/",
    "usr/lib/os-release = ID=test\n",
    "usr/share/zoneinfo/Europe/Berlin = TZif",
    "bin -> usr/bin",
    "lib -> /usr/lib",
    "etc/passwd = root:x:0:0:root:/root:/bin/sh\n",
    "etc/group = root:x:0:\n",
    "etc/hosts = 127.0.0.1 localhost\n",
    "etc/localtime -> ../usr/share/zoneinfo/Europe/Berlin",
    "home/ann/",
    "tmp/",
    "var/tmp/",
    "dev/",
    "proc/",
    "sys/",
];

/// A merged runtime as a sysroot.
const RUNTIME: &[&str] = &[
    "usr/bin/",
    "usr/lib/x.so = x",
    "usr/lib64/ld-linux-x86-64.so.2 elf x86_64-linux-gnu",
    "usr/share/zoneinfo/Europe/Berlin = TZif",
    "bin -> usr/bin",
    "lib -> usr/lib",
    "lib64 -> usr/lib64",
    "etc/machine-id = 0000",
    "etc/asound.conf = x",
    "etc/os-release -> ../usr/lib/os-release",
    "var/lib/dpkg/status = x",
    "var/lib/dbus/machine-id = x",
];

/// A host and a runtime in directories of their own.
struct Bench {
    base: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Bench {
    fn new() -> Self {
        let base = tempfile::tempdir().unwrap();
        tree(&base.path().join("host"), HOST);
        tree(&base.path().join("rt"), RUNTIME);
        Self { base, environment: vec![("HOME".into(), "/home/ann".into())] }
    }

    fn host(self, lines: &[&str]) -> Self {
        tree(&self.base.path().join("host"), lines);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn path(&self, name: &str) -> HostPath {
        HostPath::new(self.base.path().join(name)).unwrap()
    }

    fn facts(&self) -> Facts {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        facts(&self.base.path().join("host"), &environment)
    }

    fn request(&self) -> Request {
        Request {
            runtime: RuntimeChoice::Dir(self.path("rt")),
            provider: ProviderChoice::None,
            tuples: vec![Tuple::X86_64],
            command: vec!["true".into()],
            working_directory: HostPath::literal("/home/ann"),
            ..Request::default()
        }
    }

    fn plan(&self, request: &Request) -> Plan {
        compose(request, &self.facts()).unwrap()
    }

    /// The steps with the directories of the test replaced by `HOST` and `RT`.
    fn steps(&self, plan: &Plan) -> Vec<String> {
        let base = self.base.path().to_str().unwrap();
        plan.steps
            .iter()
            .map(|s| s.op.to_string().replace(&format!("{base}/host"), "HOST"))
            .map(|s| s.replace(&format!("{base}/rt"), "RT"))
            .collect()
    }

    /// The steps below some places.
    fn steps_at(&self, plan: &Plan, places: &[&str]) -> Vec<String> {
        let at = |p: &str| plan::ContainerPath::literal(p);
        let all = self.steps(plan);
        plan.steps
            .iter()
            .zip(all)
            .filter(|(s, _)| places.iter().any(|p| s.op.at().is_within(&at(p))))
            .map(|(_, text)| text)
            .collect()
    }
}

fn entry<'p>(plan: &'p Plan, layer: &str, path: &str) -> Option<&'p LayerEntry> {
    plan.layer(&plan::LayerName(layer.into()))?.entries.get(&RootPath::literal(path))
}

fn warnings(plan: &Plan) -> Vec<Code> {
    plan.warnings.iter().map(|w| w.code).collect()
}

fn failure(request: &Request, bench: &Bench) -> plan::Problem {
    let problems = compose(request, &bench.facts()).unwrap_err();
    assert!(problems.iter().all(|p| p.severity == Severity::Blocking));
    problems.into_iter().next().unwrap()
}

fn share(path: &str) -> Share {
    Share { path: HostPath::new(path).unwrap(), read_only: false }
}

#[test]
fn a_merged_runtime() {
    let bench = Bench::new();
    let plan = bench.plan(&bench.request());
    let want = "\
stack overlay /usr = layer:usr/ over RT/usr
symlink /bin -> usr/bin
symlink /lib -> usr/lib
symlink /lib64 -> usr/lib64
dir 1777 /tmp
dir 0755 /var
dir 1777 /var/tmp
dir 0755 /run
symlink /var/run -> ../run
stack overlay /etc = layer:etc/ over RT/etc
dir 0755 /var/cache
dir 0755 /var/lib
bind ro /var/lib/dpkg = RT/var/lib/dpkg
bind ro /run/host/usr = HOST/usr
symlink /run/host/bin -> usr/bin
symlink /run/host/lib -> usr/lib
bind ro /run/host/etc = HOST/etc
bind ro? /run/host/os-release = HOST/usr/lib/os-release
file 0444 /run/host/container-manager (16 bytes)
bind dev /dev = HOST/dev
bind rw /proc = HOST/proc
bind ro /sys = HOST/sys
dir 0755 /run/pressure-vessel
dir 0700 /run/user/1000
symlink /overrides -> usr/lib/pressure-vessel/overrides
bind ro /var/pressure-vessel/ldso = layer:var-pressure-vessel-ldso/
symlink /run/pressure-vessel/ldso -> ../../var/pressure-vessel/ldso
symlink /var/cache/ldconfig/ld.so.cache -> /var/pressure-vessel/ldso/ld.so.cache
bind ro? /etc/hosts = HOST/etc/hosts
symlink /var/lib/dbus/machine-id -> /etc/machine-id
bind rw /home = HOST/home
bind rw /tmp = HOST/tmp
bind rw /var/tmp = HOST/var/tmp
dir 0555 /run/host/fonts-cache
dir 0555 /run/host/user-fonts-cache
file 0444 /run/host/font-dirs.xml (105 bytes)";
    let steps = bench.steps(&plan);
    assert_eq!(steps.join("\n"), want);
    assert_eq!(warnings(&plan), []);
    for (path, want) in [
        ("/machine-id", LayerEntry::Whiteout),
        ("/asound.conf", LayerEntry::Whiteout),
        ("/timezone", file("Europe/Berlin\n")),
        ("/localtime", link("../usr/share/zoneinfo/Europe/Berlin")),
        ("/ld.so.cache", link("/var/pressure-vessel/ldso/ld.so.cache")),
        ("/hosts", file("")),
        ("/group", file("user:x:1000:\nroot:x:0:\n")),
        (
            "/passwd",
            file("user:x:1000:1000:user:/home/ann:/bin/bash\nroot:x:0:0:root:/root:/bin/sh\n"),
        ),
    ] {
        assert_eq!(entry(&plan, "etc", path), Some(&want), "{path}");
    }
    assert_eq!(bench.plan(&bench.request()), plan, "equal input gives an equal plan");
}

fn file(content: &str) -> LayerEntry {
    LayerEntry::file(content.into())
}

fn link(target: &str) -> LayerEntry {
    LayerEntry::Symlink { target: target.into() }
}

#[test]
fn forms_of_a_runtime() {
    const LD: &str = "lib64/ld-linux-x86-64.so.2 elf x86_64-linux-gnu";
    let whole = |tail: &str| format!("usr/{tail}");
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "files and metadata",
            &["files/bin/", "files/lib/", &format!("files/{LD}"), "files/etc/x", "metadata"],
            &[
                "stack overlay /usr = layer:usr/ over RT/files",
                "symlink /bin -> usr/bin",
                "symlink /lib -> usr/lib",
                "symlink /lib64 -> usr/lib64",
                "stack overlay /etc = layer:etc/ over RT/files/etc",
            ],
        ),
        (
            "a merged /usr",
            &["bin/", "lib/", "libexec/", LD],
            &[
                "stack overlay /usr = layer:usr/ over RT",
                "symlink /bin -> usr/bin",
                "symlink /lib -> usr/lib",
                "symlink /lib64 -> usr/lib64",
                "bind ro /etc = layer:etc/",
            ],
        ),
        (
            "not merged",
            &["usr/lib/", "usr/bin/", "bin/sh", "sbin/", "lib/", LD, "etc/"],
            &[
                "stack overlay /usr = layer:usr/ over RT/usr",
                "bind ro /bin = RT/bin",
                "bind ro /lib = RT/lib",
                "bind ro /lib64 = RT/lib64",
                "bind ro /sbin = RT/sbin",
                "stack overlay /etc = layer:etc/ over RT/etc",
            ],
        ),
        (
            "hybrid",
            &["usr/lib/", "usr/bin/", "bin -> usr/bin", "lib/", "lib64 -> usr/lib64", &whole(LD)],
            &[
                "stack overlay /usr = layer:usr/ over RT/usr",
                "symlink /bin -> usr/bin",
                "bind ro /lib = RT/lib",
                "symlink /lib64 -> usr/lib64",
                "bind ro /etc = layer:etc/",
            ],
        ),
    ];
    for (name, lines, want) in cases {
        let bench = Bench::new();
        std::fs::remove_dir_all(bench.base.path().join("rt")).unwrap();
        tree(&bench.base.path().join("rt"), lines);
        let plan = bench.plan(&bench.request());
        let places = ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/libexec"];
        let mut got = bench.steps_at(&plan, &places);
        got.extend(bench.steps(&plan).into_iter().filter(|s| s.contains(" /etc = ")));
        assert_eq!(got, *want, "{name}");
        // Nothing is put into what may be more than a runtime.
        let made = !plan.supervision.locks.is_empty();
        assert_eq!(made, name.starts_with("files"), "{name}");
    }
}

#[test]
fn a_depot_is_completed_by_the_layer() {
    let bench = Bench::new();
    let rt = bench.base.path().join("rt");
    std::fs::remove_dir_all(&rt).unwrap();
    tree(
        &rt,
        &[
            "files/.ref",
            "files/lib/plain = data",
            "files/lib/plain.so = data",
            "files/lib64/ld-linux-x86-64.so.2 elf x86_64-linux-gnu",
            "files/01/0123-1.bin = upper case",
            "files/share/unlisted = x",
            "files/share/doc/more = x",
            "files/bin/tool = #!",
            "usr-mtree.txt = #mtree\n. type=dir\n./.ref type=file size=0 optional\n\
             ./bin type=dir\n./bin/tool type=file size=2 mode=755\n\
             ./lib type=dir\n./lib/plain type=file size=4\n./lib/plain.so type=link link=plain\n\
             ./lib/Plain type=file size=10 contents=./01/0123-1.bin\n\
             ./lib/empty type=file size=0 time=7.000005000\n\
             ./lib/free type=file size=0 time=7 nochange\n\
             ./lib64 type=dir\n./lib64/ld-linux-x86-64.so.2 type=file mode=755 size=64\n\
             ./etc type=dir\n./share type=dir\n./share/games type=dir\n",
        ],
    );
    let plan = bench.plan(&bench.request());
    let usr = plan.layer(&plan::LayerName("usr".into())).unwrap();
    let base = bench.base.path().to_str().unwrap();
    let shown: Vec<String> = usr
        .entries
        .iter()
        .map(|(p, e)| match e {
            LayerEntry::CopyOf { source, executable, .. } => {
                format!("{p} copy of {source} {executable}").replace(base, "")
            }
            LayerEntry::Symlink { target } => format!("{p} -> {target}"),
            LayerEntry::File { modified, .. } => format!("{p} file {modified:?}"),
            LayerEntry::Directory { .. } => format!("{p}/"),
            LayerEntry::Whiteout => format!("{p} hidden"),
        })
        .collect();
    let want = [
        "/01 hidden",
        "/bin/tool copy of /rt/files/bin/tool true",
        "/etc/",
        "/lib/Plain copy of /rt/files/01/0123-1.bin false",
        "/lib/empty file Some(7000005000)",
        "/lib/free file None",
        "/lib/plain.so -> plain",
        "/share/defaults/etc/ld.so.conf -> /var/pressure-vessel/ldso/ld.so.conf",
        "/share/doc hidden",
        "/share/games/",
        "/share/unlisted hidden",
    ];
    assert_eq!(shown, want);
    let locks = |plan: &plan::Plan| -> Vec<String> {
        plan.supervision.locks.iter().map(|l| l.to_string().replace(base, "")).collect()
    };
    assert_eq!(locks(&plan), ["/rt/files/.ref"]);
    // A content server has dropped it: it is made.
    std::fs::remove_file(rt.join("files/.ref")).unwrap();
    assert_eq!(locks(&bench.plan(&bench.request())), ["/rt/files/.ref"]);
    std::fs::create_dir(rt.join("files/.ref")).unwrap();
    assert_eq!(locks(&bench.plan(&bench.request())), [""; 0]);

    std::fs::remove_file(rt.join("files/lib/plain")).unwrap();
    let problem = failure(&bench.request(), &bench);
    assert_eq!(problem.code, Code::RUNTIME_INCOMPLETE);
    assert_eq!(problem.evidence, ["missing: /lib/plain"]);
}

#[test]
fn runtimes_that_cannot_be_used() {
    let cases: &[(&[&str], Code, &str)] = &[
        (&[], Code::RUNTIME_INCOMPLETE, "is empty"),
        (&["usr/lib/", "usr/bin/"], Code::RUNTIME_INCOMPLETE, "x86_64-linux-gnu: "),
        (&["usr-mtree.txt = x", "files/"], Code::MTREE_BROKEN, "usr-mtree.txt: line 1"),
        (&["usr-mtree.txt = #mtree\n"], Code::RUNTIME_INCOMPLETE, "has usr-mtree.txt"),
        (
            &["lib/ld-linux-aarch64.so.1 elf aarch64-linux-gnu"],
            Code::WRONG_ARCHITECTURE,
            "x86_64-linux-gnu: `/lib64/ld-linux-x86-64.so.2` does not exist",
        ),
        (
            &["lib/", "lib64/ld-linux-x86-64.so.2 = text"],
            Code::RUNTIME_INCOMPLETE,
            "`/lib64/ld-linux-x86-64.so.2` is not an ELF file",
        ),
    ];
    for (lines, code, evidence) in cases {
        let bench = Bench::new();
        let rt = bench.base.path().join("rt");
        std::fs::remove_dir_all(&rt).unwrap();
        std::fs::create_dir(&rt).unwrap();
        tree(&rt, lines);
        let problem = failure(&bench.request(), &bench);
        assert_eq!(problem.code, *code, "{lines:?}: {problem}");
        assert!(problem.evidence.iter().any(|e| e.contains(evidence)), "{lines:?}: {problem}");
        assert!(problem.hint.is_some(), "{problem}");
    }
    let bench = Bench::new();
    for name in ["none", "host/etc/passwd", "rt/../none"] {
        let request = Request { runtime: RuntimeChoice::Dir(bench.path(name)), ..bench.request() };
        assert_eq!(failure(&request, &bench).code, Code::RUNTIME_MISSING, "{name}");
    }
    let request = Request { tuples: vec![Tuple::X86_64, Tuple::I386], ..bench.request() };
    assert_eq!(warnings(&bench.plan(&request)), [Code::ARCHITECTURE_LEFT_OUT]);
    let request = Request { command: vec![], ..bench.request() };
    assert_eq!(failure(&request, &bench).code, Code::BAD_VALUE);
    let request = Request { provider: ProviderChoice::Root(bench.path("none")), ..bench.request() };
    assert_eq!(failure(&request, &bench).code, Code::PROVIDER_UNUSABLE);
}

#[test]
fn another_provider_is_shown_at_main() {
    let bench = Bench::new();
    tree(
        &bench.base.path().join("gfx"),
        &["usr/lib/", "lib -> /usr/lib", "sbin/", "etc/drirc = x"],
    );
    let request = Request { provider: ProviderChoice::Root(bench.path("gfx")), ..bench.request() };
    let plan = bench.plan(&request);
    let base = bench.base.path().to_str().unwrap();
    let places = ["/run/gfx", "/var/pressure-vessel/gfx", "/etc/drirc"];
    let got = bench.steps_at(&plan, &places).join("\n").replace(base, "");
    let want = "\
bind ro /run/gfx/main/usr = /gfx/usr
symlink /run/gfx/main/lib -> usr/lib
bind ro /run/gfx/main/sbin = /gfx/sbin
bind ro /run/gfx/main/etc = /gfx/etc
symlink /run/gfx/usr -> main/usr
symlink /run/gfx/etc -> main/etc
symlink /run/gfx/lib -> usr/lib
symlink /run/gfx/sbin -> main/sbin
symlink /var/pressure-vessel/gfx -> ../../run/gfx
bind ro? /etc/drirc = /gfx/etc/drirc";
    assert_eq!(got, want);
}

#[test]
fn shared_paths() {
    // What the host has more, what is asked for, the steps that come of it, the warnings.
    type Case<'a> = (&'a [&'a str], &'a str, &'a [&'a str], &'a [Code]);
    let cases: &[Case<'_>] = &[
        (&["data/x/"], "/data/x", &["bind rw /data/x = HOST/data/x"], &[]),
        (
            &["data/a:b\\c d\n/"],
            "/data/a:b\\c d\n",
            &["bind rw /data/a:b\\c d\\x0a = HOST/data/a:b\\c d\\x0a"],
            &[],
        ),
        (
            &["disk/games/", "data -> /disk"],
            "/data/games",
            &["symlink /data -> disk", "bind rw /disk/games = HOST/disk/games"],
            &[],
        ),
        (
            &["disk/games/", "data/l -> ../disk/m", "disk/m -> games"],
            "/data/l",
            &[
                "symlink /data/l -> ../disk/m",
                "bind rw /disk/games = HOST/disk/games",
                "symlink /disk/m -> games",
            ],
            &[],
        ),
        (&["data/a/", "data/b/"], "/data/a/../b", &["bind rw /data/b = HOST/data/b"], &[]),
        (&[], "/data", &[], &[Code::SHARED_PATH_MISSING]),
        (&["data -> nowhere"], "/data", &[], &[Code::SHARED_PATH_MISSING]),
        (&["data -> data"], "/data", &[], &[Code::SHARED_PATH_MISSING]),
        (&[], "/usr/bin", &[], &[Code::RESERVED_PATH]),
        (&[], "/", &[], &[Code::RESERVED_PATH]),
        (&["data -> usr/share"], "/data", &[], &[Code::RESERVED_PATH]),
        (&["data/"], "/data/../etc", &[], &[Code::RESERVED_PATH]),
        // Below the runtime's own directory there is nothing to mount on.
        (&["var/lib/dpkg/x/"], "/var/lib/dpkg/x", &[], &[Code::RESERVED_PATH]),
    ];
    for (lines, asked, want, codes) in cases {
        let bench = Bench::new().host(lines);
        let request = Request { filesystems: vec![share(asked)], ..bench.request() };
        let plan = bench.plan(&request);
        let got = bench.steps_at(&plan, &["/data", "/disk", "/var/lib/dpkg/x"]);
        assert_eq!(got, *want, "{asked:?} with {lines:?}");
        assert_eq!(warnings(&plan), *codes, "{asked:?} with {lines:?}");
    }
}

/// Many members of `/var/lib` are one overlay, in which others can still be made and mounted; a prepared
/// tree would have to copy them, and has binds.
#[test]
fn many_members_are_one_mount() {
    let bench = Bench::new().host(&["var/lib/games/", "var/lib/b/f = x"]);
    let members: Vec<String> = ["a/", "b/", "c/", "dbus/other = x", "sudo/", "link -> a"]
        .map(|member| format!("var/lib/{member}"))
        .into();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    tree(&bench.base.path().join("rt"), &members);
    let filesystems = vec![share("/var/lib/games"), share("/var/lib/b/f")];
    let request = Request { filesystems: filesystems.clone(), ..bench.request() };
    let plan = bench.plan(&request);
    assert_eq!(
        bench.steps_at(&plan, &["/var/lib"]),
        [
            "stack overlay /var/lib = layer:var-lib/ over RT/var/lib",
            "bind rw /var/lib/b/f = HOST/var/lib/b/f",
            "bind rw /var/lib/games = HOST/var/lib/games",
        ]
    );
    assert_eq!(warnings(&plan), []);
    for (path, want) in [
        ("/dbus/machine-id", LayerEntry::Symlink { target: "/etc/machine-id".into() }),
        ("/dbus/other", LayerEntry::Whiteout),
        ("/sudo", LayerEntry::Whiteout),
        ("/b/f", file("")),
        ("/games", LayerEntry::Directory { mode: 0o755 }),
    ] {
        assert_eq!(entry(&plan, "var-lib", path), Some(&want), "{path}");
    }
    let plan =
        bench.plan(&Request { stack: plan::StackForm::Tree, filesystems, ..bench.request() });
    let steps = bench.steps_at(&plan, &["/var/lib"]);
    assert!(steps.contains(&"bind ro /var/lib/dpkg = RT/var/lib/dpkg".into()), "{steps:?}");
    assert!(steps.contains(&"symlink /var/lib/link -> a".into()), "{steps:?}");
    assert!(!steps.iter().any(|step| step.contains("sudo")), "{steps:?}");
}

#[test]
fn the_stronger_wish_wins() {
    let bench = Bench::new().host(&["data/x/y/"]);
    let read_only = |path: &str| Share { read_only: true, ..share(path) };
    for (shares, want) in [
        (vec![read_only("/data"), share("/data")], &["bind rw /data = HOST/data"][..]),
        (vec![share("/data"), share("/data/x")], &["bind rw /data = HOST/data"]),
        (
            vec![share("/data"), read_only("/data/x"), share("/data/x/y")],
            &[
                "bind rw /data = HOST/data",
                "bind ro /data/x = HOST/data/x",
                "bind rw /data/x/y = HOST/data/x/y",
            ],
        ),
    ] {
        let request = Request { filesystems: shares, ..bench.request() };
        assert_eq!(bench.steps_at(&bench.plan(&request), &["/data"]), want);
    }
}

#[test]
fn a_home_that_is_a_link() {
    let bench = Bench::new();
    let host = bench.base.path().join("host");
    std::fs::remove_dir_all(host.join("home")).unwrap();
    tree(
        &host,
        &[
            "var/home/ann/.steam/",
            "home -> var/home",
            "disk/Steam/",
            "var/home/ann/.local/share/Steam -> /disk/Steam",
            "var/home/ann/.steam/root -> /home/ann/.local/share/Steam",
        ],
    );
    let got = bench.steps_at(&bench.plan(&bench.request()), &["/home", "/var/home", "/disk"]);
    let want = [
        "bind rw /disk/Steam = HOST/disk/Steam",
        "symlink /home -> var/home",
        "bind rw /var/home = HOST/var/home",
    ];
    assert_eq!(got, want);
}

#[test]
fn homes_of_the_containers_own() {
    let bench = Bench::new().host(&[
        "data/fake/.cache/tmp/",
        "data/fake/.local/share/",
        "data/fake/.steam/",
        "home/ann/.steam/",
    ]);
    let places = ["/home", "/data", "/var/tmp"];
    let request =
        Request { home: HomeMode::Private(HostPath::literal("/data/fake")), ..bench.request() };
    let plan = bench.plan(&request);
    let want = [
        "dir 1777 /var/tmp",
        "bind rw /data/fake = HOST/data/fake",
        "tmpfs 0755 /home",
        "bind rw /home/ann = HOST/data/fake",
        "bind ro /home/ann/.steam = HOST/home/ann/.steam",
        "bind rw /var/tmp = HOST/data/fake/.cache/tmp",
    ];
    assert_eq!(bench.steps_at(&plan, &places), want);
    let value = plan.environment.get("XDG_DATA_HOME").map(ToString::to_string);
    assert_eq!(value.as_deref(), Some("/data/fake/.local/share"));
    let directories = crate::home::required_directories(&request, &bench.facts());
    let wanted = [".cache/tmp", ".config", ".local/share", ".steam"]
        .map(|d| HostPath::literal("/data/fake").at(d));
    assert_eq!(directories, wanted);

    let request = Request { home: HomeMode::Transient, ..bench.request() };
    let want = ["dir 1777 /var/tmp", "tmpfs 0755 /home", "tmpfs 0755 /home/ann"];
    assert_eq!(bench.steps_at(&bench.plan(&request), &places), want);

    let request =
        Request { home: HomeMode::Private(HostPath::literal("/none")), ..bench.request() };
    assert_eq!(failure(&request, &bench).code, Code::BAD_VALUE);
}

#[test]
fn a_hidden_home_stays_hidden_when_the_command_starts_in_it() {
    let bench = Bench::new();
    let host = bench.base.path().join("host");
    std::fs::remove_dir_all(host.join("home")).unwrap();
    tree(&host, &["var/home/ann/", "home -> var/home"]);
    let request = Request {
        home: HomeMode::Transient,
        working_directory: HostPath::literal("/var/home/ann"),
        ..bench.request()
    };
    let plan = bench.plan(&request);
    let got = bench.steps_at(&plan, &["/home", "/var/home"]);
    assert_eq!(
        got,
        ["symlink /home -> var/home", "tmpfs 0755 /var/home", "tmpfs 0755 /var/home/ann"]
    );
    assert_eq!(plan.working_directory.to_string(), "/var/home/ann");
}

#[test]
fn automounts_and_dead_servers_are_not_touched() {
    let bench = Bench::new().host(&["net/box/x/", "mnt/nfs/", "data -> net/box", "plain/"]);
    let mut facts = bench.facts();
    let table = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                 2 1 0:40 / /net rw - autofs -hosts rw,indirect\n\
                 3 1 0:41 / /mnt/nfs rw - nfs4 box:/x rw\n";
    facts.mounts = inspect::mountinfo::parse(table.as_bytes()).unwrap();
    for (path, shared) in [("/net/box/x", false), ("/data/x", false), ("/mnt/nfs", true)] {
        let request = Request { filesystems: vec![share(path)], ..bench.request() };
        let plan = compose(&request, &facts).unwrap();
        let got = plan.decisions.iter().any(|d| {
            matches!(&d.subject, plan::Subject::Path { path: p } if p == path)
                && matches!(d.verdict, plan::Verdict::Taken { .. })
        });
        assert_eq!(got, shared, "{path}");
        assert_eq!(warnings(&plan).contains(&Code::SHARED_PATH_MISSING), !shared, "{path}");
    }
    let request = Request { runtime: RuntimeChoice::Host, ..bench.request() };
    let table = table.replace("/mnt/nfs", "/plain");
    facts.mounts = inspect::mountinfo::parse(table.as_bytes()).unwrap();
    let plan = compose(&request, &facts).unwrap();
    let got = bench.steps_at(&plan, &["/net", "/plain", "/mnt", "/data"]);
    assert_eq!(got, ["bind rw /mnt = HOST/mnt"]);
    let mut named: Vec<String> = plan.warnings.iter().map(|w| w.cause.clone()).collect();
    named.sort_unstable();
    assert_eq!(named.len(), 3, "{named:?}");
    assert!(named[1].starts_with("`/net` is not shared: `/net` is an automount"), "{named:?}");
    assert!(named[2].starts_with("`/plain` is not shared: `/plain` is a network"), "{named:?}");
}

#[test]
fn without_a_runtime() {
    let bench = Bench::new().host(&[
        "boot/",
        "srv/",
        "games/",
        "vmlinuz = x",
        "run/dbus/",
        "run/host/x",
        "run/media/ann/",
        "run/initctl -> /run/other",
    ]);
    let plan = bench.plan(&Request { runtime: RuntimeChoice::Host, ..bench.request() });
    let want = "\
bind ro /usr = HOST/usr
symlink /bin -> usr/bin
symlink /lib -> usr/lib
bind rw /etc = HOST/etc
bind rw /tmp = HOST/tmp
bind rw /var = HOST/var
bind rw? /run/dbus = HOST/run/dbus
symlink /run/initctl -> other
bind ro /run/host/usr = HOST/usr
symlink /run/host/bin -> usr/bin
symlink /run/host/lib -> usr/lib
bind ro /run/host/etc = HOST/etc
bind ro? /run/host/os-release = HOST/usr/lib/os-release
file 0444 /run/host/container-manager (16 bytes)
bind dev /dev = HOST/dev
bind rw /proc = HOST/proc
bind ro /sys = HOST/sys
dir 0755 /run/pressure-vessel
bind rw /games = HOST/games
bind rw /home = HOST/home
bind rw /run/media = HOST/run/media
bind rw /srv = HOST/srv
dir 0555 /run/host/fonts-cache
dir 0555 /run/host/user-fonts-cache
file 0444 /run/host/font-dirs.xml (105 bytes)";
    assert_eq!(bench.steps(&plan).join("\n"), want);
    assert_eq!(warnings(&plan), []);
    assert_eq!(plan.layers, []);
}

#[test]
fn paths_of_the_environment() {
    let bench = Bench::new()
        .host(&["lib1/a/", "lib1/b/", "compat/", "scratch/"])
        .env("STEAM_COMPAT_LIBRARY_PATHS", "/lib1/a:/lib1/x/../b:rel:")
        .env("STEAM_COMPAT_DATA_PATH", "/compat")
        .env("STEAM_COMPAT_SHADER_PATH", "/none")
        .env("TMPDIR", "/scratch")
        .env("TMP", "/run/user/1000/x")
        .env("TEMP", "relative");
    let plan = bench.plan(&bench.request());
    let got = bench.steps_at(&plan, &["/lib1", "/compat", "/scratch"]);
    let want = [
        "bind rw /compat = HOST/compat",
        "bind rw /lib1/a = HOST/lib1/a",
        "bind rw /lib1/b = HOST/lib1/b",
        "bind rw /scratch = HOST/scratch",
    ];
    assert_eq!(got, want);
    let value = plan.environment.get("STEAM_COMPAT_LIBRARY_PATHS").map(ToString::to_string);
    assert_eq!(value.as_deref(), Some("/lib1/a:/lib1/b:rel:"));
    assert_eq!(plan.environment.0[&ByteString::from("TMP")].value, None);
    assert_eq!(warnings(&plan), [Code::BAD_VALUE, Code::BAD_VALUE]);
}

#[test]
fn where_the_command_starts() {
    for (from, want, warns) in [
        ("/home/ann", "/home/ann", false),
        ("/work", "/work", false),
        ("/", "/", false),
        ("/usr/bin", "/usr/bin", false),
        ("/usr/games", "/", true),
        ("/gone", "/", true),
    ] {
        let bench = Bench::new().host(&["work/", "usr/games/"]);
        let request = Request { working_directory: HostPath::literal(from), ..bench.request() };
        let plan = bench.plan(&request);
        assert_eq!(plan.working_directory.to_string(), want, "{from}");
        assert_eq!(!warnings(&plan).is_empty(), warns, "{from}");
        assert_eq!(bench.steps_at(&plan, &["/work"]).len(), usize::from(from == "/work"), "{from}");
    }
}

#[test]
fn resolvers_directory_is_bound() {
    let bench = Bench::new().host(&[
        "run/systemd/resolve/stub-resolv.conf = nameserver 127.0.0.53\n",
        "etc/resolv.conf -> ../run/systemd/resolve/stub-resolv.conf",
    ]);
    let plan = bench.plan(&bench.request());
    let got = bench.steps_at(&plan, &["/etc/resolv.conf", "/run/systemd"]);
    assert_eq!(got, ["bind ro? /run/systemd/resolve = HOST/run/systemd/resolve"]);
    let want = link("/run/systemd/resolve/stub-resolv.conf");
    assert_eq!(entry(&plan, "etc", "/resolv.conf"), Some(&want));

    let bench = Bench::new().host(&["etc/static/r = x", "etc/resolv.conf -> static/r"]);
    let plan = bench.plan(&bench.request());
    let got = bench.steps_at(&plan, &["/etc/resolv.conf"]);
    assert_eq!(got, ["bind ro? /etc/resolv.conf = HOST/etc/static/r"]);
    assert_eq!(entry(&plan, "etc", "/resolv.conf"), Some(&file("")));
}

#[test]
fn a_mount_below_the_runtime_needs_a_tree() {
    let bench = Bench::new();
    let mut facts = bench.facts();
    let table = format!("2 1 0:40 / {}/usr/share rw - tmpfs none rw\n", bench.path("rt"));
    facts.mounts = inspect::mountinfo::parse(table.as_bytes()).unwrap();
    let plan = compose(&bench.request(), &facts).unwrap();
    let got = bench.steps_at(&plan, &["/usr", "/etc"]);
    let want = [
        "stack tree /usr = layer:usr/ over RT/usr",
        "stack overlay /etc = layer:etc/ over RT/etc",
        "bind ro? /etc/hosts = HOST/etc/hosts",
    ];
    assert_eq!(got, want);
}

#[test]
fn names_that_are_not_text() {
    use std::os::unix::ffi::OsStrExt;
    let odd = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
    let bench = Bench::new();
    let name = odd(b"data/\xff\n:\\");
    std::fs::create_dir_all(bench.base.path().join("host").join(&name)).unwrap();
    let path = HostPath::new(Path::new("/").join(&name)).unwrap();
    let request = Request {
        filesystems: vec![Share { path, read_only: true }],
        environment: vec![(vec![0xff].into(), Some(vec![0xfe].into()))],
        ..bench.request()
    };
    let plan = bench.plan(&request);
    let step =
        plan.steps.iter().find(|s| s.op.at().is_within(&plan::ContainerPath::literal("/data")));
    assert_eq!(step.unwrap().op.at().as_bytes(), b"/data/\xff\n:\\");
    let value = &plan.environment.0[&ByteString(vec![0xff])].value;
    assert_eq!(value, &Some(ByteString(vec![0xfe])));
}

/// Deep enough for what the launcher is given, and never outside the runtime's own test tree.
#[test]
fn the_host_is_only_read() {
    let bench = Bench::new();
    let before = listing(bench.base.path());
    bench.plan(&bench.request());
    assert_eq!(listing(bench.base.path()), before);
}

fn listing(path: &Path) -> Vec<String> {
    let mut out = vec![];
    let mut open = vec![path.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let meta = entry.metadata().unwrap();
            out.push(format!("{:?} {:?}", entry.path(), meta.modified().unwrap()));
            if meta.is_dir() {
                open.push(entry.path());
            }
        }
    }
    out.sort_unstable();
    out
}
