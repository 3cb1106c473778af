use super::*;
use crate::manifest::opencl;

#[test]
fn vendors_are_searched_and_judged() {
    let sample = Sample::new([
        ("/etc/OpenCL/vendors/a.icd", file("libMesaOpenCL.so.1\n")),
        ("/etc/OpenCL/vendors/b.icd", file("/usr/lib/x/libigdrcl.so")),
        ("/etc/OpenCL/vendors/c.icd", file("\n \r\n")),
        ("/etc/OpenCL/vendors/d.icd", file("lib/relative.so")),
        ("/etc/OpenCL/vendors/e.icd", file(b"lib\xff.so")),
        ("/etc/OpenCL/vendors/f.icd", file("libMesaOpenCL.so.1\n")),
        ("/etc/OpenCL/vendors/readme", file("x")),
        ("/mine/one.icd", file("one\r\n")),
    ]);
    let find = |variables: &[(&str, &str)]| {
        let found = opencl::vendors(&sample.root(), &sample.env(variables));
        shown(&found, |v| library(&v.library_path))
    };
    let at = |name: &str, want: &str| {
        format!("/etc/OpenCL/vendors/{name}.icd [/etc/OpenCL/vendors] {want}")
    };
    assert_eq!(
        find(&[("OCL_ICD_VENDORS", "")]),
        [
            at("a", "soname libMesaOpenCL.so.1"),
            at("b", "/usr/lib/x/libigdrcl.so"),
            at("c", "no: `the file` is empty"),
            at("d", "no: its library_path `lib/relative.so` cannot be the path of a library"),
            at("e", "no: its library_path `lib\u{fffd}.so` cannot be the path of a library"),
            at("f", "no: it is the same as /etc/OpenCL/vendors/a.icd"),
        ]
    );
    for (variable, value) in [
        ("OCL_ICD_VENDORS", "/mine"),
        ("OCL_ICD_VENDORS", "/mine/one.icd"),
        ("OPENCL_VENDOR_PATH", "/mine"),
    ] {
        assert_eq!(find(&[(variable, value)]), [format!("/mine/one.icd [${variable}] soname one")]);
    }
}
