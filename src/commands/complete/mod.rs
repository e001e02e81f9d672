//! What a shell offers at the cursor: asked by its script with the unfinished line, answered in lines. It never asks anybody
//! anything, never says why it knows nothing, and is done within half a second.

mod bash;
mod line;
mod live;
mod values;

use std::env;
use std::ffi::OsString;

use anyhow::Result;
use clap::Command;

use super::Context;
use crate::exit::Exit;
use crate::render::text;
use line::{Line, Spot};
use values::Candidate;

/// The word by which the scripts ask.
pub(crate) const ASKED: &str = "__complete";

/// What stands before the name of a file that the shell opens.
const REDIRECTIONS: [&str; 5] = [">", ">>", "2>", "2>>", "<"];

/// The words at the cursor, as zsh and fish have them, with [`BETWEEN`] between them. The line stands in the environment, as bash
/// hands it to programs (`$COMP_LINE`), and not among the arguments, which everybody can see: there may be a password in it.
const WORDS: &str = "PGCONN_WORDS";
/// What stands between two words.
const BETWEEN: char = '\u{1e}';

/// The question of a script: which shell it is.
#[derive(Debug)]
pub(crate) struct Args(pub(crate) Vec<OsString>);

/// What can stand at the cursor.
enum Offer {
    /// These.
    Values(Vec<Candidate>),
    /// The name of a file.
    Files,
    /// The name of a folder.
    Folders,
    /// The command line that begins at this word, counted with the program as 0, is another program's.
    Command(usize),
}

/// The line in words, and how the shell takes an answer.
struct Question {
    shell: Shell,
    /// The program first; the last is the one at the cursor.
    words: Vec<String>,
}

enum Shell {
    Bash(bash::Reading),
    /// Zsh and fish, which quote for themselves.
    Quoting,
}

/// Answers.
///
/// # Errors
/// When nobody takes the answer.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let Some(question) = args.0.first().and_then(|shell| Question::of(shell.to_str()?)) else {
        return Ok(Exit::Done);
    };
    let mut program = (context.program)();
    program.build();
    let typed = question.words.get(1..).unwrap_or_default();
    let (offer, before, typed) = match typed {
        // Where the shell leaves that to us.
        [.., sign, file] if REDIRECTIONS.contains(&sign.as_str()) => {
            (Offer::Files, String::new(), file.clone())
        }
        words => offer(&program, words, 1, Some(context)).await,
    };
    let answer = question.shell.answer(offer, &before, &typed);
    context.write(|out| out.write_all(answer.as_bytes()))?;
    Ok(Exit::Done)
}

impl Question {
    /// What the script of this shell has put into the environment.
    fn of(shell: &str) -> Option<Self> {
        let variable = |name| Some(env::var_os(name)?.to_string_lossy().into_owned());
        if shell == "bash" {
            let point = variable("COMP_POINT")?.parse().ok()?;
            let (listing, breaks) = (variable("COMP_TYPE")?, variable("COMP_WORDBREAKS")?);
            let reading = bash::Reading::of(&variable("COMP_LINE")?, point, &listing, &breaks);
            return Some(Self { words: reading.words().to_vec(), shell: Shell::Bash(reading) });
        }
        let mut words: Vec<String> = variable(WORDS)?.split(BETWEEN).map(str::to_owned).collect();
        if let Some(last) = words.last_mut().filter(|_| shell == "fish") {
            *last = bash::unquoted(last);
        }
        Some(Self { words, shell: Shell::Quoting })
    }
}

/// What can stand at the cursor of `words`, the first of which is the `first` of the line; with what stands before it in its word,
/// and what of it is there.
async fn offer(
    program: &Command,
    words: &[String],
    first: usize,
    context: Option<&Context>,
) -> (Offer, String, String) {
    let line = Line::read(program, words);
    if let Spot::Behind(at) = line.spot {
        // What demo runs is a command of ours, on a server that is not there yet.
        if line.path() == ["demo"] {
            let rest = words.get(at..).unwrap_or_default();
            return Box::pin(offer(program, rest, first + at, None)).await;
        }
        let runs = line.command().get_positionals().any(clap::Arg::is_last_set);
        let offer = if runs { Offer::Command(first + at) } else { Offer::Values(Vec::new()) };
        return (offer, String::new(), line.typed);
    }
    let offer = match values::of(&line) {
        values::Source::Known(values) => Offer::Values(values),
        values::Source::Files => Offer::Files,
        values::Source::Folders => Offer::Folders,
        values::Source::Live(live) => Offer::Values(match context {
            Some(context) => live::values(live, &line, context).await,
            None => Vec::new(),
        }),
    };
    let offer = match offer {
        Offer::Values(values) => Offer::Values(fitting(values, &line)),
        other => other,
    };
    (offer, line.before, line.typed)
}

/// Those that go on from what was typed, as whole words. What could do something to a terminal is left out.
fn fitting(values: Vec<Candidate>, line: &Line<'_>) -> Vec<Candidate> {
    let harmless = |text: &str| !text.is_empty() && text::visible(text) == text;
    let values =
        values.into_iter().filter(|value| value.word.starts_with(&line.typed) && harmless(&value.word));
    let whole = values.map(|value| Candidate {
        word: format!("{}{}", line.before, value.word),
        note: text::sanitize(&value.note).into_owned(),
    });
    whole.collect()
}

impl Shell {
    /// The answer in lines: what kind it is, then what there is, with a tab before what it is.
    fn answer(&self, offer: Offer, before: &str, typed: &str) -> String {
        match offer {
            Offer::Files => format!("files\n{before}\n{typed}\n"),
            Offer::Folders => format!("folders\n{before}\n{typed}\n"),
            Offer::Command(at) => format!("command\n{at}\n"),
            Offer::Values(values) => {
                let lines: Vec<String> = match self {
                    Self::Bash(reading) => reading.replies(&values),
                    Self::Quoting => {
                        values.iter().map(|value| format!("{}\t{}", value.word, value.note)).collect()
                    }
                };
                lines.into_iter().fold("values\n".to_owned(), |answer, line| answer + &line + "\n")
            }
        }
    }
}
