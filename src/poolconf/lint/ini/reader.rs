//! The file as PgBouncer reads it: sections, comments, included files, and what a section that comes again undoes.

use super::blanks::{self, trim, trim_start};
use super::settings::{Ini, Setting};
use super::values::{check_setting, check_version};
use crate::poolconf::lint::against::{Against, OtherFiles};
use crate::poolconf::lint::finding::{Findings, LintFinding, Place, Severity};
use crate::poolconf::pgbouncer;

/// How deep files may include each other (`MAX_INCLUDE` of PgBouncer's reader).
const DEEPEST: usize = 10;

/// How many files are read at most, and how much of them: each may include several.
const MOST_FILES: usize = 1000;
const MOST_BYTES: usize = 16 << 20;
/// The minor version that is known to read names in quotes; 1.18 does not.
const QUOTED_SINCE: u32 = 25;

/// Whether the text is meant for PgBouncer: it has one of its sections, includes a file, or sets what only PgBouncer has.
pub(in crate::poolconf::lint) fn looks_like(text: &str) -> bool {
    text.lines().any(|line| {
        let line = trim(line).trim_start_matches('\u{feff}');
        let section = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let key = line.split_once('=').map(|(key, _)| trim(key)).unwrap_or_default();
        section.is_some_and(|(name, _)| matches!(trim(name), "pgbouncer" | "databases"))
            || included(line).is_some()
            || pgbouncer::IS_ITS_OWN.contains(&key)
    })
}

/// The file that a line includes.
fn included(line: &str) -> Option<&str> {
    line.strip_prefix("%include").filter(|rest| rest.starts_with([' ', '\t'])).map(trim)
}

/// Says in one line that the text is still to be filled in, which no other finding about it would say.
pub(super) fn template(text: &str, prevents_start: bool) -> Option<LintFinding> {
    // In quotes it is an array, or any other text.
    let is_bare = |line: &str, mark: &str| {
        line.split_once(mark).is_some_and(|(before, _)| before.matches('\'').count() % 2 == 0)
    };
    let is_open = |line: &str| {
        let line = trim(line);
        let value = line.split_once('=').map(|(_, value)| trim(value)).unwrap_or_default();
        let variable = value.strip_prefix('$').is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit())
        });
        !line.starts_with([';', '#'])
            && (variable || ["{{", "{%", "<%", "${"].iter().any(|mark| is_bare(line, mark)))
    };
    let (line, _) = (1_u64..).zip(text.lines()).find(|(_, line)| is_open(line))?;
    let mut findings = Findings::default();
    let (code, message) = ("template", "this is a template: something fills it in before PgBouncer reads it");
    let hint = "lint what becomes of it";
    if prevents_start {
        findings.prevent(Place::line(line), code, message, hint);
    } else {
        findings.add(Place::line(line), Severity::Warning, code, message, hint);
    }
    findings.all.pop()
}

/// Reads a file and those that it includes.
pub(super) fn read(text: &str, against: &Against, files: OtherFiles<'_>, findings: &mut Findings) -> Ini {
    let mut reader = Reader {
        against,
        files,
        findings,
        ini: Ini::default(),
        section: None,
        has_main: false,
        ended: false,
        opened: Vec::new(),
        read: 0,
        undone: Vec::new(),
    };
    reader.file(text, 0);
    let Reader { findings, mut ini, has_main, ended, undone, .. } = reader;
    ini.unread |= ended;
    for (place, settings) in undone {
        reset(place, &settings, &ini, findings);
    }
    if !has_main && !ini.unread {
        findings.prevent(
            None,
            "no_section",
            "there is no section [pgbouncer]: PgBouncer does not start",
            "add the line [pgbouncer] before its settings",
        );
    }
    for setting in &ini.pgbouncer {
        check_setting(&pgbouncer::KEYS, setting, against, findings);
    }
    for settings in [&ini.pgbouncer, &ini.databases, &ini.users] {
        repeated(settings, findings);
    }
    ini
}

struct Reader<'r> {
    against: &'r Against,
    files: OtherFiles<'r>,
    findings: &'r mut Findings,
    ini: Ini,
    section: Option<String>,
    /// Whether `[pgbouncer]` was entered.
    has_main: bool,
    /// Whether a line was met at which PgBouncer stops loading.
    ended: bool,
    /// The files that are being read, the innermost last.
    opened: Vec<usize>,
    /// The bytes of the included files that were read.
    read: usize,
    /// Where `[pgbouncer]` was entered again, and what was set before.
    undone: Vec<(Place, Vec<Setting>)>,
}

impl Reader<'_> {
    fn file(&mut self, text: &str, file: usize) {
        self.opened.push(file);
        for (line, content) in (1_u64..).zip(text.split('\n')) {
            if self.ended {
                break;
            }
            self.line(content, Place { file, line });
        }
        self.opened.pop();
    }

    fn line(&mut self, line: &str, place: Place) {
        let mut content = trim_start(line);
        if let Some(path) = included(content) {
            self.include(path, place);
            return;
        }
        // What follows a section in its line is read like a line of its own.
        while let Some(rest) = content.strip_prefix('[') {
            let Some((name, after)) = rest.split_once(']') else {
                self.end(place, "a section without its closing bracket", "");
                return;
            };
            self.enter(name, place);
            content = trim_start(after);
        }
        if content.is_empty() || content.starts_with([';', '#']) {
            return;
        }
        let Some((key, value)) = self.pair(content) else {
            self.no_pair(line, content, place);
            return;
        };
        if content.starts_with('\'') {
            check_version("a name in quotes", QUOTED_SINCE, place, self.against, self.findings);
        }
        let column = line.chars().count() - trim_start(value).chars().count() + 1;
        let (key, value) = (key.to_owned(), trim(value).to_owned());
        self.set(Setting { place, column, key, value });
    }

    /// The key and the value of a line, when it has a key that PgBouncer can read.
    fn pair<'t>(&self, content: &'t str) -> Option<(&'t str, &'t str)> {
        let quoted = self.against.version.is_none_or(|version| version.at_least(QUOTED_SINCE));
        let (key, rest) = match content.strip_prefix('\'').filter(|_| quoted) {
            Some(rest) => rest.split_once('\'')?,
            None => {
                let end = content.find(|c: char| !(c.is_ascii_alphanumeric() || "_.-*".contains(c)));
                content.split_at(end.unwrap_or(content.len()))
            }
        };
        let quotes = content.starts_with('\'');
        let value = rest.trim_start_matches([' ', '\t']).strip_prefix('=')?;
        (!quotes || !key.is_empty()).then_some((key, value))
    }

    fn no_pair(&mut self, line: &str, content: &str, place: Place) {
        let (before, _) = line.split_once('=').unwrap_or((line, ""));
        if let Some((at, c)) = blanks::foreign(before) {
            let message = format!("{} in column {} is no blank to PgBouncer", blanks::name(c), at + 1);
            self.end(place, &message, "delete it; it often comes with text that was copied from a page");
        } else if self.section.is_none() {
            let hint = if content.starts_with("--") || content.starts_with("//") {
                "a comment starts with ; or #"
            } else {
                "the settings follow the line [pgbouncer]"
            };
            self.end(place, "neither a section nor a comment", hint);
        } else if content.starts_with('\'') && content.contains('=') {
            let hint = "before 1.25 a name has letters, digits and _ . - only";
            self.end(place, "the name is in quotes, which this version does not read", hint);
        } else {
            let hint = "a key is made of letters, digits and _ . - *, without quotes";
            self.end(place, "neither a section, a comment nor KEY = VALUE", hint);
        }
    }

    /// Says that PgBouncer stops loading at a line: nothing after it is judged.
    fn end(&mut self, place: Place, what: &str, hint: &str) {
        self.findings.prevent(place, "syntax", format!("{what}: PgBouncer stops loading here"), hint);
        self.ended = true;
    }

    fn set(&mut self, setting: Setting) {
        match self.section.as_deref() {
            Some("pgbouncer") => self.ini.pgbouncer.push(setting),
            Some("databases") => self.ini.databases.push(setting),
            Some("users") => self.ini.users.push(setting),
            Some("peers") => self.ini.peers.push(setting),
            Some(_) => {}
            None => {
                let known = pgbouncer::find(&pgbouncer::KEYS, &setting.key).is_some();
                let missing = if known { "[pgbouncer]" } else { "[databases] or [pgbouncer]" };
                self.end(setting.place, "a setting before any section", &format!("put {missing} before it"));
            }
        }
    }

    fn enter(&mut self, name: &str, place: Place) {
        match pgbouncer::SECTIONS.iter().find(|(known, _)| *known == name) {
            None => self.findings.prevent(
                place,
                "unknown_section",
                format!("PgBouncer has no section [{name}] and does not start"),
                "the sections are [databases], [users], [peers] and [pgbouncer]",
            ),
            Some((_, since)) => check_version(name, *since, place, self.against, self.findings),
        }
        if name == "pgbouncer" {
            self.reset(place);
            self.has_main = true;
        }
        self.section = Some(name.to_owned());
    }

    /// Entering `[pgbouncer]` puts everything back to its default but what has none.
    fn reset(&mut self, place: Place) {
        let keep = |setting: &Setting| pgbouncer::HAS_NO_DEFAULT.contains(&setting.key.as_str());
        let settings = std::mem::take(&mut self.ini.pgbouncer);
        let (kept, lost): (Vec<_>, Vec<_>) = settings.into_iter().partition(keep);
        self.ini.pgbouncer = kept;
        for setting in &lost {
            check_setting(&pgbouncer::KEYS, setting, self.against, self.findings);
        }
        self.undone.push((place, lost));
    }

    fn include(&mut self, path: &str, place: Place) {
        if self.opened.len() > DEEPEST {
            self.end(place, "files include each other too deep", "a file includes itself, perhaps");
            return;
        }
        let text = if self.findings.included.len() >= MOST_FILES {
            Err(format!("there are more than {MOST_FILES}"))
        } else if self.read >= MOST_BYTES {
            Err(format!("the others have {} MiB already", MOST_BYTES >> 20))
        } else {
            (self.files)(path)
        };
        match text {
            Ok(text) => {
                self.read += text.len();
                self.findings.included.push(path.to_owned());
                let file = self.findings.included.len();
                self.file(&text, file);
            }
            Err(why) => {
                self.ini.unread = true;
                // Its last section would stay open.
                self.section.get_or_insert_default();
                self.findings.add(
                    place,
                    Severity::Warning,
                    "include",
                    format!("{path} is not judged: {why}; PgBouncer does not start without it"),
                    "lint where PgBouncer runs; it looks from the folder that it was started in",
                );
            }
        }
    }
}

/// Says which settings a section that came again undid for good.
fn reset(place: Place, settings: &[Setting], ini: &Ini, findings: &mut Findings) {
    let name = |setting: &Setting| format!("{} ({})", setting.key, line_of(setting, findings));
    let lost = settings.iter().filter(|setting| ini.setting(&setting.key).is_none());
    let names: Vec<String> = lost.map(name).collect();
    if !names.is_empty() {
        findings.add(
            place,
            Severity::Error,
            "reset",
            format!("entering [pgbouncer] again puts back to their defaults: {}", names.join(", ")),
            "keep the settings together in one section [pgbouncer]",
        );
    }
}

/// Where a setting stands: `line 2 of pools.ini`, without the file in the one that is judged.
fn line_of(setting: &Setting, findings: &Findings) -> String {
    let file = setting.place.file.checked_sub(1).and_then(|file| findings.included.get(file));
    let file = file.map(|file| format!(" of {file}")).unwrap_or_default();
    format!("line {}{file}", setting.place.line)
}

fn repeated(settings: &[Setting], findings: &mut Findings) {
    for (index, setting) in settings.iter().enumerate() {
        if let Some(later) = settings.iter().skip(index + 1).find(|later| later.key == setting.key) {
            findings.add(
                setting.place,
                Severity::Warning,
                "repeated",
                format!("{} is given again in {}, which wins", setting.key, line_of(later, findings)),
                "",
            );
        }
    }
}
