//! The loop of a live screen: it waits for keys, the server, the terminal and the clock, hands what happens to the state, and does what
//! that wants. One session, and one thing at a time that is asked over it; keys are heard whatever the server does.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use rustix::process::Signal as Os;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, sleep_until, timeout};

use super::canvas::Canvas;
use super::event::{ActRequest, Down, Effect, Event, PlanRequest, PoolerSeen, Request};
use super::services::Services;
use super::state::{Setup, State};
use super::{view, work};
use crate::db::{Error, ErrorKind};
use crate::model::screen::ScreenContext;
use crate::observe::{self, Looks, Observer, OfConsole, OfServer, Patience};
use crate::render::text;
use crate::stop::{Signal, Stop, Trigger};
use crate::terminal::{ESCAPE, Keyboard, Terminal};

/// How long a look that is given up may take to take its question back, by who waits for the end.
const QUIT: Duration = Duration::from_millis(40);
const TERMINATED: Duration = Duration::from_secs(1);
/// For how long what the server is counts as known.
const KNOWN: Duration = Duration::from_secs(10);
/// The most that terminals take for their clipboard, in bytes before they are written as base64.
const MOST_COPIED: usize = 74_000;

/// How a live screen ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// By this signal; none when it was left.
    pub(crate) signal: Option<Signal>,
    /// To the list of servers that it was entered from.
    pub(crate) back: bool,
    /// What acts came to.
    pub(crate) record: Vec<String>,
}

/// Why a live screen could not go on.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The server, in a way that trying again cannot mend.
    Server(Error),
    /// The terminal.
    Terminal(io::Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Server(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error)
    }
}

/// Who is asked.
pub(crate) struct Observers {
    /// The server.
    pub(crate) server: Observer<OfServer>,
    /// The console of the pooler in front of it.
    pub(crate) console: Option<Observer<OfConsole>>,
}

/// The looks at a pooler's console.
type PoolerLooks<'a> = Looks<'a, OfConsole, Result<PoolerSeen, Error>>;

/// What is asked or done over the session.
enum Job {
    Look(Box<Request>),
    Plan(Box<PlanRequest>),
    Act(Box<ActRequest>),
}

/// What is asked over a session that is made again where it is lost.
enum Asked {
    Look(Box<Request>),
    Plan(Box<PlanRequest>),
}

/// What came of it, with the observer.
type Done = (Observer<OfServer>, Result<Event, Error>);

/// What is under way over the session, and what is to follow.
struct Jobs<'a> {
    services: Services<'a>,
    stop: Stop,
    tell: UnboundedSender<Event>,
    observer: Option<Observer<OfServer>>,
    queue: VecDeque<Job>,
    under_way: Option<Pin<Box<dyn Future<Output = Done> + 'a>>>,
    is_acting: bool,
    known: Option<(Arc<ScreenContext>, Instant)>,
}

impl Jobs<'_> {
    /// Begins what is next, where nothing is under way.
    fn begin(&mut self) {
        if self.under_way.is_some() {
            return;
        }
        let Some(job) = self.queue.pop_front() else { return };
        let Some(mut observer) = self.observer.take() else { return };
        let (services, stop, tell) = (self.services, self.stop.clone(), self.tell.clone());
        self.is_acting = matches!(job, Job::Act(_));
        let known = self.known.as_ref().filter(|(_, since)| since.elapsed() < KNOWN);
        let known = known.map(|(known, _)| Arc::clone(known));
        self.under_way = Some(Box::pin(async move {
            let asked = match job {
                Job::Act(request) => {
                    let dialog = request.dialog;
                    let acted = work::act(&mut observer, *request, services, &stop, &tell).await;
                    return (observer, Ok(Event::Acted(dialog, acted.map(Box::new))));
                }
                Job::Look(request) => Asked::Look(request),
                Job::Plan(request) => Asked::Plan(request),
            };
            // Whoever waits in a dialog is told at once that there is no plan.
            let patience = match &asked {
                Asked::Look(_) => Patience::Unlimited,
                Asked::Plan(_) => Patience::NONE,
            };
            let looked = observer.look(patience, async |db| match &asked {
                Asked::Look(request) => {
                    let seen = work::look(db, request, known.clone()).await?;
                    Ok::<_, Error>(Event::Seen(Box::new(seen)))
                }
                Asked::Plan(request) => {
                    let planned = work::plan(db, request, services).await?;
                    Ok(Event::Planned(request.dialog, planned.map(Box::new)))
                }
            });
            let done = match (looked.await, &asked) {
                (Err(error), Asked::Plan(request)) => {
                    Ok(Event::Planned(request.dialog, Err(error.to_string())))
                }
                (done, _) => done,
            };
            (observer, done)
        }));
    }

    /// What comes of what is under way; waits for ever while nothing is.
    async fn next(&mut self) -> Result<Event, Error> {
        let Some(under_way) = &mut self.under_way else { return std::future::pending().await };
        let (observer, done) = under_way.await;
        (self.observer, self.under_way, self.is_acting) = (Some(observer), None, false);
        if let Ok(Event::Seen(seen)) = &done {
            let is_known = self.known.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, &seen.context));
            if !is_known {
                self.known = Some((Arc::clone(&seen.context), Instant::now()));
            }
        }
        done
    }

    /// Ends everything, within so much time but for an act: what that has sent is known first.
    async fn end(&mut self, within: Duration) -> Option<Event> {
        let mut last = None;
        if self.is_acting {
            last = self.next().await.ok();
        } else if self.under_way.is_some() {
            let _ = timeout(within, self.next()).await;
        }
        self.under_way = None;
        if let Some(mut observer) = self.observer.take() {
            let _ = timeout(within, observer.close()).await;
        }
        last
    }
}

/// What the look at the pooler's console comes to; waits for ever while none is under way.
async fn seen_of_pooler(pooler: &mut Option<PoolerLooks<'_>>) -> Event {
    let Some(pooler) = pooler else { return std::future::pending().await };
    let seen = match pooler.next().await {
        Ok(seen) => seen.map_err(|error| error.message),
        Err(error) => Err(error.to_string()),
    };
    Event::Pooler(seen.map(Box::new))
}

/// Shows a live screen of the server that `observers` ask until it is left, or a signal at `stop` ends it. `trigger` ends what the
/// observer waits for.
///
/// # Errors
/// When the server cannot be asked in a way that trying again cannot mend, or the terminal cannot be used.
pub(crate) async fn run(
    setup: Setup,
    look: view::Look,
    is_ascii: bool,
    observers: Observers,
    (trigger, inner): (Trigger, Stop),
    stop: Stop,
    services: Services<'_>,
) -> Result<Ended, Failed> {
    let (tell, told) = unbounded_channel();
    let jobs = Jobs {
        services,
        stop: inner,
        tell,
        observer: Some(observers.server),
        queue: VecDeque::new(),
        under_way: None,
        is_acting: false,
        known: None,
    };
    let mut terminal = Terminal::new()?;
    let size = terminal.size().unwrap_or(setup.size);
    let state = State::new(Setup { size, ..setup }, Instant::now());
    let screen = Screen {
        state,
        look,
        canvas: Canvas::new(is_ascii),
        out: (services.out)(),
        keyboard: Keyboard::default(),
        is_old: true,
    };
    let pooler = observers.console.map(|console| Looks::new(console, &work::look_at_pooler));
    let mut driver = Driver { screen, jobs, pooler, told, stop, back: false };
    let entered = terminal.enter(&mut *driver.screen.out);
    let ended = match entered {
        Ok(()) => driver.turns(&mut terminal).await,
        Err(error) => Err(error.into()),
    };
    terminal.leave(&mut *driver.screen.out);
    let (signal, patience) = match &ended {
        Ok(Some(signal)) => (*signal, TERMINATED),
        _ => (Signal::Interrupt, QUIT),
    };
    trigger.pull(signal);
    if let Some(pooler) = driver.pooler.take() {
        let _ = timeout(QUIT, pooler.close()).await;
    }
    if let Some(event) = driver.jobs.end(patience).await {
        let _ = driver.screen.state.on(event, Instant::now());
    }
    Ok(Ended { signal: ended?, back: driver.back, record: driver.screen.state.into_record() })
}

/// What is seen, and what it is seen with.
struct Screen<'a> {
    state: State,
    look: view::Look,
    canvas: Canvas,
    out: Box<dyn Write + 'a>,
    keyboard: Keyboard,
    /// It may look otherwise by now than what is drawn.
    is_old: bool,
}

impl Screen<'_> {
    fn draw(&mut self) -> io::Result<()> {
        let (state, look) = (&self.state, self.look);
        let text = self.canvas.paint(state.size(), |buffer| view::draw(state, look, buffer));
        if text.is_empty() { Ok(()) } else { self.out.write_all(text.as_bytes()) }
    }
}

struct Driver<'a> {
    screen: Screen<'a>,
    jobs: Jobs<'a>,
    pooler: Option<PoolerLooks<'a>>,
    told: UnboundedReceiver<Event>,
    stop: Stop,
    /// It is left for the list that it was entered from.
    back: bool,
}

/// What a turn of the loop met.
enum Met {
    Signal(Signal),
    Typed(io::Result<Vec<u8>>),
    Nothing,
    Told(Event),
    Done(Result<Event, Error>),
    State,
    Continued,
    Stopped,
    Resized,
    Time,
}

impl Driver<'_> {
    /// Turns until the end; returns the signal that was that.
    async fn turns(&mut self, terminal: &mut Terminal) -> Result<Option<Signal>, Failed> {
        let mut continued = signal(SignalKind::from_raw(Os::CONT.as_raw()))?;
        let mut stopped = signal(SignalKind::from_raw(Os::TSTP.as_raw()))?;
        let mut resized = signal(SignalKind::window_change())?;
        let states = self.jobs.observer.as_ref().map(Observer::state);
        let (_unused, none) = tokio::sync::watch::channel(observe::State::default());
        let mut states = states.unwrap_or(none);
        if !self.happens(Event::Tick, terminal)? {
            return Ok(None);
        }
        loop {
            if terminal.is_on() && std::mem::take(&mut self.screen.is_old) {
                self.screen.draw()?;
            }
            self.jobs.begin();
            let wakes = self.screen.state.wakes();
            let is_waiting = self.screen.keyboard.is_waiting();
            let met = tokio::select! {
                biased;
                signal = self.stop.pulled() => Met::Signal(signal),
                typed = terminal.read(), if terminal.is_on() => Met::Typed(typed),
                () = sleep(ESCAPE), if is_waiting => Met::Nothing,
                Some(event) = self.told.recv() => Met::Told(event),
                done = self.jobs.next() => Met::Done(done),
                seen = seen_of_pooler(&mut self.pooler) => Met::Told(seen),
                Ok(()) = states.changed() => Met::State,
                Some(()) = continued.recv() => Met::Continued,
                Some(()) = stopped.recv() => Met::Stopped,
                Some(()) = resized.recv() => Met::Resized,
                () = sleep_until(wakes.into()) => Met::Time,
            };
            let looked = self.screen.state.appearance();
            let is_quiet = matches!(met, Met::Time | Met::State);
            let goes_on = match met {
                Met::Signal(signal) => return Ok(Some(signal)),
                // The terminal is gone.
                Met::Typed(Ok(bytes)) if bytes.is_empty() => return Ok(Some(Signal::Terminate)),
                Met::Typed(Err(_)) => return Ok(Some(Signal::Terminate)),
                Met::Typed(Ok(bytes)) => {
                    let keys = self.screen.keyboard.take(&bytes);
                    self.all_happen(keys.into_iter().map(Event::Key), terminal)?
                }
                Met::Nothing => {
                    let key = self.screen.keyboard.expire();
                    self.all_happen(key.into_iter().map(Event::Key), terminal)?
                }
                Met::Told(event) => self.happens(event, terminal)?,
                Met::Done(Ok(event)) => {
                    crate::act::planted("live look");
                    self.happens(event, terminal)?
                }
                Met::Done(Err(error))
                    if error.kind == ErrorKind::BadValue && self.screen.state.age().is_some() =>
                {
                    self.happens(Event::Refused(error.message), terminal)?
                }
                Met::Done(Err(error)) => return Err(error.into()),
                Met::State => {
                    let down = states.borrow_and_update().down.as_ref().map(down);
                    if down.is_some() {
                        self.jobs.known = None;
                    }
                    self.happens(Event::Link(down), terminal)?
                }
                Met::Continued => {
                    terminal.enter(&mut *self.screen.out)?;
                    self.screen.canvas.forget();
                    self.resized(terminal)?
                }
                Met::Stopped => {
                    terminal.suspend(&mut *self.screen.out);
                    true
                }
                Met::Resized => self.resized(terminal)?,
                Met::Time => self.happens(Event::Tick, terminal)?,
            };
            self.screen.is_old |= !is_quiet || self.screen.state.appearance() != looked;
            if !goes_on {
                return Ok(None);
            }
        }
    }

    fn resized(&mut self, terminal: &mut Terminal) -> io::Result<bool> {
        let (columns, lines) = terminal.size().unwrap_or(self.screen.state.size());
        self.screen.canvas.forget();
        self.happens(Event::Resized(columns, lines), terminal)
    }

    fn all_happen(
        &mut self,
        events: impl Iterator<Item = Event>,
        terminal: &mut Terminal,
    ) -> io::Result<bool> {
        for event in events {
            if !self.happens(event, terminal)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands an event to the state and does what it wants; false at the end.
    fn happens(&mut self, event: Event, terminal: &mut Terminal) -> io::Result<bool> {
        let mut effects = VecDeque::from(self.screen.state.on(event, Instant::now()));
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Look(request) => self.jobs.queue.push_back(Job::Look(request)),
                Effect::LookAtPooler => self.pooler.iter_mut().for_each(Looks::ask),
                // A dialog waits for it.
                Effect::Plan(request) => self.jobs.queue.push_front(Job::Plan(request)),
                Effect::Act(request) => self.jobs.queue.push_front(Job::Act(request)),
                Effect::Copy(text) => self.copy(&text)?,
                Effect::Write => {
                    let written = (self.jobs.services.write_file)(&self.screen.canvas.lines());
                    effects.extend(self.screen.state.on(Event::Written(written), Instant::now()));
                }
                Effect::Suspend => terminal.suspend(&mut *self.screen.out),
                Effect::Back => {
                    self.back = true;
                    return Ok(false);
                }
                Effect::Quit => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Hands a text to the terminal's clipboard (OSC 52): what could do something to a terminal is spelt out.
    fn copy(&mut self, copied: &str) -> io::Result<()> {
        let lines: Vec<String> = copied.lines().map(|line| text::visible(line).into_owned()).collect();
        let text = lines.join("\n");
        let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MOST_COPIED).last();
        let text =
            if text.len() > MOST_COPIED { text.get(..end.unwrap_or(0)).unwrap_or_default() } else { &text };
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        self.screen.out.write_all(format!("\u{1b}]52;c;{encoded}\u{7}").as_bytes())
    }
}

fn down(down: &observe::Down) -> Down {
    let because = match &down.because.hint {
        Some(hint) => format!("{} ({hint})", down.because.message),
        None => down.because.message.clone(),
    };
    Down { since: down.since.into(), again: down.again.into(), because }
}
