use super::*;
use crate::emulator::image::Format;
use crate::mountinfo;
use plan::{ByteString, HostPath, RootPath};
use rootfs::What;
use testkit::TreeBuilder;

/// The root of a table, with `{R}` in variables standing for nothing: paths are those of the root.
fn root_of(table: &str) -> (TreeBuilder, Root) {
    let tree = TreeBuilder::new().unwrap().table("usr/").unwrap().table(table).unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    (tree, root)
}

fn env(variables: &[(&str, &str)]) -> Environment {
    let mut env = Environment::new(variables.iter().copied());
    env.working_directory = Some(RootPath::literal("/work"));
    env
}

const HOME: (&str, &str) = ("HOME", "/home/u");

#[test]
fn user_directories() {
    const BOTH: &str = "home/u/.fex-emu/\nx/.fex-emu/\nx/fex-emu/";
    for (table, variables, config, data) in [
        ("", &[][..], None, None),
        ("", &[HOME], Some("/home/u/.config/fex-emu"), Some("/home/u/.local/share/fex-emu")),
        ("home/u/.fex-emu/", &[HOME], Some("/home/u/.fex-emu"), Some("/home/u/.fex-emu")),
        (
            BOTH,
            &[HOME, ("XDG_CONFIG_HOME", "/x")],
            Some("/home/u/.fex-emu"),
            Some("/home/u/.fex-emu"),
        ),
        (
            "",
            &[HOME, ("XDG_CONFIG_HOME", "/x"), ("XDG_DATA_HOME", "/y")],
            Some("/x/fex-emu"),
            Some("/y/fex-emu"),
        ),
        // The place of 2502, with nothing at that of 2608.
        (
            "x/.fex-emu/",
            &[HOME, ("XDG_CONFIG_HOME", "/x")],
            Some("/x/.fex-emu"),
            Some("/home/u/.local/share/fex-emu"),
        ),
        (
            "",
            &[HOME, ("FEX_APP_CONFIG_LOCATION", "/c/"), ("FEX_APP_DATA_LOCATION", "/d")],
            Some("/c"),
            Some("/d"),
        ),
        (
            BOTH,
            &[HOME, ("FEX_APP_CONFIG_LOCATION", "/c/"), ("FEX_APP_DATA_LOCATION", "/d")],
            Some("/c"),
            Some("/home/u/.fex-emu"),
        ),
    ] {
        let (_tree, root) = root_of(table);
        let got = Places::of(&root, &env(variables));
        let shown = |path: Option<RootPath>| path.map(|p| p.to_string());
        let want = (config.map(String::from), data.map(String::from));
        assert_eq!((shown(got.config), shown(got.data)), want, "{table} {variables:?}");
    }
}

#[test]
fn stronger_layers_win() {
    // Each of them says its own name; the environment is the strongest.
    let say = |name: &str| format!(r#"{{"Config":{{"RootFS":"{name}","TSOEnabled":1}}}}"#);
    let layers = [
        ("usr/share/fex-emu/Config.json", "system"),
        ("home/u/.config/fex-emu/Config.json", "user"),
        ("usr/share/fex-emu/AppConfig/game.json", "system-app"),
        ("home/u/.config/fex-emu/AppConfig/game.json", "user-app"),
        ("launcher.json", "launcher"),
    ];
    for strongest in 0..layers.len() {
        let table: Vec<_> =
            layers[..=strongest].iter().map(|(p, n)| format!("{p} = {}", say(n))).collect();
        let (_tree, root) = root_of(&table.join("\n"));
        let variables = env(&[HOME, ("FEX_APP_CONFIG", "/launcher.json")]);
        let got = config(&root, &variables, Some("game".as_ref()));
        let rootfs = got.rootfs.unwrap();
        assert_eq!(rootfs.value.to_string(), layers[strongest].1);
        assert_eq!(rootfs.origin, format!("/{}", layers[strongest].0));
        assert_eq!(got.files.len(), strongest + 1);
        let variables = env(&[HOME, ("FEX_ROOTFS", "")]);
        let got = config(&root, &variables, Some("game".as_ref())).rootfs.unwrap();
        assert_eq!((got.value.to_string(), got.origin), (String::new(), "$FEX_ROOTFS".into()));
    }
}

#[test]
fn broken_files_say_nothing_and_are_told() {
    let (_tree, root) = root_of(
        "usr/share/fex-emu/Config.json = {\"Config\":{\"RootFS\":\"a\"}}
         home/u/.config/fex-emu/Config.json = {\"Config\":",
    );
    let got = config(&root, &env(&[HOME]), None);
    assert_eq!(got.rootfs.unwrap().value.to_string(), "a");
    let [(path, Error::Syntax(why))] = &got.unreadable[..] else { panic!("{:?}", got.unreadable) };
    assert_eq!(path.to_string(), "/home/u/.config/fex-emu/Config.json");
    assert!(why.starts_with("EOF"), "{why}");
    for other in ["[]", "3", "{\"Config\":[]}", "{\"Config\":{\"RootFS\":{}}}"] {
        assert_eq!(parse(other.as_bytes()).unwrap_or_default(), File::default(), "{other}");
    }
}

#[test]
fn a_rootfs_is_found_where_fex_looks() {
    let erofs = [&[b'x'; 1024][..], &[0xe2, 0xe1, 0xf5, 0xe0]].concat();
    let (tree, _) = root_of(
        "rootfs/usr/
         link -> rootfs
         work/here/
         home/u/mine/
         home/u/.local/share/fex-emu/RootFS/Debian/
         home/u/.config/fex-emu/RootFS/Old/
         home/u/.config/fex-emu/RootFS/Both/
         home/u/.local/share/fex-emu/RootFS/Both/
         usr/share/fex-emu/RootFS/Both/
         home/u/.local/share/fex-emu/RootFS/U.sqsh = hsqs...
         home/u/.local/share/fex-emu/RootFS/fake.sqsh = text
         home/u/.local/share/fex-emu/RootFS/text = text",
    );
    let tree = tree.file("usr/share/fex-emu/RootFS/default.erofs", &erofs).unwrap();
    let root = Root::open(HostPath::new(tree.path()).unwrap()).unwrap();
    let data = "/home/u/.local/share/fex-emu/RootFS";
    for (value, want, what) in [
        ("/rootfs", "/rootfs", Some(What::Directory)),
        ("/link/../rootfs/", "/rootfs", Some(What::Directory)),
        ("/link", "/rootfs", Some(What::Directory)),
        ("~/mine", "/home/u/mine", Some(What::Directory)),
        ("here", "/work/here", Some(What::Directory)),
        ("Debian", &format!("{data}/Debian"), Some(What::Directory)),
        ("Old", "/home/u/.config/fex-emu/RootFS/Old", Some(What::Directory)),
        ("Both", "/home/u/.config/fex-emu/RootFS/Both", Some(What::Directory)),
        ("U.sqsh", &format!("{data}/U.sqsh"), Some(What::Image(Format::Squashfs))),
        (
            "default.erofs",
            "/usr/share/fex-emu/RootFS/default.erofs",
            Some(What::Image(Format::Erofs)),
        ),
        ("fake.sqsh", "named like a squashfs image and is none", None),
        ("text", "it is neither a directory nor a squashfs or erofs image", None),
        ("/gone", "it does not exist", None),
        ("", "", None),
    ] {
        let env = env(&[HOME, ("FEX_ROOTFS", value)]);
        let got = super::rootfs(&root, &env, &config(&root, &env, None)).unwrap();
        match &got.found {
            Some((found, kind)) => {
                assert_eq!((found.path.to_string().as_str(), Some(*kind)), (want, what), "{value}");
            }
            None => {
                assert_eq!(what, None, "{value}: {got:?}");
                let said = |c: &Candidate| c.why_not.as_ref().is_some_and(|w| w.contains(want));
                assert!(value.is_empty() || got.candidates.iter().any(said), "{value}: {got:?}");
                assert!(!value.is_empty() || got.candidates.is_empty());
            }
        }
    }
    let without = env(&[HOME]);
    assert_eq!(super::rootfs(&root, &without, &config(&root, &without, None)), None);
}

#[test]
fn thunks_come_from_four_files() {
    let (_tree, root) = root_of(
        r#"usr/share/fex-emu/Config.json = {"ThunksDB":{"GL":1,"Vulkan":0},"Config":{"ThunkHostLibs":"/h","ThunkConfig":"/t.json"}}
           home/u/.config/fex-emu/Config.json = {"ThunksDB":{"Vulkan":1,"drm":"yes"}}
           t.json = {"ThunksDB":{"GL":0,"asound":1}}
           usr/share/fex-emu/ThunksDB.json = {"DB":{"GL":{"Library":"libGL-guest.so","Overlay":["@PREFIX_LIB@/libGL.so.1"]}}}"#,
    );
    let got = config(&root, &env(&[HOME, ("FEX_THUNKGUESTLIBS", "/g")]), None).thunks;
    assert_eq!(got.on().collect::<Vec<_>>(), ["GL", "Vulkan", "asound"]);
    assert_eq!(got.overlays["GL"], ["@PREFIX_LIB@/libGL.so.1"]);
    assert_eq!(got.host_libs.unwrap().value.to_string(), "/h");
    assert_eq!(got.guest_libs.unwrap().origin, "$FEX_THUNKGUESTLIBS");
}

// Lines of a machine with FEX 2608 and of this one, with the numbers changed.
const UNIX: &[u8] = b"Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 19341 @1000.FEXServer.Socket
0000000000000000: 00000003 00000000 00000000 0001 03 19342 @1000.FEXServer.Socket
0000000000000000: 00000002 00000000 00010000 0001 01 19343 /tmp/1000.FEXServer.Socket
0000000000000000: 00000002 00000000 00010000 0001 01 19344 @1001.FEXServer.Socket
0000000000000000: 00000002 00000000 00010000 0001 01 19345 /tmp/x1000.FEXServer.Socket
0000000000000000: 00000002 00000000 00000000 0002 01 19346
";

#[test]
fn sockets_of_servers() {
    let want = |uid| {
        let mut all = vec![Server::Abstract(format!("{uid}.FEXServer.Socket").into())];
        if uid == 1000 {
            all.push(Server::Path("/tmp/1000.FEXServer.Socket".into()));
        }
        all
    };
    assert_eq!(servers(UNIX, 1000), want(1000));
    assert_eq!(servers(UNIX, 1001), want(1001));
    assert_eq!(servers(UNIX, 0), []);
    assert_eq!(servers(b"", 0), []);
}

#[test]
fn mounts_of_servers() {
    let table = b"60 28 0:51 / /run/user/1000/.FEXMount4711-AbCdEf ro,nosuid,nodev - fuse.squashfuse squashfuse ro
61 28 0:52 / /tmp/.FEXMount99-x ro - fuse.erofsfuse erofsfuse ro
62 28 0:53 / /tmp/.FEXMountx-y ro - fuse.erofsfuse erofsfuse ro
63 28 0:54 / /tmp/.FEXMount5-y ro - tmpfs tmpfs ro
";
    let mounts = mountinfo::parse(table).unwrap();
    let words = |line: &str| line.split(' ').map(ByteString::from).collect::<Vec<_>>();
    let mut asked = 0;
    let mut commands = || {
        asked += 1;
        vec![
            words("sh -c /tmp/.FEXMount99-x"),
            words("/usr/bin/squashfuse -f -o ro /i/U.sqsh /run/user/1000/.FEXMount4711-AbCdEf"),
        ]
    };
    let got = served(&mounts, &mut commands);
    let row = |at: &str, server, image: Option<&str>| Served {
        at: HostPath::literal(at),
        server,
        image: image.map(HostPath::literal),
    };
    assert_eq!(
        got,
        [
            row("/run/user/1000/.FEXMount4711-AbCdEf", 4711, Some("/i/U.sqsh")),
            row("/tmp/.FEXMount99-x", 99, None),
        ]
    );
    assert_eq!((served(&[], &mut commands), asked), (vec![], 1));
}
