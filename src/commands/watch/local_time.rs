//! The time of the day as the clock on the wall shows it: in the zone that `TZ` names, or else the system's. Reads the time zone
//! files themselves (RFC 9636), since what the C library offers for that is unsafe to call; where they do not help, it is UTC.

mod rule;

use std::env;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rule::{DAY, Offset};

/// Where a system has its own zone, and all of them by name.
const OWN: &str = "/etc/localtime";
const FOLDERS: [&str; 3] = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"];

/// A zone, read once.
#[derive(Debug)]
pub(in crate::commands) struct Zone(Kind);

#[derive(Debug)]
enum Kind {
    Utc,
    /// As `TZ` itself says it.
    Rule(String),
    /// The bytes of a file.
    File(Vec<u8>),
}

impl Zone {
    /// The zone of this process.
    pub(in crate::commands) fn local() -> Self {
        let named = env::var("TZ").ok();
        Self(match named.as_deref().map(|name| name.strip_prefix(':').unwrap_or(name)) {
            None => fs::read(OWN).map_or(Kind::Utc, Kind::File),
            Some("") => Kind::Utc,
            Some(path) if path.starts_with('/') => fs::read(path).map_or(Kind::Utc, Kind::File),
            Some(name) if !name.split('/').any(|part| part == "..") => {
                let found = FOLDERS.iter().find_map(|folder| fs::read(format!("{folder}/{name}")).ok());
                found.map_or_else(|| Kind::Rule(name.to_owned()), Kind::File)
            }
            Some(_) => Kind::Utc,
        })
    }

    /// `15:04:05 CET`
    pub(in crate::commands) fn time_of_day(&self, now: SystemTime) -> String {
        let now = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = i64::try_from(now).unwrap_or(i64::MAX / 2);
        let found = match &self.0 {
            Kind::Utc => None,
            Kind::Rule(rule) => rule::offset(rule, now),
            Kind::File(bytes) => offset(bytes, now),
        };
        let (ahead, name) = found.unwrap_or_else(|| (0, "UTC".into()));
        let second = (now + ahead).rem_euclid(DAY);
        format!("{:02}:{:02}:{:02} {name}", second / 3600, second / 60 % 60, second % 60)
    }
}

/// What is in force at `now` by a time zone file; none when it is none.
fn offset(file: &[u8], now: i64) -> Option<Offset> {
    let first = Block::read(file, 4)?;
    if *file.get(4)? < b'2' {
        return first.offset(now, None);
    }
    // From version 2 on the same follows with larger numbers, and a rule for what comes after.
    let rest = file.get(first.length..)?;
    let second = Block::read(rest, 8)?;
    let rule = str::from_utf8(rest.get(second.length..)?).ok()?.trim_matches('\n');
    second.offset(now, Some(rule).filter(|rule| !rule.is_empty()))
}

/// A header and what it counts.
struct Block<'a> {
    /// When another type is in force, and which.
    times: &'a [u8],
    types_of: &'a [u8],
    /// Six bytes each: seconds ahead of UTC, whether it is summer time, where its name is.
    types: &'a [u8],
    names: &'a [u8],
    /// Bytes of a time.
    wide: usize,
    /// Bytes of all of it.
    length: usize,
}

impl<'a> Block<'a> {
    fn read(file: &'a [u8], wide: usize) -> Option<Self> {
        const HEADER: usize = 44;
        let count = |at: usize| usize::try_from(number(file.get(20 + 4 * at..24 + 4 * at)?)?).ok();
        file.starts_with(b"TZif").then_some(())?;
        let [utc, standard, leaps] = [count(0)?, count(1)?, count(2)?];
        let [times, types, names] = [count(3)?, count(4)?, count(5)?];
        let mut at = HEADER;
        let mut part = |length: usize| {
            let part = file.get(at..at.checked_add(length)?)?;
            at += length;
            Some(part)
        };
        let (times, types_of) = (part(times.checked_mul(wide)?)?, part(times)?);
        let (types, names) = (part(types.checked_mul(6)?)?, part(names)?);
        part(leaps.checked_mul(wide + 4)?.checked_add(standard)?.checked_add(utc)?)?;
        Some(Self { times, types_of, types, names, wide, length: at })
    }

    fn offset(&self, now: i64, rule: Option<&str>) -> Option<Offset> {
        let passed = self.times.chunks(self.wide).filter_map(number).take_while(|at| *at <= now).count();
        if let (true, Some(rule)) = (passed == self.types_of.len(), rule) {
            return rule::offset(rule, now);
        }
        let kind = passed.checked_sub(1).map_or(Some(0), |last| self.types_of.get(last).copied())?;
        let kind = self.types.chunks_exact(6).nth(kind.into())?;
        let name = self.names.get(usize::from(*kind.get(5)?)..)?.split(|byte| *byte == 0).next()?;
        Some((number(kind.get(..4)?)?, String::from_utf8_lossy(name).into_owned()))
    }
}

/// A signed number, its first byte first.
fn number(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Duration;

    #[test]
    fn it_is_as_late_as_date_says() {
        // Winter and summer of the north, of the south, of a zone without, of one with half an hour, and years after every list.
        let moments =
            [0, 946_684_800, 1_700_000_000, 1_720_000_000, 1_774_745_999, 1_774_746_001, 4_102_444_800];
        let names = [
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kolkata",
            "America/Sao_Paulo",
            "Africa/Casablanca",
        ];
        let mut compared = 0;
        for name in names {
            let path = format!("{}/{name}", FOLDERS[0]);
            let Ok(file) = fs::read(&path) else { continue };
            let zone = Zone(Kind::File(file));
            for moment in moments {
                let format = ["-d", &format!("@{moment}"), "+%H:%M:%S %Z"];
                let date =
                    Command::new("date").env("TZ", name).env("LC_ALL", "C").args(format).output().unwrap();
                let expected = String::from_utf8(date.stdout).unwrap();
                let shown = zone.time_of_day(UNIX_EPOCH + Duration::from_secs(moment));
                assert_eq!(shown, expected.trim_end(), "{name} {moment}");
                compared += 1;
            }
        }
        println!("{compared} compared");
    }

    #[test]
    fn a_file_without_times_goes_by_its_rule() {
        let mut file = b"TZif2".to_vec();
        file.extend([0; 39]);
        file.extend(b"TZif2");
        file.extend([0; 39]);
        file.extend(b"\nCET-1CEST,M3.5.0,M10.5.0/3\n");
        let at =
            |moment| Zone(Kind::File(file.clone())).time_of_day(UNIX_EPOCH + Duration::from_secs(moment));
        assert_eq!([at(1_700_000_000), at(1_720_000_000)], ["23:13:20 CET", "11:46:40 CEST"]);
    }

    #[test]
    fn what_is_no_zone_is_utc() {
        let noon = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for kind in [
            Kind::Utc,
            Kind::Rule("nonsense".into()),
            Kind::File(b"TZif2".to_vec()),
            Kind::File(vec![0xff; 99]),
        ] {
            assert_eq!(Zone(kind).time_of_day(noon), "22:13:20 UTC");
        }
    }
}
