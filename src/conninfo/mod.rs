//! Connection settings: from arguments, environment, service file and password file to one resolved set, each
//! value with where it came from. libpq's grammar, keywords and precedence. Opens no socket; only
//! [`environment`] touches the file system and the process environment.

mod bytes;
mod environment;
mod error;
mod foreign;
mod given;
mod host;
mod keyword;
mod lead;
mod mask_argv;
mod parameter;
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
pub(crate) use error::Error;
pub(crate) use given::{Called, Given};
pub(crate) use host::Host;
pub(crate) use mask_argv::{CARRIER, mask_argv, unmask_argv};
pub(crate) use parameter::{Parameter, Password, ValueSource};
pub(crate) use password_command::PasswordCommand;
pub(crate) use passwords::passwords_of_now;
pub(crate) use pinned::Variables;
pub(crate) use redact::secrets;
pub(crate) use resolve::resolve;
pub(crate) use settings::{
    ChannelBinding, LoadBalance, Settings, SslCertMode, SslMode, SslNegotiation, TargetSession, TlsVersion,
};
pub(crate) use targets::{TargetSpec, is_pattern, of_discovery, of_file, of_services};
pub(crate) use uri::encoded;

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
