//! Which value a new session gets, and from where: PostgreSQL's precedence, and its way of reading and writing numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::settings::{AtServer, Effective, Level, ServerSettings, Setting, SettingUnit, Stored};

/// Reads a stored value as PostgreSQL does (`parse_int` and `convert_to_base_unit` in guc.c): C's integers in base 10, 8
/// and 16, decimals and exponents; a unit of time; fractions rounded to the next smaller unit, then to the setting's own.
/// None when PostgreSQL would not take it either, or when it does not fit an integer.
pub(crate) fn parse(raw: &str, unit: SettingUnit) -> Option<i64> {
    let text = raw.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let digits = text.find(|character: char| {
        !(character.is_ascii_digit() || matches!(character, '.' | '+' | '-' | 'x' | 'X' | 'e' | 'E'))
    });
    // A hexadecimal number has letters; no unit starts with one that could follow it but `d`, which then is a digit.
    let hexadecimal =
        text.trim_start_matches(['+', '-']).get(..2).is_some_and(|two| two.eq_ignore_ascii_case("0x"));
    let end = if hexadecimal {
        text.char_indices()
            .skip_while(|(_, character)| !matches!(character, 'x' | 'X'))
            .skip(1)
            .find(|(_, character)| !character.is_ascii_hexdigit())
            .map(|(at, _)| at)
    } else {
        digits
    };
    let (number, suffix) = text.split_at_checked(end.unwrap_or(text.len()))?;
    let number = number_of(number)?;
    let value = convert(number, suffix.trim(), unit)?.round_ties_even();
    #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
    (value.abs() <= f64::from(i32::MAX)).then_some(value as i64)
}

fn number_of(text: &str) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let value = if let Some(hexadecimal) = lower.strip_prefix("0x") {
        f64::from(u32::from_str_radix(hexadecimal, 16).ok()?)
    } else if lower.len() > 1 && lower.starts_with('0') && lower.chars().all(|c| c.is_digit(8)) {
        f64::from(u32::from_str_radix(&lower, 8).ok()?)
    } else if lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        lower.parse::<f64>().ok()?
    } else {
        return None;
    };
    Some(if negative { -value } else { value })
}

/// The units of time that PostgreSQL knows, largest first, in milliseconds.
const UNITS: &[(&str, f64)] =
    &[("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0), ("ms", 1.0), ("us", 0.001)];

/// Milliseconds in one of `unit`; none for what is no time.
const fn milliseconds(unit: SettingUnit) -> Option<f64> {
    match unit {
        SettingUnit::Milliseconds => Some(1.0),
        SettingUnit::Seconds => Some(1000.0),
        SettingUnit::Count => None,
    }
}

fn convert(number: f64, suffix: &str, unit: SettingUnit) -> Option<f64> {
    if suffix.is_empty() {
        return Some(number);
    }
    let base = milliseconds(unit)?;
    let at = UNITS.iter().position(|(name, _)| *name == suffix)?;
    let (_, factor) = UNITS.get(at)?;
    let value = number * factor / base;
    Some(match UNITS.get(at + 1) {
        Some((_, smaller)) => (value / (smaller / base)).round_ties_even() * (smaller / base),
        None => value,
    })
}

/// Writes a value as SHOW does: in the largest unit that needs no fraction, 0 without a unit.
pub(crate) fn shown(value: i64, unit: SettingUnit) -> String {
    let units: &[(&str, i64)] = match unit {
        SettingUnit::Milliseconds => {
            &[("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)]
        }
        SettingUnit::Seconds => &[("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)],
        SettingUnit::Count => &[],
    };
    let fitting = units.iter().find(|(_, factor)| value > 0 && value % factor == 0);
    fitting.map_or_else(|| value.to_string(), |(name, factor)| format!("{}{name}", value / factor))
}

/// Returns what a setting's value is in seconds; none for what is no time.
pub(crate) fn seconds(value: i64, unit: SettingUnit) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "settings are 32-bit integers")]
    milliseconds(unit).map(|base| value as f64 * base / 1000.0)
}

/// What a new session of `role` in `database` gets; none stands for one without stored values of its own.
pub(crate) fn effective(
    settings: &ServerSettings,
    server: &AtServer,
    role: Option<&str>,
    database: Option<&str>,
) -> Effective {
    let setting = server.setting;
    let (value, set_by) = winner(settings.stored.iter(), server, role, database);
    Effective {
        name: setting.name(),
        role: role.map(str::to_owned),
        database: database.map(str::to_owned),
        value_seconds: value.and_then(|value| seconds(value, setting.unit())),
        value: value.map(|value| shown(value, setting.unit())),
        set_by,
        server_value_known: server.value.is_some(),
    }
}

/// The value that wins, in the setting's unit, and where it is set.
fn winner<'a>(
    stored: impl Iterator<Item = &'a Stored>,
    server: &AtServer,
    role: Option<&str>,
    database: Option<&str>,
) -> (Option<i64>, Option<Level>) {
    let best = stored
        .filter(|stored| stored.setting == server.setting && reaches(stored, role, database))
        .min_by_key(|stored| level(stored));
    match best {
        Some(stored) => (parse(&stored.raw, server.setting.unit()), Some(level(stored))),
        None => (server.value, server.value.map(|_| server.level)),
    }
}

/// What a new session of each of `roles` gets, in the setting's unit, in a database without a value of its own.
pub(crate) fn of_roles<'a>(
    settings: &'a ServerSettings,
    server: &'a AtServer,
    roles: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a str, Option<i64>)> {
    // Thousands of roles can each have values of their own.
    let mut stored: BTreeMap<Option<&str>, Vec<&Stored>> = BTreeMap::new();
    for one in &settings.stored {
        stored.entry(one.role.as_deref()).or_default().push(one);
    }
    roles.map(move |role| {
        let own = [Some(role), None].into_iter().filter_map(|of| stored.get(&of)).flatten().copied();
        (role, winner(own, server, Some(role), None).0)
    })
}

fn reaches(stored: &Stored, role: Option<&str>, database: Option<&str>) -> bool {
    (stored.role.is_none() || stored.role.as_deref() == role)
        && (stored.database.is_none() || stored.database.as_deref() == database)
}

/// Where a stored value is stored.
pub(crate) const fn level(stored: &Stored) -> Level {
    match (&stored.role, &stored.database) {
        (Some(_), Some(_)) => Level::RoleInDatabase,
        (Some(_), None) => Level::Role,
        (None, Some(_)) => Level::Database,
        (None, None) => Level::AllRoles,
    }
}

/// What is stored, as rows, in the order of `settings.server`.
pub(crate) fn stored(settings: &ServerSettings) -> Vec<Effective> {
    let of = |server: &AtServer| {
        let stored = settings.stored.iter().filter(|stored| stored.setting == server.setting).cloned();
        let alone = |stored: Stored| ServerSettings { server: Vec::new(), stored: vec![stored] };
        stored
            .map(alone)
            .filter_map(|alone| {
                let only = alone.stored.first()?;
                Some(effective(&alone, server, only.role.as_deref(), only.database.as_deref()))
            })
            .collect::<Vec<_>>()
    };
    settings.server.iter().flat_map(of).collect()
}

/// What the server itself has, as rows: what a role and a database without stored values would get without one for all roles.
pub(crate) fn at_server(settings: &ServerSettings) -> Vec<Effective> {
    let alone = ServerSettings::default();
    settings.server.iter().map(|server| effective(&alone, server, None, None)).collect()
}

/// What new sessions of each of `roles` get in each of `databases`, for every setting: a row for the named ones, and
/// where none is named (the empty list) one row for each that makes a difference and one (none) for all others.
pub(crate) fn for_sessions(
    settings: &ServerSettings,
    roles: &[String],
    databases: &[String],
) -> Vec<Effective> {
    let mut rows = Vec::new();
    for server in &settings.server {
        let stored = || settings.stored.iter().filter(|stored| stored.setting == server.setting);
        let here = |stored: &&Stored| {
            databases.is_empty() || stored.database.as_ref().is_none_or(|name| databases.contains(name))
        };
        for role in choices(roles, stored().filter(here).map(|stored| stored.role.as_ref())) {
            let differing = stored()
                .filter(|stored| stored.role.is_none() || stored.role == role)
                .map(|stored| stored.database.as_ref());
            for database in choices(databases, differing) {
                rows.push(effective(settings, server, role.as_deref(), database.as_deref()));
            }
        }
    }
    rows
}

fn choices<'a>(named: &[String], differing: impl Iterator<Item = Option<&'a String>>) -> Vec<Option<String>> {
    if !named.is_empty() {
        return named.iter().cloned().map(Some).collect();
    }
    let differing: BTreeSet<&String> = differing.flatten().collect();
    differing.into_iter().cloned().map(Some).chain([None]).collect()
}

/// The rows of login roles whose statement_timeout is off or unknown.
pub(crate) fn without_statement_timeout(settings: &ServerSettings, roles: &[String]) -> Vec<Effective> {
    if roles.is_empty() {
        return Vec::new();
    }
    let server = settings.server.iter().filter(|server| server.setting == Setting::Statement).cloned();
    let only = ServerSettings { server: server.collect(), stored: settings.stored.clone() };
    let mut rows = for_sessions(&only, roles, &[]);
    rows.retain(|row| row.value_seconds.is_none_or(|seconds| seconds == 0.0));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at_server_of(value: Option<i64>) -> AtServer {
        AtServer {
            setting: Setting::Statement,
            value,
            level: Level::Default,
            command_line: false,
            least: 0,
            most: i64::from(i32::MAX),
        }
    }

    fn kept(role: Option<&str>, database: Option<&str>, raw: &str) -> Stored {
        Stored {
            setting: Setting::Statement,
            role: role.map(str::to_owned),
            database: database.map(str::to_owned),
            raw: raw.into(),
            literal: format!("'{raw}'"),
        }
    }

    #[test]
    fn numbers_are_read_as_postgresql_reads_them() {
        let read = [
            "5000", "5s", " 5 s ", "1.5min", "0x10", "010", "1e3", "500us", "0.5ms", "1.5ms", "2.5ms", "24d",
            "0", "+7", "1h", "0.3333h", "0x1d",
        ]
        .map(|raw| parse(raw, SettingUnit::Milliseconds));
        let expected = [
            5000,
            5000,
            5000,
            90_000,
            16,
            8,
            1000,
            0,
            0,
            2,
            2,
            2_073_600_000,
            0,
            7,
            3_600_000,
            1_200_000,
            29,
        ];
        assert_eq!(read, expected.map(Some));
        for wrong in ["", "s", "5S", "5 sec", "25d", "5,0", "1s2", "--1", "nan", "inf", "0x"] {
            assert_eq!(parse(wrong, SettingUnit::Milliseconds), None, "{wrong}");
        }
        assert_eq!(parse("2min", SettingUnit::Seconds), Some(120));
        assert_eq!(parse("700ms", SettingUnit::Seconds), Some(1));
        assert_eq!(parse("3", SettingUnit::Count), Some(3));
        assert_eq!(parse("3s", SettingUnit::Count), None);
    }

    #[test]
    fn the_more_specific_value_wins() {
        let everything = [
            kept(Some("app"), Some("shop"), "1s"),
            kept(Some("app"), None, "2s"),
            kept(None, Some("shop"), "3s"),
            kept(None, None, "4s"),
        ];
        let expected = [
            (1.0, Level::RoleInDatabase),
            (2.0, Level::Role),
            (3.0, Level::Database),
            (4.0, Level::AllRoles),
        ];
        for (from, (seconds, level)) in expected.into_iter().enumerate() {
            let settings = ServerSettings { server: Vec::new(), stored: everything[from..].to_vec() };
            let row = effective(&settings, &at_server_of(Some(9)), Some("app"), Some("shop"));
            assert_eq!((row.value_seconds, row.set_by), (Some(seconds), Some(level)));
        }
        let nothing = effective(&ServerSettings::default(), &at_server_of(None), Some("app"), None);
        assert_eq!((nothing.value, nothing.set_by, nothing.server_value_known), (None, None, false));
    }

    #[test]
    fn roles_and_databases_that_make_a_difference_have_a_row_of_their_own() {
        let settings = ServerSettings {
            server: vec![at_server_of(Some(0))],
            stored: vec![kept(Some("app"), Some("shop"), "1s"), kept(None, Some("crm"), "2s")],
        };
        let rows = |roles: &[&str], databases: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            for_sessions(&settings, &owned(roles), &owned(databases))
                .into_iter()
                .map(|row| {
                    (row.role.unwrap_or_default(), row.database.unwrap_or_default(), row.value.unwrap())
                })
                .collect::<Vec<_>>()
        };
        let row = |role: &str, database: &str, value: &str| {
            (role.to_owned(), database.to_owned(), value.to_owned())
        };
        assert_eq!(rows(&["web"], &[]), [row("web", "crm", "2s"), row("web", "", "0")]);
        assert_eq!(
            rows(&["app"], &[]),
            [row("app", "crm", "2s"), row("app", "shop", "1s"), row("app", "", "0")]
        );
        assert_eq!(rows(&[], &["shop"]), [row("app", "shop", "1s"), row("", "shop", "0")]);
        assert_eq!(rows(&["web"], &["shop"]), [row("web", "shop", "0")]);
    }

    #[test]
    fn unknown_is_not_a_timeout() {
        let roles = ["app".to_owned()];
        let rows = |value: Option<i64>| {
            let settings = ServerSettings { server: vec![at_server_of(value)], stored: Vec::new() };
            without_statement_timeout(&settings, &roles).len()
        };
        assert_eq!([rows(Some(0)), rows(None), rows(Some(5))], [1, 1, 0]);
    }

    proptest! {
        #[test]
        fn what_show_says_means_the_same(value in 0..=i64::from(i32::MAX)) {
            for unit in [SettingUnit::Milliseconds, SettingUnit::Seconds, SettingUnit::Count] {
                prop_assert_eq!(parse(&shown(value, unit), unit), Some(value));
            }
        }

        #[test]
        fn no_stored_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = parse(&text, SettingUnit::Milliseconds);
        }
    }
}
