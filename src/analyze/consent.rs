//! Whether an act may go ahead: what is named is meant, what reaches far has to be confirmed.

/// How wide an act reaches, for the question whether it has to be confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Sessions that were named one by one.
    Named,
    /// What a filter selects.
    Filtered,
    /// Everything, or a filter through which everything can pass.
    Everything,
}

/// Under which circumstances an act is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// `--yes` was given.
    pub(crate) yes: bool,
    /// Why it has to be confirmed in every case, where it has.
    pub(crate) always: Option<&'static str>,
    /// Somebody can be asked.
    pub(crate) terminal: bool,
}

/// Whether an act may go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// It may.
    Given,
    /// Somebody has to be asked.
    Ask,
    /// It may not, for this reason.
    Missing(&'static str),
}

/// The rules of consent: what is named is meant; at a terminal there is somebody to ask; without one a filter is the
/// consent, as the name of a database is for `dropdb`, unless it selects everything.
pub(crate) const fn consent(reach: Reach, circumstances: Circumstances) -> Consent {
    match (circumstances, reach) {
        (Circumstances { yes: true, .. }, _) => Consent::Given,
        (Circumstances { always: Some(why), .. }, _) => Consent::Missing(why),
        (_, Reach::Named) => Consent::Given,
        (Circumstances { terminal: true, .. }, _) => Consent::Ask,
        (_, Reach::Filtered) => Consent::Given,
        (_, Reach::Everything) => {
            Consent::Missing("this can reach everything, and there is no terminal to ask at")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_follows_the_rules() {
        use Consent::{Ask, Given, Missing};
        let at =
            |yes, always: bool, terminal| Circumstances { yes, always: always.then_some("why"), terminal };
        for reach in [Reach::Named, Reach::Filtered, Reach::Everything] {
            for terminal in [false, true] {
                assert_eq!(consent(reach, at(true, true, terminal)), Given);
                assert!(matches!(consent(reach, at(false, true, terminal)), Missing(_)));
            }
        }
        let plain = |terminal| at(false, false, terminal);
        assert_eq!(consent(Reach::Named, plain(true)), Given);
        assert_eq!(consent(Reach::Named, plain(false)), Given);
        assert_eq!(consent(Reach::Filtered, plain(true)), Ask);
        assert_eq!(consent(Reach::Filtered, plain(false)), Given);
        assert_eq!(consent(Reach::Everything, plain(true)), Ask);
        assert!(matches!(consent(Reach::Everything, plain(false)), Missing(_)));
    }
}
