//! What the linker is told, where a compiler of this machine links for it: half of what a run costs is the loading of the
//! program, so that is kept small. Elsewhere the program is linked as usual, and is as good.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if unwinds_by_archive() {
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

/// A value of `cfg` of the target: OS, ENV.
fn target(part: &str) -> String {
    env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default()
}

fn is_native() -> bool {
    env::var("HOST").ok() == env::var("TARGET").ok()
}

/// Whether the unwinder becomes part of the program.
fn unwinds_by_archive() -> bool {
    is_native() && target("OS") == "linux" && target("ENV") == "gnu" && has_archive()
}

/// What makes a program smaller that never unwinds, by an eighth: its tables for that are left out, and functions that came out equal
/// are one. And what makes a run take less of it: what a look has no part in stands behind the rest, for the kernel maps what is near.
/// Where the linker that rustc uses for this target knows it, which a program of nothing shows.
fn smaller() -> Option<Vec<String>> {
    const NO_TABLES: &str = "/DISCARD/ : { *(.eh_frame) *(.eh_frame_hdr) *(.gcc_except_table*) }";
    // What is compiled for each type that it handles: of those that come out equal one is left, whatever type that is named after.
    const SHARED: &str = ".text.shared : { *(.text*drop_in_place* .text*7raw_vec* .text*9to_string*) }";
    // Without tables GNU's unwinder ends the program when somebody asks for a backtrace, as every error does under RUST_BACKTRACE=1.
    // The question where a function begins has the same form, and the answer that nobody knows.
    const NO_BACKTRACE: &str = "--defsym=_Unwind_Backtrace=_Unwind_FindEnclosingFunction";
    let folder = env::var_os("OUT_DIR")?;
    let [script, source] = ["layout.ld", "nothing.rs"].map(|name| Path::new(&folder).join(name));
    let apart = format!(".text.apart : {{ {} }}", apart().join(" "));
    std::fs::write(&script, format!("SECTIONS {{ {NO_TABLES} {SHARED} {apart} }} INSERT AFTER .text;\n"))
        .ok()?;
    std::fs::write(&source, "fn main() { drop(std::backtrace::Backtrace::force_capture()) }\n").ok()?;
    let options = [
        &format!("-T{}", script.to_str()?),
        "--no-eh-frame-hdr",
        "--icf=all",
        "-zseparate-code",
        NO_BACKTRACE,
    ];
    // Through a compiler, or to the linker itself; an unwinder that is a library keeps its own tables, and cannot be renamed.
    let ways =
        ["-Wl,", ""].into_iter().flat_map(|through| [(through, &options[..]), (through, &options[..4])]);
    ways.into_iter().find_map(|(through, options)| {
        let arguments: Vec<String> = options.iter().map(|option| format!("{through}{option}")).collect();
        links(&source, &arguments)?.then_some(arguments)
    })
}

/// The sections of functions that a look has no part in, as patterns for the linker: TLS, the faces and the acts, tables, help, and what
/// prints a backtrace. One that is missing here, or is called after all, costs memory and nothing else.
fn apart() -> Vec<String> {
    const CRATES: &str = "rustls tokio_rustls webpki ring rustls_pki_types rustls_native_certs hyper hyper_util http httparse bcrypt \
        blowfish toml toml_parser toml_datetime winnow ratatui_core clap_complete clap_mangen roff gimli addr2line miniz_oxide \
        rustc_demangle sha2 base64 md5 comfy_table hashbrown anyhow humantime unicode_segmentation serde_core::de serde::private \
        serde_json::de serde_json::value clap_builder::output clap_builder::error core::slice::sort core::num::flt2dec core::fmt::float \
        std::sys::process";
    const MODULES: &str = "act cluster live poolconf screen serve terminal analyze::blocking analyze::closable analyze::health \
        analyze::metrics analyze::plan analyze::pooler analyze::settings analyze::sizing args::filter_line cli::help cli::wrong \
        commands::act commands::blockers commands::bounded commands::check commands::complete commands::completions \
        commands::conninfo commands::demo commands::doctor commands::drain commands::listing commands::ls commands::man \
        commands::metrics commands::ping commands::pooler commands::serve commands::show commands::size commands::targets \
        commands::timeout commands::top commands::watch_output conninfo::targets conninfo::uri db::act db::aftermath db::blocking \
        db::completion db::console db::exporter db::fence db::health db::monitor db::one_session db::parts db::ping \
        db::pooler_words db::practice db::read_waits db::screen db::settings db::text_store db::wait_queue db::waited_locks \
        model::practice model::session render::prometheus render::prose render::table render::text render::tsv";
    let crates = CRATES.split_whitespace().map(str::to_owned);
    let modules = MODULES.split_whitespace().map(|module| format!("pgconn::{module}"));
    // A path as it stands in the name of a symbol: as parts with their lengths, or within the name of an implementation ($LT$ring..rsa).
    let mangled = |path: String| {
        let parts: String = path.split("::").map(|part| format!("{}{part}", part.len())).collect();
        format!("*(.text*{parts}* .text*${}..*)", path.replace("::", ".."))
    };
    crates.chain(modules).map(mangled).collect()
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
    if unwinds_by_archive() {
        rustc.arg("-lstatic=gcc_eh");
    }
    rustc.args(arguments.iter().map(|argument| format!("-Clink-arg={argument}")));
    let linked = rustc.output().is_ok_and(|output| output.status.success());
    Some(linked && (!is_native() || Command::new(&program).status().is_ok_and(|status| status.success())))
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
