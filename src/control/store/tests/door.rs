//! What one transaction at the door counts, whatever comes at once.

use sqlx::Row;

use super::super::{Finding, Invited, WRONG_DATES_MAX};
use super::*;

/// Someone types a date that is not the patient's, if anything is compared at all.
fn guess(invited: Option<&Invited>) -> (bool, Finding) {
    let Some(invited) = invited else { return (false, Finding::Refused("unknown_link")) };
    if !invited.link.is_alive() {
        (false, Finding::Refused("locked"))
    } else if invited.patients.is_empty() {
        (false, Finding::Refused("dates_used_up"))
    } else {
        (true, Finding::WrongDate)
    }
}

async fn guess_by(store: &Store, token: &[u8], now: Timestamp) -> bool {
    store.attempt(Some(Digest::of(token)), now, guess).await.unwrap()
}

async fn wrong_dates(store: &Store) -> i64 {
    sqlx::query("SELECT COUNT(*) AS n FROM wrong_dates").fetch_one(&store.readers).await.unwrap().get("n")
}

#[tokio::test]
async fn however_many_guess_at_once_a_link_takes_five_and_is_locked_until_staff_unlock_it() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    let (appointment, link) = (booking.appointment.id, booking.links[0].link.id);
    let guesses: Vec<_> = (0..40)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move { guess_by(&store, b"link", NOW).await })
        })
        .collect();
    let mut compared = 0;
    for guess in guesses {
        compared += u32::from(guess.await.unwrap());
    }
    assert_eq!(compared, FAILURES_MAX);
    let fixture = fixture.reopen().await;
    let read = &fixture.store.links(appointment).await.unwrap()[0];
    assert_eq!((read.wrong_dates, read.locked_at), (FAILURES_MAX, Some(NOW)));
    assert_eq!(wrong_dates(&fixture.store).await, 5);
    let entered = fixture.store.enter(&person(9, &booking), &minutes(&booking), NOW).await.unwrap();
    assert!(entered.is_none(), "the right date comes too late");

    assert!(!fixture.store.unlock_link(AppointmentId::from_bits(99), link, &act(), NOW).await.unwrap());
    assert!(fixture.store.unlock_link(appointment, link, &act(), NOW).await.unwrap());
    assert!(fixture.store.enter(&person(9, &booking), &minutes(&booking), NOW).await.unwrap().is_some());
    assert_eq!(wrong_dates(&fixture.store).await, 0, "what was tried with it is forgotten");
}

#[tokio::test]
async fn four_wrong_dates_leave_a_link_open() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    for _ in 0..4 {
        assert!(guess_by(&fixture.store, b"link", NOW).await);
    }
    assert!(fixture.store.enter(&person(9, &booking), &minutes(&booking), NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn who_holds_ten_links_of_one_patient_tries_ten_dates_a_day() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    for number in 0..10u8 {
        let link = Link { id: LinkId::from_bits(100 + u64::from(number)), ..booking.links[0].link.clone() };
        let new = NewLink { link, digest: Digest::of(&[number]) };
        fixture.store.add_link(&new, &act(), NOW).await.unwrap();
    }
    let mut compared = 0;
    for number in 0..10u8 {
        for _ in 0..4 {
            compared += u32::from(guess_by(&fixture.store, &[number], NOW).await);
        }
    }
    assert_eq!(compared, WRONG_DATES_MAX);
    let links = fixture.store.links(booking.appointment.id).await.unwrap();
    assert_eq!(links.iter().map(|link| link.wrong_dates).sum::<u32>(), WRONG_DATES_MAX, "who is not compared counts nothing");
    let back = NOW - jiff::SignedDuration::from_hours(48);
    assert!(!guess_by(&fixture.store, &[9], back).await, "not by stepping the clock back");
    assert!(
        guess_by(&fixture.store, &[9], NOW + jiff::SignedDuration::from_hours(24)).await,
        "a day later it may be tried again"
    );
}

#[tokio::test]
async fn each_refusal_is_on_record_and_of_a_flood_only_what_counts() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    let before = fixture.store.audit_head().await.unwrap().seq;
    assert!(!guess_by(&fixture.store, b"unknown", NOW).await);
    for _ in 0..5 {
        guess_by(&fixture.store, b"link", NOW).await;
    }
    let summed = |_: Option<&Invited>| ((), Finding::Summed("unknown_link"));
    fixture.store.attempt(Some(Digest::of(b"unknown")), NOW, summed).await.unwrap();
    let records = fixture.store.audit(before, 99).await.unwrap();
    let told: Vec<_> = records.iter().map(|record| (&*record.action, &*record.outcome, record.subject.clone())).collect();
    let link = Some(booking.links[0].link.id.to_string());
    let mut expected = vec![("door.verify", "unknown_link", None)];
    expected.extend(vec![("door.verify", "wrong_date", link.clone()); 4]);
    expected.extend([("link.lock", "done", link.clone()), ("door.verify", "wrong_date", link)]);
    assert_eq!(told, expected);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    sqlx::query("DROP TABLE audit").execute(&fixture.store.writer).await.unwrap();
    let (appointment, link) = (booking.appointment.id, booking.links[0].link.id);
    assert!(fixture.store.unlock_link(appointment, link, &act(), NOW).await.is_err());
    let patient = Patient { id: PatientId::from_bits(77), name: name("Cy"), birth_date: "1990-01-01".parse().unwrap() };
    assert!(fixture.store.add_patient(&patient, &act(), NOW).await.is_err());
    assert!(fixture.store.patient(patient.id).await.unwrap().is_none());
    assert!(fixture.store.attempt(Some(Digest::of(b"link")), NOW, guess).await.is_err());
    assert_eq!(fixture.store.links(appointment).await.unwrap()[0].wrong_dates, 0);
}

#[tokio::test]
async fn of_two_who_move_one_appointment_the_second_is_told_that_it_has_changed() {
    let fixture = Fixture::new().await;
    let known = booked(&fixture.store).await.appointment;
    let hour = |hours| Times {
        start: NOW + jiff::SignedDuration::from_hours(hours),
        start_text: format!("in {hours} hours"),
        duration_minutes: 30,
    };
    assert!(fixture.store.move_appointment(&known, &hour(1), &act(), NOW).await.unwrap());
    assert!(!fixture.store.move_appointment(&known, &hour(2), &act(), NOW).await.unwrap());
    let moved = fixture.store.appointment(known.id).await.unwrap().unwrap();
    assert_eq!(moved.start_text, "in 1 hours");
    fixture.store.end_visit(&minutes_of(&known), NOW).await.unwrap();
    assert!(!fixture.store.move_appointment(&moved, &hour(3), &act(), NOW).await.unwrap(), "it is over");
}

fn minutes_of(appointment: &Appointment) -> Minutes {
    Minutes::of(appointment.visit, Actor::System)
}
