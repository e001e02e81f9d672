//! Precedence: command line, then service file, then environment, then defaults; and the list of hosts that
//! comes out, each with its password.

use super::environment::{PasswordFile, read_file, read_password_file};
use super::keyword::{self, KEYWORDS, Keyword, Pairs};
use super::passfile::{self, PasswordKey};
use super::settings::{Settings, SslCertMode, SslMode};
use super::{
    Ask, ConnInfo, Environment, Error, Given, Host, Parameter, Password, ValueSource, bytes_of,
    is_socket_path, path_of, service, settings, text_of, uri,
};
use crate::model::order;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Resolves what was given against the environment and the files. Opens no socket.
pub(crate) fn resolve(given: &Given, environment: &Environment) -> Result<ConnInfo, Error> {
    let mut set = Set::default();
    from_arguments(given, &mut set)?;
    from_service(environment, &mut set)?;
    from_environment(environment, &mut set);
    let mut warnings = Vec::new();
    let mut settings = settings::typed(|keyword| set.parameter(keyword).map(|found| found.value.as_str()))?;
    for (variable, parameter) in [("PGDATESTYLE", "DateStyle"), ("PGTZ", "TimeZone"), ("PGGEQO", "geqo")] {
        if let Some(value) =
            environment.variable(variable).filter(|value| !value.eq_ignore_ascii_case("default"))
        {
            settings.startup.push((parameter, value.to_owned()));
        }
    }
    complete_login(environment, &mut set)?;
    files_at_home(environment, &settings, &mut set);
    let mut hosts = hosts(environment, &mut set)?;
    passwords(environment, &mut set, &mut hosts, &mut warnings);
    let ask = match (given.no_password, given.force_password) {
        (_, true) => Ask::Always,
        (true, _) => Ask::Never,
        _ => Ask::WhenNeeded,
    };
    Ok(ConnInfo { parameters: set.listed(), hosts, settings, ask, warnings })
}

/// The values found so far. What is put first holds.
#[derive(Default)]
struct Set(Vec<Parameter>);

impl Set {
    fn put(&mut self, keyword: &'static Keyword, value: impl Into<String>, source: ValueSource) {
        if self.parameter(keyword.name).is_none() {
            let (keyword, secret, value) = (keyword.name, keyword.secret, value.into());
            self.0.push(Parameter { keyword, value, source, secret });
        }
    }

    fn put_named(&mut self, name: &str, value: impl Into<String>, source: ValueSource) {
        if let Some(keyword) = keyword::find(name) {
            self.put(keyword, value, source);
        }
    }

    /// The value of a keyword; an empty one counts as not given.
    fn used(&self, name: &str) -> Option<&str> {
        self.parameter(name).map(|found| found.value.as_str()).filter(|value| !value.is_empty())
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|found| found.keyword == name)
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|found| found.keyword != name);
    }

    /// All of them in the table's order.
    fn listed(mut self) -> Vec<Parameter> {
        order::sort_by_key(&mut self.0, |found| {
            KEYWORDS.iter().position(|keyword| keyword.name == found.keyword)
        });
        self.0
    }
}

/// A URI or a connection string in `-d` beats the other flags, as with psql; empty flags count as not given.
fn from_arguments(given: &Given, set: &mut Set) -> Result<(), Error> {
    if let Some(text) = given.dbname.as_deref().filter(|text| !text.is_empty()) {
        if uri::is_uri(text) {
            put_all(set, uri::parse(text)?, &ValueSource::Uri);
        } else if is_foreign_uri(text) {
            return Err(Error::new("the URI's scheme is not postgresql:// or postgres://")
                .hinted("write the scheme in lower case"));
        } else if text.contains('=') {
            put_all(set, keyword::parse(text)?, &ValueSource::ConnectionString);
        } else {
            set.put_named("dbname", text, ValueSource::Argument("dbname"));
        }
    }
    let flags = [
        ("host", &given.host, "host"),
        ("port", &given.port, "port"),
        ("user", &given.username, "username"),
        ("service", &given.service, "service"),
    ];
    for (name, value, flag) in flags {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            set.put_named(name, value, ValueSource::Argument(flag));
        }
    }
    Ok(())
}

/// Whether it has the shape of a URI with another scheme. libpq would take it for a database's name and show it,
/// credentials and all.
fn is_foreign_uri(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

fn put_all(set: &mut Set, pairs: Pairs, source: &ValueSource) {
    for (keyword, value) in pairs {
        set.put(keyword, value, source.clone());
    }
}

/// The service file's section, when a service is named: the user's file, then the system's; the first that has
/// the section wins.
fn from_service(environment: &Environment, set: &mut Set) -> Result<(), Error> {
    let variable = |name| environment.variable(name);
    if let Some(service) = variable("PGSERVICE") {
        set.put_named("service", service, ValueSource::Variable("PGSERVICE"));
    }
    // An empty name is looked for, as in libpq.
    let Some(name) = set.parameter("service").map(|found| found.value.clone()) else { return Ok(()) };
    let named = set.used("servicefile").or_else(|| variable("PGSERVICEFILE").filter(|file| !file.is_empty()));
    let is_named = named.is_some();
    let user_file = match named {
        Some(file) => Some((path_of(file), true)),
        None => environment.in_home(".pg_service.conf").map(|file| (file, false)),
    };
    let system_files: Vec<(PathBuf, bool)> = match variable("PGSYSCONFDIR") {
        Some(directory) => vec![(path_of(directory).join("pg_service.conf"), false)],
        None => environment.system_directories.iter().map(|at| (at.join("pg_service.conf"), false)).collect(),
    };
    let mut known: Vec<String> = Vec::new();
    for (path, must_exist) in user_file.into_iter().chain(system_files) {
        let file = path.display().to_string();
        let found = match read_file(&path) {
            // As in libpq: a file that need not be there is not there when it cannot be reached.
            Err(_) if !must_exist => None,
            read => {
                read.map_err(|error| Error::new(format!("could not read service file \"{file}\": {error}")))?
            }
        };
        match found {
            None if must_exist => return Err(Error::new(format!("service file \"{file}\" not found"))),
            None => {}
            Some(bytes) => {
                let text = text_of(&bytes);
                if let Some(pairs) = service::section(&text, &name, &file)? {
                    if !is_named {
                        set.put_named(
                            "servicefile",
                            text_of(path.as_os_str().as_bytes()),
                            ValueSource::Default,
                        );
                    }
                    put_all(set, pairs, &ValueSource::Service { file, section: name });
                    return Ok(());
                }
                known.extend(service::names(&text).map(str::to_owned));
            }
        }
    }
    let likeness = |known: &String| strsim::jaro_winkler(known, &name);
    order::sort_by(&mut known, |left, right| likeness(right).total_cmp(&likeness(left)));
    let missing = Error::new(format!("definition of service \"{name}\" not found"));
    Err(match known.first() {
        Some(near) if likeness(near) > 0.8 => missing.hinted(format!("did you mean -S {near}?")),
        Some(_) => missing.hinted(format!("there are: {}", known.join(", "))),
        None => missing,
    })
}

/// Variables, and the constants that are the same on every machine.
fn from_environment(environment: &Environment, set: &mut Set) {
    for keyword in KEYWORDS {
        if let Some((name, value)) =
            keyword.variable.and_then(|name| Some((name, environment.variable(name)?)))
        {
            set.put(keyword, value, ValueSource::Variable(name));
        }
    }
    if environment.variable("PGREQUIRESSL").is_some_and(|value| value.starts_with('1')) {
        set.put_named("sslmode", "require", ValueSource::Variable("PGREQUIRESSL"));
    }
    if set.used("sslrootcert") == Some("system") {
        set.put_named("sslmode", "verify-full", ValueSource::Default);
    }
    for keyword in KEYWORDS {
        if let Some(value) = keyword.default {
            set.put(keyword, value, ValueSource::Default);
        }
    }
}

/// The role defaults to the operating system's user, the database to the role's name.
fn complete_login(environment: &Environment, set: &mut Set) -> Result<(), Error> {
    if set.used("user").is_none() {
        let name = environment.user_name.and_then(|look_up| look_up()).ok_or_else(|| {
            Error::new("could not find out the name of the operating system's user")
                .hinted("name a role with -U")
        })?;
        set.remove("user");
        set.put_named("user", name, ValueSource::Default);
    }
    if set.used("dbname").is_none() {
        let user = set.used("user").unwrap_or_default().to_owned();
        set.remove("dbname");
        set.put_named("dbname", user, ValueSource::Default);
    }
    if set.used("application_name").is_none() {
        let name = set.used("fallback_application_name").unwrap_or("pgconn").to_owned();
        set.remove("application_name");
        set.put_named("application_name", name, ValueSource::Default);
    }
    Ok(())
}

/// libpq's files in the home directory, where no others are named: those that are there, and those that are needed.
fn files_at_home(environment: &Environment, settings: &Settings, set: &mut Set) {
    let is_missing = |path: &Path| {
        let kind = std::fs::metadata(path).err().map(|error| error.kind());
        matches!(kind, Some(ErrorKind::NotFound | ErrorKind::NotADirectory))
    };
    let shows_certificate = settings.ssl_cert_mode != SslCertMode::Disable;
    let files = [
        ("passfile", ".pgpass"),
        ("sslcert", ".postgresql/postgresql.crt"),
        ("sslkey", ".postgresql/postgresql.key"),
        ("sslrootcert", ".postgresql/root.crt"),
        ("sslcrl", ".postgresql/root.crl"),
    ];
    for (keyword, name) in files {
        let Some(path) = environment.in_home(name).filter(|_| set.used(keyword).is_none()) else { continue };
        let is_used = match keyword {
            "passfile" => !is_missing(&path),
            _ if settings.ssl_mode == SslMode::Disable => false,
            "sslcert" => shows_certificate && !is_missing(&path),
            "sslkey" => {
                let certificate = set.used("sslcert").filter(|_| shows_certificate);
                certificate.is_some_and(|certificate| !is_missing(&path_of(certificate)))
            }
            "sslrootcert" => settings.ssl_mode >= SslMode::VerifyCa || !is_missing(&path),
            _ => !is_missing(&path),
        };
        if is_used {
            set.remove(keyword);
            set.put_named(keyword, text_of(path.as_os_str().as_bytes()), ValueSource::Default);
        }
    }
}

/// The lists of hosts, addresses and ports, laid side by side.
fn hosts(environment: &Environment, set: &mut Set) -> Result<Vec<Host>, Error> {
    let list = |name: &str| -> Vec<String> {
        set.used(name).map(|value| value.split(',').map(str::to_owned).collect()).unwrap_or_default()
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    if names.iter().any(|name| name.contains("://")) {
        return Err(Error::new("a URI is not a host name").hinted("name the URI with -d"));
    }
    // What stands before the "@" is the end of a password, which no message may show.
    if names.iter().any(|name| name.char_indices().any(|(at, c)| at > 0 && c == '@')) {
        return Err(Error::new("a host name has no \"@\" in it")
            .hinted("a \"@\" in a password is written %40 in a URI, a \"/\" %2F and a \":\" %3A"));
    }
    let count = if addresses.is_empty() { names.len().max(1) } else { addresses.len() };
    if !names.is_empty() && names.len() != count {
        return Err(Error::new(format!(
            "could not match {} host names to {} hostaddr values",
            names.len(),
            addresses.len()
        )));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::new(format!("could not match {} port numbers to {count} hosts", ports.len())));
    }
    let mut hosts = Vec::with_capacity(count);
    for index in 0..count {
        let text = if ports.len() == 1 { ports.first() } else { ports.get(index) };
        let port = port(text.map_or("", String::as_str), set)?;
        let host = names.get(index).cloned().unwrap_or_default();
        let hostaddr = addresses.get(index).filter(|address| !address.is_empty()).cloned();
        let host = match &hostaddr {
            None if host.is_empty() => environment.socket_directory(port).display().to_string(),
            _ => host,
        };
        hosts.push(Host { host, hostaddr, port, password: None });
    }
    if set.used("host").is_none() && set.used("hostaddr").is_none() {
        set.remove("host");
        let host = hosts.first().map(|host| host.host.clone()).unwrap_or_default();
        set.put_named("host", host, ValueSource::Default);
    }
    Ok(hosts)
}

/// A port of the list; an empty one is the default.
fn port(text: &str, set: &Set) -> Result<u16, Error> {
    let text = if text.is_empty() { "5432" } else { text };
    let number = settings::integer("port", text).map_err(|error| {
        // `user:pass/word@host` reads as a host and a port, as it does for libpq.
        let from_uri = set.parameter("port").is_some_and(|found| found.source == ValueSource::Uri);
        if from_uri {
            Error::new("invalid port in the URI")
                .hinted("a \"/\" in a password is written %2F in a URI, a \":\" %3A and a \"@\" %40")
        } else {
            error
        }
    })?;
    match number.and_then(|number| u16::try_from(number).ok()) {
        Some(port) if port > 0 => Ok(port),
        _ => Err(Error::new(format!("invalid port number: \"{text}\""))),
    }
}

/// Gives each host its password: the one that was given, else the password file's.
fn passwords(environment: &Environment, set: &mut Set, hosts: &mut [Host], warnings: &mut Vec<String>) {
    if let Some(given) = set.parameter("password").filter(|given| !given.value.is_empty()) {
        let password = Password { bytes: bytes_of(&given.value), source: given.source.clone() };
        hosts.iter_mut().for_each(|host| host.password = Some(password.clone()));
        return;
    }
    let Some(path) = set.used("passfile").map(path_of) else { return };
    let text = match read_password_file(&path) {
        PasswordFile::Readable(text) => text,
        PasswordFile::Absent => return,
        PasswordFile::Ignored(why) => return warnings.push(why),
    };
    let login = [set.used("dbname").unwrap_or_default(), set.used("user").unwrap_or_default()];
    for host in &mut *hosts {
        host.password = in_file(environment, &path, &text, host, login);
    }
    if let Some(found) = hosts.iter().find_map(|host| host.password.as_ref()) {
        let source = found.source.clone();
        set.remove("password");
        set.put_named("password", text_of(&found.bytes), source);
    }
}

/// The settings with the passwords that the password file has now, where it is what had them: tokens that are written there anew
/// are of use to whoever logs in again.
pub(crate) fn passwords_of_now(info: &ConnInfo, environment: &Environment) -> ConnInfo {
    let mut now = info.clone();
    let login = [info.dbname(), info.user()];
    for host in &mut now.hosts {
        let Some(ValueSource::PasswordFile { file, .. }) = host.password.as_ref().map(|found| &found.source)
        else {
            continue;
        };
        let path = path_of(file);
        if let PasswordFile::Readable(text) = read_password_file(&path) {
            let found = in_file(environment, &path, &text, host, login);
            // A line that is gone may be about to come back.
            host.password = found.or(host.password.take());
        }
    }
    now
}

/// The password that the file at `path`, which has this `text`, has for a host, a database and a role.
fn in_file(
    environment: &Environment,
    path: &Path,
    text: &[u8],
    host: &Host,
    [dbname, user]: [&str; 2],
) -> Option<Password> {
    let is_default = host.hostaddr.is_none()
        && is_socket_path(&host.host)
        && Path::new(&host.host) == environment.socket_directory(host.port);
    let wanted = PasswordKey {
        host: if is_default { "localhost" } else { host.name() },
        port: &host.port.to_string(),
        dbname,
        user,
    };
    let (line, bytes) = passfile::lookup(text, &wanted)?;
    Some(Password { bytes, source: ValueSource::PasswordFile { file: path.display().to_string(), line } })
}
