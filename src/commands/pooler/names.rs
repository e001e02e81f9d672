//! Names in filters that the pooler does not know.

use crate::analyze::pooler::{Names, PoolerSelection};
use crate::model::filter::Name;
use crate::render::Warning;

/// Says which existing name was probably meant, when a filter named one that the pooler does not know.
pub(super) fn did_you_mean(selection: &PoolerSelection, names: &Names) -> Vec<Warning> {
    let filters = [
        ("the pooler knows no database", "--db", &selection.databases, &names.databases),
        ("the pooler knows no user", "--role", &selection.roles, &names.users),
        ("no client has application", "--app", &selection.applications, &names.applications),
    ];
    let mut warnings = Vec::new();
    for (missing, flag, terms, known) in filters {
        for term in terms.iter().filter(|term| !term.exclude) {
            let Name::Exact(typed) = &term.value else { continue };
            if known.contains(typed) {
                continue;
            }
            let near = crate::model::nearest::nearest(typed, known.iter().map(String::as_str));
            warnings.push(Warning {
                code: "no_such_name",
                message: format!("{missing} \"{typed}\""),
                hint: near.map(|near| format!("did you mean {flag} {near}?")),
            });
        }
    }
    warnings
}
