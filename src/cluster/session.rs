//! One session over the wire, blocking and without a driver: cheap enough to hold thousands, and able to stay in any state.
//!
//! Only for throwaway servers. It knows the few messages that this takes; what a password needs comes from whoever has one.

use std::fmt;
use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a throwaway server may take for one message.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The rows of a query, each value as text.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// Answers an authentication request of the server, of which it gets the body: with the body of a password message, or with
/// nothing where none is due. Says why when it will not go on.
pub(crate) type Answer<'a> = dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>, String> + 'a;

/// What the server refused, or that it is gone (08006).
#[derive(Clone, Debug)]
pub(crate) struct SessionError {
    /// The server's SQLSTATE.
    pub(crate) sqlstate: String,
    /// Its message.
    pub(crate) message: String,
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.sqlstate)
    }
}

impl std::error::Error for SessionError {}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self { sqlstate: "08006".to_owned(), message: error.to_string() }
    }
}

/// A session. Dropping one that waits for nothing returns when the server has let go of it, so that it is in no later listing.
#[derive(Debug)]
pub(crate) struct Session {
    stream: BufReader<UnixStream>,
    /// The backend's process id.
    pub(crate) pid: i32,
    busy: bool,
}

impl Session {
    /// Logs in through the socket in `dir`, as `postgres` to `postgres` unless `parameters` (of the startup packet) say
    /// otherwise.
    ///
    /// Errors as the server refuses.
    pub(crate) fn open(dir: &Path, port: u16, parameters: &[(&str, &str)]) -> Result<Self, SessionError> {
        let stream = UnixStream::connect(dir.join(format!(".s.PGSQL.{port}")))?;
        Self::log_in(stream, parameters, &mut |_| Err("it asks for a password".to_owned()))
    }

    /// Logs in through 127.0.0.1, so that the server shows an address, with an `answer` to its question for a password.
    pub(crate) fn open_over_tcp(
        port: u16,
        parameters: &[(&str, &str)],
        answer: &mut Answer<'_>,
    ) -> Result<Self, SessionError> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        // reading, writing and closing are the same for every kind of socket
        Self::log_in(UnixStream::from(OwnedFd::from(stream)), parameters, answer)
    }

    fn log_in(
        stream: UnixStream,
        parameters: &[(&str, &str)],
        answer: &mut Answer<'_>,
    ) -> Result<Self, SessionError> {
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut session = Self { stream: BufReader::with_capacity(1024, stream), pid: 0, busy: true };
        let mut packet = vec![0, 3, 0, 0];
        let missing = |name: &str| !parameters.iter().any(|(given, _)| *given == name);
        let defaults = [("user", "postgres"), ("database", "postgres")];
        for (name, value) in defaults.iter().filter(|(name, _)| missing(name)).chain(parameters) {
            packet.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        packet.push(0);
        session.stream.get_mut().write_all(&[&length_of(&packet), &packet[..]].concat())?;
        session.authenticate(answer)?;
        session.finish()?;
        Ok(session)
    }

    fn authenticate(&mut self, answer: &mut Answer<'_>) -> Result<(), SessionError> {
        loop {
            match self.read()? {
                (b'R', request) if request == [0; 4] => return Ok(()),
                (b'R', request) => {
                    if let Some(message) = answer(&request).map_err(io::Error::other)? {
                        self.message(b'p', &message);
                    }
                }
                (b'E', refused) => {
                    // until the server has let go of it, as when a session is dropped
                    while self.read().is_ok() {}
                    return Err(refusal(&refused));
                }
                _ => {}
            }
        }
    }

    /// Runs one query or several.
    ///
    /// Errors with the first thing that the server refused.
    pub(crate) fn run(&mut self, sql: &str) -> Result<Rows, SessionError> {
        self.send(sql);
        self.finish()
    }

    /// Sends a query and does not wait.
    pub(crate) fn send(&mut self, sql: &str) {
        self.message(b'Q', &[sql.as_bytes(), b"\0"].concat());
    }

    /// Sends one message of the protocol. A session that the server has ended cannot be written to; reading tells why.
    pub(crate) fn message(&mut self, kind: u8, body: &[u8]) {
        self.busy = true;
        let _ = self.stream.get_mut().write_all(&[&[kind], &length_of(body)[..], body].concat());
    }

    /// Reads until the server is ready for the next query.
    ///
    /// Errors with the first thing that it refused.
    pub(crate) fn finish(&mut self) -> Result<Rows, SessionError> {
        let mut rows = Vec::new();
        let mut failure = None;
        loop {
            let (kind, body) = match self.read() {
                Ok(message) => message,
                Err(gone) => return Err(failure.unwrap_or_else(|| gone.into())),
            };
            match kind {
                b'K' => self.pid = body.first_chunk().map_or(0, |pid| i32::from_be_bytes(*pid)),
                b'D' => rows.push(row(&body)),
                b'E' => failure = failure.or_else(|| Some(refusal(&body))),
                b'Z' => {
                    self.busy = false;
                    return failure.map_or(Ok(rows), Err);
                }
                _ => {}
            }
        }
    }

    /// Reads one message: its kind and its body.
    pub(crate) fn read(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX).saturating_sub(4);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((kind, body))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.busy {
            let _ = self.stream.get_ref().shutdown(Shutdown::Both);
            return;
        }
        self.message(b'X', &[]);
        while self.read().is_ok() {}
    }
}

fn length_of(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes()
}

/// The values of a DataRow: a count, then for each its length (negative: NULL) and its bytes.
fn row(body: &[u8]) -> Vec<Option<String>> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut values = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let value = usize::try_from(i32::from_be_bytes(*length))
            .ok()
            .and_then(|length| after.split_at_checked(length));
        rest = value.map_or(after, |(_, after)| after);
        values.push(value.map(|(bytes, _)| String::from_utf8_lossy(bytes).into_owned()));
    }
    values
}

/// The fields of an ErrorResponse: a letter and a text each, ended by a zero byte.
fn refusal(body: &[u8]) -> SessionError {
    let field = |letter: u8| {
        let found = body.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(&[letter]));
        found.map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    };
    SessionError { sqlstate: field(b'C'), message: field(b'M') }
}
