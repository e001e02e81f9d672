//! What the linker is told, where a compiler of this machine links for it: half of what a run costs is the loading of the
//! program, so that is kept small. Elsewhere the program is linked as usual, and is as good.

use std::env;
use std::ffi::{OsStr, OsString};
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
    // What is built for release aborts (Cargo.toml).
    if target("OS") == "linux" && env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        for argument in smaller().unwrap_or_default() {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

/// What makes a program smaller that never unwinds, by an eighth: its tables for that are left out, and functions that came out equal
/// are one. Where the linker that rustc uses for this target knows it, which a program of nothing shows.
fn smaller() -> Option<Vec<String>> {
    const NO_TABLES: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) } } INSERT AFTER .text;\n";
    let folder = env::var_os("OUT_DIR")?;
    let [script, source] = ["no_tables.ld", "nothing.rs"].map(|name| Path::new(&folder).join(name));
    std::fs::write(&script, NO_TABLES).ok()?;
    std::fs::write(&source, "fn main() {}\n").ok()?;
    let options = [&format!("-T{}", script.to_str()?), "--no-eh-frame-hdr", "--icf=all", "-zseparate-code"];
    // Through a compiler, or to the linker itself.
    ["-Wl,", ""].into_iter().find_map(|through| {
        let arguments: Vec<String> = options.iter().map(|option| format!("{through}{option}")).collect();
        links(&source, &arguments)?.then_some(arguments)
    })
}

/// Whether rustc makes of `source` a program that runs, when the linker is told this as well.
fn links(source: &Path, arguments: &[String]) -> Option<bool> {
    let program = source.with_extension("");
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    rustc.args(["-C", "panic=abort", "--target", &env::var("TARGET").ok()?, "-o"]).arg(&program).arg(source);
    if let Ok(flags) = env::var("CARGO_ENCODED_RUSTFLAGS") {
        rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg([OsStr::new("linker="), &linker].into_iter().collect::<OsString>());
    }
    rustc.args(arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    let is_native = env::var("HOST").ok() == env::var("TARGET").ok();
    let linked = rustc.output().is_ok_and(|output| output.status.success());
    Some(linked && (!is_native || Command::new(&program).status().is_ok_and(|status| status.success())))
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
