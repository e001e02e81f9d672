//! `pgconn completions`: the script that makes a shell complete commands, flags and values, printed, or put where the shell looks.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap_complete::{generate, shells};

use super::Context;
use super::manual::{Group, Manual};
use crate::error::Failure;
use crate::exit::Exit;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("For every bash of this user", "pgconn completions bash --install"),
        ("For fish; a new one completes databases, roles, pids, …", "pgconn completions fish --install"),
        ("For this zsh only, or for a folder of your own", "pgconn completions zsh -o ~/.zfunc/_pgconn"),
    ],
)
.variables(&[
    ("BASH_COMPLETION_USER_DIR, XDG_DATA_HOME", "where bash looks, with --install"),
    ("XDG_CONFIG_HOME", "where fish looks, with --install"),
    ("FPATH, ZDOTDIR", "where zsh looks, with --install, when they are exported"),
])
.offline();

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell to complete in
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
    /// Put it where the shell looks for it
    ///
    /// For bash, fish and zsh, for this user (as root in zsh, for everybody); it says where that is.
    #[arg(long)]
    install: bool,
}

/// The shells there are scripts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    /// bash
    Bash,
    /// Elvish
    Elvish,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
    /// zsh
    Zsh,
}

const BASH: &str = include_str!("../../completions/pgconn.bash");
const ZSH: &str = include_str!("../../completions/_pgconn");
const FISH: &str = include_str!("../../completions/pgconn.fish");

/// Where bash's own collection of completions is, which loads those of users.
const BASH_COMPLETION: [&str; 4] = [
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
    "/etc/bash_completion",
];
/// Where every zsh looks, and Homebrew's: written to by whoever may.
const ZSH_FUNCTIONS: [&str; 2] =
    ["/usr/local/share/zsh/site-functions", "/opt/homebrew/share/zsh/site-functions"];

/// Prints the script, or installs it.
pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit> {
    let script = script(args.shell, (context.program)());
    if !args.install {
        context.write(|out| out.write_all(&script))?;
        return Ok(Exit::Done);
    }
    if context.flags.output.is_some() {
        return Err(Failure::usage("--install says where the script goes, and so does -o")
            .hinted("leave one of them out")
            .into());
    }
    let home = env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let home = home.ok_or_else(|| Failure::failed("there is no home directory to install into"))?;
    let (path, hint) = match args.shell {
        Shell::Bash => install_for_bash(&home, &script)?,
        Shell::Fish => {
            let config = folder_of("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
            (write(&config.join("fish/completions"), "pgconn.fish", &script)?, None)
        }
        Shell::Zsh => install_for_zsh(&home, &script)?,
        Shell::Elvish | Shell::Powershell => {
            return Err(Failure::usage("this shell has no place where it looks for completions")
                .hinted("print the script, and load it in the shell's own start file")
                .into());
        }
    };
    let path = path.display();
    match hint {
        None => context.ui.status(&format!("wrote {path}; shells that start from now on complete pgconn")),
        // What is missing is the user's to add: until then none completes.
        Some(missing) => {
            context.ui.status(&format!("wrote {path}; no shell reads it yet"));
            context.ui.hint(&missing);
        }
    }
    Ok(Exit::Done)
}

fn install_for_bash(home: &Path, script: &[u8]) -> Result<(PathBuf, Option<String>), Failure> {
    let of_user = || {
        let data = folder_of("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
        data.join("bash-completion")
    };
    let listed = env::var_os("BASH_COMPLETION_USER_DIR").unwrap_or_default();
    let folder = env::split_paths(&listed).find(|folder| folder.is_absolute()).unwrap_or_else(of_user);
    let path = write(&folder.join("completions"), "pgconn", script)?;
    let loads_it = BASH_COMPLETION.iter().any(|file| Path::new(file).exists());
    let hint = (!loads_it).then(|| {
        format!(
            "bash loads it by the package bash-completion, which is not here; without it, write into ~/.bashrc: source {}",
            path.display()
        )
    });
    Ok((path, hint))
}

/// Zsh looks into the folders of `$fpath`, which it keeps to itself: those that everybody's has, then those that are exported, then
/// one that has to be added.
fn install_for_zsh(home: &Path, script: &[u8]) -> Result<(PathBuf, Option<String>), Failure> {
    let exported = env::var_os("FPATH").unwrap_or_default();
    let own = env::split_paths(&exported).filter(|folder| folder.starts_with(home));
    let known = own.chain(ZSH_FUNCTIONS.iter().map(PathBuf::from));
    for folder in known.filter(|folder| folder.is_dir()) {
        if let Ok(path) = write(&folder, "_pgconn", script) {
            return Ok((path, None));
        }
    }
    let path = write(&home.join(".zfunc"), "_pgconn", script)?;
    let start_file = folder_of("ZDOTDIR").unwrap_or_else(|| home.to_owned()).join(".zshrc");
    let text = fs::read(&start_file).unwrap_or_default();
    let missing = missing_for_zsh(&String::from_utf8_lossy(&text));
    Ok((path, missing.map(|lines| format!("zsh looks there once {} says{lines}", start_file.display()))))
}

/// What a start file of zsh has yet to say for `~/.zfunc` to be read; none when it does. Who starts completion in a file that this one
/// reads has to name the folder before that. What everybody's start file starts has been started before this one is read.
fn missing_for_zsh(start_file: &str) -> Option<&'static str> {
    let said = |what: &[&str]| {
        let lines = start_file.lines().map(|line| format!(" {}", line.trim_start()));
        lines.filter(|line| !line.starts_with(" #")).any(|line| what.iter().any(|word| line.contains(word)))
    };
    let starts = said(&["compinit", " source ", " . "]);
    match (said(&[".zfunc"]), starts) {
        (true, true) => None,
        (true, false) => Some(", at its end: autoload -Uz compinit; compinit"),
        (false, true) => Some(", before compinit: fpath=(~/.zfunc $fpath)"),
        (false, false) => Some(": fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit"),
    }
}

/// The folder that a variable names.
fn folder_of(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|folder| folder.is_absolute())
}

fn write(folder: &Path, name: &str, script: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(name);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, script));
    let failed = |error: io::Error| Failure::failed(format!("could not write {}: {error}", path.display()));
    written.map_err(failed)?;
    Ok(path)
}

/// The script for `shell`: where a shell can ask the program while somebody types, it does; for the others everything that is known
/// without a server is in the script.
pub(crate) fn script(shell: Shell, program: clap::Command) -> Vec<u8> {
    let mut generated = Vec::new();
    // `?` is a pattern to shells; --help is completed.
    let mut program = program.mut_arg("help", |help| help.short(None));
    match shell {
        Shell::Bash => return BASH.into(),
        Shell::Zsh => return ZSH.into(),
        Shell::Fish => return FISH.into(),
        Shell::Elvish => generate(shells::Elvish, &mut program, "pgconn", &mut generated),
        Shell::Powershell => generate(shells::PowerShell, &mut program, "pgconn", &mut generated),
    }
    // What is only refused with a hint is in these scripts all the same.
    let commands = program.get_subcommands().flat_map(clap::Command::get_arguments);
    let refused: Vec<String> = commands
        .filter(|argument| argument.is_hide_set())
        .filter_map(|argument| argument.get_help().map(ToString::to_string))
        .collect();
    let script = String::from_utf8_lossy(&generated);
    let lines = script.lines().filter(|line| !refused.iter().any(|help| line.contains(help)));
    lines.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_zsh_is_yet_to_be_told_is_what_it_was_not_told() {
        let folder = "fpath=(~/.zfunc $fpath)";
        let both = Some(": fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit");
        for nothing in ["", "setopt autocd\n", "# fpath=(~/.zfunc $fpath)\n  # compinit"] {
            assert_eq!(missing_for_zsh(nothing), both, "{nothing}");
        }
        let before = Some(", before compinit: fpath=(~/.zfunc $fpath)");
        for starts in ["autoload -Uz compinit && compinit", "source $ZSH/oh-my-zsh.sh", ". ~/.zsh/own"] {
            assert_eq!(missing_for_zsh(starts), before, "{starts}");
            assert_eq!(missing_for_zsh(&format!("{folder}\n{starts}")), None, "{starts}");
        }
        assert_eq!(missing_for_zsh(folder), Some(", at its end: autoload -Uz compinit; compinit"));
    }
}
