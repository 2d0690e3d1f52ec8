//! The rules of a visit, as claims and as properties.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::person::{Devices, Hold, Identity, Now, Presence, RECONNECT, RESERVED};
use super::scene::Scene;
use super::view::{View, Viewer};
use super::visit::{CLOSING, Hours, Refused, Visit};
use crate::base::ids::{LinkId, ParticipantId};
use crate::base::{Instant, LegId, Seat, VisitId};
use crate::control::schedule::{Admission, Rejoin, Rules};
use crate::control::store::PresenceRecord;
use crate::control::words::{Name, Notice, Reason, Role, Standing};
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

/// Half an hour, and two hours more to be in.
const HOURS: Hours =
    Hours { opens_at: START, ends_at: Timestamp::constant(1_800_001_800, 0), closes_at: Timestamp::constant(1_800_009_000, 0) };

fn person(bits: u64, name: &str, role: Role) -> Identity {
    Identity { id: id(bits), link: LinkId::from_bits(bits), name: Name::new(name).unwrap(), role, relationship: None }
}

/// A visit with a provider (0) and so many patients (1…), all verified.
fn visit(patients: u64) -> Visit {
    ruled(patients, Rules::default())
}

fn ruled(patients: u64, rules: Rules) -> Visit {
    let mut visit = Visit::new(VisitId::from_bits(1), HOURS, rules);
    for bits in 0..=patients {
        let role = if bits == 0 { Role::Provider } else { Role::Patient };
        visit.enter(person(bits, &format!("P{bits}"), role), START).unwrap();
    }
    visit
}

/// What someone sees of it while media says nothing.
fn view(visit: &Visit, viewer: Viewer) -> Option<View> {
    super::view::view(visit, &Scene::default(), viewer)
}

/// Someone takes a seat and is connected there by leg `leg`.
fn seated(visit: &mut Visit, bits: u64, leg_bits: u64, now: Now) -> Seat {
    visit.ready(id(bits), None, now).unwrap();
    visit.admit(id(bits), now).unwrap();
    let seat = visit.connect(id(bits), leg(leg_bits), now).unwrap();
    assert!(visit.leg_connected(seat, leg(leg_bits), now));
    seat
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
    visit.ready(id(1), None, at(1)).unwrap();
    assert_eq!(presence(&visit, 1), "waiting");
    visit.admit(id(1), at(2)).unwrap();
    assert_eq!(presence(&visit, 1), "admitted");
    assert_eq!(visit.connect(id(1), leg(1), at(3)), Ok(seat(1)));
    assert_eq!(presence(&visit, 1), "admitted");
    assert!(visit.leg_connected(seat(1), leg(1), at(4)));
    assert_eq!(presence(&visit, 1), "joined");
    let gone = visit.leave(id(1), at(5)).unwrap();
    assert_eq!((gone.seat, gone.leg), (seat(1), leg(1)));
    assert_eq!(presence(&visit, 1), "left");
    assert_eq!(visit.connect(id(1), leg(2), at(6)), Err(Refused::NotAdmitted));
    visit.ready(id(1), None, at(7)).unwrap();
    assert_eq!(presence(&visit, 1), "waiting", "who left waits again");
}

#[test]
fn one_screen_is_shared_at_a_time_and_who_began_keeps_it() {
    let mut visit = visit(2);
    for bits in 1..=2 {
        visit.ready(id(bits), None, at(bits)).unwrap();
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
    visit.leave(id(2), at(5));
    assert!(visit.set_sources(id(1), shared).is_ok(), "who left shares nothing");
}

#[test]
fn a_provider_sits_on_seat_0_without_being_admitted_and_nobody_else_does() {
    let mut visit = visit(4);
    for bits in 1..=4 {
        visit.ready(id(bits), None, at(bits)).unwrap();
    }
    let admitted: Vec<_> = (1..=4).map(|bits| visit.admit(id(bits), at(9))).collect();
    assert_eq!(admitted, [Ok(()), Ok(()), Ok(()), Err(Refused::RoomFull)]);
    assert!(visit.is_full());
    assert_eq!(visit.connect(id(4), leg(4), at(9)), Err(Refused::RoomFull));
    assert_eq!(visit.connect(id(0), leg(9), at(10)), Ok(Seat::PROVIDER));
    assert!(!visit.has_provider(), "not before media says so");
    visit.leg_connected(Seat::PROVIDER, leg(9), at(11));
    assert!(visit.has_provider());
}

#[test]
fn a_second_provider_takes_one_of_the_other_seats() {
    let mut visit = visit(0);
    visit.enter(person(7, "Second", Role::Provider), START).unwrap();
    assert_eq!(visit.connect(id(0), leg(1), at(0)), Ok(seat(0)));
    assert_eq!(visit.connect(id(7), leg(2), at(0)), Ok(seat(1)));
}

#[test]
fn a_lost_connection_keeps_its_seat_for_half_a_minute() {
    for back in [true, false] {
        let mut visit = visit(1);
        visit.ready(id(1), None, at(0)).unwrap();
        visit.admit(id(1), at(0)).unwrap();
        visit.connect(id(1), leg(1), at(0)).unwrap();
        visit.leg_connected(seat(1), leg(1), at(1));
        visit.leg_silent(seat(1), leg(1), at(2).wall);
        assert_eq!(presence(&visit, 1), "reconnecting");
        assert!(visit.leg_connected(seat(1), leg(1), at(3)));
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
    visit.ready(id(1), None, at(0)).unwrap();
    visit.admit(id(1), at(0)).unwrap();
    assert!(!visit.handle_timeout(at(RESERVED.as_secs() - 1)));
    assert!(visit.handle_timeout(at(RESERVED.as_secs())));
    assert_eq!(presence(&visit, 1), "left");
}

#[test]
fn a_stepped_clock_frees_no_seat() {
    let mut visit = visit(1);
    visit.ready(id(1), None, at(0)).unwrap();
    visit.admit(id(1), at(0)).unwrap();
    let stepped = Now { wall: START + Duration::from_secs(7_200), passed: Instant::ZERO + Duration::from_secs(1) };
    assert!(!visit.handle_timeout(stepped));
}

#[test]
fn an_ended_visit_stays_ended_and_moves_nobody() {
    let mut visit = visit(1);
    visit.ready(id(1), None, at(0)).unwrap();
    assert!(visit.end(at(1).wall));
    assert!(!visit.end(at(2).wall));
    assert_eq!(presence(&visit, 1), "ended");
    assert_eq!(visit.ready(id(1), None, at(3)), Err(Refused::Ended));
    assert_eq!(visit.admit(id(1), at(3)), Err(Refused::Ended));
    assert_eq!(visit.connect(id(0), leg(1), at(3)), Err(Refused::Ended));
    assert_eq!(visit.enter(person(9, "Late", Role::Guest), START), Err(Refused::Ended));
}

#[test]
fn who_waits_sees_nobody_who_sits_sees_the_seated_and_the_provider_sees_all() {
    let mut visit = visit(3);
    for bits in 1..=3 {
        visit.ready(id(bits), None, at(bits)).unwrap();
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
    let devices = Devices { camera: true, microphone: false, speaker: "heard" };
    visit.ready(id(1), Some(devices), at(1)).unwrap();
    let text = serde_json::to_string(&view(&visit, Viewer::Participant(id(0))).unwrap()).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"visit":"vis-0000000000001","state":"open","opens_at":"2027-01-15T08:00:00.000Z","#,
            r#""closes_at":"2027-01-15T10:30:00.000Z","closing":false,"room_full":false,"provider_present":false,"speaker":null,"#,
            r#""message":null,"#,
            r#""you":{"participant":"par-0000000000000","name":"P0","role":"provider","presence":"verified","reason":null,"#,
            r#""seat":null,"leg":null,"microphone":true,"camera":true,"screen":false,"#,
            r#""layers":["q","h","f"],"paused":[],"connection":null},"participants":["#,
            r#"{"participant":"par-0000000000000","name":"P0","role":"provider","relationship":null,"seat":null,"#,
            r#""presence":"verified","reason":null,"microphone":true,"camera":true,"screen":false,"#,
            r#""since":"2027-01-15T08:00:00.000Z","devices":null,"connection":null},"#,
            r#"{"participant":"par-0000000000001","name":"P1","role":"patient","relationship":null,"seat":null,"#,
            r#""presence":"waiting","reason":null,"microphone":true,"camera":true,"screen":false,"#,
            r#""since":"2027-01-15T08:00:01.000Z","devices":{"camera":true,"microphone":false,"speaker":"heard"},"connection":null}]}"#,
        )
    );
}

#[test]
fn who_is_sent_back_waits_again_and_their_leg_goes() {
    let mut visit = visit(1);
    assert_eq!(visit.step_out(id(1), at(0).wall), Err(Refused::NotSeated));
    assert_eq!(visit.step_out(id(0), at(0).wall), Err(Refused::Provider));
    assert_eq!(visit.step_out(id(9), at(0).wall), Err(Refused::Unknown));
    let seat = seated(&mut visit, 1, 1, at(1));
    let gone = visit.step_out(id(1), at(2).wall).unwrap().unwrap();
    assert_eq!((gone.seat, gone.leg), (seat, leg(1)));
    let you = view(&visit, Viewer::Participant(id(1))).unwrap().you.unwrap();
    assert_eq!((you.presence, you.reason, you.seat), ("waiting", Some("stepped_out"), None));
    assert_eq!(visit.connect(id(1), leg(2), at(3)), Err(Refused::NotAdmitted));
    visit.admit(id(1), at(4)).unwrap();
    assert_eq!(visit.connect(id(1), leg(2), at(4)), Ok(seat));
}

#[test]
fn who_is_removed_may_come_back_and_who_is_barred_is_gone() {
    let mut visit = visit(2);
    for bits in 1..=2 {
        seated(&mut visit, bits, bits, at(1));
    }
    assert!(visit.remove(id(1), at(2).wall).unwrap().is_some());
    assert_eq!(presence(&visit, 1), "left");
    visit.ready(id(1), None, at(3)).unwrap();
    assert_eq!(presence(&visit, 1), "waiting");
    assert!(visit.bar(id(2), at(4).wall).unwrap().is_some());
    assert!(view(&visit, Viewer::Participant(id(2))).is_none());
    assert_eq!(visit.ready(id(2), None, at(5)), Err(Refused::Unknown));
    assert_eq!(visit.bar(id(0), at(5).wall), Err(Refused::Provider));
}

#[test]
fn who_waits_and_the_provider_read_the_message_and_who_sits_does_not() {
    let mut visit = visit(2);
    seated(&mut visit, 1, 1, at(1));
    visit.ready(id(2), None, at(1)).unwrap();
    let read = |visit: &Visit, viewer| view(visit, viewer).unwrap().message.map(|message| message.text);
    visit.tell(Notice::new("Ten minutes late").unwrap(), at(2).wall).unwrap();
    for (viewer, reads) in [
        (Viewer::Participant(id(0)), true),
        (Viewer::Participant(id(1)), false),
        (Viewer::Participant(id(2)), true),
        (Viewer::Staff, true),
    ] {
        assert_eq!(read(&visit, viewer).is_some(), reads, "{viewer:?}");
    }
    visit.tell(None, at(3).wall).unwrap();
    assert_eq!(read(&visit, Viewer::Participant(id(2))), None);
}

#[test]
fn where_the_house_says_so_the_provider_s_coming_lets_people_in() {
    let mut visit = ruled(4, Rules { admission: Admission::OnArrival, ..Rules::default() });
    for bits in 1..=4 {
        visit.ready(id(bits), None, at(bits)).unwrap();
    }
    assert_eq!(presence(&visit, 1), "waiting", "the provider is not there");
    visit.connect(id(0), leg(9), at(5)).unwrap();
    assert_eq!(presence(&visit, 1), "waiting", "nor are they before media says so");
    visit.leg_connected(Seat::PROVIDER, leg(9), at(6));
    assert_eq!([1, 2, 3, 4].map(|bits| presence(&visit, bits)), ["admitted", "admitted", "admitted", "waiting"]);
    visit.step_out(id(1), at(7).wall).unwrap();
    visit.handle_timeout(at(8));
    assert_eq!(presence(&visit, 4), "admitted", "a free seat goes to who waits longest");
    assert_eq!(presence(&visit, 1), "waiting", "who was sent back waits for the provider's word");
}

#[test]
fn coming_back_is_bound_to_the_hour_and_the_provider_where_the_house_says_so() {
    let strict = Rules { rejoin: Rejoin::ScheduledAndHostPresent, ..Rules::default() };
    let in_time = at(1_799);
    let too_late = at(1_800);
    for (rules, provider, now, back) in [
        (Rules::default(), false, too_late, Ok(())),
        (strict, true, in_time, Ok(())),
        (strict, true, too_late, Err(Refused::RejoinClosed)),
        (strict, false, in_time, Err(Refused::RejoinClosed)),
    ] {
        let mut visit = ruled(2, rules);
        if provider {
            visit.connect(id(0), leg(9), at(1)).unwrap();
            visit.leg_connected(Seat::PROVIDER, leg(9), at(1));
        }
        seated(&mut visit, 1, 1, at(1));
        visit.leave(id(1), at(2));
        assert_eq!(visit.ready(id(1), None, now), back, "{rules:?} {provider} {now:?}");
        assert_eq!(visit.ready(id(2), None, now), Ok(()), "who was never inside comes, and does not come back");
    }
}

#[test]
fn ten_minutes_before_it_closes_a_visit_says_so() {
    let mut visit = visit(1);
    let closes = 9_000 - CLOSING.as_secs();
    let closing = |visit: &Visit| view(visit, Viewer::Participant(id(1))).unwrap().closing;
    assert!(!visit.handle_timeout(at(closes - 1)));
    assert!(!closing(&visit));
    assert!(visit.handle_timeout(at(closes)), "whoever watches is told");
    assert!(closing(&visit));
    assert!(!visit.handle_timeout(at(closes + 1)), "once");
}

#[test]
fn what_becomes_of_people_is_given_to_the_record_in_order_and_once() {
    let mut visit = visit(1);
    visit.take_changes();
    seated(&mut visit, 1, 7, at(1));
    visit.leg_silent(seat(1), leg(7), at(2).wall);
    visit.leg_ended(seat(1), leg(7), at(3));
    visit.handle_timeout(at(3 + RECONNECT.as_secs()));
    let told: Vec<_> = visit.take_changes().iter().map(|one| (one.standing, one.reason, one.leg.map(LegId::bits))).collect();
    assert_eq!(
        told,
        [
            (Standing::Waiting, None, None),
            (Standing::Admitted, None, None),
            (Standing::Admitted, None, Some(7)),
            (Standing::Joined, None, Some(7)),
            (Standing::Reconnecting, None, Some(7)),
            (Standing::Reconnecting, None, None),
            (Standing::Left, Some(Reason::Lost), None),
        ]
    );
    assert!(visit.take_changes().is_empty());
    visit.end(at(99).wall);
    assert!(visit.take_changes().iter().all(|one| one.standing == Standing::Ended));
}

#[test]
fn after_a_restart_everyone_stands_where_they_stood_and_lost_connections_have_half_a_minute() {
    let record = |bits, standing, seat: Option<u8>, leg_bits: Option<u64>, seconds| PresenceRecord {
        participant: id(bits),
        standing,
        reason: None,
        seat: seat.and_then(Seat::new),
        leg: leg_bits.map(LegId::from_bits),
        at: at(seconds).wall,
    };
    let records = [
        record(0, Standing::Joined, Some(0), Some(10), 1),
        record(1, Standing::Waiting, None, None, 9),
        record(2, Standing::Waiting, None, None, 5),
        record(3, Standing::Admitted, Some(1), None, 6),
        record(4, Standing::Reconnecting, Some(2), Some(14), 7),
        record(5, Standing::Left, None, None, 8),
    ];
    let mut visit = Visit::new(VisitId::from_bits(1), HOURS, Rules::default());
    for record in &records {
        let role = if record.participant == id(0) { Role::Provider } else { Role::Patient };
        // Media still carries the provider, and nobody else.
        let alive = (record.participant == id(0)).then_some(Hold::Connected { leg: leg(10) });
        visit.restore(person(record.participant.bits(), "P", role), Some(record), alive, at(100));
    }
    let stand: Vec<_> = (0..=5).map(|bits| presence(&visit, bits)).collect();
    assert_eq!(stand, ["joined", "waiting", "waiting", "admitted", "reconnecting", "left"]);
    assert_eq!(visit.waiting(), [id(2), id(1)], "the order of waiting is kept");
    assert_eq!(visit.seat_of(id(4)).unwrap().hold, Hold::Lost { until: at(100).passed + RECONNECT });
    let changed: Vec<_> = visit.take_changes().iter().map(|one| (one.participant, one.leg)).collect();
    assert_eq!(changed, [(id(4), None)], "only what is no longer so is recorded");
    assert_eq!(visit.connect(id(4), leg(20), at(120)), Ok(seat(2)), "back to the same seat");
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
                    let entered = visit.enter(person(who, "N", role), now.wall);
                    prop_assert_eq!(visit.people().len(), before + usize::from(entered.is_ok()));
                }
                Step::Ready(who) => drop(visit.ready(id(who), None, now)),
                Step::Admit(who) => drop(visit.admit(id(who), now)),
                Step::Connect(who) => {
                    legs += 1;
                    if let Ok(seat) = visit.connect(id(who), leg(legs), now) {
                        let held = visit.seat_of(id(who)).unwrap();
                        prop_assert_eq!((held.seat, held.hold.leg()), (seat, Some(leg(legs))));
                    }
                }
                Step::Connected(place, bits) => drop(visit.leg_connected(seat(place), leg(bits), now)),
                Step::Silent(place, bits) => drop(visit.leg_silent(seat(place), leg(bits), now.wall)),
                Step::LegEnded(place, bits) => drop(visit.leg_ended(seat(place), leg(bits), now)),
                Step::Leave(who) => drop(visit.leave(id(who), now)),
                Step::Expel(who) => drop(visit.expel(id(who), Reason::Replaced, now.wall)),
                Step::Mute(who) => {
                    let sources = Sources { microphone: false, camera: true, screen: false };
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
                    prop_assert!(seated.seat != Seat::PROVIDER || person.who.role == Role::Provider);
                    prop_assert!(!visit.is_ended());
                }
            }
            prop_assert!(taken.iter().all(|count| *count <= 1), "{taken:?}");
            prop_assert_eq!(visit.is_full(), taken[1..].iter().all(|count| *count == 1));
        }
    }
}
