//! Names in filters that nobody has, and what was probably meant.

use crate::conninfo::secrets;
use crate::db::{self, Db};
use crate::model::filter::{Filter, Name, Term};
use crate::render::Warning;

/// Says which existing name was probably meant, when a filter named one that does not exist.
///
/// # Errors
/// When the server cannot be asked.
pub(crate) async fn did_you_mean(db: &Db, filter: &Filter) -> Result<Vec<Warning>, db::Error> {
    let flags = [
        ("database", "--db", &filter.databases),
        ("role", "--role", &filter.roles),
        ("application", "--app", &filter.applications),
    ];
    let named =
        |terms: &[Term<Name>]| terms.iter().any(|term| !term.exclude && matches!(term.value, Name::Exact(_)));
    if !flags.iter().any(|(_, _, terms)| named(terms)) {
        return Ok(Vec::new());
    }
    let names = db.names().await?;
    let mut warnings = Vec::new();
    for (kind, flag, terms) in flags {
        for term in terms.iter().filter(|term| !term.exclude) {
            let Name::Exact(typed) = &term.value else { continue };
            let known = || names.iter().filter(|(known, _)| known == kind).map(|(_, name)| name.as_str());
            if known().any(|name| name == typed) {
                continue;
            }
            let missing = if kind == "application" { "no session has" } else { "there is no" };
            // A URI that was to go to -d holds a password.
            warnings.push(Warning {
                code: "no_such_name",
                message: secrets(&format!("{missing} {kind} \"{typed}\"")),
                hint: crate::model::nearest::nearest(typed, known())
                    .map(|near| format!("did you mean {flag} {}?", Name::argument(near))),
            });
        }
    }
    Ok(warnings)
}
