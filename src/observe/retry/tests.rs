use super::*;

fn waits(after_loss: bool, number: usize) -> Vec<f64> {
    let mut backoff = Backoff::new(after_loss);
    (0..number).map(|_| backoff.wait().as_secs_f64()).collect()
}

#[test]
fn waits_grow_to_five_seconds_with_jitter() {
    for (wait, nominal) in waits(false, 6).iter().zip([1.0, 2.0, 4.0, 5.0, 5.0, 5.0]) {
        assert!((nominal * 0.75..=nominal).contains(wait), "{wait} {nominal}");
    }
}

#[test]
fn a_session_that_was_lost_is_tried_for_more_closely_at_first() {
    let soon = [0.25; 6];
    for (wait, nominal) in waits(true, 10).iter().zip(soon.into_iter().chain([1.0, 2.0, 4.0, 5.0])) {
        assert!((nominal * 0.75..=nominal).contains(wait), "{wait} {nominal}");
    }
}

#[test]
fn a_wrong_password_is_not_tried_again() {
    let patience = Patience::For(Duration::from_secs(1));
    let allows = |kind| patience.allows(&Error::new(kind, ""), true);
    assert!(
        allows(ErrorKind::Refused) && allows(ErrorKind::StartingUp) && allows(ErrorKind::StatementTimeout)
    );
    let lost = Error { sqlstate: Some("08006".into()), ..Error::new(ErrorKind::Server, "") };
    assert!(patience.allows(&lost, false));
    for kind in [
        ErrorKind::AuthFailed,
        ErrorKind::NoSuchDatabase,
        ErrorKind::NoSuchRole,
        ErrorKind::Tls,
        ErrorKind::BadValue,
        ErrorKind::Server,
    ] {
        assert!(!allows(kind) && !Patience::Unlimited.allows(&Error::new(kind, ""), true), "{kind:?}");
    }
    let whatever = Patience::Whatever(Duration::from_secs(1));
    assert!(whatever.allows(&Error::new(ErrorKind::AuthFailed, ""), false));
    assert!(!whatever.allows(&Error::new(ErrorKind::AnotherServer, ""), false));
}

#[test]
fn a_name_that_was_known_before_may_be_known_again() {
    let unknown = Error::new(ErrorKind::Dns, "");
    assert!(Patience::Unlimited.allows(&unknown, true) && !Patience::Unlimited.allows(&unknown, false));
}
