//! The door, as the store sees it: who guesses at links, and who comes in.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use quartet::base::VisitId;
use quartet::base::ids::{AppointmentId, LinkId, ParticipantId, PatientId, ProviderId};
use quartet::control::store::{
    Appointment, AppointmentKind, Booking, Finding, Invited, Link, Minutes, NewLink, NewParticipant, Participant, Patient,
    PresenceRecord, Provider, Store,
};
use quartet::control::verify::{matching, terms};
use quartet::control::words::{Act, Actor, BirthDate, Digest, Name, Role, Standing, Token, TokenKind};

use crate::{act, median};

const BATCHES: u64 = 10;

/// What anybody who guesses at links makes the server do, once so many do that they are only summed up.
pub(crate) async fn looks(store: &Store) -> Duration {
    const EACH: u32 = 50;
    let mut batches = Vec::new();
    for batch in 0..BATCHES {
        let began = Instant::now();
        for _ in 0..EACH {
            let token = Some(Digest::of(&batch.to_be_bytes()));
            let summed = |_: Option<&Invited>| ((), Finding::Summed("unknown_link"));
            store.attempt(token, Timestamp::now(), summed).await.unwrap();
        }
        batches.push(began.elapsed());
    }
    median(batches, EACH)
}

/// What a patient's right date makes the store do: their link is looked at and the dates are compared; then they are in the
/// visit, with a session and the terms they accepted, on record for good. Everybody comes by a link of their own.
pub(crate) async fn verifications(store: &Store) -> Duration {
    const EACH: u32 = 20;
    let (links, claimed) = (invite(store, BATCHES * u64::from(EACH)).await, born());
    let mut batches = Vec::new();
    for links in links.chunks(EACH as usize) {
        let began = Instant::now();
        for link in links {
            verify(store, *link, &claimed).await;
        }
        batches.push(began.elapsed());
    }
    median(batches, EACH)
}

async fn verify(store: &Store, link: Digest, claimed: &BirthDate) {
    let now = Timestamp::now();
    let judge = |invited: Option<&Invited>| {
        let Invited { link, appointment, patients, .. } = invited.unwrap();
        let patient = matching(patients, claimed).unwrap();
        ((link.id, appointment.visit, patient.clone()), Finding::Passed)
    };
    let (link, visit, patient) = store.attempt(Some(link), now, judge).await.unwrap();
    let id = ParticipantId::from_bits(link.bits());
    let participant = Participant {
        id,
        visit,
        link,
        role: Role::Patient,
        patient: Some(patient.id),
        provider: None,
        name: patient.name,
        relationship: None,
        created_at: now,
    };
    let verified = PresenceRecord { participant: id, standing: Standing::Verified, reason: None, seat: None, leg: None, at: now };
    let actor = Actor::Participant(id);
    let acts = vec![Act::done(actor, "door.verify").in_visit(visit).to(link)];
    let minutes = Minutes { acts, presences: vec![verified], ..Minutes::of(visit, actor) };
    let new = NewParticipant { participant, session: Token::random(TokenKind::Session).digest(), terms: Some(terms::VERSION) };
    assert_eq!(store.enter(&new, &minutes, now).await.unwrap(), Some(vec![]), "nobody is replaced");
}

fn born() -> BirthDate {
    "1948-02-29".parse().unwrap()
}

/// Books an appointment of one patient, with so many links for them.
async fn invite(store: &Store, links: u64) -> Vec<Digest> {
    let now = Timestamp::now();
    let name = |text| Name::new(text).unwrap();
    let provider = Provider { id: ProviderId::from_bits(1), name: name("Dr. Ada"), telehealth_enabled: true };
    let patient = Patient { id: PatientId::from_bits(2), name: name("Bea Blue"), birth_date: born() };
    store.add_provider(&provider, &act(), now).await.unwrap();
    store.add_patient(&patient, &act(), now).await.unwrap();
    let appointment = Appointment {
        id: AppointmentId::from_bits(3),
        visit: VisitId::from_bits(4),
        kind: AppointmentKind::Single,
        group_name: None,
        provider: provider.id,
        patients: vec![patient.id],
        start: now,
        start_text: now.to_string(),
        duration_minutes: 30,
        cancelled_at: None,
        ended_at: None,
    };
    let link = |number| Link {
        id: LinkId::from_bits(number),
        appointment: appointment.id,
        role: Role::Patient,
        patient: Some(patient.id),
        provider: None,
        name: None,
        wrong_dates: 0,
        locked_at: None,
        revoked_at: None,
    };
    let new = |number| NewLink { link: link(number), digest: Token::random(TokenKind::Link).digest() };
    let links: Vec<_> = (0..links).map(new).collect();
    let digests = links.iter().map(|new| new.digest).collect();
    assert!(store.book(&Booking { appointment, links, kept: None }, &act(), now).await.unwrap());
    digests
}
