//! The command line as a whole: global flags, the list of commands, and the two things clap does not do by itself
//! (a trailing `-h` is help; a usage error can be JSON and has the command's own exit code).

mod generated;
mod help;
mod meant;
mod pointers;
mod wrong;

use std::ffi::OsString;
use std::mem::ManuallyDrop;

use clap::{Args, CommandFactory, FromArgMatches, Parser};

use crate::args;
use crate::commands::{COMMANDS, Command, complete};
use crate::error::Failure;
use crate::exit::Exit;

/// See, size and safely clear PostgreSQL connections
#[derive(Debug, Parser)]
#[command(
    name = "pgconn",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    arg_required_else_help = true,
    max_term_width = 100,
    subcommand_value_name = "COMMAND"
)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// Where to connect.
    #[command(flatten)]
    pub(crate) connection: args::Connection,
    /// How to write the result.
    #[command(flatten)]
    pub(crate) output: args::OutputArgs,
    /// Print help, as -h at the end of a line does
    #[arg(short = '?', long, global = true, action = clap::ArgAction::Help, help_heading = "Help")]
    pub(crate) help: Option<bool>,
    /// Print the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = "Help")]
    pub(crate) version: Option<bool>,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// A run.
    Run(Box<Cli>),
    /// A text such as help or the version, for stdout, or for stderr with an exit code when it was not asked for.
    Text(String, Exit),
}

/// Reads the command line.
///
/// `columns` tells how wide the screen for help is.
///
/// # Errors
/// A usage error, with the exit code that this command's users expect (`check` and `ping` have their own).
pub(crate) fn read(argv: Vec<OsString>, columns: fn() -> Option<usize>) -> Result<Asked, Failure> {
    if argv.get(1).is_some_and(|word| word == complete::ASKED) {
        return Ok(Asked::Run(Box::new(completing(argv)?)));
    }
    let argv = help_at_the_end(argv);
    if let [_, only] = argv.as_slice()
        && (only == "--version" || only == "-V")
    {
        return Ok(Asked::Text(concat!("pgconn ", env!("CARGO_PKG_VERSION"), "\n").into(), Exit::Done));
    }
    let read = parsed_alone(&argv).unwrap_or_else(|| parsed(command(), &argv));
    let error = match read {
        Ok(cli) if cli.globals.output.watch.is_some() => {
            let stray = wrong::stray_interval(&argv, command);
            return stray.map_or_else(|| Ok(Asked::Run(Box::new(cli))), Err);
        }
        Ok(cli) => return Ok(Asked::Run(Box::new(cli))),
        Err(error) => error,
    };
    use clap::error::ErrorKind;
    let width = || columns().unwrap_or(80).clamp(40, 100);
    if let Some(text) = help::topic(command(), &argv, width()) {
        return Ok(Asked::Text(text, Exit::Done));
    }
    match error.kind() {
        ErrorKind::DisplayVersion => Ok(Asked::Text(error.render().ansi().to_string(), Exit::Done)),
        ErrorKind::DisplayHelp => Ok(Asked::Text(help_text(&argv, error, width()), Exit::Done)),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Ok(Asked::Text(help_text(&argv, error, width()), wrong::usage_exit(&argv, &command())))
        }
        _ => Err(wrong::usage_error(&error, &argv, &command())),
    }
}

/// The run that answers a shell: whatever stands behind the word that asks is a line that is not finished, and no flag of ours.
fn completing(argv: Vec<OsString>) -> Result<Cli, Failure> {
    let nothing = program().try_get_matches_from(argv.iter().take(1));
    let globals = nothing.and_then(|mut nothing| Globals::from_arg_matches_mut(&mut nothing));
    let mut globals = globals.map_err(|error| Failure::failed(error.to_string()))?;
    globals.output.quiet = true;
    Ok(Cli { globals, command: Command::Complete(complete::Args(argv.into_iter().skip(2).collect())) })
}

fn parsed(command: clap::Command, argv: &[OsString]) -> Result<Cli, clap::Error> {
    command.try_get_matches_from(argv).and_then(|mut typed| Cli::from_arg_matches_mut(&mut typed))
}

/// Reads a right command line that begins with a command's name, as if there were no other command and every flag were
/// that command's own; nothing when it is not right so. Making every command's flags, and copying every global flag into
/// each, costs more than all the rest of a start.
fn parsed_alone(argv: &[OsString]) -> Option<Result<Cli, clap::Error>> {
    let entry = argv.get(1).and_then(|word| COMMANDS.iter().find(|entry| word == entry.name))?;
    let flags = argv.iter().take(1).chain(argv.iter().skip(2));
    // What is read ends with the program, and to take its flags apart costs as much as to log in.
    let mut command = ManuallyDrop::new((entry.with_flags)(program()));
    let mut typed = command.try_get_matches_from_mut(flags).ok()?;
    let mut cli = || {
        let globals = Globals::from_arg_matches_mut(&mut typed)?;
        Ok(Cli { globals, command: (entry.read)(&mut typed)? })
    };
    Some(cli())
}

/// The program with its global flags, and no command.
fn program() -> clap::Command {
    let program = clap::Command::new("pgconn").version(env!("CARGO_PKG_VERSION"));
    Globals::augment_args(program.disable_help_flag(true).disable_version_flag(true))
}

/// The help that `argv` asks for, long for `--help` alone; it is dressed only now, because a run does not need it.
fn help_text(argv: &[OsString], plain: clap::Error, width: usize) -> String {
    let is_long = argv.iter().take_while(|word| *word != "--").any(|word| word == "--help");
    let dressed = if is_long { help::dressed_long(command()) } else { help::dressed(command(), width) };
    let error = parsed(dressed, argv).err().unwrap_or(plain);
    format!("{}\n", error.render().ansi().to_string().trim_end())
}

/// The whole command line as clap sees it, for help, completions and man pages.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// True when the command line, right or wrong, asks for JSON: then errors are JSON, too.
pub(crate) fn wants_json(argv: &[OsString]) -> bool {
    argv.iter().take_while(|word| *word != "--").any(|word| word == "--json")
        || wants_format(argv, "json")
        || wants_format(argv, "ndjson")
}

/// True when the command line, right or wrong, asks for this format by name.
pub(crate) fn wants_format(argv: &[OsString], format: &str) -> bool {
    let words: Vec<&str> =
        argv.iter().take_while(|word| *word != "--").filter_map(|word| word.to_str()).collect();
    let attached = |word: &&str| {
        ["-F", "--format="].iter().any(|flag| word.strip_prefix(flag).is_some_and(|value| value == format))
    };
    words.iter().any(attached)
        || words.windows(2).any(|pair| matches!(pair, ["-F" | "--format", value] if *value == format))
}

/// `-h` is the host; at the very end, where no host can follow, it is help, as everywhere else.
fn help_at_the_end(mut argv: Vec<OsString>) -> Vec<OsString> {
    let has_command = argv.iter().any(|word| word == "--");
    if let Some(last) = argv.last_mut()
        && last == "-h"
        && !has_command
    {
        *last = "-?".into();
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(argv: Vec<OsString>) -> Result<Asked, Failure> {
        super::read(argv, || None)
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn a_command_read_alone_is_the_same_as_among_all() {
        for entry in COMMANDS {
            (entry.with_flags)(program()).debug_assert();
            for (_, line) in entry.manual.examples {
                let argv: Vec<OsString> =
                    line.split(' ').map(|word| word.trim_matches('\'').into()).collect();
                let alone = parsed_alone(&argv);
                assert_eq!(alone.is_some(), argv[1] == entry.name, "{line}");
                if let Some(alone) = alone {
                    assert_eq!(format!("{alone:?}"), format!("{:?}", parsed(command(), &argv)), "{line}");
                }
            }
        }
        assert!(parsed_alone(&words("pgconn -d stats ls")).is_none(), "a value that is a command's name");
        assert!(parsed_alone(&words("pgconn sessions")).is_none(), "an alias");
    }

    #[test]
    fn h_is_the_host_except_at_the_end() {
        assert!(
            matches!(read(words("pgconn -h db1 stats")), Ok(Asked::Run(cli)) if cli.globals.connection.host.is_some())
        );
        assert!(matches!(read(words("pgconn stats -h")), Ok(Asked::Text(_, Exit::Done))));
        assert!(matches!(read(words("pgconn -h")), Ok(Asked::Text(_, Exit::Done))));
    }

    #[test]
    fn the_version_is_the_same_alone_and_among_flags() {
        let text = |line| match read(words(line)) {
            Ok(Asked::Text(text, Exit::Done)) => text,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(text("pgconn --version"), text("pgconn --quiet --version"));
        assert_eq!(text("pgconn -V"), text("pgconn --version --quiet"));
    }

    #[test]
    fn a_wrong_flag_is_answered_with_what_it_may_have_meant() {
        let hint = |line: &str| read(words(line)).unwrap_err().hint.unwrap_or_default();
        assert_eq!(hint("pgconn ls --watch 5s"), "write --watch=5s");
        assert_eq!(
            hint("pgconn stats --sort age"),
            "stats has the largest group first; ls and top have --sort"
        );
        assert_eq!(hint("pgconn stats --prot 5433"), "did you mean --port?");
        for line in ["pgconn ls --databse shop", "pgconn kill --database=shop"] {
            assert!(hint(line).starts_with("--db selects sessions"), "{line}: {}", hint(line));
        }
    }

    #[test]
    fn a_wrong_command_is_answered_with_the_nearest_if_one_is_near() {
        let hint = |line: &str| read(words(line)).unwrap_err().hint.unwrap_or_default();
        for (typed, meant) in
            [("terminat", "terminate"), ("blocker", "blockers"), ("pooler clinets", "clients")]
        {
            assert_eq!(hint(&format!("pgconn {typed}")), format!("did you mean {meant}?"), "{typed}");
        }
        // Short ones may be the name of a database.
        assert_eq!(
            hint("pgconn klil"),
            "did you mean kill? to connect to a database, write -d: pgconn stats -d klil"
        );
        assert!(hint("pgconn frobnicate").starts_with("pgconn --help lists the commands"));
    }

    #[test]
    fn a_typing_error_never_pages() {
        let exit = |line: &str| read(words(line)).unwrap_err().exit;
        for line in ["stats --nope", "kill --db check --nope", "terminate --app ping --nope", "doctor --nope"]
        {
            assert_eq!(exit(&format!("pgconn {line}")), Exit::Usage, "{line}");
        }
        for line in ["check --nope", "-p 1 ping --nope", "doctor --exit-code --nope"] {
            assert_eq!(exit(&format!("pgconn {line}")), Exit::Code(3), "{line}");
        }
    }

    #[test]
    fn json_is_recognised_in_a_wrong_command_line() {
        assert!(wants_json(&words("pgconn stats --nope -F json")));
        assert!(!wants_json(&words("pgconn demo -- --json")));
    }
}
