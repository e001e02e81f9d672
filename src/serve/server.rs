//! Takes connections, within bounds, until it is told to end.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task;
use tokio::time::{sleep, timeout};

use super::respond::respond;
use super::serving::Serving;
use crate::stop::Stop;

/// Connections at once.
const CONNECTIONS: usize = 64;
/// How long the head of a request may take, and a connection may wait for the next one.
const HEAD: Duration = Duration::from_secs(5);
/// How large it may be.
const HEAD_SIZE: usize = 8 << 10;
/// How long an end waits for what is under way.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a connection may take in all, however slowly its other side reads.
const LIFE: Duration = Duration::from_secs(600);

/// Serves on these sockets until a signal ends it; `ready` is called when it takes connections, with where that is. Within a set of
/// local tasks.
///
/// # Errors
/// When a socket cannot be used.
pub(crate) async fn serve(
    sockets: Vec<StdListener>,
    serving: &Rc<Serving>,
    stop: &Stop,
    ready: impl FnOnce(&[SocketAddr]),
) -> io::Result<()> {
    let (ending, end) = watch::channel(false);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut places = Vec::new();
    for socket in sockets {
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket)?;
        places.push(listener.local_addr()?);
        task::spawn_local(take(listener, Rc::clone(serving), Arc::clone(&room), end.clone()));
    }
    ready(&places);
    stop.pulled().await;
    let _ = ending.send(true);
    drop(end);
    // Until each connection has let go of its part.
    let all = u32::try_from(CONNECTIONS).unwrap_or(u32::MAX);
    let _ = timeout(DRAIN, room.acquire_many(all)).await;
    Ok(())
}

/// Takes connections from one socket.
async fn take(
    listener: TcpListener,
    serving: Rc<Serving>,
    room: Arc<Semaphore>,
    mut end: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = end.wait_for(|ending| *ending) => return,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of descriptors, say: it passes, and asking again at once does not help.
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match Arc::clone(&room).try_acquire_owned() {
            Ok(part) => {
                task::spawn_local(talk(stream, Rc::clone(&serving), part, end.clone()));
            }
            Err(_) => {
                task::spawn_local(timeout(HEAD, refuse(stream)));
            }
        }
    }
}

/// Says that there is no room, which a client of TLS cannot read.
async fn refuse(mut stream: TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain\r\n\
        Cache-Control: no-store\r\nConnection: close\r\nContent-Length: 21\r\n\r\ntoo many connections\n";
    let _ = stream.write_all(FULL).await;
    let _ = stream.shutdown().await;
}

async fn talk(
    stream: TcpStream,
    serving: Rc<Serving>,
    _part: OwnedSemaphorePermit,
    end: watch::Receiver<bool>,
) {
    let acceptor = serving.tls.borrow().clone();
    match acceptor {
        None => converse(stream, serving, end).await,
        Some(acceptor) => {
            // Whoever cannot shake hands in time, or at all, is let go.
            if let Ok(Ok(stream)) = timeout(HEAD, acceptor.accept(stream)).await {
                converse(stream, serving, end).await;
            }
        }
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    serving: Rc<Serving>,
    mut end: watch::Receiver<bool>,
) {
    let answer = service_fn(move |request| {
        let serving = Rc::clone(&serving);
        async move { Ok::<_, Infallible>(respond(request, serving).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_SIZE);
    let connection = http.serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let life = sleep(LIFE);
    tokio::pin!(life);
    let mut is_ending = false;
    loop {
        tokio::select! {
            // What goes wrong on a connection is its client's to notice.
            _ = connection.as_mut() => return,
            () = life.as_mut() => return,
            _ = end.wait_for(|ending| *ending), if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
