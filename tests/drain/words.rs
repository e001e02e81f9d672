//! What is said to be empty, open, gone or free has been looked at after the act: every such sentence of the acts stands here with
//! the look that it rests on, and what is sent to the server shows that the look comes last.

use super::{drain, inside, server};
use crate::common::{Pgconn, wait_until};
use nix::sys::signal::Signal;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What a sentence rests on.
enum Rests {
    /// A look: the file and the words in it that make it.
    On(&'static str, &'static str),
    /// Nothing: it says what is to be done, what would be done, or what could not be done.
    Nowhere,
}
use Rests::{Nowhere, On};

/// The database or role after the statement that opens it.
const REOPENED: Rests = On("src/commands/drain/reopen.rs", "match db.closable(key).await?");
/// Who is inside, as it was last seen.
const SEEN: Rests = On("src/commands/drain/fenced.rs", "db.occupants(inside).await?");

/// Every sentence of the acts with one of these words.
const SENTENCES: &[(&str, &str, Rests)] = &[
    ("src/act/carry_out.rs", "gone", On("src/db/act.rs", "word: row.word(\"verdict\")?")),
    (
        "src/commands/act/mod.rs",
        "the session ended while the question was open, and it is about others now:",
        Nowhere,
    ),
    ("src/commands/act/audit.rs", "could not open the log {}: {error}; nothing was done", Nowhere),
    (
        "src/commands/act/pooled.rs",
        "its session on the server is gone, and the pooler still shows it",
        On("src/commands/act/pooled.rs", "console.links().await"),
    ),
    (
        "src/commands/drain/admit.rs",
        "it could not come back to open it: connect as another role (-U)",
        Nowhere,
    ),
    ("src/commands/drain/admit.rs", "open it first: ", Nowhere),
    (
        "src/commands/drain/admit.rs",
        "it is opened again as soon as that drain ends, by Ctrl-C where it was started; a session that only holds the advisory lock of drains is ended with: pgconn kill {}",
        Nowhere,
    ),
    ("src/commands/drain/fenced.rs", "interrupted before it was empty", Nowhere),
    ("src/commands/drain/fenced.rs", "it was not empty after {time:?}", Nowhere),
    ("src/commands/drain/fenced.rs", "closed and empty", SEEN),
    ("src/commands/drain/fenced.rs", "it is open as before", REOPENED),
    (
        "src/commands/drain/fenced.rs",
        "it was not empty for the command, which was not run: {who} came in",
        SEEN,
    ),
    ("src/commands/drain/fenced.rs", "open it again", Nowhere),
    // said by the run that opens it after a panic, when `drain --restore` has
    ("src/commands/drain/fenced.rs", "it is open again", REOPENED),
    ("src/commands/drain/mod.rs", "to open it again by hand: {}", Nowhere),
    ("src/commands/drain/mod.rs", "open it by hand: {by_hand}\\nor, when that can be: {again}", Nowhere),
    ("src/commands/drain/mod.rs", "{}; it is open again", REOPENED),
    ("src/commands/drain/reopened.rs", "open as before", REOPENED),
    (
        "src/commands/drain/reopened.rs",
        "open; what it was before is not known",
        On("src/commands/drain/restore.rs", "let after = db.closable(ClosableKey::Oid(kind, oid)).await?"),
    ),
    (
        "src/commands/drain/reopened.rs",
        "is open, nothing was done",
        On("src/commands/drain/restore.rs", "closable::is_undone(kept.fence, &kept.closable, &seen)"),
    ),
    ("src/commands/drain/reopened.rs", "would be opened", Nowhere),
    ("src/commands/drain/reopened.rs", "was not opened: {}", Nowhere),
    ("src/commands/drain/report.rs", "open as before", REOPENED),
    ("src/commands/drain/report.rs", "open again", REOPENED),
    (
        "src/commands/drain/report.rs",
        "gone",
        On("src/commands/drain/reopen.rs", "db.closable(key).await? else"),
    ),
    ("src/commands/drain/report.rs", "seen empty at {looks} in {time}", SEEN),
    ("src/commands/drain/report.rs", "nothing was done; it would be opened again with: {}", Nowhere),
    ("src/commands/drain/restore.rs", "to open {}: {}", Nowhere),
    ("src/commands/drain/restore.rs", "open it on the primary", Nowhere),
    ("src/commands/pooler/act/orders.rs", "{open} not closed after {:?}", Nowhere),
    (
        "src/commands/pooler/act/report.rs",
        "{busy} at work closed when free, {idle} others at once; clients notice nothing",
        Nowhere,
    ),
    ("src/commands/pooler/act/report.rs", "{all} to be replaced as soon as they are free", Nowhere),
];

/// The string literals of a file outside attributes (so outside help, too) and tests.
fn literals(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let _ = tokens.next_if(|next| matches!(next, TokenTree::Punct(_)));
                if let Some(TokenTree::Group(attribute)) =
                    tokens.next_if(|next| matches!(next, TokenTree::Group(_)))
                    && attribute.stream().to_string() == "cfg (test)"
                {
                    // The item behind it, to its end.
                    let is_end = |token: &TokenTree| match token {
                        TokenTree::Punct(punct) => punct.as_char() == ';',
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        _ => false,
                    };
                    tokens.find(is_end);
                }
            }
            TokenTree::Group(group) => literals(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                    // A line that goes on.
                    let lines = text.split("\\\n").map(str::trim_start);
                    let mut lines: Vec<&str> = lines.collect();
                    if let (Some(first), Some(whole)) = (lines.first_mut(), text.split("\\\n").next()) {
                        *first = whole;
                    }
                    found.insert(lines.concat());
                }
            }
            _ => {}
        }
    }
}

fn says_so(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.into_iter().any(|word| ["empty", "open", "opened", "gone", "free", "freed"].contains(&word))
}

#[test]
fn what_is_called_empty_open_gone_or_free_rests_on_a_look() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut said = BTreeSet::new();
    for folder in ["src/act", "src/commands/act", "src/commands/drain", "src/commands/pooler/act"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Some(name) = path.file_name().unwrap().to_str().filter(|name| name.ends_with(".rs")) else {
                continue;
            };
            let mut found = BTreeSet::new();
            literals(fs::read_to_string(&path).unwrap().parse().unwrap(), &mut found);
            let found = found.into_iter().filter(|text| says_so(text));
            said.extend(found.map(|text| (format!("{folder}/{name}"), text)));
        }
    }
    let known: BTreeSet<(String, String)> =
        SENTENCES.iter().map(|(file, text, _)| ((*file).to_owned(), (*text).to_owned())).collect();
    let new: Vec<_> = said.difference(&known).collect();
    assert!(new.is_empty(), "on which look does this rest? {new:#?}");
    let old: Vec<_> = known.difference(&said).collect();
    assert!(old.is_empty(), "nobody says this any more: {old:#?}");
    for (_, text, rests) in SENTENCES {
        if let On(file, look) = rests {
            let source = fs::read_to_string(root.join(file)).unwrap();
            assert!(source.contains(look), "{text}: {file} has no look \"{look}\" any more");
        }
    }
}

/// Asserts that in what was sent, up to the sentence, `look` stands after the last `act`.
fn looked_after(sent: &str, act: &str, look: &str) {
    let acted = sent.rfind(act).unwrap_or_else(|| panic!("no {act} in\n{sent}"));
    assert!(sent[acted..].contains(look), "no look \"{look}\" after \"{act}\"\n{sent}");
}

const OCCUPANTS: &str = "s.client, s.state, s.may_be_client";
const STATE: &str = "d.datallowconn as allow_connections";

/// With the statements as they are sent: each sentence comes after the look, and the look after the last act.
#[test]
fn the_look_comes_after_the_act_and_before_the_sentence() {
    let cluster = server();
    for (fence, closes, opens) in [
        ("limit", "CONNECTION LIMIT 0", "CONNECTION LIMIT 7"),
        ("hard", "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
        ("revoke", "REVOKE CONNECT", "GRANT CONNECT"),
    ] {
        let client = cluster.connect(&inside(&[])).unwrap();
        let run = drain(&cluster, &["--fence", fence, "--for", "1h", "-vv"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        let stderr = run.stderr();
        let (before, _) = stderr.split_once("closed and empty").unwrap();
        looked_after(before, "pg_terminate_backend(", OCCUPANTS);
        looked_after(before, closes, OCCUPANTS);
        run.signal(Signal::SIGINT);
        let outcome = run.finish().fails_with(130);
        assert!(
            outcome.stdout.contains("seen empty at") && outcome.stdout.contains("open as before"),
            "{outcome}"
        );
        looked_after(&outcome.stderr, closes, OCCUPANTS);
        looked_after(&outcome.stderr, opens, STATE);
        drop(client);
    }
    // What was left is opened, and looked at; in both ways of knowing what was before.
    for known in [true, false] {
        cluster.query("alter database shop connection limit 7");
        let run = drain(&cluster, &["--for", "1h"]).spawn();
        wait_until("it is held", || run.stderr().contains("closed and empty"));
        run.signal(Signal::SIGKILL);
        let _ = run.finish().fails_with(137);
        let state = cluster.dir.join(if known { "state" } else { "elsewhere" });
        let restore = Pgconn::new(&["drain", "--restore", "--db", "shop", "-vv"]).on(&cluster);
        let outcome = restore.env("XDG_STATE_HOME", state).run().success();
        looked_after(
            &outcome.stderr,
            if known { "CONNECTION LIMIT 7" } else { "CONNECTION LIMIT -1" },
            STATE,
        );
    }
    // A session that is called terminated was looked for.
    let client = cluster.connect(&inside(&[])).unwrap();
    let outcome = Pgconn::new(&["kill", &client.pid.to_string(), "-vv"]).on(&cluster).run().success();
    assert!(outcome.stdout.contains("1 terminated"), "{outcome}");
    looked_after(&outcome.stderr, "pg_terminate_backend(", "as w (pid, backend_start, query_start)");
}
