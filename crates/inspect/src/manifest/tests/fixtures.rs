use super::*;
use crate::manifest::{egl, opencl, openxr, vulkan};
use plan::Tuple;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../fixtures/manifest/", $name))
    };
}

#[test]
fn drivers() {
    for (raw, want, api) in [
        (
            &fixture!("debian-11/intel_icd.x86_64.json")[..],
            "/usr/lib/x86_64-linux-gnu/libvulkan_intel.so",
            "1.2.145",
        ),
        (
            fixture!("debian-12/radeon_icd.x86_64.json"),
            "/usr/lib/x86_64-linux-gnu/libvulkan_radeon.so",
            "1.3.230",
        ),
        (
            fixture!("debian-12/lvp_icd.i686.json"),
            "/usr/lib/i386-linux-gnu/libvulkan_lvp.so",
            "1.1.230",
        ),
        (fixture!("debian-13/radeon_icd.json"), "soname libvulkan_radeon.so", "1.4.305"),
        (fixture!("debian-13/virtio_icd.json"), "soname libvulkan_virtio.so", "1.3.305"),
        (fixture!("nvidia-like/nvidia_icd.json"), "soname libGLX_nvidia.so.0", "1.4.303"),
    ] {
        let icd = vulkan::parse_icd(raw, &literally).unwrap();
        assert_eq!((library(&icd.library_path).as_str(), icd.api_version.as_str()), (want, api));
        assert_eq!((icd.is_portability_driver, icd.library_arch), (false, None));
    }
}

#[test]
fn layers() {
    for (raw, want) in [
        (
            &fixture!("debian-12/VkLayer_MESA_device_select.json")[..],
            &[("VK_LAYER_MESA_device_select", "soname libVkLayer_MESA_device_select.so")][..],
        ),
        (
            fixture!("debian-12/VkLayer_MESA_overlay.json"),
            &[("VK_LAYER_MESA_overlay", "soname libVkLayer_MESA_overlay.so")],
        ),
        (
            fixture!("debian-12/VkLayer_khronos_validation.json"),
            &[("VK_LAYER_KHRONOS_validation", "soname libVkLayer_khronos_validation.so")],
        ),
        (
            fixture!("debian-11/MangoHud.json"),
            &[("VK_LAYER_MANGOHUD_overlay", "/usr/$LIB/mangohud/libMangoHud.so")],
        ),
        (
            fixture!("debian-12/MangoHud.json"),
            &[("VK_LAYER_MANGOHUD_overlay", "/usr/$LIB/mangohud/libMangoHud.so")],
        ),
        (
            fixture!("debian-12/vkBasalt.json"),
            &[("VK_LAYER_VKBASALT_post_processing", "/usr/$LIB/vkbasalt/libvkbasalt.so")],
        ),
        (
            fixture!("debian-12/primus_vk.json"),
            &[("VK_LAYER_PRIMUS_PrimusVK", "soname libprimus_vk.so.1")],
        ),
        (
            fixture!("steam-like/steamoverlay_x86_64.json"),
            &[(
                "VK_LAYER_VALVE_steam_overlay_64",
                "/home/user/.local/share/Steam/ubuntu12_64/steamoverlayvulkanlayer.so",
            )],
        ),
        (
            fixture!("nvidia-like/nvidia_layers.json"),
            &[
                ("VK_LAYER_NV_optimus", "soname libGLX_nvidia.so.0"),
                ("VK_LAYER_NV_present", "soname libnvidia-present.so.570.86.16"),
            ],
        ),
    ] {
        let mut notes = vec![];
        let layers = vulkan::parse_layers(raw, &literally, &mut notes).unwrap();
        let got: Vec<_> = layers
            .iter()
            .map(|l| (l.name.as_str(), library(l.library_path.as_ref().unwrap())))
            .collect();
        let got: Vec<_> = got.iter().map(|(n, l)| (*n, l.as_str())).collect();
        assert_eq!(got, want);
        assert_eq!(notes, []);
        for layer in &layers {
            let again = layer.rewritten("/o/x.so", Tuple::X86_64);
            let again = vulkan::parse_layers(&again, &literally, &mut notes).unwrap();
            assert_eq!(again[0].name, layer.name);
            assert_eq!(again[0].library_arch.as_deref(), Some("64"));
        }
    }
}

#[test]
fn the_validation_layer_keeps_what_the_loader_reads() {
    let raw = fixture!("debian-12/VkLayer_khronos_validation.json");
    let layer = &vulkan::parse_layers(raw, &literally, &mut vec![]).unwrap()[0];
    let written = layer.rewritten("/o/x.so", Tuple::X86_64);
    let value: serde_json::Value = serde_json::from_slice(&written).unwrap();
    let layer = &value["layer"];
    assert_eq!(layer["instance_extensions"].as_array().unwrap().len(), 3);
    let marker = &layer["device_extensions"][0];
    assert_eq!(marker["name"], "VK_EXT_debug_marker");
    assert!(marker["entrypoints"].as_array().unwrap().len() > 1);
    assert!(layer.get("features").is_none() && layer.get("introduction").is_none());
}

#[test]
fn egl_files() {
    for (raw, want) in [
        (&fixture!("debian-13/50_mesa.json")[..], "soname libEGL_mesa.so.0"),
        (fixture!("debian-12/10_nvidia_wayland.json"), "soname libnvidia-egl-wayland.so.1"),
        (fixture!("nvidia-like/10_nvidia.json"), "soname libEGL_nvidia.so.0"),
        (fixture!("nvidia-like/15_nvidia_gbm.json"), "soname libnvidia-egl-gbm.so.1"),
    ] {
        assert_eq!(library(&egl::parse_icd(raw, &literally).unwrap().library_path), want);
    }
}

#[test]
fn openxr_files() {
    let monado = fixture!("debian-13/openxr_monado.json");
    let monado = openxr::parse_runtime(monado, &literally).unwrap();
    assert_eq!(monado.name.as_deref(), Some("Monado"));
    assert_eq!(library(&monado.library_path), "soname libopenxr_monado.so");
    let steam = fixture!("steam-like/steamxr_linux64.json");
    let steam = openxr::parse_runtime(steam, &literally).unwrap();
    assert_eq!(library(&steam.library_path), "soname bin/linux64/vrclient.so");
    let dump = fixture!("debian-12/XrApiLayer_api_dump.x86_64-linux-gnu.json");
    let dump = openxr::parse_layer(dump, LayerKind::Explicit, &literally).unwrap();
    assert_eq!(dump.name, "XR_APILAYER_LUNARG_api_dump");
}

#[test]
fn opencl_files() {
    for (raw, want) in [
        (&fixture!("debian-12/mesa.icd")[..], "soname libMesaOpenCL.so.1"),
        (fixture!("debian-12/rusticl.icd"), "soname libRusticlOpenCL.so.1"),
        (fixture!("debian-12/pocl.icd"), "soname libpocl.so.2.10.0"),
        (fixture!("debian-12/intel.icd"), "/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so"),
    ] {
        assert_eq!(library(&opencl::parse_vendor(raw, &literally).unwrap().library_path), want);
    }
}
