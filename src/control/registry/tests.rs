//! The rules of a visit, as claims and as properties.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::view::{Viewer, view};
use super::visit::{Now, Presence, RECONNECT, RESERVED, Refused, Visit};
use crate::base::ids::ParticipantId;
use crate::base::{Instant, LegId, Seat, VisitId};
use crate::control::words::{Name, Role};
use crate::link::Sources;

const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn at(seconds: u64) -> Now {
    let passed = Duration::from_secs(seconds);
    Now { wall: START + passed, passed: Instant::ZERO + passed }
}

fn id(bits: u64) -> ParticipantId {
    ParticipantId::from_bits(bits)
}

fn leg(bits: u64) -> LegId {
    LegId::from_bits(bits)
}

fn seat(number: u8) -> Seat {
    Seat::new(number).unwrap()
}

/// A visit with a provider (0) and so many patients (1…), all verified.
fn visit(patients: u64) -> Visit {
    let mut visit = Visit::new(VisitId::from_bits(1), START, START + Duration::from_secs(9_000), false);
    for bits in 0..=patients {
        let role = if bits == 0 { Role::Provider } else { Role::Patient };
        visit.enter(id(bits), Name::new(&format!("P{bits}")).unwrap(), role, START).unwrap();
    }
    visit
}

fn presence(visit: &Visit, bits: u64) -> &'static str {
    view(visit, Viewer::Participant(id(bits))).unwrap().you.unwrap().presence
}

#[test]
fn the_way_of_a_patient_leads_through_the_waiting_room() {
    let mut visit = visit(1);
    assert_eq!(presence(&visit, 1), "verified");
    assert_eq!(visit.connect(id(1), leg(1), at(0)), Err(Refused::NotAdmitted));
    assert_eq!(visit.admit(id(1), at(0)), Err(Refused::NotAdmitted), "nobody is let in who is not ready");
    visit.ready(id(1), at(1)).unwrap();
    assert_eq!(presence(&visit, 1), "waiting");
    visit.admit(id(1), at(2)).unwrap();
    assert_eq!(presence(&visit, 1), "admitted");
    assert_eq!(visit.connect(id(1), leg(1), at(3)), Ok(seat(1)));
    assert_eq!(presence(&visit, 1), "admitted");
    assert!(visit.leg_connected(seat(1), leg(1), at(4).wall));
    assert_eq!(presence(&visit, 1), "joined");
    let gone = visit.leave(id(1), at(5).wall).unwrap();
    assert_eq!((gone.seat, gone.leg), (seat(1), leg(1)));
    assert_eq!(presence(&visit, 1), "left");
    assert_eq!(visit.connect(id(1), leg(2), at(6)), Err(Refused::NotAdmitted));
    visit.ready(id(1), at(7)).unwrap();
    assert_eq!(presence(&visit, 1), "waiting", "who left waits again");
}

#[test]
fn one_screen_is_shared_at_a_time_and_who_began_keeps_it() {
    let mut visit = visit(2);
    for bits in 1..=2 {
        visit.ready(id(bits), at(bits)).unwrap();
        visit.admit(id(bits), at(3)).unwrap();
    }
    let shared = Sources { microphone: true, camera: true, screen: true };
    let not = Sources { screen: false, ..shared };
    let shares = |visit: &Visit, bits| visit.person(id(bits)).unwrap().shares_screen();
    assert!(!shares(&visit, 1), "nobody shares who did not say so");
    assert!(visit.set_sources(id(1), shared).is_ok());
    assert_eq!(visit.set_sources(id(2), shared), Err(Refused::ScreenTaken));
    assert!(shares(&visit, 1) && !shares(&visit, 2));
    assert!(visit.set_sources(id(1), shared).is_ok(), "saying it again changes nothing");
    assert!(visit.set_sources(id(1), not).is_ok());
    assert!(visit.set_sources(id(2), shared).is_ok());
    visit.leave(id(2), at(5).wall);
    assert!(visit.set_sources(id(1), shared).is_ok(), "who left shares nothing");
}

#[test]
fn a_provider_sits_on_seat_0_without_being_admitted_and_nobody_else_does() {
    let mut visit = visit(4);
    for bits in 1..=4 {
        visit.ready(id(bits), at(bits)).unwrap();
    }
    let admitted: Vec<_> = (1..=4).map(|bits| visit.admit(id(bits), at(9))).collect();
    assert_eq!(admitted, [Ok(()), Ok(()), Ok(()), Err(Refused::RoomFull)]);
    assert!(visit.is_full());
    assert_eq!(visit.connect(id(4), leg(4), at(9)), Err(Refused::RoomFull));
    assert_eq!(visit.connect(id(0), leg(9), at(10)), Ok(Seat::PROVIDER));
    assert!(!visit.has_provider(), "not before media says so");
    visit.leg_connected(Seat::PROVIDER, leg(9), at(11).wall);
    assert!(visit.has_provider());
}

#[test]
fn a_second_provider_takes_one_of_the_other_seats() {
    let mut visit = visit(0);
    visit.enter(id(7), Name::new("Second").unwrap(), Role::Provider, START).unwrap();
    assert_eq!(visit.connect(id(0), leg(1), at(0)), Ok(seat(0)));
    assert_eq!(visit.connect(id(7), leg(2), at(0)), Ok(seat(1)));
}

#[test]
fn a_lost_connection_keeps_its_seat_for_half_a_minute() {
    for back in [true, false] {
        let mut visit = visit(1);
        visit.ready(id(1), at(0)).unwrap();
        visit.admit(id(1), at(0)).unwrap();
        visit.connect(id(1), leg(1), at(0)).unwrap();
        visit.leg_connected(seat(1), leg(1), at(1).wall);
        visit.leg_silent(seat(1), leg(1), at(2).wall);
        assert_eq!(presence(&visit, 1), "reconnecting");
        assert!(visit.leg_connected(seat(1), leg(1), at(3).wall));
        assert!(visit.leg_ended(seat(1), leg(1), at(100)));
        assert!(!visit.handle_timeout(at(100 + RECONNECT.as_secs() - 1)));
        if back {
            assert_eq!(visit.connect(id(1), leg(2), at(129)), Ok(seat(1)));
            assert_eq!(presence(&visit, 1), "reconnecting");
            assert!(!visit.leg_ended(seat(1), leg(1), at(129)), "a late word of the old leg");
            assert!(!visit.handle_timeout(at(1_000)), "the new leg has its own end");
        } else {
            assert!(visit.handle_timeout(at(100 + RECONNECT.as_secs())));
            assert_eq!(presence(&visit, 1), "left");
        }
    }
}

#[test]
fn a_seat_reserved_for_someone_who_never_comes_is_free_again() {
    let mut visit = visit(1);
    visit.ready(id(1), at(0)).unwrap();
    visit.admit(id(1), at(0)).unwrap();
    assert!(!visit.handle_timeout(at(RESERVED.as_secs() - 1)));
    assert!(visit.handle_timeout(at(RESERVED.as_secs())));
    assert_eq!(presence(&visit, 1), "left");
}

#[test]
fn a_stepped_clock_frees_no_seat() {
    let mut visit = visit(1);
    visit.ready(id(1), at(0)).unwrap();
    visit.admit(id(1), at(0)).unwrap();
    let stepped = Now { wall: START + Duration::from_secs(7_200), passed: Instant::ZERO + Duration::from_secs(1) };
    assert!(!visit.handle_timeout(stepped));
}

#[test]
fn an_ended_visit_stays_ended_and_moves_nobody() {
    let mut visit = visit(1);
    visit.ready(id(1), at(0)).unwrap();
    assert!(visit.end(at(1).wall));
    assert!(!visit.end(at(2).wall));
    assert_eq!(presence(&visit, 1), "ended");
    assert_eq!(visit.ready(id(1), at(3)), Err(Refused::Ended));
    assert_eq!(visit.admit(id(1), at(3)), Err(Refused::Ended));
    assert_eq!(visit.connect(id(0), leg(1), at(3)), Err(Refused::Ended));
    assert_eq!(visit.enter(id(9), Name::new("Late").unwrap(), Role::Guest, START), Err(Refused::Ended));
}

#[test]
fn who_waits_sees_nobody_who_sits_sees_the_seated_and_the_provider_sees_all() {
    let mut visit = visit(3);
    for bits in 1..=3 {
        visit.ready(id(bits), at(bits)).unwrap();
    }
    visit.admit(id(1), at(5)).unwrap();
    visit.connect(id(0), leg(1), at(5)).unwrap();
    let seen = |viewer| {
        let view = view(&visit, viewer).unwrap();
        view.participants.iter().map(|seen| seen.participant.bits()).collect::<Vec<_>>()
    };
    assert_eq!(seen(Viewer::Participant(id(2))), Vec::<u64>::new());
    assert_eq!(seen(Viewer::Participant(id(1))), [0, 1]);
    assert_eq!(seen(Viewer::Participant(id(0))), [0, 1, 2, 3]);
    assert_eq!(seen(Viewer::Staff), [0, 1, 2, 3]);
    assert!(view(&visit, Viewer::Participant(id(99))).is_none());
}

#[test]
fn a_view_says_what_pages_are_written_against() {
    let mut visit = visit(1);
    visit.ready(id(1), at(1)).unwrap();
    let text = serde_json::to_string(&view(&visit, Viewer::Participant(id(0))).unwrap()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"visit":"vis-0000000000001","state":"open","opens_at":"2027-01-15T08:00:00.000Z","#,
            r#""closes_at":"2027-01-15T10:30:00.000Z","room_full":false,"provider_present":false,"#,
            r#""you":{"participant":"par-0000000000000","name":"P0","role":"provider","presence":"verified","seat":null,"#,
            r#""microphone":true,"camera":true,"screen":false},"participants":["#,
            r#"{"participant":"par-0000000000000","name":"P0","role":"provider","seat":null,"presence":"verified","#,
            r#""microphone":true,"camera":true,"screen":false,"since":"2027-01-15T08:00:00.000Z"},"#,
            r#"{"participant":"par-0000000000001","name":"P1","role":"patient","seat":null,"presence":"waiting","#,
            r#""microphone":true,"camera":true,"screen":false,"since":"2027-01-15T08:00:01.000Z"}]}"#,
        )
    );
}

/// Something that happens in a visit.
#[derive(Clone, Debug)]
enum Step {
    Enter(u64, bool),
    Ready(u64),
    Admit(u64),
    Connect(u64),
    Connected(u8, u64),
    Silent(u8, u64),
    LegEnded(u8, u64),
    Leave(u64),
    Expel(u64),
    Mute(u64),
    MediaLost,
    Wait(u64),
    End,
}

fn step() -> impl Strategy<Value = Step> {
    let (who, place, legs) = (0u64..8, 0u8..4, 0u64..20);
    prop_oneof![
        3 => (who.clone(), any::<bool>()).prop_map(|(who, provider)| Step::Enter(who, provider)),
        6 => who.clone().prop_map(Step::Ready),
        6 => who.clone().prop_map(Step::Admit),
        6 => who.clone().prop_map(Step::Connect),
        4 => (place.clone(), legs.clone()).prop_map(|(seat, leg)| Step::Connected(seat, leg)),
        1 => (place.clone(), legs.clone()).prop_map(|(seat, leg)| Step::Silent(seat, leg)),
        2 => (place, legs).prop_map(|(seat, leg)| Step::LegEnded(seat, leg)),
        2 => who.clone().prop_map(Step::Leave),
        1 => who.clone().prop_map(Step::Expel),
        1 => who.prop_map(Step::Mute),
        1 => Just(Step::MediaLost),
        2 => (0u64..200).prop_map(Step::Wait),
        1 => Just(Step::End),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_a_seat_has_one_person_and_seat_0_a_provider(steps in prop::collection::vec(step(), 0..120)) {
        let mut visit = visit(3);
        let (mut seconds, mut legs) = (0, 0);
        for step in steps {
            let now = at(seconds);
            let before = visit.people().len();
            match step {
                Step::Enter(who, _) if visit.person(id(who)).is_some() => {}
                Step::Enter(who, provider) => {
                    let role = if provider { Role::Provider } else { Role::Guest };
                    let entered = visit.enter(id(who), Name::new("N").unwrap(), role, now.wall);
                    prop_assert_eq!(visit.people().len(), before + usize::from(entered.is_ok()));
                }
                Step::Ready(who) => drop(visit.ready(id(who), now)),
                Step::Admit(who) => drop(visit.admit(id(who), now)),
                Step::Connect(who) => {
                    legs += 1;
                    if let Ok(seat) = visit.connect(id(who), leg(legs), now) {
                        let held = visit.seat_of(id(who)).unwrap();
                        prop_assert_eq!((held.seat, held.hold.leg()), (seat, Some(leg(legs))));
                    }
                }
                Step::Connected(place, bits) => drop(visit.leg_connected(seat(place), leg(bits), now.wall)),
                Step::Silent(place, bits) => drop(visit.leg_silent(seat(place), leg(bits), now.wall)),
                Step::LegEnded(place, bits) => drop(visit.leg_ended(seat(place), leg(bits), now)),
                Step::Leave(who) => drop(visit.leave(id(who), now.wall)),
                Step::Expel(who) => drop(visit.expel(id(who))),
                Step::Mute(who) => {
                    let sources = Sources { microphone: false, camera: true, screen: true };
                    prop_assert_eq!(visit.set_sources(id(who), sources).is_ok(), visit.seat_of(id(who)).is_some() && !visit.is_ended());
                }
                Step::MediaLost => drop(visit.media_lost(now)),
                Step::Wait(more) => {
                    seconds += more;
                    visit.handle_timeout(at(seconds));
                }
                Step::End => drop(visit.end(now.wall)),
            }
            let mut taken = [0; Seat::COUNT];
            for person in visit.people() {
                if let Presence::Seated(seated) = person.presence {
                    taken[seated.seat.index()] += 1;
                    prop_assert!(seated.seat != Seat::PROVIDER || person.role == Role::Provider);
                    prop_assert!(!visit.is_ended());
                }
            }
            prop_assert!(taken.iter().all(|count| *count <= 1), "{taken:?}");
            prop_assert_eq!(visit.is_full(), taken[1..].iter().all(|count| *count == 1));
        }
    }
}
