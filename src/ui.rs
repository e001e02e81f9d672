//! What is said beside the result: warnings, hints and news on stderr. Holds no result and decides nothing.

mod password;

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, IsTerminal, Write};
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};

use crate::conninfo::secrets;
use crate::descriptor;
use crate::error::Failure;
use crate::outlet::Outlet;
use crate::render::text::{sanitize, visible};
use crate::render::{Format, Look, Warning, json, prose, table};
use password::TERMINAL;
pub(crate) use password::{ask_password, leave_terminal};

/// Says one text.
type Say = dyn Fn(&str) + Send + Sync;

/// The channel beside the result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    /// Where it goes; none for stderr itself, by runs that hear no signals.
    outlet: Option<&'static Outlet>,
    /// News are not wanted.
    quiet: bool,
    /// Details are wanted.
    verbose: bool,
    /// Each SQL text is wanted.
    traced: bool,
    /// Colours may be used on stderr.
    color: bool,
    /// The result is JSON: a failure is one JSON line.
    json: bool,
    /// Warnings travel in the result.
    carried: bool,
    /// It goes to the terminal itself, since stderr is none.
    at_terminal: bool,
}

impl Ui {
    /// A channel that speaks as the output flags ask; `watched` when there are several results.
    pub(crate) fn new(quiet: bool, verbose: u8, color: bool, format: Format, watched: bool) -> Self {
        let (json, carried) = (format.is_json(), format.is_document(watched));
        // Nothing is written onto a screen that is drawn on.
        let drawn = watched && format == Format::Table && io::stderr().is_terminal();
        Self {
            outlet: None,
            quiet,
            verbose: verbose > 0,
            traced: verbose > 1 && !drawn,
            color,
            json,
            carried,
            at_terminal: false,
        }
    }

    /// Writes through an outlet to stderr from now on, so that who does not read it holds nobody up.
    pub(crate) const fn through(self, outlet: &'static Outlet) -> Self {
        Self { outlet: Some(outlet), ..self }
    }

    /// The channel of one of several runs, of which only the whole is told.
    pub(crate) const fn silenced(self) -> Self {
        Self { quiet: true, verbose: false, ..self }
    }

    /// The channel for what a question is about: who is asked has to see it, however quiet the run is to be, whatever carries
    /// its result and wherever stderr goes.
    pub(crate) fn asking(self) -> Self {
        static AT_TERMINAL: OnceLock<Option<Outlet>> = OnceLock::new();
        let asking = Self { quiet: false, json: false, carried: false, ..self };
        if io::stderr().is_terminal() {
            return asking;
        }
        let open = || {
            let terminal = OpenOptions::new().write(true).open(TERMINAL).ok()?;
            Some(match self.outlet {
                Some(outlet) => outlet.beside(terminal),
                None => Outlet::at_once(terminal),
            })
        };
        match AT_TERMINAL.get_or_init(open) {
            Some(terminal) => Self { outlet: Some(terminal), at_terminal: true, ..asking },
            None => asking,
        }
    }

    /// Whether somebody can be asked: stdin and one of stdout and stderr are terminals.
    pub(crate) fn is_terminal(self) -> bool {
        io::stdin().is_terminal() && (io::stderr().is_terminal() || descriptor::is_stdout_terminal())
    }

    /// Whether stdin is a terminal.
    pub(crate) fn is_keyboard(self) -> bool {
        io::stdin().is_terminal()
    }

    /// The columns and lines of the terminal on which it is read; none where it is read elsewhere.
    pub(crate) fn screen(self) -> Option<(usize, usize)> {
        if self.at_terminal {
            return File::open(TERMINAL).ok().and_then(descriptor::terminal_size);
        }
        io::stderr().is_terminal().then(|| descriptor::terminal_size(io::stderr())).flatten()
    }

    /// Says what the reader must know, unless the result itself carries it.
    pub(crate) fn warning(self, warning: &Warning) {
        if self.carried {
            return;
        }
        self.say("warning", table::WARNING, &warning.message);
        if let Some(hint) = &warning.hint {
            self.advise(hint);
        }
    }

    /// Says what to do next, as long as news are wanted.
    pub(crate) fn hint(self, hint: &str) {
        if !self.quiet && !self.json {
            self.advise(hint);
        }
    }

    /// Says what happened, as long as news are wanted.
    pub(crate) fn status(self, line: &str) {
        if !self.quiet {
            self.line(&sanitize(&secrets(line)));
        }
    }

    /// Says what must not be missed, whatever was asked for, and waits until it is said: how to undo by hand what is about to be
    /// done.
    pub(crate) fn always(self, line: &str) {
        self.insist(format!("{}\n", visible(line)).as_bytes());
    }

    /// Writes a result that found no way to where it was wanted, as it is, and waits until it is written.
    pub(crate) fn result(self, text: &[u8]) {
        self.insist(text);
    }

    /// Whether details are wanted.
    pub(crate) const fn is_verbose(self) -> bool {
        self.verbose
    }

    /// Says a detail, when details are wanted.
    pub(crate) fn detail(self, line: &str) {
        if self.verbose {
            self.line(&sanitize(&secrets(line)));
        }
    }

    /// What says each SQL text as it is sent, so that it can be pasted into psql as it stands; none where that is not wanted.
    pub(crate) fn statements(self) -> Option<&'static (dyn Fn(&str) + Sync)> {
        static SAY: OnceLock<Box<Say>> = OnceLock::new();
        let say = || -> Box<Say> {
            Box::new(move |sql| {
                let lines: Vec<String> =
                    secrets(sql).lines().map(|line| visible(line).into_owned()).collect();
                self.line(&format!("{};", lines.join("\n")));
            })
        };
        self.traced.then(|| &**SAY.get_or_init(say) as &(dyn Fn(&str) + Sync))
    }

    /// Replaces the line of progress on a terminal; says nothing elsewhere.
    pub(crate) fn progress(self, line: &str) {
        if !self.quiet && io::stderr().is_terminal() {
            self.write(format!("\r\u{1b}[K{}", sanitize(line)).as_bytes());
        }
    }

    /// Takes the line of progress away.
    pub(crate) fn progress_end(self) {
        self.progress("");
    }

    /// Shows blocks beside the result, as long as news are wanted and people read.
    pub(crate) fn show(self, blocks: &[table::Block]) {
        if self.quiet || self.json {
            return;
        }
        let look = Look { width: self.screen().map(|(columns, _)| columns), color: self.color, full: false };
        let mut text = Vec::new();
        if table::write(blocks, look, &mut text).is_ok() {
            self.write(&text);
        }
    }

    /// Asks a question on the terminal and waits for the answer: true for yes, false for anything else and for the end of the input.
    ///
    /// # Errors
    /// When the answer cannot be read.
    pub(crate) async fn ask(self, alarm: Option<&str>, question: &str) -> io::Result<bool> {
        let style = if self.color { AnsiColor::Red.on_default().bold() } else { anstyle::Style::new() };
        let alarm = alarm.map(|alarm| format!("{style}{}{style:#} ", visible(alarm))).unwrap_or_default();
        self.asking().insist(format!("{alarm}{} [y/N] ", visible(question)).as_bytes());
        let (tell, told) = tokio::sync::oneshot::channel();
        // A thread of its own, since nothing can interrupt it and the end of the run must not wait for it.
        std::thread::spawn(move || {
            let mut answer = String::new();
            let read = match File::open(TERMINAL) {
                Ok(terminal) => io::BufReader::new(terminal).read_line(&mut answer),
                Err(_) => io::stdin().read_line(&mut answer),
            };
            let read = read.map(|_| answer);
            let _ = tell.send(read);
        });
        let answer = told.await.map_err(io::Error::other)??;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Says why the run failed, as text or as one JSON line. A password that was typed in the wrong place is masked.
    pub(crate) fn failure(self, failure: &Failure) {
        let failure = &failure.without_secrets();
        if self.json {
            let mut line = Vec::new();
            let fields = json::ErrorFields {
                code: failure.code,
                message: &failure.message,
                detail: failure.detail.as_deref(),
                hint: failure.hint.as_deref(),
                sqlstate: failure.sqlstate.as_deref(),
                scope: failure.scope_word(),
                exit_code: failure.exit.code(),
            };
            if json::write_failure(&fields, &mut line).is_ok() {
                self.write(&line);
            }
            return;
        }
        self.say("error", AnsiColor::Red.on_default(), &failure.message);
        if let Some(detail) = &failure.detail {
            self.lines("detail", Style::new(), detail);
        }
        if let Some(sqlstate) = failure.sqlstate.as_ref().filter(|_| self.verbose) {
            self.say("sqlstate", Style::new(), sqlstate);
        }
        if let Some(hint) = &failure.hint {
            self.advise(hint);
        }
    }

    /// Says a hint; on a terminal a long one is broken between words.
    fn advise(self, hint: &str) {
        let style = AnsiColor::Cyan.on_default();
        let Some((columns, _)) = self.screen() else { return self.lines("hint", style, hint) };
        for line in secrets(hint).lines() {
            let lines = prose::lines(&visible(line), "hint: ".len(), columns);
            self.labelled("hint", style, &lines.join("\n"));
        }
    }

    /// Says what may be pasted: its blanks stay as they are.
    fn lines(self, label: &str, style: Style, text: &str) {
        for line in secrets(text).lines() {
            self.labelled(label, style, &visible(line));
        }
    }

    /// Says a sentence; on a terminal a long one is broken between words.
    fn say(self, label: &str, style: Style, text: &str) {
        let text = sanitize(&secrets(text)).into_owned();
        match self.screen() {
            Some((columns, _)) => {
                self.labelled(label, style, &prose::lines(&text, label.len() + 2, columns).join("\n"));
            }
            None => self.labelled(label, style, &text),
        }
    }

    fn labelled(self, label: &str, style: Style, text: &str) {
        if self.color {
            self.line(&format!("{style}{label}:{style:#} {text}"));
        } else {
            self.line(&format!("{label}: {text}"));
        }
    }

    fn line(self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    /// A closed stderr is nobody's fault and ends nothing. A line is one write: others may write to the same log.
    fn write(self, text: &[u8]) {
        match self.outlet {
            Some(outlet) => outlet.say(text),
            None => drop(io::stderr().lock().write_all(text)),
        }
    }

    /// Writes and waits until it is written.
    fn insist(self, text: &[u8]) {
        self.write(text);
        if let Some(outlet) = self.outlet {
            // A signal ends the wait, and what waits behind it.
            let _ = outlet.finish();
        }
    }
}
