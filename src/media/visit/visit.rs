//! One visit: four seats, and who shares the screen.

use std::time::Duration;

use super::allot::{self, Scene};
use super::budget::Step;
use super::egress;
use super::facts::facts;
use super::feedback;
use super::forward::{Seats, forward, sooner};
use super::ingress;
use super::leg::{Leg, News, SILENCE};
use super::line::{LINES, Line};
use super::repair;
use super::reports;
use super::speaker::Speaker;
use super::track::{ALL_SOURCES, Track};
use super::turn::Turn;
use super::watch::Watch;
use crate::base::{Deadline, DropReason, Instant, LegId, Seat, VisitId};
use crate::link::terms::SourceKind;
use crate::link::{Event, IceCredentials, LegTerms, Sources, VisitSnapshot, Watching};
use crate::media::net::path::Path;
use crate::media::proto::dtls::Handshake;
use crate::media::proto::ice::Checked;

/// The screen line is free again when its owner's screen has been silent for this long. A still screen sends
/// a frame each second; longer would keep the next one waiting.
const SCREEN_REST: Duration = Duration::from_secs(2);

/// Four seats. Each `handle_*` does all that follows at once; [`Visit::deadline`] says when
/// [`Visit::handle_timeout`] is due, and [`Visit::take_departed`] which seats lost their leg.
pub struct Visit {
    id: VisitId,
    seats: Seats,
    /// Whose screen the screen lines carry.
    screen: Option<Seat>,
    speaker: Speaker,
    /// Seats whose leg has gone since [`Visit::take_departed`].
    departed: [bool; Seat::COUNT],
    /// Not later than what is due next. Packets only put things off, so most of them leave it alone.
    deadline: Option<Deadline>,
}

impl Visit {
    /// Four empty seats.
    pub fn new(id: VisitId) -> Visit {
        Visit {
            id,
            seats: [const { None }; Seat::COUNT],
            screen: None,
            speaker: Speaker::default(),
            departed: [false; Seat::COUNT],
            deadline: None,
        }
    }

    pub fn id(&self) -> VisitId {
        self.id
    }

    /// How many seats have a leg.
    pub fn legs(&self) -> usize {
        self.seats.iter().flatten().count()
    }

    /// What a control that knows nothing of it needs.
    pub fn snapshot(&self) -> VisitSnapshot {
        VisitSnapshot { visit: self.id, seats: Seat::ALL.map(|seat| self.seats[seat.index()].as_ref().map(Leg::snapshot)) }
    }

    /// What is due next, or sooner.
    pub fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    /// Seats whose leg has gone: packets must not find them any more.
    pub fn take_departed(&mut self) -> impl Iterator<Item = Seat> + use<> {
        let departed = std::mem::take(&mut self.departed);
        Seat::ALL.into_iter().filter(move |seat| departed[seat.index()])
    }

    /// Whether the leg of this seat was heard lately.
    pub fn hears(&self, seat: Seat, now: Instant) -> bool {
        self.seats[seat.index()].as_ref().is_some_and(|leg| now.since(leg.heard()) < SILENCE)
    }

    /// Seats a leg. One that sits there gives way.
    pub fn connect(&mut self, turn: &mut Turn<'_>, seat: Seat, id: LegId, terms: Box<LegTerms>, handshake: Box<dyn Handshake>) {
        self.dismiss(turn, seat);
        tracing::debug!(visit = %self.id, %seat, leg = %id, "leg seated");
        self.seats[seat.index()] = Some(Leg::new(turn.now, id, terms, handshake));
        self.refresh();
    }

    /// Unseats this leg, if it still sits there.
    pub fn disconnect(&mut self, turn: &mut Turn<'_>, seat: Seat, id: LegId) {
        if self.seats[seat.index()].as_ref().is_some_and(|leg| leg.id() == id) {
            self.dismiss(turn, seat);
            self.refresh();
        }
    }

    /// Says goodbye to all.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        for seat in Seat::ALL {
            self.dismiss(turn, seat);
        }
        self.refresh();
    }

    /// What may be forwarded of a seat from now on.
    pub fn set_sources(&mut self, seat: Seat, sources: Sources) {
        let Some(leg) = self.seats[seat.index()].as_mut() else { return };
        leg.sources = sources;
        for kind in ALL_SOURCES.into_iter().filter(|&kind| !ingress::on(sources, kind)) {
            self.rest(seat, kind);
        }
        self.check_invariants();
    }

    /// What the page of this leg, if it still sits there, shows from now on.
    pub fn watch(&mut self, turn: &mut Turn<'_>, seat: Seat, id: LegId, watching: Watching) {
        let scene = self.scene();
        let Some(leg) = self.seats[seat.index()].as_mut().filter(|leg| leg.id() == id) else { return };
        allot::look(leg, seat, scene, watching);
        self.allot(turn, seat);
        self.refresh();
    }

    /// How the visit fares.
    pub fn measured(&self) -> Event {
        let seats = Box::new(Seat::ALL.map(|seat| facts(&self.seats, seat)));
        Event::Measured { visit: self.id, speaker: self.speaker.seat(), seats }
    }

    /// The page of this leg, if it still sits there, restarts ICE; says whether it did.
    pub fn restart_ice(&mut self, seat: Seat, id: LegId, local: &IceCredentials, remote: &IceCredentials) -> bool {
        let leg = self.seats[seat.index()].as_mut().filter(|leg| leg.id() == id);
        leg.map(|leg| leg.ice.restart(local, remote)).is_some()
    }

    /// Whether checks with this fragment of ours are for the leg of this seat.
    pub fn answers_to(&self, seat: Seat, ufrag: &[u8]) -> bool {
        self.seats[seat.index()].as_ref().is_some_and(|leg| leg.ice.answers_to(ufrag))
    }

    /// Whether the leg of this seat may be met on this path.
    pub fn is_validated(&self, seat: Seat, path: Path) -> bool {
        self.seats[seat.index()].as_ref().is_some_and(|leg| leg.ice.is_validated(path))
    }

    /// A connectivity check whose username names the leg of this seat. Its answer is in the outbox.
    pub fn handle_check(&mut self, turn: &mut Turn<'_>, seat: Seat, path: Path, datagram: &[u8]) -> Option<Checked> {
        let leg = self.seats[seat.index()].as_mut()?;
        let before = leg.path();
        let checked = leg.handle_check(turn, path, datagram).ok();
        if before.is_some() && leg.path() != before {
            self.renew_pictures(turn, seat);
        }
        self.hear_news(turn, seat);
        self.refresh();
        checked
    }

    /// A datagram of DTLS from where the leg of this seat passed a check.
    pub fn handle_dtls(&mut self, turn: &mut Turn<'_>, seat: Seat, path: Path, datagram: &[u8]) {
        if let Some(leg) = self.seats[seat.index()].as_mut() {
            leg.handle_dtls(turn, path, datagram);
        }
        self.hear_news(turn, seat);
        self.refresh();
    }

    /// A datagram of RTP from where the leg of this seat passed a check. It may have waited since it `arrived`.
    pub fn handle_rtp(&mut self, turn: &mut Turn<'_>, arrived: Instant, seat: Seat, datagram: &mut [u8]) {
        let Some(leg) = self.seats[seat.index()].as_mut() else { return };
        let (sources, extensions, silent) = (leg.sources, *leg.extensions(), leg.is_silent());
        let Some(flow) = leg.flow_mut() else {
            turn.counters.dropped(DropReason::NoKeys);
            return;
        };
        let taken = ingress::take(flow, sources, &extensions, turn.now, arrived, datagram);
        let arrivals = flow.arrivals.due();
        // What is dropped may still have shown that something before it is missing.
        let repairs = if taken.is_err() { repair::due(&flow.inbound, flow.downlink.pace()) } else { None };
        match taken {
            Ok(taken) if taken.packet.kind != SourceKind::Screen || self.may_share(turn.now, seat) => {
                let mut due = taken.ask_at;
                for packet in taken.recovered.iter().flatten().chain([&taken.packet]) {
                    due = sooner(due, forward(&mut self.seats, turn, seat, packet));
                }
                self.hasten("media", due);
                let level = taken.packet.extensions.audio_level.filter(|_| taken.packet.kind == SourceKind::Microphone);
                if level.is_some_and(|level| self.speaker.hear(turn.now, seat, level)) {
                    turn.events.push_back(Event::Speaker { visit: self.id, seat });
                    self.allot_all(turn);
                    self.refresh();
                }
            }
            Ok(_) => turn.counters.dropped(DropReason::ScreenTaken),
            Err(reason) => turn.counters.dropped(reason),
        }
        self.hasten("arrivals", arrivals);
        self.hasten("repairs", repairs);
        if silent {
            self.hear_news(turn, seat);
            self.refresh();
        }
        self.check_invariants();
    }

    /// A datagram of RTCP from where the leg of this seat passed a check.
    pub fn handle_rtcp(&mut self, turn: &mut Turn<'_>, seat: Seat, datagram: &mut [u8]) {
        if feedback::handle(&mut self.seats, turn, seat, self.screen, datagram) {
            self.allot(turn, seat);
            if let Some(leg) = self.seats[seat.index()].as_mut() {
                egress::send_probes(turn, leg);
            }
        }
        self.hear_news(turn, seat);
        self.refresh();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, turn: &mut Turn<'_>) {
        for seat in Seat::ALL {
            if let Some(leg) = self.seats[seat.index()].as_mut() {
                leg.handle_timeout(turn);
            }
            self.hear_news(turn, seat);
            let Some(flow) = self.seats[seat.index()].as_ref().and_then(Leg::flow) else { continue };
            let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= turn.now);
            let (reports, arrivals, keyframes) =
                (is_due(Some(flow.reports_due)), is_due(flow.arrivals.due()), is_due(flow.inbound.keyframe_due()));
            let repairs = is_due(repair::due(&flow.inbound, flow.downlink.pace()));
            let (estimate, layers) = (is_due(flow.downlink.due()), is_due(flow.demand.due()));
            if reports {
                reports::report(&mut self.seats, turn, seat, self.screen);
            }
            if reports || layers {
                self.allot(turn, seat);
            }
            if repairs {
                repair::ask(&mut self.seats, turn, seat, self.screen);
            }
            if estimate {
                self.look_at_path(turn, seat);
            }
            if arrivals {
                reports::tell_arrivals(&mut self.seats, turn, seat);
            }
            if keyframes && let Some(leg) = self.seats[seat.index()].as_mut() {
                egress::send_owed_keyframe_requests(turn, leg);
            }
        }
        self.refresh();
    }

    /// Tells control what has happened to a leg, and draws the consequences.
    fn hear_news(&mut self, turn: &mut Turn<'_>, seat: Seat) {
        let visit = self.id;
        while let Some(leg) = self.seats[seat.index()].as_mut() {
            let id = leg.id();
            let Some(news) = leg.poll_news(turn) else { return };
            tracing::debug!(%visit, %seat, leg = %id, ?news, "leg");
            match news {
                News::Connected { dtls, srtp } => {
                    turn.events.push_back(Event::LegConnected { visit, seat, leg: id, dtls, srtp });
                    self.show_what_there_is(turn, seat);
                    self.allot_all(turn);
                }
                News::Silent => turn.events.push_back(Event::LegSilent { visit, seat, leg: id }),
                News::Resumed => {
                    turn.events.push_back(Event::LegResumed { visit, seat, leg: id });
                    self.renew_pictures(turn, seat);
                }
                News::Ended(why) => {
                    turn.events.push_back(Event::LegEnded { visit, seat, leg: id, why });
                    self.unseat(seat);
                }
            }
        }
    }

    /// This leg was away: what went to it and came from it meanwhile is lost, and browsers take seconds to say so. Every
    /// picture that it shows or is shown begins anew.
    fn renew_pictures(&mut self, turn: &mut Turn<'_>, seat: Seat) {
        for receiver in Seat::ALL {
            let Some(flow) = self.seats[receiver.index()].as_ref().and_then(Leg::flow) else { continue };
            let shown = |(line, bound): (&Line, Option<Seat>)| {
                let sender = bound.or(self.screen).filter(|&sender| sender == seat || receiver == seat)?;
                let layer = line.watch().mended_by().filter(|_| line.kind != SourceKind::Microphone)?;
                Some((sender, line.kind, layer))
            };
            let mut wishes = [None; LINES];
            for (wish, shown) in wishes.iter_mut().zip(flow.lines.bound(receiver).filter_map(shown)) {
                *wish = Some(shown);
            }
            for (sender, kind, layer) in wishes.into_iter().flatten() {
                if let Some(leg) = self.seats[sender.index()].as_mut() {
                    egress::ask_for_keyframe(turn, leg, kind, layer);
                }
            }
        }
    }

    /// A newcomer sees at the next keyframe: ask for one of everything that is shown.
    fn show_what_there_is(&mut self, turn: &mut Turn<'_>, newcomer: Seat) {
        for sender in Seat::ALL.into_iter().filter(|&sender| sender != newcomer) {
            for kind in [SourceKind::Camera, SourceKind::Screen] {
                if kind == SourceKind::Screen && self.screen != Some(sender) {
                    continue;
                }
                let track = self.seats[sender.index()].as_ref().and_then(|leg| leg.flow()?.inbound.track(kind));
                let Some(best) = track.and_then(|track: &Track| track.best(turn.now, Step::TOP)) else { continue };
                let flow = self.seats[newcomer.index()].as_mut().and_then(Leg::flow_mut);
                let Some(line) = flow.and_then(|flow| flow.lines.carrying(newcomer, sender, kind)) else { continue };
                line.wait_for(best);
                if let Some(leg) = self.seats[sender.index()].as_mut() {
                    egress::ask_for_keyframe(turn, leg, kind, best);
                }
            }
        }
    }

    /// Time has passed for the estimate of this leg's path.
    fn look_at_path(&mut self, turn: &mut Turn<'_>, seat: Seat) {
        let Some(leg) = self.seats[seat.index()].as_mut() else { return };
        if let Some(flow) = leg.flow_mut() {
            flow.downlink.handle_timeout(turn.now);
        }
        egress::send_probes(turn, leg);
        self.allot(turn, seat);
    }

    /// Shares the path of this seat's leg anew.
    fn allot(&mut self, turn: &mut Turn<'_>, seat: Seat) {
        let scene = self.scene();
        allot::allot(&mut self.seats, turn, scene, seat);
        allot::demand(&mut self.seats, turn, scene);
    }

    fn allot_all(&mut self, turn: &mut Turn<'_>) {
        let scene = self.scene();
        for seat in Seat::ALL {
            allot::allot(&mut self.seats, turn, scene, seat);
        }
        allot::demand(&mut self.seats, turn, scene);
    }

    fn scene(&self) -> Scene {
        Scene { visit: self.id, screen: self.screen, speaker: self.speaker.seat() }
    }

    /// Whether the screen lines carry this seat's screen: the first who shares keeps them until it stops.
    fn may_share(&mut self, now: Instant, seat: Seat) -> bool {
        if let Some(owner) = self.screen.filter(|&owner| owner != seat) {
            let track = self.seats[owner.index()].as_ref().and_then(|leg| leg.flow()?.inbound.track(SourceKind::Screen));
            let rests = track.and_then(Track::delivered).is_none_or(|at| now.since(at) >= SCREEN_REST);
            if !rests {
                return false;
            }
            self.rest(owner, SourceKind::Screen);
        }
        self.screen = Some(seat);
        true
    }

    /// Nothing of this source goes on: the lines that carry it rest.
    fn rest(&mut self, sender: Seat, kind: SourceKind) {
        if kind == SourceKind::Screen {
            if self.screen != Some(sender) {
                return;
            }
            self.screen = None;
        }
        for receiver in Seat::ALL.into_iter().filter(|&receiver| receiver != sender) {
            let flow = self.seats[receiver.index()].as_mut().and_then(Leg::flow_mut);
            if let Some(line) = flow.and_then(|flow| flow.lines.carrying(receiver, sender, kind)) {
                line.rest();
            }
        }
    }

    /// Says goodbye to whoever sits there, and forgets the leg.
    fn dismiss(&mut self, turn: &mut Turn<'_>, seat: Seat) {
        if let Some(leg) = self.seats[seat.index()].as_mut() {
            tracing::debug!(visit = %self.id, %seat, leg = %leg.id(), "leg dismissed");
            leg.close(turn);
            self.unseat(seat);
        }
    }

    /// Forgets the leg of this seat.
    fn unseat(&mut self, seat: Seat) {
        self.seats[seat.index()] = None;
        self.speaker.leave(seat);
        self.departed[seat.index()] = true;
        for kind in ALL_SOURCES {
            self.rest(seat, kind);
        }
    }

    /// Something may be due sooner than the deadline says.
    fn hasten(&mut self, why: &'static str, at: Option<Instant>) {
        self.deadline = Deadline::earlier(self.deadline, at.map(|at| Deadline { at, why }));
    }

    /// Looks at everything that may be due.
    fn refresh(&mut self) {
        self.deadline = self.seats.iter().flatten().map(Leg::deadline).fold(None, Deadline::earlier);
        self.check_invariants();
    }

    fn check_invariants(&self) {
        if !cfg!(debug_assertions) {
            return;
        }
        let due = self.seats.iter().flatten().filter_map(Leg::deadline).map(|deadline| deadline.at).min();
        assert!(due.is_none_or(|due| self.deadline.is_some_and(|known| known.at <= due)), "a timer was forgotten");
        assert!(self.screen.is_none_or(|owner| self.seats[owner.index()].is_some()), "an empty seat shares its screen");
        for (receiver, leg) in Seat::ALL.into_iter().zip(&self.seats) {
            let Some(flow) = leg.as_ref().and_then(Leg::flow) else { continue };
            assert!(leg.as_ref().is_some_and(|leg| leg.path().is_some()), "a connected leg has no address");
            for (line, bound) in flow.lines.bound(receiver) {
                let sender = bound.or(self.screen).and_then(|sender| self.seats[sender.index()].as_ref());
                assert!(sender.is_some() || line.watch() == Watch::Idle, "a line shows an empty seat");
            }
        }
    }
}
