//! libpq itself on whole surroundings: flags, a connection string, variables, a service file and a password file together.
//! `PQconnectStartParams` resolves as psql does and begins to connect, which goes nowhere: ports on which nothing listens.

#![cfg(test)]

use super::oracle::run_python;
use super::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// Reads a JSON list of cases; writes `{"answers": [{"options": {…}, "password": text, "error": text}]}`.
const SCRIPT: &str = r#"
import ctypes, json, os, sys
try:
    lib = ctypes.CDLL("libpq.so.5")
except OSError as error:
    print(json.dumps({"absent": str(error)})); sys.exit()
class Option(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("dispsize", ctypes.c_int)]
lib.PQconnectStartParams.restype = ctypes.c_void_p
lib.PQconnectStartParams.argtypes = [ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_char_p), ctypes.c_int]
lib.PQconninfo.restype = ctypes.POINTER(Option)
lib.PQconninfo.argtypes = lib.PQpass.argtypes = lib.PQhost.argtypes = lib.PQerrorMessage.argtypes = lib.PQfinish.argtypes = [ctypes.c_void_p]
lib.PQpass.restype = lib.PQhost.restype = lib.PQerrorMessage.restype = ctypes.c_char_p
def text(value):
    return (value or b"").decode("utf-8", "replace")
def strings(values):
    return (ctypes.c_char_p * (len(values) + 1))(*[v if v is None else v.encode() for v in values], None)
answers = []
for case in json.load(sys.stdin):
    for name in [name for name in os.environ if name.startswith("PG") or name == "HOME"]:
        del os.environ[name]
    os.environ.update(case["environment"])
    given = case["given"]
    # psql's order: what the connection string says comes last and wins
    names = ["host", "port", "user", "dbname", "fallback_application_name"]
    values = [given.get(name) for name in names[:4]] + ["pgconn"]
    conn = lib.PQconnectStartParams(strings(names), strings(values), 1)
    options, found, at = lib.PQconninfo(conn), {}, 0
    while options[at].keyword:
        found[text(options[at].keyword)] = text(options[at].val)
        at += 1
    answers.append({"options": found, "password": text(lib.PQpass(conn)), "host": text(lib.PQhost(conn)), "error": text(lib.PQerrorMessage(conn)).rstrip("\n")})
    lib.PQfinish(conn)
print(json.dumps({"answers": answers}))
"#;

#[derive(serde::Deserialize)]
struct Reply {
    absent: Option<String>,
    #[serde(default)]
    answers: Vec<Theirs>,
}

#[derive(serde::Deserialize)]
struct Theirs {
    options: BTreeMap<String, String>,
    /// For the first host.
    password: String,
    /// The first host.
    host: String,
    error: String,
}

#[derive(Clone, Debug, serde::Serialize)]
struct Case {
    given: BTreeMap<&'static str, String>,
    environment: BTreeMap<String, String>,
}

/// The keywords that are compared, which every libpq from 13 on has.
const COMPARED: [&str; 17] = [
    "user",
    "dbname",
    "port",
    "host",
    "hostaddr",
    "options",
    "application_name",
    "connect_timeout",
    "sslmode",
    "channel_binding",
    "target_session_attrs",
    "client_encoding",
    "keepalives_idle",
    "tcp_user_timeout",
    "sslrootcert",
    "requirepeer",
    "passfile",
];

/// Words for each keyword. Hosts are those that need no look-up; some values are wrong. No port has blanks round it: libpq takes
/// it, but then looks for a line of the password file with the same blanks.
fn words(keyword: &str) -> Vec<&'static str> {
    match keyword {
        "host" => {
            vec!["", "127.0.0.1", "/nonexistent", "127.0.0.1,/nonexistent", "127.0.0.1,,127.0.0.2", ","]
        }
        "hostaddr" => vec!["", "127.0.0.1", "127.0.0.1,127.0.0.2"],
        "port" => vec!["", "1", "1,2", "1,,3", "0", "70000", "x", "2"],
        "user" => vec!["", "alice", "bob"],
        "dbname" => vec!["", "shop", "postgres"],
        "password" => vec!["", "typed"],
        "sslmode" => vec!["", "prefer", "require", "REQUIRE", "disable"],
        "channel_binding" => vec!["", "prefer", "nope"],
        "target_session_attrs" => vec!["", "any", "primary", "master"],
        // An empty number is refused by libpq as well, but only when a socket is connected.
        "connect_timeout" => vec!["3"],
        "keepalives_idle" | "tcp_user_timeout" => vec!["5"],
        "sslrootcert" => vec!["", "/nonexistent/root.crt"],
        "requirepeer" => vec!["", "nobody"],
        "options" => vec!["", "-c geqo=off"],
        "client_encoding" => vec!["", "LATIN1"],
        _ => vec!["", "some"],
    }
}

const SETTABLE: [&str; 18] = [
    "host",
    "hostaddr",
    "port",
    "user",
    "dbname",
    "password",
    "sslmode",
    "channel_binding",
    "target_session_attrs",
    "connect_timeout",
    "keepalives_idle",
    "tcp_user_timeout",
    "sslrootcert",
    "requirepeer",
    "options",
    "client_encoding",
    "application_name",
    "fallback_application_name",
];

fn setting() -> impl Strategy<Value = (&'static str, &'static str)> {
    // what makes hosts is said more often than the rest
    let keyword = prop_oneof![prop::sample::select(&SETTABLE[..6]), prop::sample::select(&SETTABLE[6..])];
    keyword.prop_flat_map(|keyword| (Just(keyword), prop::sample::select(words(keyword))))
}

fn settings(at_most: usize) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::collection::vec(setting(), 0..=at_most)
}

/// The flags, the variables, and which of the prepared home directories.
fn cases(homes: &[PathBuf]) -> Vec<Case> {
    let quoted = |(keyword, value): (&str, &str)| format!("{keyword}='{value}'");
    let string =
        settings(4).prop_map(move |pairs| pairs.into_iter().map(quoted).collect::<Vec<_>>().join(" "));
    let service = prop::sample::select(vec!["", " service=a", " service=b", " service=none"]);
    let dsn = prop_oneof![
        (string, service).prop_map(|(string, service)| string + service),
        prop::sample::select(vec![
            "",
            "shop",
            "postgresql:///?host=/nonexistent",
            "postgresql://alice:typed@127.0.0.1:1/shop",
            "postgres://127.0.0.1:1,127.0.0.2/",
            "postgresql://127.0.0.1,127.0.0.2:2/?service=a",
        ])
        .prop_map(str::to_owned),
    ];
    let flag = |keyword| prop::option::weighted(0.3, prop::sample::select(words(keyword)));
    let variables = settings(3).prop_map(|pairs| {
        let variable = |(keyword, value): (&str, &str)| {
            Some((keyword::find(keyword)?.variable?.to_owned(), value.to_owned()))
        };
        pairs.into_iter().filter_map(variable).collect::<BTreeMap<String, String>>()
    });
    let named = prop::option::weighted(0.2, prop::sample::select(vec!["a", "b", "none", ""]));
    let home = prop::sample::select(homes.to_vec());
    let case = (dsn, flag("host"), flag("port"), flag("user"), variables, named, home).prop_map(
        |(dsn, host, port, user, mut environment, service, home)| {
            let mut given = BTreeMap::from([("dbname", dsn)]);
            for (name, value) in [("host", host), ("port", port), ("user", user)] {
                given.extend(value.map(|value| (name, value.to_owned())));
            }
            environment.extend(service.map(|name| ("PGSERVICE".to_owned(), name.to_owned())));
            environment.insert("HOME".to_owned(), home.display().to_string());
            environment.insert("PGSYSCONFDIR".to_owned(), "/nonexistent".to_owned());
            Case { given, environment }
        },
    );
    let mut runner = TestRunner::deterministic();
    (0..3000).map(|_| case.new_tree(&mut runner).expect("generated").current()).collect()
}

/// Home directories, each with a service file and a password file.
fn homes(scratch: &Scratch) -> Vec<PathBuf> {
    let mut runner = TestRunner::deterministic();
    let line = |(keyword, value): (&str, &str)| format!("{keyword}={value}\n");
    let strategy = (settings(4), settings(4), prop::collection::vec(password_line(), 0..5));
    (0..40)
        .map(|number| {
            let (a, b, passwords) = strategy.new_tree(&mut runner).expect("generated").current();
            let section =
                |pairs: Vec<(&'static str, &'static str)>| pairs.into_iter().map(line).collect::<String>();
            let home = format!("home{number}");
            std::fs::create_dir_all(scratch.0.join(&home)).expect("directory");
            let services = format!("# ours\n[a]\n{}\n[b]\n{}", section(a), section(b));
            scratch.write(&format!("{home}/.pg_service.conf"), 0o644, &services);
            scratch.write(&format!("{home}/.pgpass"), 0o600, &passwords.concat());
            scratch.0.join(home)
        })
        .collect()
}

fn password_line() -> impl Strategy<Value = String> {
    let field = |words: &'static [&'static str]| prop::sample::select(words);
    let host = field(&["*", "127.0.0.1", "127.0.0.2", "localhost", "/nonexistent", "#127.0.0.1"]);
    let port = field(&["*", "1", "2", "5432"]);
    let database = field(&["*", "shop", "alice"]);
    let user = field(&["*", "alice", "bob"]);
    let password = field(&["p1", "p\\:2", "p\\\\3", "p4:more", ""]);
    (host, port, database, user, password).prop_map(|(host, port, database, user, password)| {
        format!("{host}:{port}:{database}:{user}:{password}\n")
    })
}

fn ours(case: &Case) -> Result<ConnInfo, Error> {
    let flag = |name: &str| case.given.get(name).cloned();
    let given = Given {
        host: flag("host"),
        port: flag("port"),
        username: flag("user"),
        dbname: flag("dbname"),
        ..Given::default()
    };
    let mut process = Environment::of_process();
    process.variables = case.environment.clone();
    process.home = case.environment.get("HOME").map(PathBuf::from);
    resolve(&given, &process)
}

/// Whether what libpq says is about settings, and not about a server that was not reached with them.
fn is_about_settings(error: &str) -> bool {
    let elsewhere = ["connection to server", "could not connect", "could not translate", "password file"];
    !error.is_empty() && !elsewhere.iter().any(|start| error.starts_with(start))
}

#[test]
fn libpq_resolves_whole_surroundings_as_we_do() {
    let scratch = Scratch::new("resolved");
    let cases = cases(&homes(&scratch));
    let reply = match run_python::<Reply>(SCRIPT, &serde_json::to_vec(&cases).expect("JSON")) {
        Ok(Reply { absent: None, answers }) => answers,
        Ok(Reply { absent, .. }) => {
            return eprintln!("libpq is not here, so it was not compared: {absent:?}");
        }
        Err(why) => return eprintln!("libpq could not be asked, so it was not compared: {why}"),
    };
    assert_eq!(reply.len(), cases.len());
    let (mut resolved, mut refused, mut same_words, mut wrong) = (0, 0, 0, Vec::new());
    for (case, theirs) in cases.iter().zip(reply) {
        let said = theirs.error.clone();
        let differences = match ours(case) {
            Ok(_) if is_about_settings(&said) => vec!["we take it".to_owned()],
            Err(error) if !is_about_settings(&said) => vec![format!("we refuse it: {error}")],
            Ok(info) => {
                resolved += 1;
                differences(&info, &theirs)
            }
            Err(error) => {
                refused += 1;
                same_words += usize::from(error.message == said);
                Vec::new()
            }
        };
        wrong.extend(
            differences.into_iter().map(|difference| format!("{case:?}\n{difference}\nlibpq {said}\n")),
        );
    }
    let shown = wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} differences, such as\n{shown}", wrong.len());
    // where several things are wrong, which one is said first may differ
    assert!(same_words * 10 > refused * 8, "{same_words} of {refused} refusals are in libpq's words");
    assert!(resolved > 500 && refused > 500, "too much alike: {resolved} resolved, {refused} refused");
}

/// In what libpq's settings differ from ours.
fn differences(info: &ConnInfo, theirs: &Theirs) -> Vec<String> {
    let mut found = Vec::new();
    for keyword in COMPARED {
        let parameter = info.parameter(keyword);
        let value = parameter.map_or("", |parameter| &parameter.value);
        let their_value = theirs.options.get(keyword).map_or("", String::as_str);
        // what nobody said is filled in at different moments and places
        let is_default = parameter.is_none_or(|parameter| parameter.source == ValueSource::Default);
        if value != their_value && !(is_default && (their_value.is_empty() || keyword == "passfile")) {
            found.push(format!("{keyword}: ours {value:?} theirs {their_value:?}"));
        }
    }
    if let [only] = info.hosts() {
        let password =
            only.password.as_ref().map(|password| String::from_utf8_lossy(&password.bytes).into_owned());
        let password = password.unwrap_or_default();
        if password != theirs.password {
            found.push(format!("password: ours {password:?} theirs {:?}", theirs.password));
        }
        if !theirs.host.is_empty() && only.name() != theirs.host {
            found.push(format!("host: ours {:?} theirs {:?}", only.name(), theirs.host));
        }
    }
    found
}
