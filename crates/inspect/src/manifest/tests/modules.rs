use super::*;
use crate::linker::{Linker, Options};
use crate::manifest::modules::{self, Api};
use plan::Tuple;
use testkit::ElfBuilder;

fn elf(tuple: Tuple) -> Item {
    file(ElfBuilder::shared(tuple).build())
}

fn loader(tuple: Tuple, name: &str) -> Item {
    file(ElfBuilder::shared(tuple).soname(name).build())
}

/// What a scan finds: directories, modules with the file that they are, what is rejected.
fn scan(sample: &Sample, tuple: Tuple, api: Api, variables: &[(&str, &str)]) -> Vec<String> {
    let root = sample.root();
    let linker = Linker::new(&root, tuple, Options::default()).unwrap();
    let scan = modules::scan(&root, &linker, &sample.env(variables), api);
    let directories = scan.directories.iter().map(|d| format!("{} [{}]", d.path, d.origin));
    let modules = scan.modules.iter().map(|m| format!("{} = {}", m.path, m.file.path));
    let rejected = scan.rejected.iter().map(|(p, w)| format!("{p}: {w}"));
    directories.chain(modules).chain(rejected).collect()
}

#[test]
fn every_name_of_a_driver_stays() {
    use Tuple::{I386, X86_64};
    let sample = Sample::new([
        ("/usr/lib64/libGLX_mesa.so.0", loader(X86_64, "libGLX_mesa.so.0")),
        ("/usr/lib64/dri/iris_dri.so", elf(X86_64)),
        ("/usr/lib64/dri/swrast_dri.so", Item::Hard("/usr/lib64/dri/iris_dri.so")),
        ("/usr/lib64/dri/zink_dri.so", Item::Link("iris_dri.so")),
        ("/usr/lib64/dri/gone_dri.so", Item::Link("nowhere")),
        ("/usr/lib64/dri/old_dri.so", elf(I386)),
        ("/usr/lib64/dri/run_dri.so", file(ElfBuilder::program(X86_64).build())),
        ("/usr/lib64/dri/text_dri.so", file("text")),
        ("/usr/lib64/dri/iris_drv_video.so", elf(X86_64)),
        ("/usr/lib64/xorg/modules/dri/slack_dri.so", elf(X86_64)),
    ]);
    let dri = "/usr/lib64/dri";
    assert_eq!(
        scan(&sample, X86_64, Api::Dri, &[]),
        [
            format!("{dri} [beside libGLX_mesa.so.0]"),
            "/usr/lib64/xorg/modules/dri [beside libGLX_mesa.so.0]".into(),
            format!("{dri}/iris_dri.so = {dri}/iris_dri.so"),
            format!("{dri}/swrast_dri.so = {dri}/swrast_dri.so"),
            format!("{dri}/zink_dri.so = {dri}/iris_dri.so"),
            "/usr/lib64/xorg/modules/dri/slack_dri.so = /usr/lib64/xorg/modules/dri/slack_dri.so"
                .into(),
            format!(
                "{dri}/gone_dri.so: `{dri}/gone_dri.so` does not exist; \
                 by {dri}/gone_dri.so -> nowhere"
            ),
            format!("{dri}/old_dri.so: it is for i386-linux-gnu, not for x86_64-linux-gnu"),
            format!("{dri}/run_dri.so: it is not a shared object"),
            format!("{dri}/text_dri.so: not an ELF file"),
        ]
    );
    // The loader of the other architecture is not there.
    assert_eq!(scan(&sample, I386, Api::Dri, &[]), [""; 0]);
}

#[test]
fn a_variable_replaces_the_search() {
    let t = Tuple::X86_64;
    let sample = Sample::new([
        ("/usr/lib64/libgbm.so.1", loader(t, "libgbm.so.1")),
        ("/usr/lib64/gbm/dri_gbm.so", elf(t)),
        ("/a/x_gbm.so", elf(t)),
        ("/b/x_gbm.so", elf(t)),
        ("/c", Item::Link("/b")),
    ]);
    for (variables, want) in [
        (
            &[][..],
            &[
                "/usr/lib64/gbm [beside libgbm.so.1]",
                "/usr/lib64/gbm/dri_gbm.so = /usr/lib64/gbm/dri_gbm.so",
            ][..],
        ),
        (
            &[("GBM_BACKENDS_PATH", "/a:/missing:/b:/c")],
            &[
                "/a [$GBM_BACKENDS_PATH]",
                "/b [$GBM_BACKENDS_PATH]",
                "/a/x_gbm.so = /a/x_gbm.so",
                "/b/x_gbm.so = /b/x_gbm.so",
            ],
        ),
        (&[("GBM_BACKENDS_PATH", "")], &[]),
    ] {
        assert_eq!(scan(&sample, t, Api::Gbm, variables), want, "{variables:?}");
    }
}

#[test]
fn va_api_has_fedoras_directories_and_a_quirk() {
    let t = Tuple::X86_64;
    let sample = Sample::new([
        ("/usr/lib64/libva.so.2", loader(t, "libva.so.2")),
        ("/usr/lib64/dri/radeonsi_drv_video.so", elf(t)),
        ("/usr/lib64/dri-freeworld/radeonsi_drv_video.so", elf(t)),
        ("/usr/lib64/dri/nvidia_drv_video.so", elf(t)),
    ]);
    assert_eq!(
        scan(&sample, t, Api::VaApi, &[])[2..],
        [
            "/usr/lib64/dri-freeworld/radeonsi_drv_video.so \
             = /usr/lib64/dri-freeworld/radeonsi_drv_video.so",
            "/usr/lib64/dri/radeonsi_drv_video.so = /usr/lib64/dri/radeonsi_drv_video.so",
            "/usr/lib64/dri/nvidia_drv_video.so: \
             nvidia-vaapi-driver is left out, as pressure-vessel has done since 0.20230718",
        ]
    );
}

#[test]
fn vdpau_also_takes_what_the_linker_finds() {
    let t = Tuple::X86_64;
    let sample = Sample::new([
        ("/usr/lib64/libvdpau.so.1", loader(t, "libvdpau.so.1")),
        ("/usr/lib64/vdpau/libvdpau_r600.so.1.0", elf(t)),
        ("/usr/lib64/vdpau/libvdpau_r600.so.1", Item::Link("libvdpau_r600.so.1.0")),
        ("/usr/lib64/libvdpau_nvidia.so", elf(t)),
        ("/usr/lib64/libvdpau_mine.so", elf(t)),
        ("/extra/libvdpau_extra.so", elf(t)),
        ("/only:one/libvdpau_only.so", elf(t)),
    ]);
    let found =
        scan(&sample, t, Api::Vdpau, &[("LD_LIBRARY_PATH", "/extra:"), ("VDPAU_DRIVER", "mine")]);
    let vdpau = "/usr/lib64/vdpau";
    for want in [
        format!("{vdpau}/libvdpau_r600.so.1 = {vdpau}/libvdpau_r600.so.1.0"),
        "/extra/libvdpau_extra.so = /extra/libvdpau_extra.so".into(),
        "/usr/lib64/libvdpau_nvidia.so = /usr/lib64/libvdpau_nvidia.so".into(),
        "/usr/lib64/libvdpau_mine.so = /usr/lib64/libvdpau_mine.so".into(),
    ] {
        assert_eq!(found.iter().filter(|f| **f == want).count(), 1, "{want} in {found:#?}");
    }
    // One path, which may have a colon.
    assert_eq!(
        scan(&sample, t, Api::Vdpau, &[("VDPAU_DRIVER_PATH", "/only:one")]),
        [
            "/only:one [$VDPAU_DRIVER_PATH]",
            "/only:one/libvdpau_only.so = /only:one/libvdpau_only.so",
        ]
    );
}

#[test]
fn diverted_loaders_have_their_modules_outside() {
    let t = Tuple::X86_64;
    let sample = Sample::new([
        ("/usr/lib/x86_64-linux-gnu/mesa/libGL.so.1", loader(t, "libGL.so.1")),
        ("/usr/lib64/libGL.so.1", Item::Link("/usr/lib/x86_64-linux-gnu/mesa/libGL.so.1")),
        ("/usr/lib/x86_64-linux-gnu/dri/r300_dri.so", elf(t)),
    ]);
    let dri = "/usr/lib/x86_64-linux-gnu/dri";
    assert_eq!(
        scan(&sample, t, Api::Dri, &[]),
        [format!("{dri} [beside libGL.so.1]"), format!("{dri}/r300_dri.so = {dri}/r300_dri.so"),]
    );
}

#[test]
fn flatpaks_modules_are_in_extensions() {
    let t = Tuple::I386;
    let sample = Sample::new([
        ("/.flatpak-info", file("")),
        ("/usr/lib/i386-linux-gnu/GL/lib/dri/iris_dri.so", elf(t)),
        ("/usr/lib/i386-linux-gnu/dri/intel-vaapi-driver/i965_drv_video.so", elf(t)),
    ]);
    let gl = "/usr/lib/i386-linux-gnu/GL/lib/dri";
    assert_eq!(
        scan(&sample, t, Api::Dri, &[]),
        [format!("{gl} [{gl}]"), format!("{gl}/iris_dri.so = {gl}/iris_dri.so")]
    );
    let found = scan(&sample, t, Api::VaApi, &[]);
    assert!(found[3].ends_with("/intel-vaapi-driver/i965_drv_video.so"), "{found:#?}");
}

#[test]
fn paths_with_tokens_are_expanded_for_an_architecture() {
    let sample = Sample::new([("/usr/lib64/libGL.so.1", loader(Tuple::X86_64, "libGL.so.1"))]);
    let root = sample.root();
    let linker = Linker::new(&root, Tuple::X86_64, Options::default()).unwrap();
    let lib = linker.origin_lib();
    let dynamic = |text: &str| LibraryPath::Dynamic(text.into());
    let origin = RootPath::literal("/usr/lib64");
    for (path, origin, want) in [
        (dynamic("/usr/$LIB/x.so"), None, vec![format!("/usr/{lib}/x.so")]),
        (dynamic("/a/$ORIGIN/x.so"), None, vec![]),
        (dynamic("${ORIGIN}/x/../x.so"), Some(&origin), vec![]),
        (dynamic("${ORIGIN}/x.so"), Some(&origin), vec!["/usr/lib64/x.so".into()]),
        (
            dynamic("/p/${PLATFORM}/x.so"),
            None,
            Tuple::X86_64.platforms().iter().map(|p| format!("/p/{p}/x.so")).collect(),
        ),
        (LibraryPath::Soname("x.so".into()), None, vec![]),
        (LibraryPath::Absolute(RootPath::literal("/x.so")), None, vec!["/x.so".into()]),
    ] {
        let got: Vec<_> = path.paths(&linker, origin).iter().map(ToString::to_string).collect();
        assert_eq!(got, want, "{path:?}");
    }
}
