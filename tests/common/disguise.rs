//! A server that is told apart from itself: it answers as a pooler before it would, which cannot be had here.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// What a pooler tells at login in the server's place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Disguise {
    /// The process id.
    pub(crate) pid: i32,
    /// The `application_name`, whatever the client is called; None for the client's.
    pub(crate) application_name: Option<&'static str>,
    /// Whether the parameters come in the server's order turned round.
    pub(crate) turned: bool,
}

/// A port on 127.0.0.1 that leads to `port` there, for as long as the tests run. Clients come without TLS.
pub(crate) fn disguised(port: u16, disguise: Disguise) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let (near, far) = (near.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            let (from, to) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            std::thread::spawn(move || pass(&from, &to));
            std::thread::spawn(move || {
                let _ = log_in(&far, &near, disguise);
                pass(&far, &near);
            });
        }
    });
    own
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut part) {
        if to.write_all(&part[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Passes the server's messages on until the session is ready, changed where the pooler would say something else.
fn log_in(mut from: &TcpStream, mut to: &TcpStream, disguise: Disguise) -> std::io::Result<()> {
    let mut parameters: Vec<Vec<u8>> = Vec::new();
    loop {
        let (mut kind, mut length) = ([0], [0; 4]);
        from.read_exact(&mut kind)?;
        from.read_exact(&mut length)?;
        let mut body = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() - 4];
        from.read_exact(&mut body)?;
        match (kind, disguise.application_name) {
            ([b'K'], _) => body[..4].copy_from_slice(&disguise.pid.to_be_bytes()),
            ([b'S'], Some(name)) if body.starts_with(b"application_name\0") => {
                body = format!("application_name\0{name}\0").into_bytes();
            }
            _ => {}
        }
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let message = [&kind, &length[..], &body].concat();
        if kind == *b"S" && disguise.turned {
            parameters.insert(0, message);
            continue;
        }
        to.write_all(&[parameters.concat(), message].concat())?;
        parameters.clear();
        if kind == *b"Z" {
            return Ok(());
        }
    }
}
