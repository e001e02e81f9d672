use super::*;
use proptest::prelude::*;

#[test]
fn keywords_are_names_too() {
    assert_eq!(identifier("user"), "\"user\"");
    assert_eq!(identifier("App \"x\""), "\"App \"\"x\"\"\"");
}

#[test]
fn a_schema_is_taken_off_a_name_and_nothing_else() {
    let names = [
        ("public.orders", "orders"),
        ("orders", "orders"),
        ("\"a.b\".\"c.d\"", "\"c.d\""),
        ("\"a\"\".b\"", "\"a\"\".b\""),
        ("a.", "a."),
    ];
    for (name, rest) in names {
        assert_eq!(without_schema(name), rest);
    }
}

#[test]
fn a_prepared_transaction_has_two_ways_out_whatever_its_names() {
    for (database, gid, rest) in [
        ("a  b", "it's", r#""a  b": COMMIT PREPARED 'it''s' or ROLLBACK PREPARED 'it''s'"#),
        ("d", "1  \\\"", r#""d": COMMIT PREPARED '1  \"' or ROLLBACK PREPARED '1  \"'"#),
        (
            "d\n",
            "'\\\u{1b}\u{202e}",
            r#"U&"d\+00000A": COMMIT PREPARED U&'''\\\+00001B\+00202E' or ROLLBACK PREPARED U&'''\\\+00001B\+00202E'"#,
        ),
    ] {
        let place = "ask the transaction manager which was decided, then in database";
        assert_eq!(finish_prepared(database, gid), format!("{place} {rest}"));
    }
}

#[test]
fn a_shell_expands_nothing() {
    assert_eq!(shell("app_1"), "app_1");
    assert_eq!(shell("a$b"), "'a$b'");
    assert_eq!(shell("it's"), "\"it's\"");
    assert_eq!(shell("it's $1"), "'it'\\''s $1'");
    assert_eq!([shell(""), shell("-n")], ["''", "'-n'"]);
}

#[test]
fn names_survive_a_copy_from_the_terminal() {
    assert_eq!(pasteable("\"we \"\"ird\"; é\""), "\"we \"\"ird\"; é\"");
    assert_eq!(pasteable("\"a\u{1b}\\\u{e0001}\""), "U&\"a\\+00001B\\\\\\+0E0001\"");
    assert_eq!(pasteable("'5s\t'"), "U&'5s\\+000009'");
    assert_eq!(pasteable("E'\\\\\t'"), "E'\\\\\t'");
    assert_eq!(
        pasteable("GRANT x ON \"a\"\"\tb\" TO \"c  d\""),
        "GRANT x ON U&\"a\"\"\\+000009b\" TO \"c  d\""
    );
}

proptest! {
    #[test]
    fn what_is_shown_is_visible_whatever_the_name(name in any::<String>()) {
        let statement = format!("ALTER DATABASE {} CONNECTION LIMIT 1", identifier(&name));
        prop_assert!(!pasteable(&statement).chars().any(is_strange));
        prop_assert_eq!(
            pasteable(&statement), format!("ALTER DATABASE {} CONNECTION LIMIT 1", shown(&name))
        );
    }
}
