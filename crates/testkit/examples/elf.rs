//! Writes a file of every architecture to the directory given, to be looked at with `readelf`.

use testkit::ElfBuilder;

fn main() -> std::io::Result<()> {
    let directory = std::path::PathBuf::from(std::env::args_os().nth(1).unwrap_or(".".into()));
    for &tuple in plan::Tuple::ALL {
        let library = ElfBuilder::shared(tuple)
            .soname("libx.so.1")
            .needed("libc.so.6")
            .runpath("$ORIGIN/../x")
            .requires("libc.so.6", &["GLIBC_2.2.5", "GLIBC_2.34"])
            .requires("libm.so.6", &["GLIBC_2.29"])
            .symbol("first@@X_1")
            .symbol("second@@X_2")
            .symbol("plain")
            .build_id(&[0xab; 20])
            .no_default_lib();
        std::fs::write(directory.join(format!("lib-{tuple}.so")), library.build())?;
        let program = ElfBuilder::program(tuple).needed("libx.so.1").rpath("/r").build();
        std::fs::write(directory.join(format!("program-{tuple}")), program)?;
    }
    Ok(())
}
