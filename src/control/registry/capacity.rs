//! What the media workers can still take on. Pure: it is told what they say, who was let in, and the time.
//!
//! A worker says once a second how busy it is. A storm of joins is faster than that, and a page that was let in sends its
//! best picture only seconds later. So everyone who is let in is a *promise* until the load speaks of them, and counts for
//! what a seat has been learned to cost:
//!
//! ```text
//!   expected = settled × cost (or measured, if that is less) + young × cost      but never less than measured
//!            + new × cost
//! ```
//!
//! *New* is who was promised a seat after the worker was heard last, and who is expected: nothing that was measured is
//! theirs. *Young* are the promises before: what is measured beyond the settled seats is their work already, and would
//! else count twice.
//!
//! A visit is opened up to one bound; the room up to the second is kept for people who come to visits that run. Nobody
//! whose connection was lost is ever refused: their place in the visit is theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::{Instant, Seat, VisitId};
use crate::link::Load;

/// A worker that works all the time.
const WHOLE_PPM: u64 = 1_000_000;

/// What a seat is taken to cost before anything was measured: 250 seats on a worker. A slow core with the classic profile
/// carries as many, a fast one with GCM three times that. Less would let the first storm after a start drown a slow
/// machine; more would turn people away from a fast one until its first seats have settled.
const SEAT_PPM: u64 = 4_000;

/// So many seats tell what one costs; of fewer, the rest are assumed. A worker with one visit is busy mostly with waking up,
/// which many visits share: by itself it would look several times as dear as it is. More, and a slow machine would be
/// believed too late.
const SEATS_TELLING: u64 = 40;

/// How long a seat may take to cost what it will, and to be measured: it connects within a second, and a browser's pictures
/// grow to their best within some ten. Shorter, and a storm would overshoot by those that are still growing; longer, and
/// seats that are measured already would keep others out.
const SETTLE: Duration = Duration::from_secs(12);

/// After this, a leg that was promised is among those that a worker counts; before, it may be on its way there.
const SEATED: Duration = Duration::from_secs(1);

/// How long a visit that opens holds room for those who are expected in it. Shorter, and many visits that open in one
/// minute would crowd out each other's people; longer would keep room from others for who never comes.
const EXPECTED: Duration = Duration::from_secs(60);

/// A worker that has said nothing for so long is stuck or unheard, and opens nothing. Five of its seconds may be missed;
/// fewer would take a slow disk, which holds up our own ears, for a slow worker.
const UNHEARD: Duration = Duration::from_secs(5);

/// A worker that spends this much of its time in turns that are felt takes no further visit, however little it does…
const LONG_TURNS_VISIT_PERMILLE: u16 = 300;
/// …and this much, no further seat. Lower bounds would close a server because its host took the processor away for a
/// moment; higher ones would go on filling a worker that is behind already.
const LONG_TURNS_SEAT_PERMILLE: u16 = 500;

/// When who was refused may try again. Sooner, and a thousand people who wait would be a load themselves; later, and
/// they would wait before an empty server.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How busy a worker may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// With a further visit in it, in hundredths.
    pub visits_percent: u32,
    /// With a further seat of a visit that runs.
    pub seats_percent: u32,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { visits_percent: 85, seats_percent: 92 }
    }
}

/// What someone who takes a seat asks of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody is in the visit yet; so many people will be.
    Visit { people: usize },
    /// The visit runs.
    Seat,
    /// The visit runs, and their connection in it was lost.
    Back,
    /// The same while their older leg is still carried: it gives way.
    Replacing,
}

/// Every worker that could take it is as busy as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// Why nobody was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unplaced {
    /// There is no worker at all.
    Nobody,
    Full,
}

/// How often people were refused for load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// Who would have opened a visit.
    pub visits: u64,
    /// Who would have joined one that runs.
    pub seats: u64,
}

/// All workers, as far as they have been heard.
#[derive(Debug, Default)]
pub(super) struct Capacity {
    bounds: Bounds,
    workers: BTreeMap<u16, Carrying>,
    refusals: Refusals,
}

/// One worker.
#[derive(Debug)]
struct Carrying {
    /// When it was heard last; none if it has just begun.
    heard: Option<Instant>,
    measured_ppm: u64,
    long_turns_permille: u16,
    /// What a seat costs here, as far as is known.
    seat_ppm: u64,
    /// Seats that were carried when it was heard last and are no promises…
    settled: u64,
    /// …and the promises that had been made then.
    young: u64,
    promises: BTreeMap<(VisitId, Seat), Promise>,
    visits: BTreeSet<VisitId>,
}

/// A seat that the load does not speak of yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// Someone has been let in, then.
    Made { at: Instant },
    /// Their visit has been opened, and room for them is held until then.
    Held { until: Instant },
}

impl Capacity {
    pub(super) fn new(bounds: Bounds) -> Capacity {
        Capacity { bounds, ..Capacity::default() }
    }

    /// A worker says how busy it was, and how many legs it carries.
    pub(super) fn heard(&mut self, worker: u16, load: Load, legs: u32, now: Instant) {
        self.workers.entry(worker).or_default().hear(load, u64::from(legs), now);
    }

    /// A worker begins with nothing.
    pub(super) fn begun(&mut self, worker: u16) {
        self.workers.remove(&worker);
    }

    /// A worker carries this visit already.
    pub(super) fn carries(&mut self, worker: u16, visit: VisitId) {
        self.workers.entry(worker).or_default().visits.insert(visit);
    }

    /// A worker carries this visit no more.
    pub(super) fn forget(&mut self, worker: u16, visit: VisitId) {
        if let Some(carrying) = self.workers.get_mut(&worker) {
            carrying.visits.remove(&visit);
            carrying.promises.retain(|(of, _), _| *of != visit);
        }
    }

    /// Someone comes back on their word: what was promised for them is not needed.
    pub(super) fn take_back(&mut self, worker: u16, visit: VisitId, seat: Seat) {
        if let Some(carrying) = self.workers.get_mut(&worker) {
            carrying.promises.remove(&(visit, seat));
        }
    }

    pub(super) fn refusals(&self) -> Refusals {
        self.refusals
    }

    /// Who of those that are `ready` carries a visit that nobody carries yet; and its first seat is promised.
    pub(super) fn place(
        &mut self,
        ready: impl IntoIterator<Item = u16>,
        visit: VisitId,
        seat: Seat,
        claim: Claim,
        now: Instant,
    ) -> Result<u16, Unplaced> {
        let bounds = self.bounds;
        let mut best = None;
        for worker in ready {
            let carrying = self.workers.entry(worker).or_default();
            let rank = (!carrying.takes(visit, seat, claim, bounds, now), carrying.expected_ppm(), carrying.visits.len(), worker);
            best = Some(best.map_or(rank, |best| rank.min(best)));
        }
        let (full, _, _, worker) = best.ok_or(Unplaced::Nobody)?;
        if full {
            self.refused(claim);
            return Err(Unplaced::Full);
        }
        let carrying = self.workers.entry(worker).or_default();
        carrying.visits.insert(visit);
        carrying.promise(visit, seat, claim, now);
        Ok(worker)
    }

    /// Promises a seat of a visit that this worker carries.
    pub(super) fn join(&mut self, worker: u16, visit: VisitId, seat: Seat, claim: Claim, now: Instant) -> Result<(), Full> {
        let bounds = self.bounds;
        let carrying = self.workers.entry(worker).or_default();
        if !carrying.takes(visit, seat, claim, bounds, now) {
            self.refused(claim);
            return Err(Full);
        }
        carrying.promise(visit, seat, claim, now);
        Ok(())
    }

    fn refused(&mut self, claim: Claim) {
        match claim {
            Claim::Visit { .. } => self.refusals.visits += 1,
            Claim::Seat | Claim::Back | Claim::Replacing => self.refusals.seats += 1,
        }
    }
}

impl Carrying {
    fn hear(&mut self, load: Load, legs: u64, now: Instant) {
        self.promises.retain(|_, promise| match *promise {
            Promise::Made { at } => now < at + SETTLE,
            Promise::Held { until } => now < until,
        });
        // The mean of two seconds: in one the machine may have been taken away from us.
        let fresh = self.heard.is_some_and(|heard| now <= heard + UNHEARD);
        let heard_ppm = u64::from(load.busy_permille) * 1_000;
        let long = load.long_turns_permille;
        self.measured_ppm = if fresh { (self.measured_ppm + heard_ppm) / 2 } else { heard_ppm };
        self.long_turns_permille = if fresh { (self.long_turns_permille + long) / 2 } else { long };
        self.heard = Some(now);
        let seated = |promise: &&Promise| matches!(promise, Promise::Made { at } if *at + SEATED <= now);
        let (made, seated) = (self.made(), self.promises.values().filter(seated).count() as u64);
        self.settled = legs.saturating_sub(seated);
        self.young = made;
        self.seat_ppm = learned_ppm(self.seat_ppm, self.measured_ppm, legs, made);
    }

    /// Promises to people who have been let in.
    fn made(&self) -> u64 {
        self.promises.values().filter(|promise| matches!(promise, Promise::Made { .. })).count() as u64
    }

    fn expected_ppm(&self) -> u64 {
        let new = (self.promises.len() as u64).saturating_sub(self.young);
        expected_ppm(self.measured_ppm, self.settled, self.young, new, self.seat_ppm)
    }

    /// Whether it can do what is asked and stay well.
    fn takes(&self, visit: VisitId, seat: Seat, claim: Claim, bounds: Bounds, now: Instant) -> bool {
        let unheard = self.heard.is_some_and(|heard| now > heard + UNHEARD);
        let (people, percent, long_turns) = match claim {
            Claim::Back | Claim::Replacing => return true,
            Claim::Visit { .. } if unheard => return false,
            Claim::Visit { people } => (people, bounds.visits_percent, LONG_TURNS_VISIT_PERMILLE),
            Claim::Seat => (1, bounds.seats_percent, LONG_TURNS_SEAT_PERMILLE),
        };
        // Room that is held for this seat is part of what is expected.
        let held = usize::from(self.promises.contains_key(&(visit, seat)));
        let more = people.saturating_sub(held) as u64 * self.seat_ppm;
        self.long_turns_permille < long_turns && self.expected_ppm() + more <= u64::from(percent) * (WHOLE_PPM / 100)
    }

    fn promise(&mut self, visit: VisitId, seat: Seat, claim: Claim, now: Instant) {
        if let Claim::Visit { people } = claim {
            for other in Seat::ALL.into_iter().filter(|other| *other != seat).take(people.saturating_sub(1)) {
                self.promises.entry((visit, other)).or_insert(Promise::Held { until: now + EXPECTED });
            }
        }
        // The leg that gives way is counted already.
        if claim != Claim::Replacing {
            self.promises.insert((visit, seat), Promise::Made { at: now });
        }
    }
}

impl Default for Carrying {
    /// One that has just begun.
    fn default() -> Carrying {
        Carrying {
            heard: None,
            measured_ppm: 0,
            long_turns_permille: 0,
            seat_ppm: SEAT_PPM,
            settled: 0,
            young: 0,
            promises: BTreeMap::new(),
            visits: BTreeSet::new(),
        }
    }
}

/// How busy a worker will be once all that was promised has come: see the head of this file.
fn expected_ppm(measured_ppm: u64, settled: u64, young: u64, new: u64, seat_ppm: u64) -> u64 {
    measured_ppm.max(measured_ppm.min(settled * seat_ppm) + young * seat_ppm) + new * seat_ppm
}

/// What a seat costs, now that so many legs make a worker so busy; some of them were only just let in, and may not cost
/// yet what they will.
///
/// If it costs more than was thought even with all of them, that is believed at once. If it costs less even without
/// those, that is believed slowly, and only while they are few.
fn learned_ppm(known_ppm: u64, measured_ppm: u64, legs: u64, made: u64) -> u64 {
    let divided = |seats: u64| {
        let assumed = SEATS_TELLING.saturating_sub(seats);
        (measured_ppm + assumed * SEAT_PPM) / (seats + assumed)
    };
    let (least_ppm, most_ppm) = (divided(legs), divided(legs.saturating_sub(made)));
    if legs == 0 {
        known_ppm
    } else if least_ppm > known_ppm {
        least_ppm
    } else if most_ppm < known_ppm && made * 8 <= legs {
        known_ppm - (known_ppm - most_ppm).div_ceil(4)
    } else {
        known_ppm
    }
}

#[cfg(test)]
mod tests {
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
}
