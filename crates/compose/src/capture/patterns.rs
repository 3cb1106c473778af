//! The libraries that are brought from the provider by name, as tables with the reason for each row.
//!
//! Absent ones are no error anywhere: no provider has all of them. The dependencies of each are
//! looked at too. What drivers need beyond this is found from their manifests and directories.

/// How names of a row are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A name that the dynamic linker is asked for.
    Soname,
    /// As `Soname`, and the file's `DT_SONAME` must be the same: a stand-in with another ABI that only
    /// has the name is left alone.
    ExactSoname,
    /// Every name in the provider's cache that matches.
    Glob,
}

/// When the provider's copy is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// When it is not older than the runtime's.
    NotOlder,
    /// Always: it belongs together with drivers of the provider.
    Always,
}

/// Some libraries with the reason why they are brought.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) form: Form,
    pub(crate) when: When,
    pub(crate) names: &'static [&'static str],
    pub(crate) why: &'static str,
}

/// In this order. An earlier row that takes a library makes a later one that would not superfluous.
pub(crate) const ROWS: &[Row] = &[
    Row {
        form: Form::ExactSoname,
        when: When::NotOlder,
        names: &["libudev.so.1", "libudev.so.0"],
        why: "it must understand the host's udev database",
    },
    Row {
        form: Form::ExactSoname,
        when: When::NotOlder,
        names: &["libsystemd.so.0"],
        why: "it shares its version with libudev.so.1",
    },
    Row {
        form: Form::Soname,
        when: When::Always,
        names: &[
            "libEGL.so.1",
            "libGL.so.1",
            "libGLESv1_CM.so.1",
            "libGLESv2.so.2",
            "libGLX.so.0",
            "libGLX_indirect.so.0",
            "libGLdispatch.so.0",
            "libOpenGL.so.0",
            "libgbm.so.1",
            "libglapi.so.0",
        ],
        why: "OpenGL loader of the provider's drivers",
    },
    Row {
        form: Form::Soname,
        when: When::Always,
        names: &["libEGL_mesa.so.0", "libGLX_mesa.so.0"],
        why: "Mesa's OpenGL driver",
    },
    Row {
        form: Form::Glob,
        when: When::Always,
        names: &[
            "libEGL_*.so.*",
            "libGLESv1_CM_*.so.*",
            "libGLESv2_*.so.*",
            "libGLX_*.so.*",
            "libGLdispatch.so.*",
        ],
        why: "OpenGL driver behind libglvnd",
    },
    Row {
        form: Form::Glob,
        when: When::Always,
        names: &[
            "libEGL.so.*",
            "libGL.so.*",
            "libGLESv1_CM.so.*",
            "libGLESv2.so.*",
            "libGLX.so.*",
            "libOpenGL.so.*",
        ],
        why: "OpenGL loader of another ABI version",
    },
    Row {
        form: Form::Soname,
        when: When::NotOlder,
        names: &["libvulkan.so.1"],
        why: "loader of the provider's Vulkan drivers",
    },
    Row {
        form: Form::Soname,
        when: When::NotOlder,
        names: &[
            "libvdpau.so.1",
            "libva.so.1",
            "libva-drm.so.1",
            "libva-glx.so.1",
            "libva-x11.so.1",
            "libva.so.2",
            "libva-drm.so.2",
            "libva-glx.so.2",
            "libva-x11.so.2",
        ],
        why: "loader of the provider's video drivers",
    },
    Row {
        form: Form::Soname,
        when: When::NotOlder,
        names: &[
            "libdrm.so.2",
            "libdrm_amdgpu.so.1",
            "libdrm_etnaviv.so.1",
            "libdrm_freedreno.so.1",
            "libdrm_intel.so.1",
            "libdrm_nouveau.so.2",
            "libdrm_radeon.so.1",
            "libdrm_tegra.so.0",
        ],
        why: "it must know the devices that the provider's drivers know",
    },
    Row {
        form: Form::Soname,
        when: When::Always,
        names: &["libOpenCL.so.1"],
        why: "loader of the provider's OpenCL drivers",
    },
    Row {
        form: Form::Soname,
        when: When::Always,
        names: &[
            "libEGL_nvidia.so.0",
            "libGLESv1_CM_nvidia.so.1",
            "libGLESv2_nvidia.so.2",
            "libGLX_nvidia.so.0",
            "libXNVCtrl.so.0",
            "libcuda.so.1",
            "libcudadebugger.so.1",
            "libnvcuvid.so.1",
            "libnvidia-allocator.so.1",
            "libnvidia-api.so.1",
            "libnvidia-cfg.so.1",
            "libnvidia-egl-gbm.so.1",
            "libnvidia-egl-wayland.so.1",
            "libnvidia-egl-wayland2.so.1",
            "libnvidia-egl-xcb.so.1",
            "libnvidia-egl-xlib.so.1",
            "libnvidia-encode.so.1",
            "libnvidia-fbc.so.1",
            "libnvidia-ifr.so.1",
            "libnvidia-ml.so.1",
            "libnvidia-ngx.so.1",
            "libnvidia-nvvm.so.4",
            "libnvidia-nvvm70.so.4",
            "libnvidia-opencl.so.1",
            "libnvidia-opticalflow.so.1",
            "libnvidia-ptxjitcompiler.so.1",
            "libnvoptix.so.1",
            "libvdpau_nvidia.so.1",
        ],
        why: "NVIDIA's driver, of which all parts must be of one version",
    },
    Row {
        form: Form::Glob,
        when: When::Always,
        names: &[
            "libXNVCtrl.so.*",
            "libcuda.so.*",
            "libcudadebugger.so.*",
            "libglx.so.*",
            "libnvcuvid.so.*",
            "libnvidia-allocator.so.*",
            "libnvidia-api.so.*",
            "libnvidia-cbl.so.*",
            "libnvidia-cfg.so.*",
            "libnvidia-compiler.so.*",
            "libnvidia-egl-*.so.*",
            "libnvidia-eglcore.so.*",
            "libnvidia-encode.so.*",
            "libnvidia-fatbinaryloader.so.*",
            "libnvidia-fbc.so.*",
            "libnvidia-glcore.so.*",
            "libnvidia-glsi.so.*",
            "libnvidia-glvkspirv.so.*",
            "libnvidia-gpucomp.so.*",
            "libnvidia-ifr.so.*",
            "libnvidia-ml.so.*",
            "libnvidia-ngx.so.*",
            "libnvidia-nvvm*.so.*",
            "libnvidia-opencl.so.*",
            "libnvidia-opticalflow.so.*",
            "libnvidia-ptxjitcompiler.so.*",
            "libnvidia-rtcore.so.*",
            "libnvidia-tileiras.so.*",
            "libnvidia-tls.so.*",
            "libnvidia-vulkan-producer.so.*",
            "libnvoptix.so.*",
            "libOpenCL.so.*",
            "libvdpau_nvidia.so.*",
        ],
        why: "part of NVIDIA's driver, loaded by name",
    },
];

/// Parts of NVIDIA's driver that are loaded under the version of the kernel module, and are in no
/// cache because that is not their SONAME: `libnvidia-glcore.so.550.54.14`.
pub(crate) const NVIDIA_VERSIONED: &[&str] = &[
    "libnvidia-eglcore.so",
    "libnvidia-glcore.so",
    "libnvidia-glsi.so",
    "libnvidia-glvkspirv.so",
    "libnvidia-gpucomp.so",
    "libnvidia-rtcore.so",
    "libnvidia-tls.so",
    "libnvidia-vulkan-producer.so",
];

/// Where the kernel says which version of NVIDIA's module is loaded.
pub(crate) const NVIDIA_MODULE_VERSION: &str = "/sys/module/nvidia/version";

/// A library that, once taken, takes others with it.
pub(crate) struct FollowUp {
    pub(crate) taken: &'static str,
    pub(crate) names: &'static [&'static str],
    pub(crate) when: When,
    pub(crate) why: &'static str,
}

/// What is loaded by `dlopen` or must be of the same version, so that no `DT_NEEDED` leads to it.
pub(crate) const FOLLOW_UPS: &[FollowUp] = &[
    FollowUp {
        taken: "libc.so.6",
        names: &["libidn2.so.0"],
        when: When::NotOlder,
        why: "the C library loads it for international domain names",
    },
    FollowUp {
        taken: "libc.so.6",
        names: &["libnss_compat.so.2", "libnss_db.so.2", "libnss_dns.so.2", "libnss_files.so.2"],
        when: When::Always,
        why: "a part of the C library that it loads for look-ups",
    },
    FollowUp {
        taken: "libxkbcommon.so.0",
        names: &["libxkbcommon-x11.so.0"],
        when: When::Always,
        why: "it uses private symbols of libxkbcommon.so.0",
    },
    FollowUp {
        taken: "libcrypto.so.3",
        names: &["libssl.so.3"],
        when: When::Always,
        why: "it is built together with libcrypto.so.3",
    },
];

/// The C library with everything that is built from the same source and must be of the same version.
/// They are decided as one, by `libc.so.6`. The program interpreter belongs to them too.
pub(crate) const C_LIBRARY: &str = "libc.so.6";

/// The rest of the C library's family. `libcrypt.so.1` is a project of its own by now.
pub(crate) const C_LIBRARY_FAMILY: &[&str] = &[
    "libBrokenLocale.so.1",
    "libanl.so.1",
    "libcidn.so.1",
    "libdl.so.2",
    "libm.so.6",
    "libmemusage.so",
    "libmvec.so.1",
    "libnsl.so.1",
    "libpcprofile.so",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libthread_db.so.1",
    "libutil.so.1",
];
