//! What a control that knows nothing hears of a worker that has been at it for a while.

use quartet::base::limits::LINK_MESSAGE_MAX;
use quartet::base::{LegId, Seat, VisitId};
use quartet::link::event::SrtpProfile;
use quartet::link::socket::encode;
use quartet::link::terms::Fingerprint;
use quartet::link::{Command, Event, LegSnapshot, LegState, Sources, VisitSnapshot};

use crate::support::World;
use crate::support::browser::Browser;
use crate::support::world::VISIT;

/// How many visits the first message promises, and those that follow.
fn introduction(world: &World) -> (u32, Vec<VisitSnapshot>) {
    let address = ([192, 0, 2, 1], 5_004).into();
    let mut events = world.shard.introduce(vec![address]).into_iter();
    let Some(Event::WorkerReady { worker: 0, addresses, fingerprint, visits }) = events.next() else {
        panic!("it says first who it is")
    };
    assert_eq!((addresses, fingerprint), (vec![address], Fingerprint([0xfe; 32])));
    let carried = events.flat_map(|event| {
        let Event::Carried(some) = event else { panic!("{event:?} is no snapshot") };
        some
    });
    (visits, carried.collect())
}

#[test]
fn every_seat_is_shown_with_its_leg_how_far_it_has_come_and_what_it_may_send() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    let [connected, silent, connecting, empty] = Seat::ALL;
    let muted = Sources { microphone: false, ..Sources::default() };
    world.join(connected, 0);
    world.join(silent, 0);
    world.set_sources(connected, muted);
    world.alive[silent.index()] = false;
    world.run(4_000);
    world.seat(Browser::new(connecting, 0, SrtpProfile::AeadAes128Gcm));

    let mut leg = |seat: Seat, state, sources| Some(LegSnapshot { leg: world.browser(seat).leg, state, sources });
    let mut seats = [None; Seat::COUNT];
    seats[connected.index()] = leg(connected, LegState::Connected, muted);
    seats[silent.index()] = leg(silent, LegState::Silent, Sources::default());
    seats[connecting.index()] = leg(connecting, LegState::Connecting, Sources::default());
    assert_eq!(introduction(&world), (1, vec![VisitSnapshot { visit: VISIT, seats }]));

    let goner = world.browser(silent).leg;
    world.command(Command::Disconnect { visit: VISIT, seat: silent, leg: goner });
    let (_, visits) = introduction(&world);
    assert_eq!((visits[0].seats[silent.index()], visits[0].seats[empty.index()]), (None, None));
    world.command(Command::CloseVisit { visit: VISIT });
    assert_eq!(introduction(&world), (0, Vec::new()));
}

#[test]
fn a_snapshot_says_what_the_events_up_to_it_have_said() {
    let mut world = World::full();
    world.alive = [true, true, false, true];
    for _ in 0..400 {
        world.run(100);
        let (_, visits) = introduction(&world);
        let told = |leg: LegId| {
            world.events.iter().rev().find_map(|event| {
                if let Event::LegConnected { leg: known, .. } | Event::LegResumed { leg: known, .. } = event {
                    (*known == leg).then_some(LegState::Connected)
                } else if let Event::LegSilent { leg: known, .. } = event {
                    (*known == leg).then_some(LegState::Silent)
                } else {
                    None
                }
            })
        };
        let ended = world.events.iter().filter(|event| matches!(event, Event::LegEnded { .. })).count();
        let legs: Vec<&LegSnapshot> = visits[0].seats.iter().flatten().collect();
        assert_eq!(legs.len(), 4 - ended);
        assert!(legs.iter().all(|leg| Some(leg.state) == told(leg.leg)));
    }
    assert_eq!(world.report().legs, 3, "one has fallen silent and gone");
}

#[test]
fn thousands_of_visits_are_shown_in_messages_that_fit() {
    let mut world = World::new(SrtpProfile::AeadAes128Gcm);
    for number in 1..1_500u64 {
        // Identifiers as long as they get.
        let visit = VisitId::from_bits(u64::MAX - number);
        world.command(Command::OpenVisit { visit });
        for seat in Seat::ALL {
            let terms = Box::new(Browser::new(seat, 1, SrtpProfile::AeadAes128Gcm).terms());
            world.command(Command::Connect { visit, seat, leg: LegId::from_bits(u64::MAX - number), terms });
        }
    }
    let (promised, shown) = introduction(&world);
    assert_eq!((promised, shown.len()), (1_500, 1_500));
    let mut buffer = vec![0; LINK_MESSAGE_MAX];
    let events = world.shard.introduce(Vec::new());
    assert!(events.len() <= 7, "{} messages", events.len());
    assert!(events.iter().all(|event| encode(event, &mut buffer).is_ok()));
}
