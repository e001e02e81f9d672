//! Which of some names was probably meant by one that is none of them.

/// Returns the candidate that `typed` most likely meant, if one is near enough: alike, or but for one slip of the fingers
/// after the first letter the same, which short names are too short for to be called alike.
pub(crate) fn nearest<'a>(typed: &str, mut candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    likeliest(typed, &mut candidates)
}

/// Compiled once, and not for each kind of list.
fn likeliest<'a>(typed: &str, candidates: &mut dyn Iterator<Item = &'a str>) -> Option<&'a str> {
    let slipped = |candidate: &str| {
        candidate.chars().next() == typed.chars().next() && strsim::osa_distance(typed, candidate) == 1
    };
    candidates
        .map(|candidate| (strsim::jaro_winkler(typed, candidate), candidate))
        .filter(|(likeness, candidate)| *likeness > 0.8 || slipped(candidate))
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slip_in_a_short_name_is_known_for_one() {
        for (typed, meant) in
            [("wbe", Some("web")), ("wb", Some("web")), ("shpo", Some("shop")), ("xyz", None)]
        {
            assert_eq!(nearest(typed, ["web", "shop"].into_iter()), meant, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn what_is_meant_is_one_of_the_candidates(typed in any::<String>(), candidates in prop::collection::vec("[a-c]{0,4}", 0..5)) {
            let meant = nearest(&typed, candidates.iter().map(String::as_str));
            prop_assert!(meant.is_none_or(|meant| candidates.iter().any(|candidate| candidate == meant)));
        }
    }
}
