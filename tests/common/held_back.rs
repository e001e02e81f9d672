//! A network on which one message is late.

use super::wait_until;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// How far the message has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Message {
    Expected,
    HeldBack,
    LetGo,
}

/// A port on 127.0.0.1 that leads to another one there, for as long as the tests run, and holds back the first message to it
/// with a certain text in it. Clients come without TLS.
#[derive(Debug)]
pub(crate) struct HeldBack {
    pub(crate) port: u16,
    message: Arc<(Mutex<Message>, Condvar)>,
}

impl HeldBack {
    /// Leads to `port`, and holds back what has `text` in it.
    pub(crate) fn on_the_way_to(port: u16, text: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let message = Arc::new((Mutex::new(Message::Expected), Condvar::new()));
        let shared = Arc::clone(&message);
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
                let (back_from, back_to) = (far.try_clone().unwrap(), near.try_clone().unwrap());
                std::thread::spawn(move || pass(&back_from, &back_to, |_| {}));
                let message = Arc::clone(&shared);
                std::thread::spawn(move || pass(&near, &far, |part| hold(part, text, &message)));
            }
        });
        Self { port: own, message }
    }

    /// Waits until the message is on its way.
    pub(crate) fn wait(&self) {
        wait_until("the message is held back", || *self.message.0.lock().unwrap() == Message::HeldBack);
    }

    /// Lets it arrive.
    pub(crate) fn let_go(&self) {
        *self.message.0.lock().unwrap() = Message::LetGo;
        self.message.1.notify_all();
    }
}

fn hold(part: &[u8], text: &str, (message, changed): &(Mutex<Message>, Condvar)) {
    let mut message = message.lock().unwrap();
    if *message == Message::Expected && part.windows(text.len()).any(|piece| piece == text.as_bytes()) {
        *message = Message::HeldBack;
        drop(changed.wait_while(message, |message| *message == Message::HeldBack).unwrap());
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, before: impl Fn(&[u8])) {
    let mut part = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut part) {
        before(&part[..length]);
        if to.write_all(&part[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
