//! The sections of the service files that patterns mean.

use super::{Place, TargetSpec, distinct, matches};
use crate::conninfo::{Environment, Error, resolve};

/// Whether it means more than the service of that name.
pub(crate) fn is_pattern(service: &str) -> bool {
    service.contains('*')
}

/// The services that `patterns` mean, in the order of the files; one that is no pattern is meant whether it is there or not.
///
/// # Errors
/// When a pattern means none, or the file that is named cannot be read.
pub(crate) fn of_services(patterns: &[String], environment: &Environment) -> Result<Vec<TargetSpec>, Error> {
    let known = if patterns.iter().any(|pattern| is_pattern(pattern)) {
        resolve::service_names(environment)?
    } else {
        Vec::new()
    };
    let mut names: Vec<&String> = Vec::new();
    for pattern in patterns {
        let meant: Vec<&String> = match is_pattern(pattern) {
            false => vec![pattern],
            true => known.iter().filter(|name| matches(pattern, name)).collect(),
        };
        if meant.is_empty() {
            let error = Error::new(format!("no service is called \"{pattern}\""));
            return Err(if known.is_empty() {
                error.hinted("no service file has any")
            } else {
                error.hinted(format!("there are: {}", known.join(", ")))
            });
        }
        names.extend(meant);
    }
    let mut specs: Vec<TargetSpec> = Vec::new();
    for name in names {
        if !specs.iter().any(|spec| spec.name == *name) {
            specs.push(TargetSpec {
                name: name.clone(),
                place: Place::Service(name.clone()),
                ..TargetSpec::default()
            });
        }
    }
    distinct(specs, "-S")
}
