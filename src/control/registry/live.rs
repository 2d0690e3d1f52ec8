//! The visits in memory, each behind its own lock.
//!
//! A visit is read from the store when someone first asks for it. One visit's questions wait for each other
//! and never for another visit's. What changed is announced as a number that grows; each watcher then looks
//! for themselves, so a slow one skips states instead of making others wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::ports::Media;
use super::view::{self, View, Viewer};
use super::visit::{Now, Refused, Unseat, Visit};
use crate::base::ids::{AppointmentId, LinkId, ParticipantId};
use crate::base::{LegId, VisitId};
use crate::control::schedule::Window;
use crate::control::store::{Store, StoreError};
use crate::control::verify::{DoorLimits, SessionLimits, Steps, Throttle};
use crate::control::words::Clock;
use crate::link::{Command, WorkerReport};

/// What a registry is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub window: Window,
    pub sessions: SessionLimits,
    pub steps: Steps,
    pub door: DoorLimits,
    pub media: Arc<dyn Media>,
}

/// All live visits. Cloning it is cheap; all clones are the same registry.
#[derive(Clone)]
pub struct Registry(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) parts: Parts,
    live: Mutex<BTreeMap<VisitId, Arc<Live>>>,
    reports: Mutex<BTreeMap<u16, WorkerReport>>,
    throttle: Mutex<Throttle>,
}

/// One visit and who watches it.
pub(super) struct Live {
    pub(super) room: tokio::sync::Mutex<Room>,
    changes: watch::Sender<u64>,
}

/// A visit, and the worker that carries it, once someone has connected.
pub(super) struct Room {
    pub(super) visit: Visit,
    pub(super) worker: Option<u16>,
}

/// Why a question about a visit was refused.
#[derive(Debug)]
pub enum VisitError {
    /// There is no such visit, or this viewer is not of it.
    NotFound,
    Refused(Refused),
    Store(StoreError),
}

impl From<StoreError> for VisitError {
    fn from(error: StoreError) -> VisitError {
        VisitError::Store(error)
    }
}

impl From<Refused> for VisitError {
    fn from(refused: Refused) -> VisitError {
        VisitError::Refused(refused)
    }
}

impl Registry {
    /// Visits in memory. More than a node can carry; without it, asking for old visits would fill the memory.
    const LIVE_MAX: usize = 4_096;

    pub fn new(parts: Parts) -> Registry {
        let throttle = Mutex::new(Throttle::new(parts.door));
        Registry(Arc::new(Shared { parts, live: Mutex::default(), reports: Mutex::default(), throttle }))
    }

    pub fn store(&self) -> &Store {
        &self.0.parts.store
    }

    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    pub fn window(&self) -> Window {
        self.0.parts.window
    }

    pub fn sessions(&self) -> SessionLimits {
        self.0.parts.sessions
    }

    /// What people are asked at the door.
    pub fn steps(&self) -> &Steps {
        &self.0.parts.steps
    }

    pub(super) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        locked(&self.0.throttle)
    }

    /// Whether someone could be seated now.
    pub fn has_media(&self) -> bool {
        !self.0.parts.media.workers().is_empty()
    }

    pub(super) fn now(&self) -> Now {
        Now { wall: self.clock().now(), passed: self.clock().passed() }
    }

    /// The live visit of this id, read from the store if nobody asked before.
    pub(super) async fn live(&self, id: VisitId) -> Result<Arc<Live>, VisitError> {
        if let Some(live) = self.in_memory(id) {
            return Ok(live);
        }
        let Some(record) = self.store().visit(id).await? else { return Err(VisitError::NotFound) };
        let appointment = &record.appointment;
        let opens_at = self.window().opens_at(appointment.start);
        let closes_at = self.window().closes_at(appointment.start, appointment.duration_minutes);
        let mut visit = Visit::new(id, opens_at, closes_at, false);
        for person in record.participants {
            // More people than a visit takes cannot have been recorded: each came through the same rule.
            let _ = visit.enter(person.id, person.name, person.role, person.created_at);
        }
        if let Some(ended_at) = appointment.ended_at {
            visit.end(ended_at);
        }
        let live = Arc::new(Live { room: tokio::sync::Mutex::new(Room { visit, worker: None }), changes: watch::Sender::new(0) });
        let mut all = locked(&self.0.live);
        if all.len() >= Registry::LIVE_MAX {
            all.retain(|_, live| Arc::strong_count(live) > 1 || live.is_wanted());
        }
        // Two may have read it at once; the first that is in stays.
        Ok(Arc::clone(all.entry(id).or_insert(live)))
    }

    /// The visit as `viewer` sees it.
    pub async fn view(&self, id: VisitId, viewer: Viewer) -> Result<View, VisitError> {
        let live = self.live(id).await?;
        let room = live.room.lock().await;
        view::view(&room.visit, viewer).ok_or(VisitError::NotFound)
    }

    /// A watcher of the visit through `viewer`'s eyes.
    pub async fn watch(&self, id: VisitId, viewer: Viewer) -> Result<Watcher, VisitError> {
        let live = self.live(id).await?;
        let changes = live.changes.subscribe();
        Ok(Watcher { live, changes, viewer, last: None, stale: true })
    }

    /// "Join" on the devices step.
    pub async fn ready(&self, id: VisitId, who: ParticipantId) -> Result<(), VisitError> {
        let live = self.live(id).await?;
        live.room.lock().await.visit.ready(who, self.now())?;
        live.announce();
        Ok(())
    }

    /// "Leave" in the waiting room: whoever waits or gets ready is gone, and may come again. Who has a seat
    /// gives that back instead.
    pub async fn unready(&self, id: VisitId, who: ParticipantId) -> Result<(), VisitError> {
        let live = self.live(id).await?;
        let mut room = live.room.lock().await;
        if room.visit.seat_of(who).is_none() {
            room.visit.leave(who, self.now().wall);
        }
        drop(room);
        live.announce();
        Ok(())
    }

    /// Lets one person in, or everyone for whom there is a seat. Answers with who was let in and who waits.
    pub async fn admit(
        &self,
        id: VisitId,
        who: Option<ParticipantId>,
    ) -> Result<(Vec<ParticipantId>, Vec<ParticipantId>), VisitError> {
        let live = self.live(id).await?;
        let mut room = live.room.lock().await;
        let now = self.now();
        let mut admitted = Vec::new();
        match who {
            Some(who) => {
                room.visit.admit(who, now)?;
                admitted.push(who);
            }
            None => {
                let mut refused = None;
                for who in room.visit.waiting() {
                    match room.visit.admit(who, now) {
                        Ok(()) => admitted.push(who),
                        Err(why) => refused = Some(why),
                    }
                }
                if let (true, Some(why)) = (admitted.is_empty(), refused) {
                    return Err(why.into());
                }
            }
        }
        let waiting = room.visit.waiting();
        drop(room);
        live.announce();
        Ok((admitted, waiting))
    }

    /// Ends a visit for everyone and for good.
    pub async fn end(&self, id: VisitId) -> Result<(), VisitError> {
        let live = self.live(id).await?;
        let mut room = live.room.lock().await;
        let now = self.now();
        // First the record: what is told to people must survive a crash.
        self.store().end_visit(id, now.wall).await?;
        self.finish(&live, &mut room, now).await;
        Ok(())
    }

    /// Cancels an appointment, and ends its visit. False if there was nothing to cancel.
    pub async fn cancel(&self, appointment: AppointmentId, visit: VisitId) -> Result<bool, VisitError> {
        let live = self.live(visit).await?;
        let mut room = live.room.lock().await;
        let now = self.now();
        let cancelled = self.store().cancel(appointment, now.wall).await?;
        self.finish(&live, &mut room, now).await;
        Ok(cancelled)
    }

    /// Revokes a link; who came in by it has to go. False if there is no such living link.
    pub async fn revoke(&self, appointment: AppointmentId, visit: VisitId, link: LinkId) -> Result<bool, VisitError> {
        let live = self.live(visit).await?;
        let mut room = live.room.lock().await;
        if !self.store().revoke_link(appointment, link, self.now().wall).await? {
            return Ok(false);
        }
        let stay = self.store().participants(visit).await?;
        let gone: Vec<_> =
            room.visit.people().iter().map(|person| person.id).filter(|id| !stay.iter().any(|one| one.id == *id)).collect();
        for id in gone {
            let unseat = room.visit.expel(id);
            self.unseat(&room, unseat).await;
        }
        drop(room);
        live.announce();
        Ok(true)
    }

    /// Time passed: seats kept long enough are freed, visits past their window end.
    pub async fn handle_timeout(&self) {
        self.sum_up_strangers().await;
        let now = self.now();
        for live in self.all() {
            let mut room = live.room.lock().await;
            let id = room.visit.id;
            if room.visit.is_ended() {
                continue;
            }
            if now.wall >= room.visit.closes_at {
                if let Err(error) = self.store().end_visit(id, now.wall).await {
                    tracing::warn!(visit = %id, %error, "a visit past its window could not be ended; it will be tried again");
                    continue;
                }
                self.finish(&live, &mut room, now).await;
            } else if room.visit.handle_timeout(now) {
                drop(room);
                live.announce();
            }
        }
    }

    /// The live visit of this id, if it is in memory.
    pub(super) fn in_memory(&self, id: VisitId) -> Option<Arc<Live>> {
        locked(&self.0.live).get(&id).cloned()
    }

    /// Every visit in memory.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        locked(&self.0.live).values().cloned().collect()
    }

    /// What each worker last reported.
    pub fn reports(&self) -> Vec<WorkerReport> {
        locked(&self.0.reports).values().cloned().collect()
    }

    /// How many visits are in memory.
    pub fn live_count(&self) -> usize {
        locked(&self.0.live).len()
    }

    pub(super) fn keep_report(&self, report: WorkerReport) {
        locked(&self.0.reports).insert(report.worker, report);
    }

    /// Visits that a worker carries, per worker.
    pub(super) async fn carried(&self) -> BTreeMap<u16, usize> {
        let mut carried = BTreeMap::new();
        for live in self.all() {
            // A visit that is busy is most likely being seated: it counts where it will be seen next time.
            let Ok(room) = live.room.try_lock() else { continue };
            if let Some(worker) = room.worker {
                *carried.entry(worker).or_default() += 1;
            }
        }
        carried
    }

    /// Everyone out, media closed, told to whoever watches.
    async fn finish(&self, live: &Live, room: &mut Room, now: Now) {
        if room.visit.end(now.wall) {
            tracing::info!(visit = %room.visit.id, "the visit has ended");
        }
        if let Some(worker) = room.worker.take() {
            self.0.parts.media.send(worker, Command::CloseVisit { visit: room.visit.id }).await;
        }
        live.announce();
    }

    /// Tells media that a leg has to go.
    pub(super) async fn unseat(&self, room: &Room, unseat: Option<Unseat>) {
        if let (Some(Unseat { seat, leg }), Some(worker)) = (unseat, room.worker) {
            self.0.parts.media.send(worker, Command::Disconnect { visit: room.visit.id, seat, leg }).await;
        }
    }
}

impl Live {
    /// Something changed: whoever watches looks again.
    pub(super) fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Whether it must stay in memory: media carries it, or someone waits, which is recorded nowhere else.
    fn is_wanted(&self) -> bool {
        self.room.try_lock().map_or(true, |room| room.worker.is_some() || !room.visit.waiting().is_empty())
    }
}

/// Someone who watches one visit.
pub struct Watcher {
    live: Arc<Live>,
    changes: watch::Receiver<u64>,
    viewer: Viewer,
    last: Option<View>,
    /// Whether the visit may differ from `last`.
    stale: bool,
}

impl Watcher {
    /// The next state that differs from the last one given, the first at once. None when this viewer is no
    /// longer of the visit. May be dropped at any point and asked again.
    pub async fn next(&mut self) -> Option<View> {
        loop {
            if !self.stale {
                self.changes.changed().await.ok()?;
                self.stale = true;
            }
            let view = view::view(&self.live.room.lock().await.visit, self.viewer)?;
            self.stale = false;
            if self.last.as_ref() != Some(&view) {
                self.last = Some(view.clone());
                return Some(view);
            }
        }
    }
}

/// What a panic left behind is still whole: each of these locks guards single inserts and look-ups.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new leg's name.
pub(super) fn new_leg() -> LegId {
    LegId::from_bits(crate::control::words::random::bits())
}
