//! Completion scripts in the shells they are for.

use super::common::server::kept_folder;
use super::common::{Outcome, Pgconn};
use std::path::PathBuf;
use std::sync::OnceLock;

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

fn shell(program: &str, arguments: &[&str]) -> Outcome {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(found, "the tests need {program}: run ./dev test, which finds or installs it");
    // fish writes to its home whatever it is told; as root it would make one
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    Pgconn::of(program, arguments).env("HOME", HOME.get_or_init(|| kept_folder("home"))).run().success()
}

/// What bash offers for the last of `words`.
fn bash(words: &str) -> Vec<String> {
    let commands = format!(
        "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         _pgconn pgconn \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script("pgconn.bash").display()
    );
    shell("bash", &["--norc", "-c", &commands]).stdout.lines().map(str::to_owned).collect()
}

/// What fish offers for an unfinished line.
fn fish(line: &str) -> Vec<String> {
    let commands = format!("source {}; complete -C \"{line}\"", script("pgconn.fish").display());
    let offered = shell("fish", &["--no-config", "-c", &commands]).stdout;
    offered.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    assert_eq!(bash("pgconn sta"), ["stats"]);
    assert_eq!(bash("pgconn ls --xact"), ["--xact-for"]);
    assert_eq!(bash("pgconn ls --state i"), ["idle", "idle-in-transaction"]);
    assert_eq!(bash("pgconn ls --state ''"), ["active", "idle", "idle-in-transaction", "aborted", "waiting"]);
    assert_eq!(bash("pgconn stats -F nd"), ["ndjson"]);
    assert_eq!(bash("pgconn schema er"), ["error"]);
    assert_eq!(bash("pgconn completions z"), ["zsh"]);
}

#[test]
fn fish_completes_commands_flags_and_values() {
    assert_eq!(fish("pgconn sta"), ["stats"]);
    assert_eq!(fish("pgconn ls --xact"), ["--xact-for"]);
    assert_eq!(fish("pgconn ls --state i"), ["idle", "idle-in-transaction"]);
    assert_eq!(fish("pgconn stats --format nd"), ["ndjson"]);
    assert_eq!(fish("pgconn schema er"), ["error"]);
}

#[test]
fn zsh_completes_commands_flags_and_values() {
    let checked = shell("zsh", &["-f", "-n", script("_pgconn").to_str().unwrap()]);
    assert_eq!(checked.stderr, "");
    let mut terminal = Pgconn::of("zsh", &["-f", "-i"]).env("PS1", "ready> ").on_terminal();
    terminal.wait_for("ready> ");
    // Ctrl-G shows the line as the editor holds it, and empties it.
    let set_up = format!(
        "autoload -U compinit; compinit -u -D; source {}; show() {{ print -r -- \"<$BUFFER>\"; BUFFER=; }}; \
         zle -N show; bindkey '^G' show; print loaded-$((1+1))\n",
        script("_pgconn").display()
    );
    terminal.type_keys(&set_up);
    terminal.wait_for("loaded-2");
    for (typed, completed) in [
        ("pgconn sta\t", "<pgconn stats"),
        ("pgconn ls --xact\t", "<pgconn ls --xact-for"),
        ("pgconn ls --state act\t", "<pgconn ls --state active"),
        ("pgconn stats --format nd\t", "<pgconn stats --format ndjson"),
        ("pgconn schema er\t", "<pgconn schema error"),
    ] {
        terminal.type_keys(typed);
        terminal.type_keys("\u{7}");
        terminal.wait_for(completed);
    }
    terminal.type_keys("exit 0\n");
    let _ = terminal.finish().success();
}

#[test]
fn the_program_prints_the_committed_scripts() {
    for (shell, file) in [
        ("bash", "pgconn.bash"),
        ("zsh", "_pgconn"),
        ("fish", "pgconn.fish"),
        ("powershell", "_pgconn.ps1"),
        ("elvish", "pgconn.elv"),
    ] {
        let printed = Pgconn::new(&["completions", shell]).run().success().stdout;
        assert!(printed == std::fs::read_to_string(script(file)).unwrap(), "{file}: run ./dev bless");
    }
    let outcome = Pgconn::new(&["completions", "bahs"]).run().fails_with(2);
    assert!(outcome.stderr.contains("did you mean bash?"), "{outcome}");
}
