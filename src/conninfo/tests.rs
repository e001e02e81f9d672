//! Tests of the whole of conninfo: libpq's recorded answers, precedence, files, and libpq itself where it is
//! installed.

#![cfg(test)]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// What libpq's `PQconninfoParse` answers for each string: values by keyword, or the error's text.
type Answer = Result<BTreeMap<String, String>, String>;

fn parse(text: &str) -> Answer {
    let pairs = if uri::is_uri(text) { uri::parse(text) } else { keyword::parse(text) };
    let pairs = pairs.map_err(|error| error.message)?;
    Ok(pairs.into_iter().map(|(keyword, value)| (keyword.name.to_owned(), value)).collect())
}

#[derive(serde::Deserialize)]
struct Golden {
    cases: Vec<GoldenCase>,
}

#[derive(serde::Deserialize)]
struct GoldenCase {
    #[serde(rename = "in")]
    text: String,
    ok: Option<BTreeMap<String, String>>,
    err: Option<String>,
}

#[test]
fn recorded_answers_of_libpq_are_ours_word_for_word() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).expect("golden file");
    assert_eq!(golden.cases.len(), 54);
    for case in golden.cases {
        let expected = case.ok.ok_or_else(|| case.err.unwrap_or_default());
        assert_eq!(parse(&case.text), expected, "{}", case.text);
    }
}

/// A directory that goes away with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgconn-conninfo-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("directory");
        Self(path)
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
        path.display().to_string()
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            home: Some(self.0.clone()),
            user_name: Some(|| Some("osuser".to_owned())),
            socket_directories: vec![self.0.clone()],
            system_directories: vec![self.0.join("system")],
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn dsn(text: &str) -> Given {
    Given { dbname: Some(text.to_owned()), ..Given::default() }
}

fn value(info: &ConnInfo, keyword: &str) -> (String, String) {
    let found = info.parameter(keyword).unwrap_or_else(|| panic!("{keyword} has no value"));
    (found.value.clone(), found.source.to_string())
}

fn pair(value: &str, source: &str) -> (String, String) {
    (value.to_owned(), source.to_owned())
}

#[test]
fn nothing_given_is_the_os_user_on_the_local_socket() {
    let scratch = Scratch::new("nothing");
    let info = resolve(&Given::default(), &scratch.environment(&[])).expect("resolved");
    assert_eq!(value(&info, "user"), pair("osuser", "default"));
    assert_eq!(value(&info, "dbname"), pair("osuser", "default"));
    assert_eq!(value(&info, "port"), pair("5432", "default"));
    assert_eq!(info.hosts().len(), 1);
    assert_eq!(info.hosts()[0].host, scratch.0.display().to_string());
    assert!(info.hosts()[0].is_socket());
    assert!(!info.database_was_named());
}

#[test]
fn a_uri_beats_flags_which_beat_the_service_which_beats_variables() {
    let scratch = Scratch::new("precedence");
    let file = scratch.write("services", 0o600, "[a]\nhost=sh\nport=3\nuser=su\nsslmode=allow\n");
    let environment = scratch.environment(&[
        ("PGSERVICEFILE", &file),
        ("PGHOST", "eh"),
        ("PGUSER", "eu"),
        ("PGDATABASE", "ed"),
        ("PGAPPNAME", "ea"),
    ]);
    let given = Given {
        host: Some("fh".to_owned()),
        port: Some("2".to_owned()),
        dbname: Some("postgresql://uh/?service=a".to_owned()),
        ..Given::default()
    };
    let info = resolve(&given, &environment).expect("resolved");
    assert_eq!(value(&info, "host"), pair("uh", "URI"));
    assert_eq!(value(&info, "port"), pair("2", "argument --port"));
    assert_eq!(value(&info, "user"), pair("su", &format!("service file {file} section [a]")));
    assert_eq!(value(&info, "sslmode").0, "allow");
    assert_eq!(value(&info, "dbname"), pair("ed", "variable PGDATABASE"));
    assert_eq!(value(&info, "application_name"), pair("ea", "variable PGAPPNAME"));
}

#[test]
fn empty_values_are_set_but_not_used_as_in_libpq() {
    let scratch = Scratch::new("empty");
    let environment = scratch.environment(&[("PGDATABASE", "ed"), ("PGHOST", "eh"), ("PGUSER", "")]);
    // an empty dbname hides PGDATABASE, an empty PGUSER is the operating system's user
    let info = resolve(&dsn("dbname='' host=''"), &environment).expect("resolved");
    assert_eq!((info.dbname(), info.user()), ("osuser", "osuser"));
    assert_eq!(info.hosts()[0].host, scratch.0.display().to_string());
    // flags that are empty count as not given
    let given = Given { host: Some(String::new()), dbname: Some(String::new()), ..Given::default() };
    let info = resolve(&given, &environment).expect("resolved");
    assert_eq!((info.hosts()[0].host.as_str(), info.dbname()), ("eh", "ed"));
}

#[test]
fn pgdatabase_is_a_name_and_never_a_connection_string() {
    let scratch = Scratch::new("pgdatabase");
    let environment = scratch.environment(&[("PGDATABASE", "postgresql://h/d")]);
    assert_eq!(resolve(&Given::default(), &environment).expect("resolved").dbname(), "postgresql://h/d");
}

#[test]
fn lists_of_hosts_addresses_and_ports_are_laid_side_by_side() {
    let scratch = Scratch::new("lists");
    let environment = scratch.environment(&[]);
    let hosts = |text: &str| -> Result<Vec<(String, Option<String>, u16)>, Error> {
        let info = resolve(&dsn(text), &environment)?;
        Ok(info.hosts().iter().map(|host| (host.host.clone(), host.hostaddr.clone(), host.port)).collect())
    };
    let own = scratch.0.display().to_string();
    assert_eq!(
        hosts("host=a,,b port=1,2,"),
        Ok(vec![("a".into(), None, 1), (own, None, 2), ("b".into(), None, 5432)])
    );
    assert_eq!(hosts("host=a,b port=7"), Ok(vec![("a".into(), None, 7), ("b".into(), None, 7)]));
    assert_eq!(
        hosts("host=a,b hostaddr=1.1.1.1,::1"),
        Ok(vec![("a".into(), Some("1.1.1.1".into()), 5432), ("b".into(), Some("::1".into()), 5432)])
    );
    assert_eq!(hosts("hostaddr=1.1.1.1"), Ok(vec![(String::new(), Some("1.1.1.1".into()), 5432)]));
    for (text, message) in [
        ("host=a,b port=1,2,3", "could not match 3 port numbers to 2 hosts"),
        ("host=a hostaddr=1.1.1.1,::1", "could not match 1 host names to 2 hostaddr values"),
        ("port=0", "invalid port number: \"0\""),
        ("port=65536", "invalid port number: \"65536\""),
        ("port=x", "invalid integer value \"x\" for connection option \"port\""),
    ] {
        assert_eq!(hosts(text).expect_err(text).message, message);
    }
}

#[test]
fn services_are_found_in_the_users_file_then_in_the_systems() {
    let scratch = Scratch::new("services");
    std::fs::create_dir_all(scratch.0.join("system")).expect("directory");
    scratch.write(".pg_service.conf", 0o644, "[mine]\nhost=m\n");
    scratch.write("system/pg_service.conf", 0o644, "[mine]\nhost=no\n[theirs]\nhost=t\n");
    let host = |name: &str, variables: &[(&str, &str)]| {
        let given = Given { service: Some(name.to_owned()), ..Given::default() };
        resolve(&given, &scratch.environment(variables)).map(|info| info.hosts()[0].host.clone())
    };
    assert_eq!(host("mine", &[]), Ok("m".to_owned()));
    assert_eq!(host("theirs", &[]), Ok("t".to_owned()));
    assert_eq!(host("none", &[]).expect_err("absent").message, "definition of service \"none\" not found");
    let missing = host("mine", &[("PGSERVICEFILE", "/nonexistent/s")]).expect_err("missing");
    assert_eq!(missing.message, "service file \"/nonexistent/s\" not found");
    assert!(host("theirs", &[("PGSYSCONFDIR", "/nonexistent")]).is_err());
    let given = Given { service: Some("theirs".to_owned()), ..Given::default() };
    let info = resolve(&given, &scratch.environment(&[])).expect("resolved");
    let system = scratch.0.join("system/pg_service.conf").display().to_string();
    assert_eq!(value(&info, "servicefile"), pair(&system, "default"));
}

#[test]
fn values_are_the_bytes_that_were_given_wherever_they_come_from() {
    let scratch = Scratch::new("bytes");
    std::fs::write(scratch.0.join("services"), b"[s\xff]\nuser=u\xe4\npassword=p\xe9\n").expect("file");
    let raw = |text: &[u8]| text_of(text);
    let file = scratch.0.join("services").display().to_string();
    let environment = scratch.environment(&[("PGSERVICEFILE", &file), ("PGDATABASE", &raw(b"d\xfc"))]);
    let given = Given { service: Some(raw(b"s\xff")), ..Given::default() };
    let info = resolve(&given, &environment).expect("resolved");
    assert_eq!((bytes_of(info.user()), bytes_of(info.dbname())), (b"u\xe4".to_vec(), b"d\xfc".to_vec()));
    for given in [given, dsn("postgres://u:p%E9@h/d"), dsn(&raw(b"password=p\xe9 host=h"))] {
        let info = resolve(&given, &environment).expect("resolved");
        assert_eq!(info.hosts()[0].password.as_ref().expect("password").bytes, b"p\xe9");
    }
    std::fs::write(scratch.0.join("pass"), b"*:*:d\xfc:u:\xfe\n").expect("file");
    std::fs::set_permissions(scratch.0.join("pass"), std::fs::Permissions::from_mode(0o600)).expect("mode");
    let passfile = scratch.0.join("pass").display().to_string();
    let info = resolve(&dsn(&format!("user=u passfile={passfile}")), &environment).expect("resolved");
    assert_eq!(info.hosts()[0].password.as_ref().expect("password").bytes, b"\xfe");
}

#[test]
fn the_files_in_the_home_directory_are_listed_where_they_are_used() {
    let scratch = Scratch::new("home");
    std::fs::create_dir_all(scratch.0.join(".postgresql")).expect("directory");
    let home = |name: &str| scratch.0.join(name).display().to_string();
    let listed = |text: &str| -> Vec<(&'static str, String, ValueSource)> {
        let info = resolve(&dsn(text), &scratch.environment(&[])).expect("resolved");
        let files = ["passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"];
        let found = info.parameters().iter().filter(|found| files.contains(&found.keyword));
        found.map(|found| (found.keyword, found.value.clone(), found.source.clone())).collect()
    };
    let default = |keyword, name: &str| (keyword, home(name), ValueSource::Default);
    assert_eq!(listed("user=u"), vec![]);
    // what is looked for in vain is listed, too
    assert_eq!(listed("sslmode=verify-ca"), vec![default("sslrootcert", ".postgresql/root.crt")]);
    scratch.write(".pgpass", 0o600, "");
    for name in ["postgresql.crt", "root.crt", "root.crl"] {
        scratch.write(&format!(".postgresql/{name}"), 0o600, "");
    }
    let passwords = [default("passfile", ".pgpass")];
    let roots = [default("sslrootcert", ".postgresql/root.crt"), default("sslcrl", ".postgresql/root.crl")];
    let shown =
        [default("sslcert", ".postgresql/postgresql.crt"), default("sslkey", ".postgresql/postgresql.key")];
    let all: Vec<_> = [&passwords, &shown[..], &roots].concat();
    assert_eq!(listed("user=u"), all);
    assert_eq!(listed("sslcertmode=disable"), [&passwords, &roots[..]].concat());
    assert_eq!(listed("sslmode=disable"), passwords.to_vec());
    let named = |keyword, value: &str| (keyword, value.to_owned(), ValueSource::ConnectionString);
    assert_eq!(
        listed("sslcert=/x sslrootcert=system sslcrl='' passfile=/y")[..2],
        [named("passfile", "/y"), named("sslcert", "/x"),]
    );
}

#[test]
fn the_password_file_is_asked_per_host_and_names_its_line() {
    let scratch = Scratch::new("passfile");
    let file =
        scratch.write(".pgpass", 0o600, "#\na:*:*:*:pa\nlocalhost:5432:*:osuser:pl\n1.1.1.1:*:*:*:pi\n");
    let environment = scratch.environment(&[]);
    let found = |text: &str| -> Vec<Option<(Vec<u8>, String)>> {
        let info = resolve(&dsn(text), &environment).expect("resolved");
        let passwords = info.hosts().iter().map(|host| host.password.clone());
        passwords.map(|password| password.map(|found| (found.bytes, found.source.to_string()))).collect()
    };
    let line = |password: &str, line: u8| {
        Some((password.as_bytes().to_vec(), format!("password file {file} line {line}")))
    };
    assert_eq!(found("host=a,b,"), vec![line("pa", 2), None, line("pl", 3)]);
    assert_eq!(found("hostaddr=1.1.1.1"), vec![line("pi", 4)]);
    assert_eq!(found("host=a hostaddr=1.1.1.1"), vec![line("pa", 2)]);
    // another socket directory is not localhost
    assert_eq!(found("host=/nonexistent"), vec![None]);
    assert_eq!(found("user=x"), vec![None]);
    let given = found("password=p host=a");
    assert_eq!(given, vec![Some((b"p".to_vec(), "connection string".to_owned()))]);
}

#[test]
fn a_password_file_that_others_can_read_is_ignored_and_said() {
    let scratch = Scratch::new("mode");
    let file = scratch.write(".pgpass", 0o640, "*:*:*:*:p\n");
    let info = resolve(&Given::default(), &scratch.environment(&[])).expect("resolved");
    assert_eq!(info.hosts()[0].password, None);
    assert_eq!(
        info.warnings(),
        [format!(
            "password file \"{file}\" has group or world access; permissions should be u=rw (0600) or less"
        )]
    );
    scratch.write(".pgpass", 0o400, "*:*:*:*:p\n");
    let info = resolve(&Given::default(), &scratch.environment(&[])).expect("resolved");
    assert!(info.hosts()[0].password.is_some() && info.warnings().is_empty());
}

#[test]
fn debug_shows_no_secret() {
    let scratch = Scratch::new("debug");
    scratch.write(".pgpass", 0o600, "*:*:*:*:s3cret\n");
    for given in
        [dsn("password=s3cret sslpassword=s3cret"), dsn("postgresql://u:s3cret@h/d"), Given::default()]
    {
        let environment = scratch.environment(&[("PGPASSWORD", "s3cret")]);
        for environment in [environment, scratch.environment(&[])] {
            let info = resolve(&given, &environment).expect("resolved");
            assert!(!format!("{info:?} {environment:?}").contains("s3cret"));
            assert!(info.parameters().iter().all(|parameter| !parameter.shown().contains("s3cret")));
        }
    }
}

#[test]
fn what_looks_like_a_uri_of_another_scheme_is_refused_without_showing_it() {
    let scratch = Scratch::new("scheme");
    let environment = scratch.environment(&[]);
    for text in ["POSTGRES://u:s3cret@h/d", "mysql://u:s3cret@h/d?a=b", "postgresql+psycopg://u:s3cret@h/d"] {
        let error = resolve(&dsn(text), &environment).expect_err(text);
        assert!(error.message.contains("scheme") && !format!("{error:?}").contains("s3cret"), "{error:?}");
    }
    let error = resolve(&dsn("postgresql://u:s3c/ret@h/d"), &environment).expect_err("a slash in a password");
    assert!(!format!("{error:?}").contains("s3c"), "{error:?}");
}

proptest! {
    #[test]
    fn resolving_never_panics(
        text in "\\PC{0,40}",
        host in "[a-z,/@:]{0,12}",
        port in "[0-9,x ]{0,8}",
        service in "[a-z\\[\\]]{0,3}",
    ) {
        let environment = Environment { user_name: Some(|| Some("u".to_owned())), ..Environment::default() };
        let given = Given {
            host: Some(host),
            port: Some(port),
            dbname: Some(text),
            service: Some(service),
            ..Given::default()
        };
        let _ = resolve(&given, &environment);
    }
}

mod oracle;
mod resolved;
