//! The loop of a list of servers: it waits for keys, what becomes of the servers, the terminal and the clock, until one is entered.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use rustix::process::Signal as Os;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::sleep;

use super::canvas::Canvas;
use super::servers::{News, Servers, Step, Wish};
use super::view;
use crate::stop::{Signal, Stop};
use crate::terminal::{ESCAPE, Keyboard, Terminal};

/// What became of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chosen {
    /// This one is entered.
    Server(usize),
    /// It was left; by this signal.
    Nothing(Option<Signal>),
}

/// What is seen, and what it is seen with.
struct Chooser<'a> {
    servers: &'a mut Servers,
    look: view::Look,
    canvas: Canvas,
    out: Box<dyn Write + 'a>,
    keyboard: Keyboard,
    wishes: &'a UnboundedSender<Wish>,
}

/// Shows the list until one of it is entered, it is left, or a signal at `stop` ends it.
///
/// # Errors
/// When the terminal cannot be used.
pub(crate) async fn choose<'a>(
    servers: &'a mut Servers,
    (look, is_ascii): (view::Look, bool),
    out: Box<dyn Write + 'a>,
    (news, wishes): (&mut UnboundedReceiver<News>, &'a UnboundedSender<Wish>),
    stop: &Stop,
) -> io::Result<Chosen> {
    let mut terminal = Terminal::new()?;
    let (canvas, keyboard) = (Canvas::new(is_ascii), Keyboard::default());
    let mut chooser = Chooser { servers, look, canvas, out, keyboard, wishes };
    chooser.resized(&terminal);
    terminal.enter(&mut *chooser.out)?;
    let chosen = chooser.turns(&mut terminal, news, stop).await;
    terminal.leave(&mut *chooser.out);
    chosen
}

impl Chooser<'_> {
    async fn turns(
        &mut self,
        terminal: &mut Terminal,
        news: &mut UnboundedReceiver<News>,
        stop: &Stop,
    ) -> io::Result<Chosen> {
        let mut continued = signal(SignalKind::from_raw(Os::CONT.as_raw()))?;
        let mut stopped = signal(SignalKind::from_raw(Os::TSTP.as_raw()))?;
        let mut resized = signal(SignalKind::window_change())?;
        loop {
            if terminal.is_on() {
                self.draw()?;
            }
            let is_waiting = self.keyboard.is_waiting();
            let step = tokio::select! {
                biased;
                signal = stop.pulled() => return Ok(Chosen::Nothing(Some(signal))),
                typed = terminal.read(), if terminal.is_on() => match typed {
                    Ok(bytes) if !bytes.is_empty() => {
                        let keys = self.keyboard.take(&bytes);
                        keys.iter().filter_map(|key| self.servers.on_key(key, Instant::now())).last()
                    }
                    // The terminal is gone.
                    _ => return Ok(Chosen::Nothing(Some(Signal::Terminate))),
                },
                () = sleep(ESCAPE), if is_waiting => {
                    let key = self.keyboard.expire();
                    key.and_then(|key| self.servers.on_key(&key, Instant::now()))
                }
                Some(news) = news.recv() => self.servers.on_news(news, Instant::now()),
                Some(()) = continued.recv() => {
                    terminal.enter(&mut *self.out)?;
                    self.resized(terminal);
                    None
                }
                Some(()) = stopped.recv() => Some(Step::Suspend),
                Some(()) = resized.recv() => {
                    self.resized(terminal);
                    None
                }
                () = sleep(Duration::from_millis(500)) => None,
            };
            match step {
                // Whoever looks after the servers is there as long as this is.
                Some(Step::Wish(wish)) => drop(self.wishes.send(wish)),
                Some(Step::Suspend) => terminal.suspend(&mut *self.out),
                Some(Step::Go(at)) => return Ok(Chosen::Server(at)),
                Some(Step::Quit) => return Ok(Chosen::Nothing(None)),
                None => {}
            }
        }
    }

    fn resized(&mut self, terminal: &Terminal) {
        self.canvas.forget();
        if let Some(size) = terminal.size() {
            self.servers.resize(size);
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        self.servers.passes(Instant::now());
        let (servers, look) = (&*self.servers, self.look);
        let text = self.canvas.paint(servers.size, |buffer| view::draw_servers(servers, look, buffer));
        if text.is_empty() { Ok(()) } else { self.out.write_all(text.as_bytes()) }
    }
}
