//! Precedence: command line, then service file, then environment, then defaults; and the list of hosts that
//! comes out, each with its password.

use super::bytes::{path_of, text_of};
use super::environment::{Environment, read_file};
use super::error::Error;
use super::given::Given;
use super::host::Host;
use super::keyword::{self, KEYWORDS, Pairs};
use super::parameter::ValueSource;
use super::passwords::{password_command, passwords};
use super::set::Set;
use super::settings::{Settings, SslCertMode, SslMode};
use super::{Ask, ConnInfo, foreign, service, settings, uri};
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
    let typed = settings::typed(|keyword| set.parameter(keyword).map(|found| found.value.as_str()));
    let mut settings = typed.map_err(|error| set.located(error))?;
    for (variable, parameter) in [("PGDATESTYLE", "DateStyle"), ("PGTZ", "TimeZone"), ("PGGEQO", "geqo")] {
        if let Some(value) =
            environment.variable(variable).filter(|value| !value.eq_ignore_ascii_case("default"))
        {
            settings.startup.push((parameter, value.to_owned()));
        }
    }
    complete_login(environment, &mut set)?;
    files_at_home(environment, &settings, &mut set);
    let mut hosts = hosts(environment, &mut set).map_err(|error| set.located(error))?;
    let password_command = password_command(given, environment, &mut set)?;
    if password_command.is_none() {
        passwords(environment, &mut set, &mut hosts, &mut warnings);
    }
    let ask = match (given.no_password, given.force_password) {
        (_, true) => Ask::Always,
        (true, _) => Ask::Never,
        _ => Ask::WhenNeeded,
    };
    Ok(ConnInfo {
        parameters: set.listed(),
        hosts,
        settings,
        password_command,
        ask,
        warnings,
        called: given.called.clone(),
    })
}

/// A URI or a connection string in `-d` beats the other flags, as with psql; empty flags count as not given.
fn from_arguments(given: &Given, set: &mut Set) -> Result<(), Error> {
    if let Some(text) = given.dbname.as_deref().filter(|text| !text.is_empty()) {
        if uri::is_uri(text) {
            put_all(set, uri::parse(text)?, &ValueSource::Uri);
        } else if let Some(scheme) = foreign_scheme(text) {
            return Err(of_foreign_scheme(scheme, text));
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

/// The scheme of what has the shape of a URI with another one. libpq would take it for a database's name and show it,
/// credentials and all.
fn foreign_scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.:_".contains(c));
    (!scheme.is_empty() && is_scheme).then_some(scheme)
}

fn of_foreign_scheme(scheme: &str, text: &str) -> Error {
    let error = Error::new("the URI's scheme is not postgresql:// or postgres://");
    if matches!(scheme.to_ascii_lowercase().as_str(), "postgresql" | "postgres") {
        return error.hinted("write the scheme in lower case");
    }
    match foreign::library_of_scheme(scheme) {
        Some(library) => {
            let taken = foreign::taken(text);
            error.hinted(format!("{scheme} is a scheme of {library}; pgconn takes {taken}"))
        }
        None => error,
    }
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
    let files = service_files(set.used("servicefile"), environment);
    let is_named = files.iter().any(|(_, must_exist)| *must_exist);
    let mut known: Vec<String> = Vec::new();
    let mut looked_into: Vec<String> = Vec::new();
    for (path, must_exist) in files {
        let file = path.display().to_string();
        match read_service_file(&path, must_exist)? {
            None if must_exist => {
                let missing = Error::new(format!("service file \"{file}\" not found"));
                let named = if set.used("servicefile").is_some() { "servicefile" } else { "PGSERVICEFILE" };
                return Err(missing.hinted(format!("{named} names it")));
            }
            None => looked_into.push(format!("{file} (not there)")),
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
                looked_into.push(file);
            }
        }
    }
    let likeness = |known: &String| strsim::jaro_winkler(known, &name);
    order::sort_by(&mut known, |left, right| likeness(right).total_cmp(&likeness(left)));
    let missing = Error::new(format!("definition of service \"{name}\" not found")).about("service");
    let missing = match known.first() {
        Some(near) if likeness(near) > 0.8 => missing.hinted(format!("did you mean -S {near}?")),
        Some(_) => missing.hinted(format!("there are: {}", known.join(", "))),
        None => missing,
    };
    Err(set.located(missing).also(format!("looked into {}", looked_into.join(", "))))
}

/// Where service files may be, the user's first, each with whether it has to be there: one that was `named` has.
fn service_files(named: Option<&str>, environment: &Environment) -> Vec<(PathBuf, bool)> {
    let variable = |name| environment.variable(name);
    let named = named.or_else(|| variable("PGSERVICEFILE").filter(|file| !file.is_empty()));
    let user_file = match named {
        Some(file) => Some((path_of(file), true)),
        None => environment.in_home(".pg_service.conf").map(|file| (file, false)),
    };
    let system_files: Vec<(PathBuf, bool)> = match variable("PGSYSCONFDIR") {
        Some(directory) => vec![(path_of(directory).join("pg_service.conf"), false)],
        None => environment.system_directories.iter().map(|at| (at.join("pg_service.conf"), false)).collect(),
    };
    user_file.into_iter().chain(system_files).collect()
}

fn read_service_file(path: &Path, must_exist: bool) -> Result<Option<Vec<u8>>, Error> {
    match read_file(path) {
        // As in libpq: a file that need not be there is not there when it cannot be reached.
        Err(_) if !must_exist => Ok(None),
        read => read.map_err(|error| {
            Error::new(format!("could not read service file \"{}\": {error}", path.display()))
        }),
    }
}

/// The services that there are, in the order in which they are looked for.
pub(super) fn service_names(environment: &Environment) -> Result<Vec<String>, Error> {
    let mut known: Vec<String> = Vec::new();
    for (path, must_exist) in service_files(None, environment) {
        let Some(bytes) = read_service_file(&path, must_exist)? else { continue };
        for name in service::names(&text_of(&bytes)) {
            if !known.iter().any(|earlier| earlier == name) {
                known.push(name.to_owned());
            }
        }
    }
    Ok(known)
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
            // Whoever names a folder of lists has named the lists.
            "sslcrl" => set.used("sslcrldir").is_none() && !is_missing(&path),
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
    let source = set.parameter("port").map(|found| &found.source);
    let number = settings::integer("port", text).map_err(|error| match source {
        // `user:pass/word@host` reads as a host and a port, as it does for libpq.
        Some(ValueSource::Uri) => Error::new("invalid port in the URI")
            .hinted("a \"/\" in a password is written %2F in a URI, a \":\" %3A and a \"@\" %40"),
        // mysql's fingers: what stands there may be a password, and is not repeated.
        Some(ValueSource::Argument(_)) => Error::new("invalid port: it is not a number")
            .hinted("-p is the port; -W asks for a password, and PGPASSWORD or a password file give it without asking"),
        _ => error,
    })?;
    match u16::try_from(number) {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Error::new(format!("invalid port number: \"{text}\""))
            .about("port")
            .also("a port is a number from 1 to 65535")),
    }
}
