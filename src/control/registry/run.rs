//! What happens to visits by itself: time passes, and media says things.

use std::time::Duration;

use tokio::sync::mpsc;

use super::live::{Held, Registry};
use super::ports::News;
use crate::control::words::{Act, Actor};
use crate::link::{Command, Event, Load};

/// How often seats and windows are looked at. People count in seconds; twice as often as that is enough.
const TURN: Duration = Duration::from_millis(500);
/// Turns between two questions to the workers for their counters.
const REPORT_EVERY: u32 = 10;

impl Registry {
    /// Listens to media and lets time pass, until media has no more to say.
    pub async fn run(self, mut heard: mpsc::Receiver<News>) {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut count = 0u32;
        loop {
            tokio::select! {
                news = heard.recv() => match news {
                    Some(News::Said { worker, event }) => {
                        // What is said of one visit is heard in order; what of it has to be recorded, other visits do not wait for.
                        if let Some(held) = self.hear(worker, &event).await {
                            let registry = self.clone();
                            tokio::spawn(async move { registry.take_place(held, worker, event).await });
                        }
                    }
                    Some(News::Lost { worker }) => self.worker_lost(worker).await,
                    Some(News::Back) => self.worker_back(),
                    None => return,
                },
                _ = turns.tick() => {
                    self.handle_timeout().await;
                    self.measure(count).await;
                    count = count.wrapping_add(1);
                    if count.is_multiple_of(REPORT_EVERY) {
                        for info in self.0.parts.media.workers() {
                            self.0.parts.media.send(info.worker, Command::Report).await;
                        }
                    }
                }
            }
        }
    }

    /// Time passed: seats kept long enough are freed, visits past their window end.
    pub async fn handle_timeout(&self) {
        self.sum_up_strangers().await;
        let now = self.now();
        for live in self.all() {
            let held = live.hold().await;
            let (id, over) = (held.room.visit.id, now.wall >= held.room.visit.hours.closes_at);
            if held.room.visit.is_ended() {
                continue;
            }
            if !over {
                self.happened(held, |visit| visit.handle_timeout(now)).await;
                continue;
            }
            drop(held);
            if let Err(error) = self.end_with(id, Act::done(Actor::System, "visit.close")).await {
                tracing::warn!(visit = %id, ?error, "a visit past its window could not be ended; it will be tried again");
            }
        }
    }

    /// Media said something. What of it has to be recorded is, if that is possible now.
    pub async fn handle_event(&self, worker: u16, event: Event) {
        if let Some(held) = self.hear(worker, &event).await {
            self.take_place(held, worker, event).await;
        }
    }

    /// Hears it. The visit that it is about, once nobody else has it, if more has to be done than to hear it.
    async fn hear(&self, worker: u16, event: &Event) -> Option<Held> {
        let visit = match event {
            Event::Report(report) => {
                self.keep_report((**report).clone());
                return None;
            }
            Event::Load { load, legs } => {
                self.hear_load(worker, *load, *legs);
                return None;
            }
            // Said once, before anything else: see `resume`.
            Event::WorkerReady { .. } | Event::Carried(_) => return None,
            Event::LegConnected { visit, .. }
            | Event::LegSilent { visit, .. }
            | Event::LegResumed { visit, .. }
            | Event::LegEnded { visit, .. }
            | Event::Speaker { visit, .. }
            | Event::Wanted { visit, .. }
            | Event::Paused { visit, .. }
            | Event::Measured { visit, .. }
            | Event::VisitFailed { visit } => *visit,
        };
        // Media knows only visits that are in memory; a word about another is late, and means nothing now.
        let mut held = self.in_memory(visit)?.hold().await;
        if held.room.worker != Some(worker) {
            return None;
        }
        // Of what is only seen there is nothing to record.
        if held.room.scene.hear(event, self.now()) {
            held.announce();
            return None;
        }
        Some(held)
    }

    /// Something happened to a visit that has to be recorded.
    async fn take_place(&self, mut held: Held, worker: u16, event: Event) {
        let now = self.now();
        if let Event::VisitFailed { .. } = event {
            let visit = held.room.visit.id;
            tracing::warn!(%visit, worker, "a visit failed on its worker; its people will reconnect");
            held.room.worker = None;
            self.capacity().forget(worker, visit);
        }
        self.happened(held, |visit| match event {
            Event::LegConnected { seat, leg, .. } | Event::LegResumed { seat, leg, .. } => visit.leg_connected(seat, leg, now),
            Event::LegSilent { seat, leg, .. } => visit.leg_silent(seat, leg, now.wall),
            Event::LegEnded { seat, leg, why, .. } => {
                tracing::debug!(visit = %visit.id, %seat, %leg, ?why, "leg ended");
                visit.leg_ended(seat, leg, now)
            }
            Event::VisitFailed { .. } => visit.media_lost(now),
            Event::Speaker { .. } | Event::Wanted { .. } | Event::Paused { .. } | Event::Measured { .. } => false,
            Event::WorkerReady { .. } | Event::Carried(_) | Event::Report(_) | Event::Load { .. } => false,
        })
        .await;
    }

    /// A worker says how busy it is. It needs nobody's leave and no record, so it need not wait for what does.
    pub fn hear_load(&self, worker: u16, load: Load, legs: u32) {
        self.capacity().heard(worker, load, legs, self.clock().passed());
    }

    /// A worker is gone, with all that it carried.
    pub async fn worker_lost(&self, worker: u16) {
        let now = self.now();
        self.capacity().begun(worker);
        for live in self.all() {
            let mut held = live.hold().await;
            if held.room.worker == Some(worker) {
                held.room.worker = None;
                self.happened(held, |visit| visit.media_lost(now)).await;
            }
        }
    }

    /// A worker is there again, and what was lost with it has been dealt with: who waits for one takes their seat.
    pub fn worker_back(&self) {
        self.0.back.notify_waiters();
    }
}
