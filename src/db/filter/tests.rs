use super::*;

fn name(exclude: bool, text: &str) -> Term<Name> {
    Term { exclude, value: Name::Exact(text.into()) }
}

#[test]
fn values_of_a_flag_are_or_and_flags_are_and() {
    let filter = Filter {
        databases: vec![name(false, "a"), name(false, "b'")],
        applications: vec![name(true, "pg_dump")],
        ..Filter::default()
    };
    assert_eq!(
        fragment(&filter),
        "(coalesce(s.datid in (select oid from pg_database where datname::text = 'a'), false) or \
         coalesce(s.datid in (select oid from pg_database where datname::text = 'b'''), false)) and \
         (not (coalesce(s.application_name = 'pg_dump', false)))"
    );
    assert_eq!(fragment(&Filter::default()), "true");
}

#[test]
fn globs_do_not_become_like_patterns_by_accident() {
    let glob = Name::Glob(vec!["50%_".into(), String::new()]);
    assert_eq!(name_is("x", &glob), "x like  E'50\\\\%\\\\_%'");
}
