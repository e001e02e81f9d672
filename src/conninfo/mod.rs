//! Connection settings: from arguments, environment, service file and password file to one resolved set, each
//! value with where it came from. libpq's grammar, keywords and precedence. Opens no socket; only
//! [`environment`] touches the file system and the process environment.

use std::fmt;

mod bytes;
mod environment;
mod foreign;
mod keyword;
mod lead;
mod mask_argv;
mod passfile;
mod password_command;
mod passwords;
mod pinned;
mod redact;
mod resolve;
mod service;
mod set;
mod settings;
mod targets;
#[cfg(test)]
mod tests;
mod uri;

pub(crate) use bytes::{bytes_of, os_string_of, path_of, readable, text_of};
pub(crate) use environment::{Environment, refuse_endless};
pub(crate) use mask_argv::{CARRIER, mask_argv, unmask_argv};
pub(crate) use password_command::PasswordCommand;
pub(crate) use passwords::passwords_of_now;
pub(crate) use pinned::Variables;
pub(crate) use redact::secrets;
pub(crate) use resolve::resolve;
pub(crate) use settings::{
    ChannelBinding, LoadBalance, Settings, SslCertMode, SslMode, SslNegotiation, TargetSession, TlsVersion,
};
pub(crate) use targets::{Called, TargetSpec, is_pattern, of_discovery, of_file, of_services};
pub(crate) use uri::encoded;

/// What is shown instead of a secret.
pub(crate) const MASK: &str = "********";

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

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValueSource {
    /// A flag of the command line, by its long name.
    Argument(&'static str),
    /// The URI given with `-d`.
    Uri,
    /// The connection string given with `-d`.
    ConnectionString,
    /// A section of a service file.
    Service {
        /// The file's path.
        file: String,
        /// The section, which is the service's name.
        section: String,
    },
    /// An environment variable.
    Variable(&'static str),
    /// A line of the password file.
    PasswordFile {
        /// The file's path.
        file: String,
        /// Its line, from 1.
        line: usize,
    },
    /// What was typed when it was asked for.
    Prompt,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for ValueSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument(flag) => write!(f, "argument --{flag}"),
            Self::Uri => f.write_str("URI"),
            Self::ConnectionString => f.write_str("connection string"),
            Self::Service { file, section } => write!(f, "service file {file} section [{section}]"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::PasswordFile { file, line } => write!(f, "password file {file} line {line}"),
            Self::Prompt => f.write_str("the prompt"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One resolved parameter. `Debug` never shows a secret's value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// libpq's keyword.
    pub(crate) keyword: &'static str,
    /// The value as given, a secret's too; [`bytes_of`] it is what libpq takes.
    pub(crate) value: String,
    /// Where the value came from.
    pub(crate) source: ValueSource,
    /// Whether the value must never be shown.
    pub(crate) secret: bool,
}

impl Parameter {
    /// The value as it may be shown: secrets are masked.
    pub(crate) fn shown(&self) -> String {
        if self.secret { MASK.to_owned() } else { secrets(&self.value) }
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={:?} ({})", self.keyword, self.shown(), self.source)
    }
}

/// A password and where it came from. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password {
    /// The password's bytes, as typed or as in the file.
    pub(crate) bytes: Vec<u8>,
    /// Where it came from.
    pub(crate) source: ValueSource,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MASK} ({})", self.source)
    }
}

/// One host that is tried, in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Host name, address, socket directory, or `@name` of an abstract socket. Empty when only `hostaddr` is given.
    pub(crate) host: String,
    /// The numeric address to use instead of looking the name up.
    pub(crate) hostaddr: Option<String>,
    /// TCP port, or the number in the socket's file name.
    pub(crate) port: u16,
    /// The password for this host, from wherever it was found.
    pub(crate) password: Option<Password>,
}

impl Host {
    /// Whether it is reached through a Unix-domain socket.
    pub(crate) fn is_socket(&self) -> bool {
        self.hostaddr.is_none() && is_socket_path(&self.host)
    }

    /// The socket's path, when it is reached through one (`@…` is an abstract name).
    pub(crate) fn socket_path(&self) -> Option<String> {
        self.is_socket().then(|| format!("{}/.s.PGSQL.{}", self.host, self.port))
    }

    /// The host as a person names it: what was given, else the address.
    pub(crate) fn name(&self) -> &str {
        if self.host.is_empty() { self.hostaddr.as_deref().unwrap_or_default() } else { &self.host }
    }
}

/// Whether `host` names a socket directory (or an abstract socket) rather than a machine.
fn is_socket_path(host: &str) -> bool {
    host.starts_with('/') || host.starts_with('@')
}

/// Whether pgconn may ask for a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// `-w`: never.
    Never,
    /// When the server asks for one and none is known.
    WhenNeeded,
    /// `-W`: before connecting.
    Always,
}

/// The resolved set: everything needed to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnInfo {
    parameters: Vec<Parameter>,
    hosts: Vec<Host>,
    settings: Settings,
    password_command: Option<PasswordCommand>,
    ask: Ask,
    warnings: Vec<String>,
    called: Option<Called>,
}

impl ConnInfo {
    /// What a list of servers calls it.
    pub(crate) fn called(&self) -> Option<&Called> {
        self.called.as_ref()
    }

    /// Leads into another database; a password that the password file has is the one that it has for that database.
    pub(crate) fn in_database(mut self, name: &str, environment: &Environment) -> Self {
        for parameter in self.parameters.iter_mut().filter(|parameter| parameter.keyword == "dbname") {
            name.clone_into(&mut parameter.value);
        }
        passwords::look_up_again(&mut self, environment);
        self
    }

    /// Every parameter that has a value, in the order of libpq's table.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The parameter named `keyword`, when it has a value.
    pub(crate) fn parameter(&self, keyword: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.keyword == keyword)
    }

    /// The value of `keyword`; an empty value counts as none. Secrets are returned as they are.
    pub(crate) fn get(&self, keyword: &str) -> Option<&str> {
        self.parameter(keyword).map(|p| p.value.as_str()).filter(|value| !value.is_empty())
    }

    /// The hosts that are tried, in order; never empty.
    pub(crate) fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The role to log in as.
    pub(crate) fn user(&self) -> &str {
        self.get("user").unwrap_or_default()
    }

    /// The database to connect to.
    pub(crate) fn dbname(&self) -> &str {
        self.get("dbname").unwrap_or_else(|| self.user())
    }

    /// Whether somebody named a database (otherwise it is the role's name).
    pub(crate) fn database_was_named(&self) -> bool {
        self.parameter("dbname").is_some_and(|p| p.source != ValueSource::Default)
    }

    /// Whether the command line itself named a database, rather than a service or the environment.
    pub(crate) fn database_was_typed(&self) -> bool {
        let typed = |source: &ValueSource| {
            matches!(source, ValueSource::Argument(_) | ValueSource::Uri | ValueSource::ConnectionString)
        };
        self.parameter("dbname").is_some_and(|p| typed(&p.source))
    }

    /// Where the named service was found, when one was named.
    pub(crate) fn service(&self) -> Option<&str> {
        self.get("service")
    }

    /// The validated, typed settings.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a password may be asked for.
    pub(crate) fn ask(&self) -> Ask {
        self.ask
    }

    /// What should be said about the settings files (a password file that others can read).
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The command that gives the password, when the password is to come from one.
    pub(crate) fn password_command(&self) -> Option<&PasswordCommand> {
        self.password_command.as_ref()
    }

    /// A copy in which this host has the password that the command gave for it.
    pub(crate) fn with_password_of_command(&self, host: &Host, given: &[u8]) -> Self {
        let mut other = self.clone();
        let Some(command) = &self.password_command else { return other };
        let place = |one: &Host| (one.host.clone(), one.hostaddr.clone(), one.port);
        for one in other.hosts.iter_mut().filter(|one| place(one) == place(host)) {
            one.password = Some(Password { bytes: given.to_vec(), source: command.source.clone() });
        }
        other
    }

    /// A copy with this password for every host that has none.
    pub(crate) fn with_password(&self, typed: &[u8]) -> Self {
        let mut other = self.clone();
        for host in &mut other.hosts {
            host.password = Some(Password { bytes: typed.to_vec(), source: ValueSource::Prompt });
        }
        other
    }
}

/// Settings that are wrong, missing, or that pgconn cannot honour. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    /// One line, in libpq's words where libpq has them.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// The keyword whose value is wrong.
    keyword: Option<&'static str>,
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, keyword: None }
    }

    /// About the value of this keyword.
    fn about(self, keyword: &'static str) -> Self {
        Self { keyword: Some(keyword), ..self }
    }

    /// With one more thing to do about it.
    fn also(self, more: impl Into<String>) -> Self {
        let more = more.into();
        let hint = self.hint.map_or_else(|| more.clone(), |hint| format!("{hint}; {more}"));
        Self { hint: Some(hint), ..self }
    }

    fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
