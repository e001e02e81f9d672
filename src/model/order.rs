//! Sorting by one compiled sort. The standard one is compiled anew for every type and comparison, 5 kB of program each time,
//! and half of what a short run costs is the loading of the program.

use std::cmp::Ordering;

/// Sorts `items` by `compare`; those that it calls equal stay in their order.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places: Vec<usize> = (0..items.len()).collect();
    sort_places(&mut places, &|left, right| compare(&items[left], &items[right]));
    for at in 0..items.len() {
        // What stood at a place before `at` has been exchanged for what belongs there: `places` says where it went.
        let mut from = places[at];
        while from < at {
            from = places[from];
        }
        items.swap(at, from);
        places[at] = from;
    }
}

/// Sorts `items` by what `key` gives for each; those with the same key stay in their order.
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |left, right| key(left).cmp(&key(right)));
}

fn sort_places(places: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    places.sort_by(|left, right| compare(*left, *right));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{sort_by, sort_by_key};

    proptest! {
        #[test]
        fn it_is_the_standard_stable_sort(values in prop::collection::vec(0_u8..8, 0..300)) {
            let mut expected: Vec<(u8, usize)> = values.into_iter().zip(0..).collect();
            let (mut by, mut by_key) = (expected.clone(), expected.clone());
            expected.sort_by_key(|(value, _)| *value);
            sort_by(&mut by, |left, right| left.0.cmp(&right.0));
            sort_by_key(&mut by_key, |(value, _)| *value);
            prop_assert_eq!(&by, &expected);
            prop_assert_eq!(&by_key, &expected);
        }
    }

    #[test]
    fn what_is_moved_by_one_place_takes_no_longer_than_the_rest() {
        let mut items: Vec<u32> = (1..200_000).chain([0]).collect();
        sort_by(&mut items, u32::cmp);
        assert!(items.is_sorted());
    }
}
