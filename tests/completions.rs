//! Completion in the shells that it is for: what a person gets who presses the key.

mod live;

use super::common::server::kept_folder;
use super::common::{Outcome, Pgconn, Terminal};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// A shell, with the program on its path.
fn shell(program: &str, arguments: &[&str]) -> Pgconn {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    assert!(found, "the tests need {program}: run ./dev test, which finds or installs it");
    let own = Path::new(env!("CARGO_BIN_EXE_pgconn")).parent().unwrap().to_owned();
    let path = std::env::join_paths([own].into_iter().chain(std::env::split_paths(&path))).unwrap();
    // fish writes to its home whatever it is told; as root it would make one
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    Pgconn::of(program, arguments).env("PATH", path).env("HOME", HOME.get_or_init(|| kept_folder("home")))
}

/// What bash offers at the end of a line.
fn bash(line: &str) -> Vec<String> {
    let commands = format!(
        "source {}; COMP_LINE=$LINE; COMP_POINT=${{#LINE}}; COMP_TYPE=9; COMP_WORDS=($LINE); \
         COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _pgconn; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script("pgconn.bash").display()
    );
    let outcome = shell("bash", &["--norc", "-c", &commands]).env("LINE", line).run().success();
    outcome.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What fish offers at the end of a line.
fn fish(line: &str) -> Vec<String> {
    let commands = format!("source {}; complete -C \"$LINE\"", script("pgconn.fish").display());
    let offered = shell("fish", &["--no-config", "-c", &commands]).env("LINE", line).run().success();
    assert_eq!(offered.stderr, "");
    offered.stdout.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

/// An interactive shell in which Ctrl-G shows the line as the editor holds it, and empties it.
fn interactive(name: &str, surroundings: impl Fn(Pgconn) -> Pgconn) -> Terminal {
    let (arguments, set_up): (&[&str], _) = match name {
        "zsh" => (
            &["-f", "-i"],
            format!(
                "autoload -U compinit; compinit -u -D; source {}; show() {{ print -r -- \"<$BUFFER>\"; BUFFER=; }}; \
                 zle -N show; bindkey '^G' show; print loaded-$((1+1))\n",
                script("_pgconn").display()
            ),
        ),
        _ => (
            &["--norc", "-i"],
            format!(
                "bind 'set enable-bracketed-paste off'; source {}; \
                 show() {{ printf '<%s>\\n' \"$READLINE_LINE\"; READLINE_LINE=; READLINE_POINT=0; }}; \
                 bind -x '\"\\C-g\": show'; echo loaded-$((1+1))\n",
                script("pgconn.bash").display()
            ),
        ),
    };
    let mut terminal = surroundings(shell(name, arguments)).env("PS1", "ready> ").on_terminal();
    terminal.wait_for("ready> ");
    terminal.type_keys(&set_up);
    terminal.wait_for("loaded-2");
    terminal
}

/// Types each line with its tab, and expects what it becomes.
fn typed_becomes(terminal: &mut Terminal, lines: &[(&str, &str)]) {
    for (typed, completed) in lines {
        terminal.type_keys(typed);
        terminal.type_keys("\u{7}");
        terminal.wait_for(completed);
    }
}

/// Lines that every shell completes in the same way.
const LINES: [(&str, &str); 8] = [
    ("pgconn sta\t", "<pgconn stats"),
    ("pgconn ls --xact\t", "<pgconn ls --xact-for"),
    ("pgconn ls --state act\t", "<pgconn ls --state active"),
    ("pgconn ls --state idle,wai\t", "<pgconn ls --state idle,waiting"),
    ("pgconn stats --format=nd\t", "<pgconn stats --format=ndjson"),
    ("pgconn schema er\t", "<pgconn schema error"),
    ("pgconn timeout set 5s --kind idle-s\t", "<pgconn timeout set 5s --kind idle-session"),
    ("pgconn demo -- bloc\t", "<pgconn demo -- blockers"),
];

#[test]
fn bash_completes_commands_flags_and_values() {
    assert_eq!(bash("pgconn sta"), ["stats"]);
    assert_eq!(bash("pgconn ls --xact"), ["--xact-for"]);
    assert_eq!(bash("pgconn ls --state i"), ["idle", "idle-in-transaction"]);
    assert_eq!(bash("pgconn ls --state "), ["active", "idle", "idle-in-transaction", "aborted", "waiting"]);
    assert_eq!(bash("pgconn ls --state '!i"), ["!idle", "!idle-in-transaction"]);
    assert_eq!(bash("pgconn stats -F nd"), ["ndjson"]);
    assert_eq!(bash("pgconn stats --format=nd"), ["ndjson"], "what stands before = is bash's own affair");
    assert_eq!(bash("pgconn schema er"), ["error"]);
    assert_eq!(bash("pgconn completions z"), ["zsh"]);
    assert_eq!(bash("pgconn check id"), ["idle-xact"]);
    assert_eq!(bash("pgconn check --warning lo"), ["long-query=", "long-xact="]);
    assert_eq!(bash("pgconn doctor --ignore tl"), ["tls"]);
    assert_eq!(bash("pgconn size --mode t"), ["transaction"]);
    assert_eq!(bash("pgconn help f"), ["flags", "filters"]);
    assert_eq!(bash("pgconn man timeout "), ["set", "reset"]);
    let mut terminal = interactive("bash", |shell| shell);
    typed_becomes(&mut terminal, &LINES);
    terminal.type_keys("exit 0\n");
    let _ = terminal.finish().success();
}

#[test]
fn fish_completes_commands_flags_and_values() {
    assert_eq!(fish("pgconn sta"), ["stats"]);
    assert_eq!(fish("pgconn ls --xact"), ["--xact-for"]);
    assert_eq!(fish("pgconn ls --state i"), ["idle", "idle-in-transaction"]);
    assert_eq!(fish("pgconn stats --format nd"), ["ndjson"]);
    assert_eq!(fish("pgconn stats --format=nd"), ["--format=ndjson"]);
    assert_eq!(fish("pgconn schema er"), ["error"]);
    assert_eq!(fish("pgconn ls --state idle,wai"), ["idle,waiting"]);
    assert_eq!(fish("pgconn demo -- bloc"), ["blockers"]);
}

#[test]
fn zsh_completes_commands_flags_and_values() {
    let checked = shell("zsh", &["-f", "-n", script("_pgconn").to_str().unwrap()]).run().success();
    assert_eq!(checked.stderr, "");
    let mut terminal = interactive("zsh", |shell| shell);
    typed_becomes(&mut terminal, &LINES);
    terminal.type_keys("exit 0\n");
    let _ = terminal.finish().success();
}

/// A folder with a file of this name.
fn folder_with(name: &str) -> PathBuf {
    let folder = kept_folder("completed");
    std::fs::write(folder.join(name), "").unwrap();
    folder
}

#[test]
fn files_are_offered_where_a_file_is_meant_and_nowhere_else() {
    let folder = folder_with("only file here");
    let at = format!("{}/onl", folder.display());
    assert_eq!(bash(&format!("pgconn ls -o {at}")), [format!("{}/only file here", folder.display())]);
    assert_eq!(
        fish(&format!("pgconn ls --output={at}")),
        [format!("--output={}/only file here", folder.display())]
    );
    assert!(bash(&format!("pgconn completions bash > {at}"))[0].ends_with("/only file here"));
    let at_nothing = |shell: Pgconn| shell.dir(&folder).env("PGHOST", "/nonexistent");
    for shell in ["bash", "zsh"] {
        let mut terminal = interactive(shell, at_nothing);
        typed_becomes(
            &mut terminal,
            &[
                ("pgconn ls -o onl\t", "<pgconn ls -o only\\ file\\ here"),
                ("pgconn ls -d onl\t", "<pgconn ls -d onl>"),
                ("pgconn kill \t", "<pgconn kill >"),
                ("pgconn ls --query onl\t", "<pgconn ls --query onl>"),
                ("pgconn ls --limit \t", "<pgconn ls --limit >"),
                ("pgconn completions bash > onl\t", "<pgconn completions bash > only\\ file\\ here"),
            ],
        );
        terminal.type_keys("exit 0\n");
        let _ = terminal.finish().success();
    }
    for line in
        ["pgconn ls -d onl", "pgconn kill onl", "pgconn ls --query onl", "pgconn top onl", "pgconn onl"]
    {
        let commands = format!("source {}; complete -C \"$LINE\"", script("pgconn.fish").display());
        let run =
            at_nothing(shell("fish", &["--no-config", "-c", &commands])).env("LINE", line).run().success();
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""), "{line}");
    }
}

#[test]
fn behind_two_dashes_stands_a_command_of_ones_own() {
    let commands = format!(
        "source {}; complete -c mine -l parents; complete -C 'pgconn drain --db shop -- mine --par'",
        script("pgconn.fish").display()
    );
    let offered = shell("fish", &["--no-config", "-c", &commands]).run().success();
    assert_eq!(offered.stdout, "--parents\n");
    assert!(fish("pgconn drain --db shop -- base6").contains(&"base64".to_owned()));
    assert!(bash("pgconn drain --db shop -- base6").contains(&"base64".to_owned()));
    let mut terminal = interactive("zsh", |shell| shell);
    typed_becomes(&mut terminal, &[("pgconn pooler pause a -- base6\t", "<pgconn pooler pause a -- base64")]);
    terminal.type_keys("exit 0\n");
    let _ = terminal.finish().success();
}

#[test]
fn what_is_refused_is_not_offered() {
    for offered in [bash("pgconn kill --us"), fish("pgconn kill --us")] {
        assert_eq!(offered, ["--username"]);
    }
    for file in ["_pgconn.ps1", "pgconn.elv"] {
        let text = std::fs::read_to_string(script(file)).unwrap();
        assert!(text.contains("--username") && !text.contains("--user "), "{file}");
        assert!(!text.contains("Refused with a hint"), "{file}");
    }
    // A flag that cannot be repeated is offered once.
    assert_eq!(bash("pgconn ls --limit 5 --li"), [""; 0]);
    assert_eq!(bash("pgconn ls --db a --db"), ["--db", "--dbname"]);
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

/// The program as somebody runs it who may not write to the folders of everybody's zsh.
fn by_a_user(arguments: &[&str], home: &Path) -> Pgconn {
    let owner = |path: &Path| fs::metadata(path).unwrap().uid();
    if owner(Path::new("/proc/self")) != 0 {
        return Pgconn::new(arguments).env("HOME", home);
    }
    let built = Path::new(env!("CARGO_BIN_EXE_pgconn"));
    let may_pass = |folder: &Path| fs::metadata(folder).unwrap().mode() & 0o001 != 0;
    let program = if built.ancestors().all(may_pass) { built.to_owned() } else { home.join("pgconn") };
    // Another process copies it: a program that a test has open to write cannot be run, and what another test starts meanwhile has
    // it open, too.
    if !program.exists() {
        let copied = Command::new("cp").args([built, &program]).status().unwrap();
        assert!(copied.success(), "{}", program.display());
    }
    Pgconn::of(program.to_str().unwrap(), arguments).env("HOME", home).by_user(owner(home))
}

/// Where zsh does not look there yet, it is said what makes it, and not that shells complete from now on.
#[test]
fn what_zsh_has_to_be_told_for_it_to_complete_makes_it_complete() {
    let home = kept_folder("installed_elsewhere");
    let start_file = home.join(".zshrc");
    let completes = || {
        // Nothing that others have installed on this machine; whose folders these are is no matter here.
        let without = "fpath=(${fpath:#*site-functions}); compaudit() { return 0 }";
        fs::write(home.join(".zshenv"), format!("{without}\nskip_global_compinit=1\n")).unwrap();
        let _ = fs::remove_file(home.join(".zcompdump"));
        let zsh = shell("zsh", &["-i", "-c", "print -r \"<$_comps[pgconn]>\""]).env("HOME", &home);
        zsh.env_remove("ZDOTDIR").run().stdout.contains("<_pgconn>")
    };
    for before in ["", "autoload -Uz compinit; compinit -u\n"] {
        fs::write(&start_file, before).unwrap();
        assert!(!completes(), "{before}");
        let install = by_a_user(&["completions", "zsh", "--install"], &home).run().success();
        assert!(install.stderr.contains("/.zfunc/_pgconn; no shell reads it yet"), "{install}");
        let (_, hint) = install.stderr.split_once(".zshrc says").unwrap();
        let (place, lines) = hint.trim_end().split_once(": ").unwrap();
        let says = if place.is_empty() { format!("{before}{lines}\n") } else { format!("{lines}\n{before}") };
        fs::write(&start_file, says).unwrap();
        assert!(completes(), "{before}{install}");
        let again = by_a_user(&["completions", "zsh", "--install"], &home).run().success();
        assert!(again.stderr.contains("from now on") && !again.stderr.contains("hint: "), "{again}");
    }
}

#[test]
fn a_script_is_installed_where_its_shell_looks() {
    let home = kept_folder("installed");
    let functions = home.join("functions");
    std::fs::create_dir_all(&functions).unwrap();
    let install = |shell: &str| -> Outcome {
        let run = Pgconn::new(&["completions", shell, "--install"]).env("HOME", &home);
        run.env("FPATH", &functions).run().success()
    };
    let surroundings = |program: &str, arguments: &[&str]| shell(program, arguments).env("HOME", &home);
    for (name, path) in [
        ("bash", ".local/share/bash-completion/completions/pgconn"),
        ("fish", ".config/fish/completions/pgconn.fish"),
        ("zsh", "functions/_pgconn"),
    ] {
        let outcome = install(name);
        let path = home.join(path);
        assert!(outcome.stderr.contains(&format!("wrote {}", path.display())), "{outcome}");
        assert_eq!(outcome.stdout, "");
        let printed = Pgconn::new(&["completions", name]).run().success().stdout;
        assert!(std::fs::read_to_string(&path).unwrap() == printed, "{name}");
    }
    // Fish finds it by itself.
    let found = surroundings("fish", &["-c", "complete -C 'pgconn sta'"]).run().success();
    assert!(found.stdout.starts_with("stats"), "{found}");
    let found =
        surroundings("zsh", &["-f", "-c", "autoload -U compinit; compinit -u -D; print $_comps[pgconn]"]);
    let found = found
        .env("FPATH", format!("{}:/usr/share/zsh/functions/Completion", functions.display()))
        .env_remove("ZDOTDIR");
    let found = found.run();
    assert!(found.stdout.contains("_pgconn") || found.stderr.contains("compinit"), "{found}");
    let bare = Pgconn::new(&["completions", "elvish", "--install"]).env("HOME", &home).run().fails_with(2);
    assert!(bare.stderr.contains("print the script"), "{bare}");
    let twice =
        Pgconn::new(&["completions", "bash", "--install", "-o", "x"]).env("HOME", &home).run().fails_with(2);
    assert!(twice.stderr.contains("so does -o"), "{twice}");
}
