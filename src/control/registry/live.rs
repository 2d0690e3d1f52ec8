//! The visits in memory, each behind its own lock.
//!
//! A visit is read from the store when someone first asks for it. One visit's questions wait for each other
//! and never for another visit's. What changed is announced as a number that grows; each watcher then looks
//! for themselves, so a slow one skips states instead of making others wait.
//!
//! Whatever someone wants changed is [planned](Room::plan) on a copy, recorded, and only then
//! [committed](Room::commit): what cannot be recorded does not happen. What has happened already (a connection
//! was lost, time passed), and what only gives something up (leaving, muting), is done at once and recorded as
//! soon as the store can; until then nobody changes anything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard, watch};

use super::capacity::{Bounds, Capacity, Refusals};
use super::person::{Hold, Identity, Now};
use super::ports::Media;
use super::scene::Scene;
use super::view::{self, View, Viewer};
use super::visit::{Hours, Refused, Unseat, Visit};
use crate::base::{LegId, VisitId};
use crate::control::schedule::{Rules, Window};
use crate::control::store::{Appointment, Minutes, Store, StoreError};
use crate::control::verify::{DoorLimits, SessionLimits, Steps, Throttle};
use crate::control::words::{Act, Actor, Clock, Standing};
use crate::link::{Command, WorkerReport};

/// What a registry is made of.
pub struct Parts {
    pub store: Store,
    pub clock: Clock,
    pub window: Window,
    pub rules: Rules,
    pub sessions: SessionLimits,
    pub steps: Steps,
    pub door: DoorLimits,
    /// How busy its workers may be.
    pub bounds: Bounds,
    pub media: Arc<dyn Media>,
}

/// All live visits. Cloning it is cheap; all clones are the same registry.
#[derive(Clone)]
pub struct Registry(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) parts: Parts,
    /// A worker that was lost is back.
    pub(super) back: Notify,
    live: Mutex<BTreeMap<VisitId, Arc<Live>>>,
    reports: Mutex<BTreeMap<u16, WorkerReport>>,
    throttle: Mutex<Throttle>,
    capacity: Mutex<Capacity>,
    /// Whether this server is about to stop: what runs goes on, and nothing begins.
    draining: AtomicBool,
}

/// One visit and who watches it.
pub(super) struct Live {
    room: Arc<tokio::sync::Mutex<Room>>,
    changes: watch::Sender<u64>,
}

/// A visit, and the worker that carries it, once someone has connected.
pub(super) struct Room {
    pub(super) visit: Visit,
    pub(super) worker: Option<u16>,
    pub(super) scene: Scene,
    /// What has happened and is not recorded yet, in order.
    unrecorded: Vec<Minutes>,
}

/// A change that was found to be allowed, and waits to be recorded.
pub(super) struct Plan<R> {
    next: Visit,
    outcome: R,
    pub(super) minutes: Minutes,
}

/// A visit that nobody else can change now.
pub(super) struct Held {
    live: Arc<Live>,
    pub(super) room: OwnedMutexGuard<Room>,
}

/// Why a question about a visit was refused.
#[derive(Debug)]
pub enum VisitError {
    /// There is no such visit, or this viewer is not of it.
    NotFound,
    Refused(Refused),
    /// This server is about to stop, and nobody is in the visit yet: another try will find it started again.
    Draining,
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
        let capacity = Mutex::new(Capacity::new(parts.bounds));
        let (live, reports) = (Mutex::default(), Mutex::default());
        let (back, draining) = (Notify::new(), AtomicBool::new(false));
        Registry(Arc::new(Shared { parts, back, live, reports, throttle, capacity, draining }))
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

    pub(super) fn capacity(&self) -> MutexGuard<'_, Capacity> {
        locked(&self.0.capacity)
    }

    /// How often people were refused because media was too busy.
    pub fn refusals(&self) -> Refusals {
        self.capacity().refusals()
    }

    /// Whether someone could be seated now.
    pub fn has_media(&self) -> bool {
        !self.0.parts.media.workers().is_empty()
    }

    /// From now on nothing begins here; what runs goes on.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::SeqCst);
    }

    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::SeqCst)
    }

    /// Visits with someone in the room.
    pub async fn running(&self) -> usize {
        let mut running = 0;
        for live in self.all() {
            running += usize::from(live.room.lock().await.visit.is_running());
        }
        running
    }

    /// Refuses what would begin a visit on a server that is about to stop.
    pub(super) fn may_begin(&self, visit: &Visit) -> Result<(), VisitError> {
        if self.is_draining() && !visit.is_running() { Err(VisitError::Draining) } else { Ok(()) }
    }

    pub(super) fn now(&self) -> Now {
        Now { wall: self.clock().now(), passed: self.clock().passed() }
    }

    /// The hours of an appointment's visit.
    pub(super) fn hours(&self, appointment: &Appointment) -> Hours {
        let (start, minutes) = (appointment.start, appointment.duration_minutes);
        Hours {
            opens_at: self.window().opens_at(start),
            ends_at: Window::ends_at(start, minutes),
            closes_at: self.window().closes_at(start, minutes),
        }
    }

    /// The live visit of this id, read from the store if nobody asked before.
    pub(super) async fn live(&self, id: VisitId) -> Result<Arc<Live>, VisitError> {
        match self.in_memory(id) {
            Some(live) => Ok(live),
            None => self.read(id, None, |_, _| None).await,
        }
    }

    /// Reads a visit from the store. `alive` says for a leg that the record names, and where its person stands there,
    /// how media still carries it.
    pub(super) async fn read(
        &self,
        id: VisitId,
        worker: Option<u16>,
        alive: impl Fn(LegId, Standing) -> Option<Hold>,
    ) -> Result<Arc<Live>, VisitError> {
        let Some(record) = self.store().visit(id).await? else { return Err(VisitError::NotFound) };
        let appointment = &record.appointment;
        let now = self.now();
        let mut visit = Visit::new(id, self.hours(appointment), self.0.parts.rules);
        let standing = |id| record.presences.iter().find(|presence| presence.participant == id);
        for person in record.participants {
            let presence = standing(person.id);
            let hold = presence.and_then(|presence| alive(presence.leg?, presence.standing));
            let who = Identity {
                id: person.id,
                link: person.link,
                name: person.name,
                role: person.role,
                relationship: person.relationship,
            };
            visit.restore(who, presence, hold, now);
        }
        if let Some(ended_at) = appointment.ended_at {
            visit.restore_end(ended_at);
        }
        let mut room = Room { visit, worker, scene: Scene::default(), unrecorded: Vec::new() };
        room.note(|_| false);
        let room = Arc::new(tokio::sync::Mutex::new(room));
        let live = Arc::new(Live { room, changes: watch::Sender::new(0) });
        let mut all = locked(&self.0.live);
        if all.len() >= Registry::LIVE_MAX {
            all.retain(|_, live| Arc::strong_count(live) > 1 || live.is_wanted());
        }
        // Two may have read it at once; the first that is in stays.
        Ok(Arc::clone(all.entry(id).or_insert(live)))
    }

    /// Takes a visit for a change. What has happened there and is not recorded yet is recorded first.
    pub(super) async fn room(&self, id: VisitId) -> Result<Held, VisitError> {
        let mut held = self.live(id).await?.hold().await;
        self.catch_up(&mut held.room).await?;
        Ok(held)
    }

    /// Records what has happened and is not recorded yet.
    pub(super) async fn catch_up(&self, room: &mut Room) -> Result<(), StoreError> {
        while let Some(minutes) = room.unrecorded.first() {
            self.store().keep(minutes, self.clock().now()).await?;
            room.unrecorded.remove(0);
        }
        Ok(())
    }

    /// Something happened in a visit that nobody can be refused: at once in memory, and in the record as soon as
    /// that is possible.
    pub(super) async fn happened(&self, mut held: Held, change: impl FnOnce(&mut Visit) -> bool) {
        let changed = held.room.note(change);
        self.try_to_catch_up(&mut held.room).await;
        if changed {
            self.announce(held).await;
        }
    }

    /// The change is made: media is told what it means for what pages show, and whoever watches looks again.
    pub(super) async fn announce(&self, mut held: Held) {
        let Room { visit, scene, worker, .. } = &mut *held.room;
        let orders = scene.settle(visit);
        if let Some(worker) = *worker {
            for order in orders {
                self.0.parts.media.send(worker, order).await;
            }
        }
        held.announce();
    }

    /// Records what has happened, if that is possible now.
    pub(super) async fn try_to_catch_up(&self, room: &mut Room) {
        if let Err(error) = self.catch_up(room).await {
            tracing::warn!(visit = %room.visit.id, %error, "what happened in a visit is not recorded yet; it will be tried again");
        }
    }

    /// The visit as `viewer` sees it.
    pub async fn view(&self, id: VisitId, viewer: Viewer) -> Result<View, VisitError> {
        let live = self.live(id).await?;
        let room = live.room.lock().await;
        view::view(&room.visit, &room.scene, viewer).ok_or(VisitError::NotFound)
    }

    /// A watcher of the visit through `viewer`'s eyes.
    pub async fn watch(&self, id: VisitId, viewer: Viewer) -> Result<Watcher, VisitError> {
        let live = self.live(id).await?;
        let changes = live.changes.subscribe();
        Ok(Watcher { live, changes, viewer, last: None, stale: true })
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

    /// Tells media that a leg has to go.
    pub(super) async fn unseat(&self, room: &Room, unseat: Option<Unseat>) {
        if let (Some(Unseat { seat, leg }), Some(worker)) = (unseat, room.worker) {
            self.0.parts.media.send(worker, Command::Disconnect { visit: room.visit.id, seat, leg }).await;
        }
    }
}

impl Room {
    /// Finds out what an act would come to, on a copy.
    pub(super) fn plan<R>(&self, act: Act, change: impl FnOnce(&mut Visit) -> Result<R, Refused>) -> Result<Plan<R>, Refused> {
        let mut next = self.visit.clone();
        let outcome = change(&mut next)?;
        let presences = next.take_changes();
        let (visit, actor) = (self.visit.id, act.actor);
        Ok(Plan { next, outcome, minutes: Minutes { visit, actor, acts: vec![act.in_visit(visit)], presences } })
    }

    /// Makes a change that is recorded.
    pub(super) fn commit<R>(&mut self, plan: Plan<R>) -> R {
        self.visit = plan.next;
        plan.outcome
    }

    /// Makes a change that only gives something up: first it is done, then it is recorded.
    pub(super) fn commit_first<R>(&mut self, plan: Plan<R>) -> R {
        self.unrecorded.push(plan.minutes);
        self.visit = plan.next;
        plan.outcome
    }

    /// Changes what has changed already, by itself.
    fn note(&mut self, change: impl FnOnce(&mut Visit) -> bool) -> bool {
        let changed = change(&mut self.visit);
        let presences = self.visit.take_changes();
        if !presences.is_empty() {
            self.unrecorded.push(Minutes { presences, ..Minutes::of(self.visit.id, Actor::System) });
        }
        changed
    }
}

impl Held {
    /// Whoever watches looks again.
    pub(super) fn announce(self) {
        drop(self.room);
        self.live.announce();
    }
}

impl Live {
    /// Something changed: whoever watches looks again.
    fn announce(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The visit, once nobody else has it.
    pub(super) async fn hold(self: Arc<Live>) -> Held {
        let room = Arc::clone(&self.room).lock_owned().await;
        Held { live: self, room }
    }

    /// The visit, if nobody else has it now.
    pub(super) fn try_hold(self: Arc<Live>) -> Option<Held> {
        let room = Arc::clone(&self.room).try_lock_owned().ok()?;
        Some(Held { live: self, room })
    }

    /// Whether it must stay in memory: media carries it, someone waits and the provider may have told them
    /// something, or something is not recorded yet.
    fn is_wanted(&self) -> bool {
        let wanted = |room: tokio::sync::MutexGuard<'_, Room>| {
            room.worker.is_some() || !room.visit.waiting().is_empty() || !room.unrecorded.is_empty()
        };
        self.room.try_lock().map_or(true, wanted)
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
            let room = self.live.room.lock().await;
            let view = view::view(&room.visit, &room.scene, self.viewer)?;
            drop(room);
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
