//! `pgconn completions`: the script that makes a shell complete commands, flags and values.

use std::fmt::Write as _;

use anyhow::Result;
use clap_complete::{Shell, generate};

use super::Context;
use super::manual::{Group, Manual};
use crate::exit::Exit;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Utility,
    &[
        ("For this bash only", "pgconn completions bash"),
        (
            "For every zsh of this user, when ~/.zfunc is in $fpath",
            "pgconn completions zsh -o ~/.zfunc/_pgconn",
        ),
        ("For fish", "pgconn completions fish -o ~/.config/fish/completions/pgconn.fish"),
    ],
)
.offline();

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell to complete in
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &Args, context: &mut Context) -> Result<Exit> {
    let script = script(args.shell, (context.program)());
    context.write(|out| out.write_all(&script))?;
    Ok(Exit::Done)
}

/// The script for `shell`.
pub(crate) fn script(shell: Shell, program: clap::Command) -> Vec<u8> {
    // `?` is a pattern to fish and zsh; --help is completed.
    let mut program = program.mut_arg("help", |help| help.short(None));
    let mut script = Vec::new();
    generate(shell, &mut program, "pgconn", &mut script);
    if shell == Shell::Fish {
        script.extend(fish_positions(&program));
    }
    script
}

/// What clap_complete leaves out for fish: the values of arguments that have no flag.
fn fish_positions(program: &clap::Command) -> Vec<u8> {
    let mut lines = String::new();
    for command in program.get_subcommands() {
        for position in command.get_positionals() {
            let values: Vec<_> =
                position.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
            if !values.is_empty() {
                let name = command.get_name();
                let _ = writeln!(
                    lines,
                    "complete -c pgconn -n \"__fish_pgconn_using_subcommand {name}\" -f -a \"{}\"",
                    values.join(" ")
                );
            }
        }
    }
    lines.into_bytes()
}
