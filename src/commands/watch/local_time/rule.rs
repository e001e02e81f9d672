//! A zone as POSIX writes it into `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.

/// The seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// How far a zone's clock is ahead of UTC in seconds, and what it is called.
pub(super) type Offset = (i64, String);

/// What is in force at `now`; none when it is no such rule.
pub(super) fn offset(rule: &str, now: i64) -> Option<Offset> {
    let (name, rest) = name(rule)?;
    let (behind, rest) = seconds(rest)?;
    let standard = (-behind, name.to_owned());
    if rest.is_empty() {
        return Some(standard);
    }
    let (name, rest) = self::name(rest)?;
    let (ahead, rest) = match rest.strip_prefix(',') {
        Some(rest) => (standard.0 + 3600, rest),
        None => {
            let (behind, rest) = seconds(rest)?;
            (-behind, rest.strip_prefix(',')?)
        }
    };
    let (begins, ends) = rest.split_once(',')?;
    let year = year_of(now + standard.0);
    // Each is said by the clock that it ends.
    let begins = moment(begins, year)? - standard.0;
    let ends = moment(ends, year)? - ahead;
    let is_summer =
        if begins < ends { (begins..ends).contains(&now) } else { !(ends..begins).contains(&now) };
    Some(if is_summer { (ahead, name.to_owned()) } else { standard })
}

/// The name that a text begins with, `CET` or `<+03>`, and the rest.
fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>');
    }
    let end = text.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(name, _)| name.len() >= 3)
}

/// The time that a text begins with, `-1` or `2:30:15`, in seconds, and the rest.
fn seconds(text: &str) -> Option<(i64, &str)> {
    let is_of_time = |character: char| character.is_ascii_digit() || ":+-".contains(character);
    let end = text.find(|character| !is_of_time(character)).unwrap_or(text.len());
    let (time, rest) = text.split_at_checked(end)?;
    let (sign, time) = match time.strip_prefix('-') {
        Some(time) => (-1, time),
        None => (1, time.strip_prefix('+').unwrap_or(time)),
    };
    let parts: Vec<i64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let units = parts.iter().zip([3600, 60, 1]).map(|(part, unit)| part * unit);
    Some((sign * units.sum::<i64>(), rest))
}

/// When it is that in this year, in seconds of a clock that starts at 1970: `M3.5.0/2` is the last Sunday of March, `J60` a day
/// counted without leap days, `59` one counted with them.
fn moment(text: &str, year: i64) -> Option<i64> {
    let (day, time) = text.split_once('/').unwrap_or((text, "2"));
    let (time, _) = seconds(time)?;
    let first = days_to(year, 1, 1);
    let is_leap = days_to(year + 1, 1, 1) - first == 366;
    let day = if let Some(rule) = day.strip_prefix('M') {
        let parts: Vec<i64> = rule.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let [month @ 1..=12, week @ 1..=5, weekday @ 0..=6] = *parts else { return None };
        let month_begins = days_to(year, month, 1);
        let next = if month == 12 { days_to(year + 1, 1, 1) } else { days_to(year, month + 1, 1) };
        // The first of January 1970 was a Thursday.
        let first = month_begins + (weekday - (month_begins + 4)).rem_euclid(7);
        (0..week).rev().map(|week| first + 7 * week).find(|day| *day < next)?
    } else if let Some(day) = day.strip_prefix('J') {
        let day: i64 = day.parse().ok()?;
        first + day - 1 + i64::from(is_leap && day >= 60)
    } else {
        first + day.parse::<i64>().ok()?
    };
    Some(day * DAY + time)
}

/// The days from 1970 on, as Howard Hinnant counts them (`days_from_civil`): years that begin in March.
const fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year of a moment.
fn year_of(second: i64) -> i64 {
    let day = second.div_euclid(DAY);
    let guess = 1970 + day.div_euclid(366);
    (guess..).take_while(|year| days_to(*year, 1, 1) <= day).last().unwrap_or(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_calendars_do() {
        assert_eq!([days_to(1970, 1, 1), days_to(2000, 3, 1), days_to(2026, 11, 29)], [0, 11_017, 20_786]);
        assert_eq!([0, 951_868_800, 1_735_689_599, 1_735_689_600].map(year_of), [1970, 2000, 2024, 2025]);
    }

    #[test]
    fn rules_of_every_form() {
        let at = |rule, now| offset(rule, now).map(|(ahead, name)| format!("{name} {ahead}"));
        let shown = |rule, now| at(rule, now).unwrap();
        assert_eq!(shown("CET-1CEST,M3.5.0,M10.5.0/3", 1_774_745_999), "CET 3600");
        assert_eq!(shown("CET-1CEST,M3.5.0,M10.5.0/3", 1_774_746_000), "CEST 7200");
        assert_eq!(shown("<+0530>-5:30", 0), "+0530 19800");
        assert_eq!(shown("NZST-12NZDT,M9.5.0,M4.1.0/3", 1_704_067_200), "NZDT 46800");
        assert_eq!(shown("<-03>3<-02>,J60/0,300/0", 1_717_200_000), "-02 -7200");
        assert_eq!(shown("UTC0", 5), "UTC 0");
        for wrong in ["", "UT", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M1.1.0", "CET-1CEST,M3.5.0"] {
            assert_eq!(at(wrong, 0), None, "{wrong:?}");
        }
    }
}
