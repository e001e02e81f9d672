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
    }
}

/// Whether the compiler that links has the unwinder as an archive: it prints where that is, else only its name.
fn has_archive() -> bool {
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let answer = Command::new(compiler).arg("-print-file-name=libgcc_eh.a").output();
    answer.is_ok_and(|answer| Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute())
}
