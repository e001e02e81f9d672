use super::*;

fn written(lasting: Lasting, wishes: &[(Setting, i64)], target: &str) -> String {
    let (report, _) = statement(lasting, wishes).unwrap();
    let found = report.forms.into_iter().flatten().find(|form| form.target == target);
    found.unwrap().text
}

#[test]
fn several_settings_share_a_form() {
    let both = [(Setting::Statement, 30_000), (Setting::Lock, 500)];
    assert_eq!(
        written(Lasting::Session, &both, "URI"),
        "?options=-c%20statement_timeout%3D30000%20-c%20lock_timeout%3D500"
    );
    assert_eq!(
        written(Lasting::Session, &both, "node-pg"),
        "new Pool({ statement_timeout: 30000, lock_timeout: 500 })"
    );
    assert_eq!(
        written(Lasting::Transaction, &both, "any driver"),
        "SELECT set_config('statement_timeout', '30s', true), set_config('lock_timeout', '500ms', true)"
    );
}

#[test]
fn node_pg_gets_options_for_what_it_has_no_word_for() {
    let text = written(Lasting::Session, &[(Setting::Transaction, 60_000)], "node-pg");
    assert_eq!(text, "new Pool({ options: \"-c transaction_timeout=60000\" })");
}

#[test]
fn an_idle_session_is_not_in_a_transaction() {
    assert!(statement(Lasting::Transaction, &[(Setting::IdleSession, 1000)]).is_err());
}
