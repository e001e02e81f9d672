//! Metrics of what lasts: transactions, statements, waits, the horizon.

use super::families::{Families, number, sample};
use crate::analyze::health;
use crate::model::health::{HealthFacts, HorizonKind, Question};
use crate::model::metric::MetricType;

/// The families of what could be read.
#[expect(clippy::cast_precision_loss, reason = "ages in transactions are far below 2^52")]
pub(super) fn lasting(families: &mut Families, facts: &HealthFacts) {
    let is_read = |question| facts.why_unread(question).is_none();
    if is_read(Question::Longest) {
        longest(families, facts);
    }
    if is_read(Question::Waits) {
        waits(families, facts);
    }
    if is_read(Question::Prepared) {
        prepared(families, facts);
    }
    if is_read(Question::Horizon) && is_read(Question::Longest) {
        let samples = HorizonKind::ALL.into_iter().map(|kind| {
            let holder = facts.horizon.iter().find(|holder| holder.kind == kind);
            sample(&[("holder", kind.word())], holder.map_or(0.0, |holder| holder.age as f64))
        });
        families.add(
            MetricType::Gauge,
            "pgconn_horizon_age_transactions",
            "Transaction ids given out since the oldest transaction that a holder may have to see: so far VACUUM is held back. 0 when \
             it holds nothing.",
            samples.collect(),
        );
    }
}

fn longest(families: &mut Families, facts: &HealthFacts) {
    // With hidden sessions the visible maximum would claim what nobody knows.
    let known = |seconds: Option<f64>| (facts.undecidable == 0).then_some(seconds.unwrap_or(0.0));
    families.gauge(
        "pgconn_oldest_transaction_seconds",
        "Age of the oldest open transaction of a client; 0 when none is open, absent when sessions are hidden.",
        known(facts.long_xact.seconds),
    );
    families.gauge(
        "pgconn_oldest_query_seconds",
        "Age of the longest running statement of a client; 0 when none runs, absent when sessions are hidden.",
        known(facts.long_query.seconds),
    );
    families.gauge(
        "pgconn_oldest_idle_in_transaction_seconds",
        "Longest time that a client has left a transaction idle; 0 when none is, absent when sessions are hidden.",
        known(facts.idle_xact.seconds),
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
fn waits(families: &mut Families, facts: &HealthFacts) {
    let waits = &facts.waits;
    families.gauge(
        "pgconn_sessions_waiting_for_lock",
        "Sessions of every kind that wait: for locks, and for whatever else blockers shows.",
        Some((waits.waiting + waits.undecidable) as f64),
    );
    families.gauge(
        "pgconn_sessions_blocking",
        "Who is at the heads of the queues of the longest waits: sessions, and all prepared transactions as one.",
        Some(number(health::heads_of_queues(waits))),
    );
    let unknown = health::hidden_waits(waits) > waits.undecidable;
    let wait = health::longest_wait(waits).and_then(|waiter| waiter.seconds);
    families.gauge(
        "pgconn_longest_lock_wait_seconds",
        "Longest of these waits that is for a lock; 0 when there is none. At most this long before PostgreSQL 14.",
        (!unknown).then_some(wait.unwrap_or(0.0)),
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of transactions are far below 2^52")]
fn prepared(families: &mut Families, facts: &HealthFacts) {
    families.gauge(
        "pgconn_prepared_transactions",
        "Prepared transactions.",
        Some(facts.prepared.count as f64),
    );
    families.gauge(
        "pgconn_oldest_prepared_transaction_seconds",
        "Age of the oldest prepared transaction; 0 when there is none.",
        Some(facts.prepared.oldest.as_ref().map_or(0.0, |oldest| oldest.seconds)),
    );
}
