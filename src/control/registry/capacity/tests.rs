//! Tables of what is expected and what is let in, and storms on machines of many speeds.

use super::*;

const PROVIDER: Seat = Seat::PROVIDER;

fn at(ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(ms)
}

fn visit(bits: u64) -> VisitId {
    VisitId::from_bits(bits)
}

fn busy(busy_permille: u16) -> Load {
    Load { busy_permille, ..Load::default() }
}

/// Two people want to begin a visit.
fn open(capacity: &mut Capacity, workers: u16, bits: u64, now: Instant) -> Result<u16, Unplaced> {
    capacity.place(0..workers, visit(bits), PROVIDER, Claim::Visit { people: 2 }, now)
}

#[test]
fn what_was_promised_counts_until_the_load_speaks_of_it_and_not_twice() {
    for (measured, settled, young, new, seat, expected, why) in [
        (0, 0, 0, 0, 4_000, 0, "nobody"),
        (0, 0, 0, 100, 4_000, 400_000, "a storm at the start"),
        (600_000, 400, 0, 0, 1_500, 600_000, "all is measured"),
        (600_000, 400, 100, 0, 1_500, 750_000, "nothing is heard of the young ones yet"),
        (675_000, 400, 100, 0, 1_500, 750_000, "they are half there"),
        (750_000, 400, 100, 0, 1_500, 750_000, "they are there"),
        (800_000, 400, 100, 0, 1_500, 800_000, "they are dearer than was thought"),
        (500_000, 400, 100, 0, 1_500, 650_000, "the others are cheaper than was thought"),
        (750_000, 400, 100, 50, 1_500, 825_000, "more have come since"),
        (600_000, 400, 0, 50, 1_500, 675_000, "and it was not them who were measured"),
    ] {
        assert_eq!(expected_ppm(measured, settled, young, new, seat), expected, "{why}");
    }
}

#[test]
fn what_a_seat_costs_is_learned_from_what_is_carried() {
    for (known, measured, legs, made, learned, why) in [
        (4_000, 0, 0, 0, 4_000, "nothing was measured"),
        (4_000, 300_000, 0, 0, 4_000, "a worker that is busy without anyone says nothing of seats"),
        (4_000, 30_000, 4, 0, 4_350, "one visit alone looks dear, and is believed little"),
        (4_000, 400_000, 40, 0, 10_000, "ten are believed"),
        (4_000, 800_000, 600, 0, 3_333, "cheap seats are believed step by step"),
        (1_333, 800_000, 600, 0, 1_333, "until they are believed"),
        (1_333, 800_000, 200, 0, 4_000, "dear ones at once"),
        (4_000, 10_000, 200, 200, 4_000, "the new ones have not begun to send"),
        (4_000, 900_000, 200, 200, 4_500, "the new ones are dear already"),
        (4_000, 400_000, 400, 50, 3_285, "a few new ones among many hide nothing"),
        (4_000, 400_000, 400, 51, 4_000, "more do"),
    ] {
        assert_eq!(learned_ppm(known, measured, legs, made), learned, "{why}");
    }
    let mut known = SEAT_PPM;
    for _ in 0..30 {
        known = learned_ppm(known, 800_000, 600, 0);
    }
    assert_eq!(known, 1_333, "half a minute later it is known");
}

#[test]
fn a_visit_goes_to_the_least_busy_worker() {
    let mut capacity = Capacity::default();
    for (worker, permille) in [(0, 500), (1, 200), (2, 300)] {
        capacity.heard(worker, busy(permille), 0, at(0));
    }
    // A visit of two is taken to cost eight thousandths.
    let went: Vec<_> = (0..20).map(|bits| open(&mut capacity, 3, bits, at(0)).unwrap()).collect();
    assert_eq!(went[..13], [1; 13]);
    assert_eq!(went[13..], [2, 1, 2, 1, 2, 1, 2]);
}

#[test]
fn visits_that_open_within_one_second_spread_over_workers_that_are_alike() {
    let mut capacity = Capacity::default();
    let mut went = [0; 4];
    for bits in 0..100 {
        went[usize::from(open(&mut capacity, 4, bits, at(bits)).unwrap())] += 1;
    }
    assert_eq!(went, [25; 4]);
    // Once nothing is promised any more and none of them does anything, the number of visits still decides.
    for worker in 0..4 {
        capacity.heard(worker, busy(0), 50, at(100_000));
    }
    capacity.forget(2, visit(2));
    assert_eq!(open(&mut capacity, 4, 200, at(100_000)), Ok(2));
}

#[test]
fn a_worker_that_began_anew_is_empty() {
    let mut capacity = Capacity::default();
    capacity.heard(0, busy(1_000), 500, at(0));
    capacity.heard(1, busy(300), 100, at(0));
    assert_eq!(open(&mut capacity, 2, 1, at(0)), Ok(1));
    capacity.begun(0);
    assert_eq!(open(&mut capacity, 2, 2, at(0)), Ok(0));
}

#[test]
fn a_worker_that_is_not_ready_gets_nothing() {
    let mut capacity = Capacity::default();
    assert_eq!(open(&mut capacity, 0, 1, at(0)), Err(Unplaced::Nobody));
    capacity.heard(7, busy(0), 0, at(0));
    capacity.heard(3, busy(500), 0, at(0));
    assert_eq!(capacity.place([3], visit(1), PROVIDER, Claim::Visit { people: 2 }, at(0)), Ok(3));
    assert_eq!(capacity.refusals(), Refusals::default(), "nobody was refused for load");
}

#[test]
fn a_busy_server_opens_no_visit_lets_people_join_up_to_a_higher_bound_and_everyone_back() {
    let claims = [Claim::Visit { people: 2 }, Claim::Seat, Claim::Back, Claim::Replacing];
    for (permille, long_permille, lets_in) in [
        (0, 0, [true, true, true, true]),
        (840, 0, [true, true, true, true]),
        (848, 0, [false, true, true, true]),
        (915, 0, [false, true, true, true]),
        (919, 0, [false, false, true, true]),
        (1_000, 0, [false, false, true, true]),
        // Batches make long work and no long turns; long turns are felt however little is done.
        (400, 299, [true, true, true, true]),
        (400, 300, [false, true, true, true]),
        (400, 500, [false, false, true, true]),
    ] {
        for (claim, let_in) in claims.into_iter().zip(lets_in) {
            let mut capacity = Capacity::default();
            let load = Load { busy_permille: permille, long_turns_permille: long_permille, longest_turn_us: 0 };
            // Six hundred seats, long enough for their cost to be known.
            for second in 0..60 {
                capacity.heard(0, load, 600, at(second * 1_000));
            }
            let opens = capacity.place([0], visit(1), PROVIDER, claim, at(59_000));
            capacity.forget(0, visit(1));
            let joins = capacity.join(0, visit(1), PROVIDER, claim, at(59_000));
            assert_eq!((opens.is_ok(), joins.is_ok()), (let_in, let_in), "{permille} {long_permille} {claim:?}");
            let refused = if let_in { 0 } else { 2 };
            let counted = match claim {
                Claim::Visit { .. } => Refusals { visits: refused, seats: 0 },
                Claim::Seat | Claim::Back | Claim::Replacing => Refusals { visits: 0, seats: refused },
            };
            assert_eq!(capacity.refusals(), counted);
        }
    }
}

#[test]
fn a_worker_that_is_not_heard_opens_nothing_until_it_is() {
    let mut capacity = Capacity::default();
    assert!(open(&mut capacity, 1, 1, at(0)).is_ok(), "it has just begun");
    capacity.heard(0, busy(100), 2, at(1_000));
    assert!(open(&mut capacity, 1, 2, at(6_000)).is_ok());
    assert_eq!(open(&mut capacity, 1, 3, at(6_001)), Err(Unplaced::Full));
    assert!(capacity.join(0, visit(1), Seat::ALL[1], Claim::Seat, at(6_001)).is_ok(), "who comes to a visit may try");
    capacity.heard(0, busy(100), 2, at(7_000));
    assert!(open(&mut capacity, 1, 4, at(7_000)).is_ok());
}

#[test]
fn room_is_held_for_who_is_expected_and_given_up_for_who_does_not_come() {
    let four = Claim::Visit { people: 4 };
    let mut capacity = Capacity::default();
    // Fifty-three visits of four at what a seat is assumed to cost.
    let opened = |capacity: &mut Capacity, from: u64, now: Instant| {
        (from..from + 1_000).take_while(|bits| capacity.place([0], visit(*bits), PROVIDER, four, now).is_ok()).count()
    };
    assert_eq!(opened(&mut capacity, 0, at(0)), 53);
    for (seat, visits) in Seat::ALL[1..].iter().zip([0..53, 0..53, 0..53]) {
        for bits in visits {
            assert!(capacity.join(0, visit(bits), *seat, Claim::Seat, at(500)).is_ok(), "their place is theirs");
        }
    }
    // They all cost less than was thought: half a thousandth.
    let mut second = 1;
    while second < 60 {
        capacity.heard(0, busy(106), 212, at(second * 1_000));
        second += 1;
    }
    let now = at(59_000);
    let more = opened(&mut capacity, 1_000, now);
    assert_eq!(more, (850 - 106) / 2);
    capacity.heard(0, busy(106 + 186), 212 + 372, at(60_000));
    for later in 61..119 {
        capacity.heard(0, busy(106 + 186), 212 + 372, at(later * 1_000));
        assert_eq!(opened(&mut capacity, 2_000, at(later * 1_000)), 0, "{later}");
    }
    capacity.heard(0, busy(106 + 186), 212 + 372, at(119_000));
    assert_eq!(opened(&mut capacity, 2_000, at(119_000)), (850 - 292) / 2, "the others have not come");
}

#[test]
fn a_place_that_was_taken_back_is_free() {
    let bounds = Bounds { visits_percent: 1, seats_percent: 1 };
    let mut capacity = Capacity::new(bounds);
    assert!(open(&mut capacity, 1, 1, at(0)).is_ok());
    assert_eq!(open(&mut capacity, 1, 2, at(0)), Err(Unplaced::Full));
    capacity.forget(0, visit(1));
    assert!(open(&mut capacity, 1, 2, at(0)).is_ok());
    capacity.take_back(0, visit(2), PROVIDER);
    assert!(capacity.join(0, visit(3), PROVIDER, Claim::Seat, at(0)).is_ok());
}

/// A worker as it is, whatever control believes of it.
struct Machine {
    /// What each seat costs in the end, in millionths.
    seat_ppm: u64,
    /// How long a seat takes to cost that, after a second in which it costs nothing.
    grows_ms: u64,
    /// When each was seated.
    seats: Vec<u64>,
}

impl Machine {
    fn load_ppm(&self, now_ms: u64) -> u64 {
        let of = |seated: &u64| {
            let grown = now_ms.saturating_sub(seated + 1_000).min(self.grows_ms);
            if now_ms < seated + 1_000 { 0 } else { self.seat_ppm * (grown + 1) / (self.grows_ms + 1) }
        };
        self.seats.iter().map(of).sum()
    }

    fn legs(&self) -> u32 {
        u32::try_from(self.seats.len()).unwrap()
    }
}

/// Two hundred people a second come for two minutes, four to a visit; after a while of so many who are there before.
/// Gives the worst load, and the load in the end.
fn storm(machine: &mut Machine, before: u64) -> (u64, u64) {
    let mut capacity = Capacity::default();
    let (mut worst, mut opened) = (0, None);
    for bits in 0..before {
        let seat = Seat::ALL[(bits % 4) as usize];
        machine.seats.push(0);
        capacity.join(0, visit(bits / 4), seat, Claim::Back, at(0)).unwrap();
    }
    let start_ms = if before > 0 { 30_000 } else { 0 };
    for now_ms in (0..start_ms + 120_000).step_by(5) {
        let now = at(now_ms);
        if now_ms % 1_000 == 0 {
            let load = machine.load_ppm(now_ms);
            worst = worst.max(load);
            capacity.heard(0, busy(u16::try_from(load.min(WHOLE_PPM) / 1_000).unwrap()), machine.legs(), now);
        }
        if now_ms < start_ms {
            continue;
        }
        let (bits, seat) = (1_000_000 + now_ms / 20, Seat::ALL[(now_ms / 5 % 4) as usize]);
        let let_in = if seat == PROVIDER {
            let placed = capacity.place([0], visit(bits), seat, Claim::Visit { people: 4 }, now).is_ok();
            opened = placed.then_some(bits);
            placed
        } else {
            opened == Some(bits) && capacity.join(0, visit(bits), seat, Claim::Seat, now).is_ok()
        };
        if let_in {
            machine.seats.push(now_ms);
        }
    }
    (worst, machine.load_ppm(start_ms + 150_000))
}

#[test]
fn a_storm_of_joins_fills_a_worker_and_never_overfills_it() {
    for (seat_ppm, before) in [
        // At the start, machines that are as slow as is assumed, or faster.
        (1_000, 0),
        (1_333, 0),
        (2_500, 0),
        (4_000, 0),
        // Later, any.
        (700, 400),
        (1_333, 40),
        (1_333, 400),
        (4_000, 40),
        (8_000, 40),
        (12_000, 40),
    ] {
        for grows_ms in [0, 3_000, 8_000] {
            let (worst, end) = storm(&mut Machine { seat_ppm, grows_ms, seats: Vec::new() }, before);
            assert!(worst <= 850_000 + 4 * seat_ppm, "{seat_ppm} {before} {grows_ms}: {worst}");
            assert!(end >= 800_000, "{seat_ppm} {before} {grows_ms}: people were turned away from room at {end}");
        }
    }
}
