//! A console that answers as it is told to, for poolers that cannot be had here.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the console says to one command.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Columns and rows; an empty text is null.
    Rows(Vec<&'static str>, Vec<Vec<String>>),
    /// The command's tag.
    Done(&'static str),
    /// A refusal.
    Refused(&'static str),
}

/// A listener on 127.0.0.1 that lives as long as the tests.
#[derive(Debug)]
pub(crate) struct FakeConsole {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeConsole {
    /// Answers every command with what `answer` says to it.
    pub(crate) fn start(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, answer) = (listener.local_addr().unwrap().port(), Arc::new(answer));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, heard) = (Arc::clone(&answer), Arc::clone(&heard));
                std::thread::spawn(move || serve(stream.unwrap(), &*answer, &heard));
            }
        });
        Self { port, asked }
    }

    /// Every command so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], &length[..], body].concat()
}

fn body(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Answer, heard: &Mutex<Vec<String>>) -> Option<()> {
    // The request for encryption is as short as no startup packet.
    while body(&mut stream)?.len() == 4 {
        stream.write_all(b"N").ok()?;
    }
    let ready = message(b'Z', b"I");
    let mut hello = message(b'R', &[0; 4]);
    hello.extend(message(b'S', b"server_version\x001.24.1/bouncer\0"));
    hello.extend(message(b'K', &[0; 8]));
    stream.write_all(&[hello, ready.clone()].concat()).ok()?;
    loop {
        let mut kind = [0];
        stream.read_exact(&mut kind).ok()?;
        let body = body(&mut stream)?;
        if kind != *b"Q" {
            return None;
        }
        let command = String::from_utf8_lossy(&body).trim_end_matches('\0').to_owned();
        heard.lock().unwrap().push(command.clone());
        let said = match answer(&command) {
            Answer::Done(tag) => message(b'C', &[tag.as_bytes(), b"\0"].concat()),
            Answer::Refused(why) => message(b'E', format!("SERROR\0VERROR\0C08P01\0M{why}\0\0").as_bytes()),
            Answer::Rows(columns, rows) => table(&columns, &rows),
        };
        stream.write_all(&[said, ready.clone()].concat()).ok()?;
    }
}

fn table(columns: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let count = |number: usize| u16::try_from(number).unwrap().to_be_bytes();
    let mut description = count(columns.len()).to_vec();
    for column in columns {
        description.extend([column.as_bytes(), b"\0"].concat());
        // no table, type text, any length, as text
        description.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 255, 255, 255, 255, 255, 255, 0, 0]);
    }
    let mut said = message(b'T', &description);
    for row in rows {
        let mut values = count(row.len()).to_vec();
        for value in row {
            if value.is_empty() {
                values.extend([255; 4]);
            } else {
                values.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                values.extend(value.as_bytes());
            }
        }
        said.extend(message(b'D', &values));
    }
    said.extend(message(b'C', b"SHOW\0"));
    said
}
