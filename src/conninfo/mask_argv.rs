//! A secret on the command line is there for every user of the machine to read (`ps`, /proc/PID/cmdline) for as long as the
//! program runs. So the program starts itself again in the same process, with the secret masked in its arguments; what was
//! typed travels in a variable, which only the same user can read. Pure; `main` starts.

use super::bytes::{os_string_of, text_of};
use super::redact;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// The variable that carries what was typed. It names the process that it is for, so that a child which inherits it does
/// not take it for its own.
pub(crate) const CARRIER: &str = "PGCONN_ARGUMENTS";

/// The arguments as others may see them and what [`unmask_argv`] needs to undo that; nothing when they hold no secret. What
/// follows `--` is another program's.
pub(crate) fn mask_argv(arguments: &[OsString], pid: u32) -> Option<(Vec<OsString>, String)> {
    let mut shown = arguments.to_vec();
    let mut carried = pid.to_string();
    let own = arguments.iter().take_while(|argument| *argument != "--").count();
    for (at, argument) in shown.iter_mut().enumerate().take(own).skip(1) {
        let typed = text_of(argument.as_bytes());
        let masked = redact::masked(&typed);
        if masked != typed {
            carried.push_str(&format!(" {at} {} {typed}", typed.len()));
            *argument = os_string_of(&masked);
        }
    }
    (shown != arguments).then_some((shown, carried))
}

/// The arguments as they were typed; nothing when `carried` is not for this process.
pub(crate) fn unmask_argv(arguments: &[OsString], carried: &str, pid: u32) -> Option<Vec<OsString>> {
    let mut typed = arguments.to_vec();
    let mut rest = carried.strip_prefix(&pid.to_string())?;
    while !rest.is_empty() {
        let (at, after) = rest.strip_prefix(' ')?.split_once(' ')?;
        let (length, after) = after.split_once(' ')?;
        let (text, after) = after.split_at_checked(length.parse().ok()?)?;
        *typed.get_mut(at.parse::<usize>().ok()?)? = os_string_of(text);
        rest = after;
    }
    Some(typed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt as _;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(Into::into).collect()
    }

    #[test]
    fn only_secrets_are_masked_and_only_before_the_command_of_another_program() {
        assert_eq!(mask_argv(&words(&["pgconn", "stats", "-d", "postgresql://u@h/d"]), 7), None);
        assert_eq!(mask_argv(&words(&["pgconn", "drain", "--", "x", "password=p"]), 7), None);
        let typed = words(&["pgconn", "stats", "-dpostgresql://u:p@h/d", "--dbname=host=h password=p"]);
        let (shown, carried) = mask_argv(&typed, 7).expect("secrets");
        let masked =
            words(&["pgconn", "stats", "-dpostgresql://u:********@h/d", "--dbname=host=h password=********"]);
        assert_eq!(shown, masked);
        assert_eq!(unmask_argv(&shown, &carried, 7), Some(typed));
        assert_eq!(unmask_argv(&shown, &carried, 71), None);
        assert_eq!(unmask_argv(&shown, &carried, 8), None);
    }

    proptest! {
        #[test]
        fn what_was_typed_comes_back(typed in prop::collection::vec("password=\\PC{0,6}|\\PC{0,12}", 1..5), raw in any::<u8>()) {
            let typed = typed.into_iter().map(|text| OsString::from_vec([text.as_bytes(), &[raw]].concat()));
            let typed: Vec<OsString> = typed.collect();
            if let Some((shown, carried)) = mask_argv(&typed, 7) {
                prop_assert_eq!(unmask_argv(&shown, &carried, 7), Some(typed));
            }
        }

        #[test]
        fn whatever_the_variable_holds_nothing_panics(carried in "7( [0-9]{1,21} [0-9]{1,21} \\PC{0,5}){0,3}|\\PC*") {
            let _ = unmask_argv(&words(&["pgconn", "stats"]), &carried, 7);
        }
    }
}
