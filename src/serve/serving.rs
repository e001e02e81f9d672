//! Everything that is served, and may change while it is.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::SystemTime;

use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::access::Access;
use super::shared::{LOOKS_AT_ONCE, Pace, Watched};
use super::tls::Certificates;

/// Everything that is served, and may change while it is.
pub(crate) struct Serving {
    /// The targets; the first is the default.
    pub(crate) targets: RefCell<Vec<Rc<Watched>>>,
    /// Who may ask; everybody when there is none.
    pub(crate) access: RefCell<Option<Rc<Access>>>,
    /// What takes TLS connections; none in clear.
    pub(crate) tls: RefCell<Option<TlsAcceptor>>,
    /// Where that comes from.
    pub(crate) certificates: Option<Certificates>,
    /// How often it is looked.
    pub(crate) pace: Pace,
    /// When it began.
    pub(crate) started: SystemTime,
    /// Who may look.
    pub(crate) turns: Rc<Semaphore>,
}

impl Serving {
    /// Nothing served yet.
    pub(crate) fn new(pace: Pace, certificates: Option<Certificates>) -> Self {
        Self {
            targets: RefCell::default(),
            access: RefCell::default(),
            tls: RefCell::default(),
            certificates,
            pace,
            started: SystemTime::now(),
            turns: Rc::new(Semaphore::new(LOOKS_AT_ONCE)),
        }
    }
}
