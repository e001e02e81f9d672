//! One session over the wire, blocking, without a driver: cheap enough to hold thousands, and able to stay in any state.

use std::io::{BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The fields of an ErrorResponse.
#[derive(Clone, Debug)]
pub(crate) struct ServerError {
    pub(crate) sqlstate: String,
    pub(crate) message: String,
}

/// A session. Dropping an idle one returns when the server has let go of it, so that it is in no later listing.
#[derive(Debug)]
pub(crate) struct Session {
    stream: BufReader<UnixStream>,
    /// The backend's process id.
    pub(crate) pid: i32,
    busy: bool,
}

impl Session {
    /// Logs in without a password.
    pub(crate) fn open(dir: &Path, port: u16, parameters: &[(&str, &str)]) -> Result<Self, ServerError> {
        let stream = UnixStream::connect(dir.join(format!(".s.PGSQL.{port}"))).unwrap();
        stream.set_read_timeout(Some(super::DEADLINE)).unwrap();
        let mut session = Self { stream: BufReader::with_capacity(1024, stream), pid: 0, busy: true };
        let mut packet = vec![0, 3, 0, 0];
        let defaults = [("user", "postgres"), ("database", "postgres"), ("application_name", "test")];
        let replaced = |name: &str| parameters.iter().any(|(given, _)| *given == name);
        for (name, value) in defaults.iter().filter(|(name, _)| !replaced(name)).chain(parameters) {
            packet.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        packet.push(0);
        session.write(&[&length_of(&packet), &packet[..]].concat());
        session.finish()?;
        Ok(session)
    }

    /// The rows of a query; panics on an error.
    pub(crate) fn query(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.try_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The rows of a query, or the server's error.
    pub(crate) fn try_query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, ServerError> {
        self.send(sql);
        self.finish()
    }

    /// Sends a query and does not wait.
    pub(crate) fn send(&mut self, sql: &str) {
        self.send_bytes(sql.as_bytes());
    }

    /// The same with bytes that need not be UTF-8.
    pub(crate) fn send_bytes(&mut self, sql: &[u8]) {
        self.message(b'Q', &[sql, b"\0"].concat());
    }

    /// Sends a fast-path call of a function with one argument, given and returned as text, and does not wait.
    pub(crate) fn call_function(&mut self, oid: u32, argument: &str) {
        let length = u32::try_from(argument.len()).unwrap().to_be_bytes();
        let body = [&oid.to_be_bytes()[..], &[0, 0, 0, 1], &length, argument.as_bytes(), &[0, 0]].concat();
        self.message(b'F', &body);
    }

    /// Reads until the server is ready for the next query.
    pub(crate) fn finish(&mut self) -> Result<Vec<Vec<Option<String>>>, ServerError> {
        let mut rows = Vec::new();
        let mut failure = None;
        loop {
            let Some((kind, body)) = self.read() else {
                let gone =
                    ServerError { sqlstate: "08006".to_owned(), message: "connection closed".to_owned() };
                return Err(failure.unwrap_or(gone));
            };
            match kind {
                b'K' => self.pid = i32::from_be_bytes(body[..4].try_into().unwrap()),
                b'D' => rows.push(row(&body)),
                b'E' => failure = Some(error(&body)),
                b'R' => assert_eq!(body[..4], [0; 4], "the server asks for a password"),
                b'Z' => {
                    self.busy = false;
                    return failure.map_or(Ok(rows), Err);
                }
                _ => {}
            }
        }
    }

    /// Whether the server has ended this session: reads to the end of the stream, at most for the deadline.
    pub(crate) fn is_ended(&mut self) -> bool {
        while self.read().is_some() {}
        let mut rest = [0];
        matches!(self.stream.read(&mut rest), Ok(0)) || self.stream.get_ref().peer_addr().is_err()
    }

    /// Closes the connection as a client that vanished: no Terminate message, no waiting.
    pub(crate) fn vanish(mut self) {
        self.busy = true;
    }

    fn message(&mut self, kind: u8, body: &[u8]) {
        self.busy = true;
        self.write(&[&[kind], &length_of(body)[..], body].concat());
    }

    /// A session that the server has ended cannot be written to; what follows reads why.
    fn write(&mut self, bytes: &[u8]) {
        let _ = self.stream.get_mut().write_all(bytes);
    }

    fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header).ok()?;
        let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
        let mut body = vec![0; length - 4];
        self.stream.read_exact(&mut body).ok()?;
        Some((header[0], body))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.busy {
            let _ = self.stream.get_ref().shutdown(Shutdown::Both);
            return;
        }
        self.message(b'X', &[]);
        let _ = self.stream.get_ref().set_read_timeout(Some(Duration::from_secs(5)));
        while self.read().is_some() {}
    }
}

fn length_of(body: &[u8]) -> [u8; 4] {
    u32::try_from(body.len() + 4).unwrap().to_be_bytes()
}

fn row(body: &[u8]) -> Vec<Option<String>> {
    let mut rest = &body[2..];
    let mut values = Vec::new();
    while !rest.is_empty() {
        let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
        rest = &rest[4..];
        let Ok(length) = usize::try_from(length) else {
            values.push(None);
            continue;
        };
        values.push(Some(String::from_utf8_lossy(&rest[..length]).into_owned()));
        rest = &rest[length..];
    }
    values
}

fn error(body: &[u8]) -> ServerError {
    let field = |code: u8| {
        let found = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&code));
        found.map(|field| String::from_utf8_lossy(&field[1..]).into_owned()).unwrap_or_default()
    };
    ServerError { sqlstate: field(b'C'), message: field(b'M') }
}
