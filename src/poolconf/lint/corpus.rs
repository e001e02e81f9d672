//! The verdicts of PgBouncer 1.18 and 1.25 on small files (`tests/size/corpus`, made by its `record`) against the linter's.

use super::*;
use crate::poolconf::pgbouncer::Version;

const CASES: &str = include_str!("../../../tests/size/corpus/cases.tsv");
const VERDICTS: &str = include_str!("../../../tests/size/corpus/verdicts.tsv");

/// A file, those beside it, and what one version of PgBouncer made of it.
struct Case {
    text: String,
    files: Vec<(String, String)>,
    against: Against,
    verdict: Verdict,
    what: String,
}

struct Verdict {
    starts: bool,
    /// Who got in: with the `right` password, with a `wrong` one, or `nobody`; `-` where it was not tried.
    who: &'static str,
    /// The settings of the file as SHOW CONFIG has them, with `*` at the default.
    in_force: Vec<(&'static str, &'static str)>,
}

fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut whole = parts.next().unwrap().to_owned();
    for part in parts {
        let (kind, rest) = part.split_at(1);
        let (c, rest) = match kind {
            "n" => ('\n', rest),
            "t" => ('\t', rest),
            "r" => ('\r', rest),
            "u" => (u32::from_str_radix(&rest[..4], 16).ok().and_then(char::from_u32).unwrap(), &rest[4..]),
            _ => panic!("an escape of its own in {text}"),
        };
        whole.push(c);
        whole.push_str(rest);
    }
    whole
}

/// What goes around the text of a case, as in `record`.
fn whole(kind: &str, text: &str) -> String {
    let main = "[pgbouncer]\nlisten_port = {listen}\nunix_socket_dir = {dir}\n";
    match kind {
        "main" => format!("{main}{text}\n"),
        "databases" | "users" | "peers" => format!("{main}[{kind}]\n{text}\n"),
        "access" => {
            let (entry, settings) = text.split_once('|').unwrap();
            format!("[databases]\napp = port={{port}} {entry}\n{main}listen_addr = 0.0.0.0\n{settings}\n")
        }
        _ => text.to_owned(),
    }
}

fn fill(text: &str) -> String {
    [
        ("{dir}", "/d"),
        ("{port}", "5432"),
        ("{listen}", "6432"),
        ("{socket}", "/s"),
        ("{scram}", "SCRAM-SHA-256$4096:x"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn cases() -> Vec<Case> {
    let mut verdicts = VERDICTS.lines();
    let mut all = Vec::new();
    for line in CASES.lines() {
        let mut fields = line.split('\t');
        let (kind, text) = (fields.next().unwrap(), unescape(fields.next().unwrap()));
        let files: Vec<_> = fields
            .map(|file| {
                let file = unescape(file);
                let (name, content) = file.split_once('=').unwrap();
                (name.to_owned(), fill(content))
            })
            .collect();
        for version in ["1.18", "1.25"] {
            let mut said = verdicts.next().unwrap().split('\t');
            assert_eq!(said.next(), Some(version), "verdicts.tsv is of other cases: {line}");
            let starts = said.next() == Some("up");
            let who = said.next().unwrap();
            let in_force = said.filter_map(|pair| pair.split_once('=')).collect();
            all.push(Case {
                text: fill(&whole(kind, &text)),
                files: files.clone(),
                against: Against {
                    usable: 97,
                    budget: 85,
                    assumed: Some(100),
                    pools: 1,
                    pooler_processes: 1,
                    users: None,
                    version: Version::parse(version),
                },
                verdict: Verdict { starts, who, in_force },
                what: format!("{version} {line}"),
            });
        }
    }
    assert_eq!(verdicts.next(), None);
    all
}

impl Case {
    fn read(&self, name: &str) -> Result<String, String> {
        let name = name.trim_start_matches("/d/");
        let file = self.files.iter().find(|(known, _)| known == name);
        file.map(|(_, content)| content.clone()).ok_or_else(|| "no such file".to_owned())
    }

    fn findings(&self) -> Vec<LintFinding> {
        ini::lint(&self.text, &self.against, &|name| self.read(name))
    }
}

fn none_differ(judge: impl Fn(&Case) -> Option<String>) {
    let differ: Vec<String> =
        cases().iter().filter_map(|case| Some(format!("{}\n    {}", case.what, judge(case)?))).collect();
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

#[test]
fn what_keeps_pgbouncer_from_starting_is_found_and_nothing_else() {
    none_differ(|case| {
        let findings = case.findings();
        let prevented = findings.iter().any(|finding| finding.prevents_start);
        (prevented == case.verdict.starts).then(|| format!("starts: {}, {findings:?}", case.verdict.starts))
    });
}

#[test]
fn who_gets_in_is_known() {
    none_differ(|case| {
        let findings = case.findings();
        let said = |codes: &[&str]| findings.iter().any(|finding| codes.contains(&finding.code));
        let nobody = said(&["nobody_gets_in", "auth_md5", "scram_secret"]);
        let anybody = said(&["anybody_gets_in"]);
        let right = match case.verdict.who {
            "-" => return None,
            "nobody" => nobody && !anybody,
            "right" => !nobody && !anybody,
            _ => !nobody && anybody,
        };
        (!right).then(|| format!("{}: {findings:?}", case.verdict.who))
    });
}

#[test]
fn what_is_in_force_is_known() {
    none_differ(|case| {
        if !case.verdict.starts {
            return None;
        }
        let read = ini::in_force(&case.text, &case.against, &|name| case.read(name));
        let wrong = case.verdict.in_force.iter().find(|(key, seen)| {
            let value = read.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
            let shown = seen.strip_suffix('*').unwrap_or(seen);
            value.map_or(!seen.ends_with('*'), |value| value != shown)
        });
        wrong.map(|(key, seen)| format!("{key} is {seen}, and not as in {read:?}"))
    });
}
