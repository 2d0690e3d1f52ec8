//! Records that are written together.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use super::super::recorder::{TOGETHER_MAX, Turn};
use super::*;
use crate::control::words::Standing;

/// As many as are recorded side by side in these tests: one transaction of them is full, and the next is not.
const SIDE_BY_SIDE: usize = TOGETHER_MAX + TOGETHER_MAX / 4;

type Recording<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

/// Futures that have begun to record and cannot go on while the caller holds the pen.
fn begun<'a>(store: &'a Store, acts: &'a [Act]) -> Vec<Recording<'a>> {
    let mut recordings: Vec<Recording<'a>> = acts.iter().map(|act| Box::pin(store.record(act, NOW)) as Recording<'a>).collect();
    let mut context = Context::from_waker(Waker::noop());
    for recording in &mut recordings {
        assert!(recording.as_mut().poll(&mut context).is_pending(), "nobody is told before it is written");
    }
    recordings
}

fn acts(count: usize) -> Vec<Act> {
    (0..count).map(|number| act().to(PatientId::from_bits(number as u64))).collect()
}

/// How often the head has moved, which it does once in a transaction that records.
async fn count_moves(store: &Store) {
    for text in [
        "CREATE TABLE moves (seq BIGINT)",
        "CREATE TRIGGER move AFTER UPDATE ON audit_head BEGIN INSERT INTO moves VALUES (NEW.seq); END",
    ] {
        sqlx::query(text).execute(&store.writer).await.unwrap();
    }
}

async fn moves(store: &Store) -> Vec<i64> {
    sqlx::query_scalar("SELECT seq FROM moves ORDER BY seq").fetch_all(&store.writer).await.unwrap()
}

#[tokio::test]
async fn what_comes_while_the_pen_is_elsewhere_is_recorded_together_in_its_order() {
    let Fixture { store, dir: _dir } = Fixture::new().await;
    count_moves(&store).await;
    let acts = acts(SIDE_BY_SIDE);
    let pen = store.writing().await.unwrap();
    let recordings = begun(&store, &acts);
    drop(pen);
    for recording in recordings {
        recording.await.unwrap();
    }
    assert_eq!(moves(&store).await, [TOGETHER_MAX as i64, SIDE_BY_SIDE as i64], "two transactions, the first of them full");
    let recorded = store.audit(0, 1_000).await.unwrap();
    let subjects: Vec<_> = recorded.into_iter().map(|record| record.subject.unwrap()).collect();
    let expected: Vec<_> = acts.iter().map(|act| act.subject.as_ref().unwrap().as_str().to_owned()).collect();
    assert_eq!(subjects, expected);
    assert!(matches!(store.verify_audit().await.unwrap(), Verdict::Whole(head) if head.seq == SIDE_BY_SIDE as i64));
}

#[tokio::test]
async fn nobody_is_told_that_a_record_is_kept_whose_transaction_failed_and_the_next_are_kept() {
    let Fixture { store, dir: _dir } = Fixture::new().await;
    let last = acts(SIDE_BY_SIDE).pop().unwrap();
    // The very last of all fails, and with it those that are written together with it.
    let subject = last.subject.as_ref().unwrap().as_str().to_owned();
    let refuse = format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON audit WHEN NEW.subject = '{subject}' BEGIN SELECT RAISE(ABORT, 'full'); END"
    );
    sqlx::query(sqlx::AssertSqlSafe(refuse)).execute(&store.writer).await.unwrap();
    let acts = acts(SIDE_BY_SIDE);
    let pen = store.writing().await.unwrap();
    let recordings = begun(&store, &acts);
    drop(pen);
    let mut kept = Vec::new();
    for recording in recordings {
        kept.push(recording.await.is_ok());
    }
    let expected: Vec<bool> = (0..SIDE_BY_SIDE).map(|number| number < TOGETHER_MAX).collect();
    assert_eq!(kept, expected, "the first transaction stands, the second does not");
    assert_eq!(store.audit_head().await.unwrap().seq, TOGETHER_MAX as i64);
    store.record(&act(), NOW).await.unwrap();
    assert!(matches!(store.verify_audit().await.unwrap(), Verdict::Whole(head) if head.seq == TOGETHER_MAX as i64 + 1));
}

/// What one person of a visit did, who came to stand somewhere by it.
fn waits(booking: &Booking, bits: u64) -> Minutes {
    let participant = ParticipantId::from_bits(bits);
    let waits = PresenceRecord { participant, standing: Standing::Waiting, reason: None, seat: None, leg: None, at: NOW };
    Minutes { acts: vec![act()], presences: vec![waits], ..minutes(booking) }
}

#[tokio::test]
async fn minutes_are_kept_together_in_their_order_and_one_that_cannot_be_fails_alone() {
    let Fixture { store, dir: _dir } = Fixture::new().await;
    let booking = booked(&store).await;
    for bits in [10, 11] {
        store.enter(&person(bits, &booking), &minutes(&booking), NOW).await.unwrap();
    }
    let before = store.audit_head().await.unwrap().seq;
    count_moves(&store).await;
    // Nobody has been recorded as the last of them.
    for (people, kept, transactions) in [(vec![11, 10, 11], vec![true; 3], 1), (vec![10, 99, 11], vec![true, false, true], 2)] {
        let (all, moved) = (people.iter().map(|bits| waits(&booking, *bits)).collect::<Vec<_>>(), moves(&store).await.len());
        let pen = store.writing().await.unwrap();
        let keeping = all.iter().map(|minutes| Box::pin(store.keep(minutes, NOW)) as Recording<'_>);
        let mut keeping: Vec<_> = keeping.collect();
        for one in &mut keeping {
            assert!(one.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        drop(pen);
        let mut outcomes = Vec::new();
        for one in keeping {
            outcomes.push(one.await.is_ok());
        }
        assert_eq!(outcomes, kept);
        assert_eq!(moves(&store).await.len() - moved, transactions, "{people:?}");
    }
    let stand: Vec<_> = store.presences(booking.appointment.visit).await.unwrap().iter().map(|one| one.participant).collect();
    assert_eq!(stand, [ParticipantId::from_bits(10), ParticipantId::from_bits(11)], "as they came to stand there last");
    assert_eq!(store.audit_head().await.unwrap().seq, before + 10, "an act and a presence of each");
    assert!(matches!(store.verify_audit().await.unwrap(), Verdict::Whole(_)));
}

#[tokio::test]
async fn who_goes_away_is_recorded_all_the_same() {
    let Fixture { store, dir: _dir } = Fixture::new().await;
    let acts = acts(3);
    let pen = store.writing().await.unwrap();
    let mut recordings = begun(&store, &acts);
    drop(recordings.remove(0));
    drop(pen);
    for recording in recordings {
        recording.await.unwrap();
    }
    assert_eq!(store.audit_head().await.unwrap().seq, 3);
}

#[tokio::test]
async fn who_comes_while_the_one_before_puts_down_the_pen_is_recorded() {
    let Fixture { store, dir: _dir } = Fixture::new().await;
    let acts = acts(2);
    let mut before = Turn::new(store.clone());
    assert!(before.ends(), "nothing waits");
    let recordings = begun(&store, &acts);
    drop(before);
    for recording in recordings {
        recording.await.unwrap();
    }
    assert_eq!(store.audit_head().await.unwrap().seq, 2);
}

#[tokio::test]
async fn a_store_that_is_closed_keeps_nobody_waiting() {
    let Fixture { store, dir: _dir } = Fixture::new().await;
    store.close().await;
    assert!(store.record(&act(), NOW).await.is_err());
}
