//! Which password each host gets, and from where: what was given, a command, or the password file.

use super::ConnInfo;
use super::bytes::{bytes_of, path_of, text_of};
use super::environment::{Environment, PasswordFile, read_password_file};
use super::error::Error;
use super::given::Given;
use super::host::{Host, is_socket_path};
use super::parameter::{Password, ValueSource};
use super::passfile::{self, PasswordKey};
use super::password_command::PasswordCommand;
use super::set::Set;
use std::path::Path;

/// The command that gives the password, when nobody has given it who comes before.
pub(super) fn password_command(
    given: &Given,
    environment: &Environment,
    set: &mut Set,
) -> Result<Option<PasswordCommand>, Error> {
    const VARIABLE: &str = "PGCONN_PASSWORD_COMMAND";
    let password =
        set.parameter("password").filter(|found| !found.value.is_empty()).map(|found| &found.source);
    let command = match (password, &given.password_command, environment.variable(VARIABLE)) {
        (None | Some(ValueSource::Variable(_)), Some(text), _) => {
            Some(PasswordCommand::parse(text, ValueSource::Argument("password-command"))?)
        }
        // Who wants to type it is not answered for.
        (None, None, Some(text)) if !text.is_empty() && !given.force_password => {
            Some(PasswordCommand::parse(text, ValueSource::Variable(VARIABLE))?)
        }
        _ => None,
    };
    if let Some(command) = &command {
        set.remove("password");
        set.put_named("password", "", command.source.clone());
    }
    Ok(command)
}

/// Gives each host its password: the one that was given, else the password file's.
pub(super) fn passwords(
    environment: &Environment,
    set: &mut Set,
    hosts: &mut [Host],
    warnings: &mut Vec<String>,
) {
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
    if info.password_command.is_some() {
        // What the command gave for an earlier login may be too old by now.
        now.hosts.iter_mut().for_each(|host| host.password = None);
        return now;
    }
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

impl ConnInfo {
    /// Leads into another database; a password that the password file has is the one that it has for that database.
    pub(crate) fn in_database(mut self, name: &str, environment: &Environment) -> Self {
        for parameter in self.parameters.iter_mut().filter(|parameter| parameter.keyword == "dbname") {
            name.clone_into(&mut parameter.value);
        }
        look_up_again(&mut self, environment);
        self
    }
}

/// Looks the passwords up again that the password file has, or had not, for the database that the settings lead to by now.
fn look_up_again(info: &mut ConnInfo, environment: &Environment) {
    if info.password_command.is_some() {
        return;
    }
    let Some(path) = info.get("passfile").map(path_of) else { return };
    let PasswordFile::Readable(text) = read_password_file(&path) else { return };
    let (dbname, user) = (info.dbname().to_owned(), info.user().to_owned());
    for host in &mut info.hosts {
        let source = host.password.as_ref().map(|found| &found.source);
        if matches!(source, None | Some(ValueSource::PasswordFile { .. })) {
            host.password = in_file(environment, &path, &text, host, [&dbname, &user]);
        }
    }
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
