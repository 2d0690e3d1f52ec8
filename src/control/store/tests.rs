mod door;
mod recorder;
mod tamper;

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::base::VisitId;
use crate::base::ids::{AppointmentId, LinkId, ParticipantId, PatientId, ProviderId, TokenId};
use crate::control::words::{Act, Actor, Digest, Name, Role, Staff, Token, TokenKind};

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

struct Fixture {
    dir: tempfile::TempDir,
    store: Store,
}

impl Fixture {
    async fn new() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("quartet.db")).await.unwrap();
        Fixture { dir, store }
    }

    async fn reopen(self) -> Fixture {
        self.store.close().await;
        let store = Store::open(&self.dir.path().join("quartet.db")).await.unwrap();
        Fixture { dir: self.dir, store }
    }
}

fn act() -> Act {
    Act::done(Actor::System, "test")
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

async fn people(store: &Store) -> Booking {
    let provider = Provider { id: ProviderId::from_bits(1), name: name("Dr. Ada"), telehealth_enabled: true };
    let patient = Patient { id: PatientId::from_bits(2), name: name("Bea Blue"), birth_date: "1948-02-29".parse().unwrap() };
    store.add_provider(&provider, &act(), NOW).await.unwrap();
    store.add_patient(&patient, &act(), NOW).await.unwrap();
    let appointment = Appointment {
        id: AppointmentId::from_bits(3),
        visit: VisitId::from_bits(4),
        kind: AppointmentKind::Single,
        group_name: None,
        provider: provider.id,
        patients: vec![patient.id],
        start: NOW,
        start_text: "2027-01-15T08:00:00+00:00".to_owned(),
        duration_minutes: 30,
        cancelled_at: None,
        ended_at: None,
    };
    let link = Link {
        id: LinkId::from_bits(5),
        appointment: appointment.id,
        role: Role::Patient,
        patient: Some(patient.id),
        provider: None,
        name: None,
        wrong_dates: 0,
        locked_at: None,
        revoked_at: None,
    };
    Booking { appointment, links: vec![NewLink { link, digest: Digest::of(b"link") }], kept: None }
}

async fn booked(store: &Store) -> Booking {
    let booking = people(store).await;
    assert!(store.book(&booking, &act(), NOW).await.unwrap());
    booking
}

fn person(bits: u64, booking: &Booking) -> NewParticipant {
    NewParticipant {
        participant: Participant {
            id: ParticipantId::from_bits(bits),
            visit: booking.appointment.visit,
            link: booking.links[0].link.id,
            role: Role::Patient,
            patient: booking.links[0].link.patient,
            provider: None,
            name: name("Bea Blue"),
            relationship: None,
            created_at: NOW,
        },
        session: Digest::of(&bits.to_be_bytes()),
        terms: Some("1"),
    }
}

/// The visit's minutes with nothing in them.
fn minutes(booking: &Booking) -> Minutes {
    Minutes::of(booking.appointment.visit, Actor::System)
}

#[tokio::test]
async fn the_files_are_their_owners_alone() {
    let fixture = Fixture::new().await;
    booked(&fixture.store).await;
    let mut files = 0;
    for entry in std::fs::read_dir(fixture.dir.path()).unwrap() {
        files += 1;
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(files >= 2, "the database and its journal");
}

#[tokio::test]
async fn a_booking_is_read_back_as_it_was_made_also_after_a_restart() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    let fixture = fixture.reopen().await;
    let read = fixture.store.appointment(booking.appointment.id).await.unwrap().unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", booking.appointment));
    let links = fixture.store.links(booking.appointment.id).await.unwrap();
    assert_eq!(format!("{links:?}"), format!("{:?}", [&booking.links[0].link]));
}

#[tokio::test]
async fn the_newest_of_one_link_replaces_the_older_and_their_session() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    let (first, second) = (person(10, &booking), person(11, &booking));
    assert_eq!(fixture.store.enter(&first, &minutes(&booking), NOW).await.unwrap(), Some(vec![]));
    assert_eq!(fixture.store.enter(&second, &minutes(&booking), NOW).await.unwrap(), Some(vec![first.participant.id]));
    assert!(fixture.store.session(first.session).await.unwrap().is_none());
    assert!(fixture.store.session(second.session).await.unwrap().is_some());
    let inside = fixture.store.participants(booking.appointment.visit).await.unwrap();
    assert_eq!(inside.iter().map(|one| one.id).collect::<Vec<_>>(), [second.participant.id]);
}

#[tokio::test]
async fn a_revoked_link_takes_its_sessions_with_it() {
    let fixture = Fixture::new().await;
    let booking = booked(&fixture.store).await;
    let (appointment, link) = (booking.appointment.id, booking.links[0].link.id);
    let new = person(10, &booking);
    fixture.store.enter(&new, &minutes(&booking), NOW).await.unwrap();
    assert!(
        !fixture.store.revoke_link(AppointmentId::from_bits(99), link, &minutes(&booking), NOW).await.unwrap(),
        "not of that appointment"
    );
    assert!(fixture.store.revoke_link(appointment, link, &minutes(&booking), NOW).await.unwrap());
    assert!(!fixture.store.revoke_link(appointment, link, &minutes(&booking), NOW).await.unwrap(), "once");
    assert!(fixture.store.session(new.session).await.unwrap().is_none());
    assert!(fixture.store.enter(&person(11, &booking), &minutes(&booking), NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_enters_a_visit_that_was_cancelled_or_ended() {
    for cancel in [true, false] {
        let fixture = Fixture::new().await;
        let booking = booked(&fixture.store).await;
        if cancel {
            assert!(fixture.store.cancel(booking.appointment.id, &minutes(&booking), NOW).await.unwrap());
        } else {
            fixture.store.end_visit(&minutes(&booking), NOW).await.unwrap();
        }
        assert!(fixture.store.enter(&person(10, &booking), &minutes(&booking), NOW).await.unwrap().is_none());
        assert!(!fixture.store.cancel(booking.appointment.id, &minutes(&booking), NOW).await.unwrap(), "it is over already");
    }
}

#[tokio::test]
async fn a_used_key_books_nothing() {
    let fixture = Fixture::new().await;
    let token = AdminToken { id: TokenId::from_bits(7), name: name("desk"), role: Staff::Scheduler };
    let secret = Token::random(TokenKind::Admin);
    fixture.store.add_token(&token, secret.digest(), &act(), NOW).await.unwrap();
    let kept = KeptAnswer { token: token.id, key: Digest::of(b"key"), request: Digest::of(b"body"), sealed: "sealed".to_owned() };
    let mut booking = people(&fixture.store).await;
    booking.kept = Some(kept);
    assert!(fixture.store.book(&booking, &act(), NOW).await.unwrap());
    booking.appointment.id = AppointmentId::from_bits(33);
    assert!(!fixture.store.book(&booking, &act(), NOW).await.unwrap());
    assert!(fixture.store.appointment(booking.appointment.id).await.unwrap().is_none());
    let (request, sealed) = fixture.store.kept_answer(token.id, Digest::of(b"key")).await.unwrap().unwrap();
    assert_eq!((request, &*sealed), (Digest::of(b"body").hex(), "sealed"));
}

#[tokio::test]
async fn patients_are_found_by_how_a_word_of_their_name_begins() {
    let fixture = Fixture::new().await;
    for (bits, text) in (1..).zip(["Ada Lovelace", "Grace Hopper", "100% Certain", "Élodie Ávila"]) {
        let patient = Patient { id: PatientId::from_bits(bits), name: name(text), birth_date: "1990-01-01".parse().unwrap() };
        fixture.store.add_patient(&patient, &act(), NOW).await.unwrap();
    }
    for (typed, expected) in [
        ("", vec!["100% Certain", "Ada Lovelace", "Grace Hopper", "Élodie Ávila"]),
        ("ad", vec!["Ada Lovelace"]),
        ("HOP", vec!["Grace Hopper"]),
        ("race", vec![]),
        ("%", vec![]),
        ("100%", vec!["100% Certain"]),
        ("_", vec![]),
        ("áv", vec!["Élodie Ávila"]),
    ] {
        let found = fixture.store.patients(typed, 10).await.unwrap();
        assert_eq!(found.iter().map(|patient| patient.name.as_str()).collect::<Vec<_>>(), expected, "{typed:?}");
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing() {
    let fixture = Fixture::new().await;
    let token = AdminToken { id: TokenId::from_bits(7), name: name("desk"), role: Staff::Monitor };
    let digest = Token::random(TokenKind::Admin).digest();
    fixture.store.add_token(&token, digest, &act(), NOW).await.unwrap();
    assert_eq!(fixture.store.token(digest).await.unwrap().unwrap().role, Staff::Monitor);
    assert_eq!(fixture.store.tokens().await.unwrap().len(), 1);
    assert!(fixture.store.revoke_token(token.id, &act(), NOW).await.unwrap());
    assert_eq!(fixture.store.tokens().await.unwrap().len(), 0);
    assert!(fixture.store.token(digest).await.unwrap().is_none());
}
