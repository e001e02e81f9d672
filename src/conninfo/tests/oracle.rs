//! libpq itself, through a few lines of Python, on generated strings.

#![cfg(test)]

use super::*;
use crate::conninfo::keyword::MASK;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Reads a JSON list of strings, writes a JSON list of `{"ok": {…}}` or `{"err": text}`.
const SCRIPT: &str = r#"
import ctypes, json, sys
try:
    lib = ctypes.CDLL("libpq.so.5")
except OSError as error:
    print(json.dumps({"absent": str(error)})); sys.exit()
class Option(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("dispsize", ctypes.c_int)]
lib.PQconninfoParse.restype = ctypes.POINTER(Option)
lib.PQconninfoParse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
answers = []
for text in json.load(sys.stdin):
    message = ctypes.c_char_p()
    options = lib.PQconninfoParse(text.encode(), ctypes.byref(message))
    if not options:
        answers.append({"err": (message.value or b"").decode("utf-8", "replace").rstrip("\n")}); continue
    found, at = {}, 0
    while options[at].keyword:
        if options[at].val is not None:
            found[options[at].keyword.decode()] = options[at].val.decode("latin-1")
        at += 1
    answers.append({"ok": found})
print(json.dumps({"version": lib.PQlibVersion(), "answers": answers}))
"#;

#[derive(serde::Deserialize)]
struct Reply {
    absent: Option<String>,
    version: Option<u32>,
    #[serde(default)]
    answers: Vec<One>,
}

#[derive(serde::Deserialize)]
struct One {
    ok: Option<BTreeMap<String, String>>,
    err: Option<String>,
}

fn ask(texts: &[String]) -> Result<Reply, String> {
    let reply: Reply = run_python(SCRIPT, &serde_json::to_vec(texts).expect("JSON"))?;
    match reply.absent {
        Some(why) => Err(why),
        None => Ok(reply),
    }
}

/// What a script that is given JSON answers in JSON.
pub(super) fn run_python<T: serde::de::DeserializeOwned>(script: &str, question: &[u8]) -> Result<T, String> {
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("python3: {error}"))?;
    python.stdin.take().expect("piped").write_all(question).expect("question");
    let output = python.wait_with_output().expect("answer");
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// The bytes of a value, each as the character of its number: what Python's `latin-1` makes of them.
pub(super) fn as_latin_1(value: &str) -> String {
    bytes_of(value).into_iter().map(char::from).collect()
}

/// Strings made of the pieces that the grammars are sensitive to.
fn generated() -> Vec<String> {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let piece = prop::sample::select(vec![
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "sslmode",
        "options",
        "application_name",
        "requiressl",
        "nosuch",
        "=",
        "=",
        "=",
        " ",
        " ",
        "  ",
        "\t",
        "'",
        "'",
        "\\",
        "\\'",
        "a",
        "b/c",
        "1",
        "5432",
        "é",
        "::1",
        ",",
        "-c x=1",
    ]);
    let part = prop::sample::select(vec![
        "u",
        "p",
        "h",
        "db",
        ":",
        ":",
        "@",
        "@",
        "/",
        "/",
        "?",
        "&",
        "=",
        ",",
        "[",
        "]",
        "::1",
        "%20",
        "%C3%A9",
        "%E9",
        "%f4%8F%Bf%80",
        "%2F",
        "%",
        "%zz",
        "%00",
        "host=h",
        "port=1",
        "user=u",
        "ssl=true",
        "sslmode=require",
        "nosuch=1",
        "#",
        "+",
        "é",
    ]);
    let scheme = prop::sample::select(vec!["postgresql://", "postgres://"]);
    let string = prop_oneof![
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        (scheme, prop::collection::vec(part, 0..10))
            .prop_map(|(scheme, parts)| format!("{scheme}{}", parts.concat())),
    ];
    let mut runner = TestRunner::deterministic();
    (0..4000).map(|_| string.new_tree(&mut runner).expect("generated").current()).collect()
}

#[test]
fn libpq_reads_generated_strings_as_we_do() {
    let texts = generated();
    let reply = match ask(&texts) {
        Ok(reply) => reply,
        Err(why) => return eprintln!("libpq could not be asked, so it was not compared: {why}"),
    };
    assert_eq!(reply.answers.len(), texts.len());
    let (mut read, mut refused) = (0, 0);
    for (text, theirs) in texts.iter().zip(reply.answers) {
        match (parse(text), theirs.ok) {
            (Ok(ours), Some(theirs)) => {
                read += 1;
                let ours = ours.into_iter().map(|(keyword, value)| (keyword, as_latin_1(&value))).collect();
                let ours: BTreeMap<String, String> = ours;
                assert_eq!(ours, theirs, "{text:?}");
            }
            (Err(ours), None) => {
                refused += 1;
                let (ours, theirs) = (readable(&ours), theirs.err.unwrap_or_default());
                // The same words, but where ours hide what may be part of a password.
                assert!(ours == theirs || ours.contains(MASK), "{text:?}\nours   {ours}\ntheirs {theirs}");
            }
            (ours, theirs) => {
                panic!("libpq {:?} differs on {text:?}: {ours:?} and {theirs:?}", reply.version)
            }
        }
    }
    assert!(read > 500 && refused > 500, "the strings are too much alike: {read} read, {refused} refused");
}
