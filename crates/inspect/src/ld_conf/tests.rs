use super::*;
use crate::root::Root;
use plan::HostPath;
use testkit::TreeBuilder;

#[test]
fn lines() {
    let directory = |text: &str| Line::Directory(text.into());
    let include = |text: &str| Line::Include(text.into());
    for (text, want) in [
        ("# Multiarch\n/usr/lib # here\n\n", vec![directory("/usr/lib")]),
        ("include /etc/ld.so.conf.d/*.conf", vec![include("/etc/ld.so.conf.d/*.conf")]),
        ("include a.conf\tb.conf", vec![include("a.conf"), include("b.conf")]),
        ("  \t/opt/x/// \r\n", vec![directory("/opt/x")]),
        ("/opt/old=libc5\n/", vec![directory("/opt/old"), directory("/")]),
        ("hwcap 0 nosegneg\nincluded", vec![directory("included")]),
        ("/with space/lib", vec![directory("/with space/lib")]),
        ("", vec![]),
    ] {
        assert_eq!(parse(text.as_bytes()), want, "{text:?}");
    }
}

#[test]
fn includes_in_the_order_of_names() {
    let tree = TreeBuilder::new().unwrap();
    let tree = tree
        .table("usr/\netc/ld.so.conf.d/b.conf = /b\netc/ld.so.conf.d/a.conf = /a\netc/x = /x")
        .unwrap();
    let conf =
        b"include ld.so.conf.d/*.conf\n/c\nrelative\n/a/\n/a/../c\ninclude /etc/ld.so.conf\n";
    let tree = tree.file("etc/ld.so.conf", conf).unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let found = directories(&root, &RootPath::literal("/etc/ld.so.conf"));
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    // `/a/../c` cannot be resolved: there is no `/a`.
    assert_eq!(found, ["/a", "/b", "/c"]);
    assert_eq!(directories(&root, &RootPath::literal("/none")), []);
}
