//! Runs the command that gives a password, within bounds. What is given up is ended with everything that it has started; what a command
//! that has ended leaves running in the background is its own.

use super::address::Address;
use super::os_words::os_words;
use crate::after_panic::{self, UndoneAtPanic};
use crate::conninfo::{CARRIER, ConnInfo, PasswordCommand, ValueSource, os_string_of};
use crate::db::error::{Error, ErrorKind};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// How long it may take.
const LIMIT: Duration = Duration::from_secs(15);
/// The most that it may print.
const LONGEST: u64 = 64 << 10;
/// As much of what it complains of as is kept.
const LONGEST_COMPLAINT: usize = 8 << 10;

/// The password that the command gives for a login of `info` at `address`, without the newline at its end.
///
/// # Errors
/// When it cannot be run, fails, takes too long, or prints nothing or too much; with the last line of what it complained of.
pub(super) async fn run(
    command: &PasswordCommand,
    info: &ConnInfo,
    address: &Address,
) -> Result<Vec<u8>, Error> {
    let mut run = program(&command.words).ok_or_else(|| failed(command, NO_COMMAND))?;
    let (host, user, dbname) = (address.name(), info.user(), info.dbname());
    run.env("PGHOST", os_string_of(&host)).env("PGPORT", address.port.to_string());
    run.env("PGUSER", os_string_of(user)).env("PGDATABASE", os_string_of(dbname));
    let mut printed = printed(run, LONGEST).await.map_err(|ended| {
        let error = failed(command, &ended.why);
        Error { detail: ended.complaint, ..error }
    })?;
    if printed.ends_with(b"\n") {
        printed.pop();
        if printed.ends_with(b"\r") {
            printed.pop();
        }
    }
    if printed.is_empty() {
        return Err(failed(command, "it printed nothing"));
    }
    Ok(printed)
}

/// What the command that `flag` names prints, `most` bytes at most.
///
/// # Errors
/// When it cannot be run, fails, takes too long, or prints too much; with the last line of what it complained of.
pub(crate) async fn printed_by(text: &str, flag: &'static str, most: u64) -> Result<Vec<u8>, Error> {
    let command = PasswordCommand::parse(text, ValueSource::Argument(flag))?;
    let wrong = |ended: Ended| Error {
        detail: ended.complaint,
        ..Error::new(ErrorKind::BadSettings, format!("the command of --{flag} failed: {}", ended.why))
    };
    let nothing = || wrong(Ended { why: NO_COMMAND.into(), complaint: None });
    let run = program(&command.words).ok_or_else(nothing)?;
    printed(run, most).await.map_err(wrong)
}

const NO_COMMAND: &str = "no command is named";

/// How a command ended that did not end well.
struct Ended {
    why: String,
    /// The last line of what it complained of.
    complaint: Option<String>,
}

impl Ended {
    fn because(why: impl Into<String>) -> Self {
        Self { why: why.into(), complaint: None }
    }
}

/// The program with its arguments, which inherits nothing that is for this process.
fn program(words: &[String]) -> Option<Command> {
    let (program, arguments) = words.split_first()?;
    let mut run = Command::new(os_string_of(program));
    run.args(arguments.iter().map(|argument| os_string_of(argument))).env_remove(CARRIER);
    Some(run)
}

/// What `run` prints, `most` bytes at most, when it ends well in time.
async fn printed(mut run: Command, most: u64) -> Result<Vec<u8>, Ended> {
    // A group of its own, so that what it has started ends with it when it is given up.
    run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child =
        run.spawn().map_err(|error| Ended::because(format!("could not run it: {}", os_words(&error))))?;
    let mut group = Group::of(child);
    let printed = tokio::time::timeout(LIMIT, output(&mut group.child, most)).await;
    let printed = printed.map_err(|_| Ended::because(format!("no end within {} s", LIMIT.as_secs())))?;
    let (status, printed, complaint) = printed
        .map_err(|error| Ended::because(format!("could not read what it printed: {}", os_words(&error))))?;
    if u64::try_from(printed.len()).unwrap_or(u64::MAX) > most {
        return Err(Ended::because(format!("it printed more than {} KiB", most >> 10)));
    }
    if !status.success() {
        let last = complaint.lines().rev().map(str::trim).find(|line| !line.is_empty());
        let plain = |line: &str| line.replace(char::is_control, " ");
        let complaint = last.map(|last| format!("it said: {}", plain(last)));
        return Err(Ended { why: ending(status), complaint });
    }
    Ok(printed)
}

/// A command that ends with this value, and its process group with it, unless it has ended before.
struct Group {
    child: Child,
    _at_panic: UndoneAtPanic,
}

impl Group {
    fn of(child: Child) -> Self {
        let pid = child.id();
        Self { child, _at_panic: after_panic::undo(move || end_group(pid)) }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // One that has been waited for has no id any more; the group may live on by its children, and keeps its number then.
        end_group(self.child.id());
    }
}

fn end_group(pid: Option<u32>) {
    if let Some(pid) = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

/// How it ended, what it printed, and what it complained of.
async fn output(child: &mut Child, most: u64) -> io::Result<(ExitStatus, Vec<u8>, String)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (printed, complaint) = tokio::try_join!(beginning(stdout, most + 1), last_part(stderr))?;
    let status = child.wait().await?;
    Ok((status, printed, String::from_utf8_lossy(&complaint).into_owned()))
}

/// The first bytes of a stream, read until there are enough of them or it ends.
async fn beginning(stream: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        stream.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// The last bytes of a stream, read to its end.
async fn last_part(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let (mut last, mut part) = (Vec::new(), [0; 4096]);
    let Some(mut stream) = stream else { return Ok(last) };
    loop {
        let count = stream.read(&mut part).await?;
        if count == 0 {
            return Ok(last);
        }
        last.extend_from_slice(part.get(..count).unwrap_or_default());
        let surplus = last.len().saturating_sub(LONGEST_COMPLAINT);
        last.drain(..surplus);
    }
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "it did not end well".to_owned(),
    }
}

/// The command's failure; its words are not repeated, they may hold a secret.
fn failed(command: &PasswordCommand, why: &str) -> Error {
    let message = format!("the password command failed: {why}");
    Error::new(ErrorKind::PasswordCommand, message).hinted(format!("it comes from: {}", command.source))
}

#[cfg(test)]
mod tests {
    use super::super::address::Route;
    use super::*;
    use crate::conninfo::{Environment, Given, resolve};

    async fn given_by(text: &str) -> Result<Vec<u8>, Error> {
        let given = Given {
            dbname: Some("host=h port=7 user=u dbname=d".to_owned()),
            password_command: Some(text.to_owned()),
            ..Given::default()
        };
        let info = resolve(&given, &Environment::default()).expect("settings");
        let address = Address { host: "h".to_owned(), route: Route::Socket("/h".to_owned()), port: 7 };
        run(info.password_command().expect("a command"), &info, &address).await
    }

    #[tokio::test]
    async fn one_newline_at_the_end_is_not_part_of_the_password() {
        for (text, password) in [
            ("printf 'a b'", &b"a b"[..]),
            ("printf 'a\\n'", b"a"),
            ("printf 'a\\r\\n'", b"a"),
            ("printf 'a\\n\\n'", b"a\n"),
            ("printf '\\351'", b"\xe9"),
            ("sh -c 'printf \"$PGHOST:$PGPORT:$PGUSER:$PGDATABASE\"'", b"h:7:u:d"),
        ] {
            assert_eq!(given_by(text).await.expect(text), password, "{text}");
        }
    }

    /// Time is only waited for where nothing else is to be done, and passes at once then.
    #[tokio::test(start_paused = true)]
    async fn a_command_without_an_end_is_given_up_after_its_limit() {
        let began = tokio::time::Instant::now();
        let error = given_by("sleep 12345").await.expect_err("no end");
        assert_eq!(error.message, "the password command failed: no end within 15 s");
        assert_eq!((error.kind, began.elapsed().as_secs()), (ErrorKind::PasswordCommand, 15));
    }
}
