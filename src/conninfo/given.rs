//! What the command line, or a list of servers, says about the connection.

use std::collections::BTreeMap;

/// What the command line says about the connection.
#[derive(Clone, Default)]
pub(crate) struct Given {
    /// `-h`
    pub(crate) host: Option<String>,
    /// `-p`
    pub(crate) port: Option<String>,
    /// `-U`
    pub(crate) username: Option<String>,
    /// `-d`: a database name, a connection string or a URI.
    pub(crate) dbname: Option<String>,
    /// `-S`
    pub(crate) service: Option<String>,
    /// `--password-command`
    pub(crate) password_command: Option<String>,
    /// `-w`: never ask for a password.
    pub(crate) no_password: bool,
    /// `-W`: ask for a password before connecting.
    pub(crate) force_password: bool,
    /// What a list of servers calls it.
    pub(crate) called: Option<Called>,
}

/// What a list calls a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Called {
    /// Its name.
    pub(crate) name: String,
    /// What else is said of it.
    pub(crate) labels: BTreeMap<String, String>,
}
