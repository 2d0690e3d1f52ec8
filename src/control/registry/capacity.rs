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
mod tests;
