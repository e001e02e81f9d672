//! Where the list comes from: a file, what a command prints, the names of services.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::{fs, io};

use anyhow::Result;

use crate::commands::Context;
use crate::conninfo::{
    Environment, Error, TargetSpec, of_discovery, of_file, of_services, refuse_endless, text_of,
};
use crate::db;
use crate::error::Failure;
use crate::model::nearest::nearest;
use crate::render::Warning;

/// The longest list that is read.
const LONGEST: u64 = 4 << 20;

/// The servers that the command line lists and means, and what is to be said of the list.
///
/// # Errors
/// When the list cannot be had, or means none.
pub(in crate::commands) async fn read(context: &Context) -> Result<(Vec<TargetSpec>, Vec<Warning>), Failure> {
    let (specs, warnings) = listed(context).await?;
    Ok((chosen(specs, &context.connection.many.only)?, warnings))
}

/// The servers of that list, and what is to be said of it.
///
/// # Errors
/// When it cannot be read, or says something wrong.
async fn listed(context: &Context) -> Result<(Vec<TargetSpec>, Vec<Warning>), Failure> {
    let (connection, many) = (&context.connection, &context.connection.many);
    let services = connection.services();
    if many.targets.is_some() || many.targets_command.is_some() {
        let places = [("-h", connection.host.is_some()), ("-p", connection.port.is_some())];
        let named = [("-d", connection.dbname.is_some()), ("-S", !services.is_empty())];
        if let Some((flag, _)) = places.into_iter().chain(named).find(|(_, given)| *given) {
            return Err(Failure::usage(format!("{flag} says where to connect, and so does the list"))
                .hinted("select of the list with --only NAME"));
        }
    }
    if let Some(path) = &many.targets {
        let text = read_file(path)?;
        let shown = path.display().to_string();
        let specs = of_file(&text, &shown).map_err(usage)?;
        let warnings = passwords(&specs, path)?;
        return Ok((specs, warnings));
    }
    if let Some(command) = &many.targets_command {
        let printed = db::printed_by(&text_of(command.as_bytes()), "targets-command", LONGEST).await?;
        let text = String::from_utf8_lossy(&printed);
        return Ok((of_discovery(&text, "--targets-command").map_err(usage)?, Vec::new()));
    }
    Ok((of_services(&services, &Environment::of_process()).map_err(usage)?, Vec::new()))
}

/// Of these servers those that `only` means; all of them when it says nothing.
///
/// # Errors
/// When one of `only` means none.
fn chosen(specs: Vec<TargetSpec>, only: &[String]) -> Result<Vec<TargetSpec>, Failure> {
    for one in only {
        if !specs.iter().any(|spec| spec.is_meant(one)) {
            let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            let failure = Failure::usage(format!("no server of the list is meant by --only {one}"));
            return Err(match nearest(one, names.iter().copied()) {
                Some(near) => failure.hinted(format!("did you mean --only {near}?")),
                None => failure.hinted(format!("there are: {}", some(&names))),
            });
        }
    }
    let is_meant = |spec: &TargetSpec| only.is_empty() || only.iter().any(|one| spec.is_meant(one));
    Ok(specs.into_iter().filter(is_meant).collect())
}

/// As many of the names as can be read at a glance.
pub(super) fn some(names: &[&str]) -> String {
    const MOST: usize = 10;
    match names.len().checked_sub(MOST) {
        None | Some(0) => names.join(", "),
        Some(more) => {
            format!("{} and {more} more", names.iter().take(MOST).copied().collect::<Vec<_>>().join(", "))
        }
    }
}

fn usage(error: Error) -> Failure {
    let failure = Failure::usage(error.message);
    match error.hint {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

fn read_file(path: &Path) -> Result<String, Failure> {
    use io::Read as _;
    let wrong = |why: &dyn std::fmt::Display| {
        let failure = Failure::usage(format!("could not read {}: {why}", path.display()));
        failure.hinted("--targets names a TOML file with a [[target]] for each server; the README has one")
    };
    refuse_endless(path).map_err(|error| wrong(&error))?;
    let file = fs::File::open(path).map_err(|error| wrong(&error))?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
    if bytes.len() as u64 > LONGEST {
        return Err(wrong(&"it is larger than 4 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| wrong(&"it is not UTF-8"))
}

/// Warns of passwords in the file, and refuses one that others can read.
fn passwords(specs: &[TargetSpec], path: &Path) -> Result<Vec<Warning>, Failure> {
    let names: Vec<&str> =
        specs.iter().filter(|spec| spec.has_password()).map(|spec| spec.name.as_str()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let shown = path.display();
    let is_open = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    let said = format!("the password of {} stands in {shown}", some(&names));
    if is_open {
        return Err(Failure::refused(format!("{said}, which others can read"))
            .hinted(format!("chmod 600 {shown}; better: a password file, or password_command")));
    }
    Ok(vec![Warning {
        code: "password_in_list",
        message: said,
        hint: Some("a password file, or password_command, keeps it out".into()),
    }])
}
