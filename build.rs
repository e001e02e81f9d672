//! What the linker is told, where a compiler of this machine links for it: half of what a run costs is the loading of the
//! program, so that is kept small. Elsewhere the program is linked as usual, and is as good.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |part: &str| env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    let is_native = env::var("HOST").ok() == env::var("TARGET").ok();
    if is_native && target("OS") == "linux" && target("ENV") == "gnu" && has_archive() {
        // The unwinder is of use in a panic alone; as a library (libgcc_s.so.1) it would be opened, mapped and relocated at
        // every start.
        println!("cargo:rustc-link-lib=static=gcc_eh");
        // The kernel maps 64 kB of a file at a time. A program that begins anywhere else than at such a border has up to half
        // a megabyte more of itself in memory.
        println!("cargo:rustc-link-arg-bins=-Wl,-z,max-page-size=65536");
        // What has to be corrected at the start, as a map of bits instead of a list of 24 bytes each.
        if packs_relocations() {
            println!("cargo:rustc-link-arg-bins={PACKED}");
        }
    }
}

const PACKED: &str = "-Wl,-z,pack-relative-relocs";

/// Whether linker and C library of this machine know packed relocations, as binutils does from 2.38 on and glibc from 2.36.
fn packs_relocations() -> bool {
    let Some(folder) = env::var_os("OUT_DIR") else { return false };
    let [source, library] = ["packed.c", "packed.so"].map(|name| Path::new(&folder).join(name));
    let linked = || {
        let mut link = compiler();
        link.args(["-shared", "-nostdlib", PACKED, "-o"]).arg(&library).arg(&source).output()
    };
    const ASKS: &str = "#include <features.h>\n#if !__GLIBC_PREREQ(2, 36)\n#error\n#endif\n";
    std::fs::write(&source, ASKS).is_ok()
        && linked().is_ok_and(|output| output.status.success() && output.stderr.is_empty())
}

fn compiler() -> Command {
    Command::new(env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into()))
}

/// Whether the compiler that links has the unwinder as an archive: it prints where that is, else only its name.
fn has_archive() -> bool {
    let answer = compiler().arg("-print-file-name=libgcc_eh.a").output();
    answer.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute())
}
