use super::*;
use crate::manifest::vulkan;

#[test]
fn the_users_directories_are_the_hosts() {
    let provider = Sample::new([
        ("/usr/share/vulkan/icd.d/p.json", icd("p")),
        ("/home/u/.local/share/vulkan/icd.d/wrong.json", icd("wrong")),
    ]);
    let host = Sample::new([
        ("/usr/share/vulkan/icd.d/wrong.json", icd("wrong")),
        ("/home/u/.local/share/vulkan/icd.d/h.json", icd("../h.so")),
    ]);
    let found = vulkan::icds(&provider.root(), &host.env(&[("HOME", "/home/u")]));
    assert_eq!(
        shown(&found, |i| library(&i.library_path)),
        [
            "host:/home/u/.local/share/vulkan/icd.d/h.json [~/.local/share] \
             /home/u/.local/share/vulkan/h.so",
            "/usr/share/vulkan/icd.d/p.json [default $XDG_DATA_DIRS] soname p",
        ]
    );
    let mut env = host.env(&[("HOME", "/home/u")]);
    env.host = HostPath::literal("/nowhere/at/all");
    assert_eq!(vulkan::icds(&provider.root(), &env).len(), 1);
}

#[test]
fn absolute_links_stay_in_the_root() {
    let sample = Sample::new([
        ("/usr/share/vulkan", Item::Link("/opt/vulkan")),
        ("/opt/vulkan/icd.d/a.json", Item::Link("/opt/real/b.json")),
        ("/opt/real/b.json", icd("../x/liba.so")),
    ]);
    let found = vulkan::icds(&sample.root(), &sample.env(&[]));
    // Relative to where the loader found the manifest, by the kernel's rules for `..`.
    assert_eq!(
        shown(&found, |i| library(&i.library_path)),
        ["/usr/share/vulkan/icd.d/a.json [default $XDG_DATA_DIRS] /opt/vulkan/x/liba.so"]
    );
    assert!(found[0].identity.is_some());
    assert!(!found[0].bytes.is_empty());
}

#[test]
fn paths_in_manifests() {
    let sample = Sample::new([
        ("/d/sub", Item::Directory),
        ("/link", Item::Link("/d/sub")),
        ("/loop", Item::Link("loop")),
    ]);
    let root = sample.root();
    for (directory, text, want) in [
        ("/d", "libx.so.1", Ok("soname libx.so.1")),
        ("/d", "/a//b.so", Ok("/a/b.so")),
        ("/d", "./b.so", Ok("/d/b.so")),
        ("/d", "x/b.so", Ok("/d/x/b.so")),
        ("/link", "../b.so", Ok("/d/b.so")),
        ("/d", "/usr/$LIB/b.so", Ok("dynamic /usr/$LIB/b.so")),
        ("/d", "../${LIB}/b.so", Ok("dynamic /d/../${LIB}/b.so")),
        ("/d", "$ORIGIN/b.so", Ok("dynamic /d/$ORIGIN/b.so")),
        ("/d", "/usr/$LIBX/b.so", Ok("/usr/$LIBX/b.so")),
        ("/d", "", Err("its library_path `` cannot be the path of a library")),
        ("/d", "a\0/b", Err("its library_path `a\0/b` cannot be the path of a library")),
        ("/d", "/a/", Err("its library_path `/a/` cannot be the path of a library")),
    ] {
        let got = LibraryPath::locate(&root, &RootPath::literal(directory), text);
        let got = got.map(|p| library(&p)).map_err(|e| e.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{directory} {text}");
    }
    let lost = LibraryPath::locate(&root, &RootPath::literal("/loop"), "../b.so");
    assert!(matches!(lost, Err(Reason::Unreadable(_))), "{lost:?}");
}

#[test]
fn a_huge_manifest_is_not_read() {
    let sample = Sample::new([("/usr/share/vulkan/icd.d/a.json", file(vec![b' '; (1 << 20) + 1]))]);
    let found = vulkan::icds(&sample.root(), &sample.env(&[]));
    assert!(matches!(found[0].why_not(), Some(Reason::TooLarge { size: 1_048_577, .. })));
    assert!(found[0].bytes.is_empty());
}

#[test]
fn what_is_no_file_is_said() {
    let sample = Sample::new([
        ("/usr/share/vulkan/icd.d/a.json/inside", Item::Directory),
        ("/usr/share/vulkan/icd.d/b.json", Item::Link("a.json")),
        ("/etc/vulkan/icd.d", file("no directory")),
    ]);
    let found = vulkan::icds(&sample.root(), &sample.env(&[]));
    assert_eq!(
        shown(&found, |i| library(&i.library_path)),
        ["/usr/share/vulkan/icd.d/b.json [default $XDG_DATA_DIRS] \
          no: `/usr/share/vulkan/icd.d/b.json` is not a regular file; \
          by /usr/share/vulkan/icd.d/b.json -> a.json"]
    );
}
