//! How a seat reaches us: an ICE agent, a handshake, and from its end on a [`Flow`].

use std::time::Duration;

use super::flow::Flow;
use super::repair;
use super::turn::Turn;
use crate::base::{Deadline, DropReason, Instant, LegId};
use crate::link::event::{DtlsVersion, SrtpProfile};
use crate::link::terms::ExtensionIds;
use crate::link::{LegEnd, LegSnapshot, LegState, LegTerms, Sources, Watching};
use crate::media::net::path::Path;
use crate::media::proto::dtls::{Handshake, HandshakeEvent};
use crate::media::proto::ice::{Checked, IceLite};
use crate::media::proto::srtp::SrtpKeys;

/// RFC 7675 §5.1: consent expires 30 s after the last valid check. It is also how long a leg may take to
/// send its first one.
pub(super) const CONSENT: Duration = Duration::from_secs(30);

/// Nothing heard for this long is "reconnecting". Longer would leave others before a frozen picture without a
/// word; shorter would cry wolf: someone muted still sends checks, each 2.5 s.
pub(super) const SILENCE: Duration = Duration::from_secs(3);

/// One connection of a seat.
pub(super) struct Leg {
    id: LegId,
    pub(super) ice: IceLite,
    handshake: Box<dyn Handshake>,
    /// Where the newest DTLS datagram came from, until a check selects a path.
    met: Option<Path>,
    extensions: ExtensionIds,
    state: State,
    pub(super) sources: Sources,
    /// What its page shows.
    pub(super) watching: Watching,
}

/// How far a leg has come.
enum State {
    /// Checks and handshake.
    Connecting(Box<LegTerms>),
    /// Media flows.
    Connected { flow: Box<Flow>, presence: Presence },
}

/// Whether a connected leg is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Presence {
    Heard,
    Silent,
}

/// What a leg has to say to its visit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News {
    Connected {
        dtls: DtlsVersion,
        srtp: SrtpProfile,
    },
    Silent,
    Resumed,
    /// The leg is to be forgotten.
    Ended(LegEnd),
}

impl Leg {
    /// Waits for the first check.
    pub(super) fn new(now: Instant, id: LegId, terms: Box<LegTerms>, handshake: Box<dyn Handshake>) -> Leg {
        Leg {
            id,
            ice: IceLite::new(terms.local.clone(), terms.remote.clone(), now),
            handshake,
            met: None,
            extensions: terms.extensions,
            sources: terms.sources,
            watching: Watching::default(),
            state: State::Connecting(terms),
        }
    }

    pub(super) fn id(&self) -> LegId {
        self.id
    }

    /// What a control that knows nothing of it needs. It says what the leg's news have said so far.
    pub(super) fn snapshot(&self) -> LegSnapshot {
        let state = match &self.state {
            State::Connecting(_) => LegState::Connecting,
            State::Connected { presence: Presence::Heard, .. } => LegState::Connected,
            State::Connected { presence: Presence::Silent, .. } => LegState::Silent,
        };
        LegSnapshot { leg: self.id, state, sources: self.sources }
    }

    /// The flow, once there is one.
    pub(super) fn flow(&self) -> Option<&Flow> {
        match &self.state {
            State::Connecting(_) => None,
            State::Connected { flow, .. } => Some(flow),
        }
    }

    pub(super) fn flow_mut(&mut self) -> Option<&mut Flow> {
        match &mut self.state {
            State::Connecting(_) => None,
            State::Connected { flow, .. } => Some(flow),
        }
    }

    /// The header extensions of its offer.
    pub(super) fn extensions(&self) -> &ExtensionIds {
        &self.extensions
    }

    /// Where to send: an address that passed a check.
    pub(super) fn path(&self) -> Option<Path> {
        self.ice.selected().or(self.met)
    }

    /// Where to send media, and what the extensions are called there.
    pub(super) fn destination(&self) -> Option<(Path, ExtensionIds)> {
        Some((self.path()?, self.extensions))
    }

    /// When anything was heard last: media that authenticated, or a valid check.
    pub(super) fn heard(&self) -> Instant {
        let checked = self.ice.last_heard();
        self.flow().map_or(checked, |flow| flow.heard.max(checked))
    }

    /// Answers a connectivity check.
    pub(super) fn handle_check(&mut self, turn: &mut Turn<'_>, path: Path, datagram: &[u8]) -> Result<Checked, DropReason> {
        let now = turn.now;
        let ice = &mut self.ice;
        let mut checked = Err(DropReason::OutboxFull);
        turn.send(path, |slot| {
            checked = ice.handle_check(now, path, datagram, slot);
            checked.ok().map(|checked| checked.reply_len)
        });
        match checked {
            // Counted where the room was missing.
            Err(DropReason::OutboxFull) | Ok(_) => {}
            Err(reason) => turn.counters.dropped(reason),
        }
        checked
    }

    /// Hands a datagram to the handshake, if it came from where a check passed.
    pub(super) fn handle_dtls(&mut self, turn: &mut Turn<'_>, path: Path, datagram: &[u8]) {
        if !self.ice.is_validated(path) {
            turn.counters.dropped(DropReason::DtlsUnexpected);
            return;
        }
        self.met = Some(path);
        self.handshake.handle_datagram(turn.now, datagram);
        self.flush(turn);
    }

    /// What has happened to the leg since it was last asked: ask until None.
    pub(super) fn poll_news(&mut self, turn: &mut Turn<'_>) -> Option<News> {
        if let Some(event) = self.handshake.poll_event() {
            return match event {
                HandshakeEvent::Connected { version, keys } => self.connected(turn, version, &keys),
                HandshakeEvent::Ended(why) => Some(News::Ended(why)),
            };
        }
        if turn.now >= self.ice.last_heard() + CONSENT {
            return Some(News::Ended(LegEnd::Silent));
        }
        let silent = turn.now >= self.heard() + SILENCE;
        match &mut self.state {
            State::Connected { presence: presence @ Presence::Heard, .. } if silent => {
                *presence = Presence::Silent;
                Some(News::Silent)
            }
            State::Connected { presence: presence @ Presence::Silent, .. } if !silent => {
                *presence = Presence::Heard;
                Some(News::Resumed)
            }
            State::Connected { .. } | State::Connecting(_) => None,
        }
    }

    /// The keys are here.
    fn connected(&mut self, turn: &mut Turn<'_>, dtls: DtlsVersion, keys: &SrtpKeys) -> Option<News> {
        let State::Connecting(terms) = &self.state else { return None };
        let flow = Box::new(Flow::new(terms, keys, turn.now, turn.random));
        self.state = State::Connected { flow, presence: Presence::Heard };
        Some(News::Connected { dtls, srtp: keys.profile })
    }

    /// Whether control was told that the leg is silent, and not yet that it is heard again.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.state, State::Connected { presence: Presence::Silent, .. })
    }

    /// Does what is due for the handshake.
    pub(super) fn handle_timeout(&mut self, turn: &mut Turn<'_>) {
        if self.handshake.deadline().is_some_and(|at| at <= turn.now) {
            self.handshake.handle_timeout(turn.now);
            self.flush(turn);
        }
    }

    /// What is due next.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        let due = |why, at: Option<Instant>| at.map(|at| Deadline { at, why });
        let mut next = due("consent", Some(self.ice.last_heard() + CONSENT));
        next = Deadline::earlier(next, due("handshake", self.handshake.deadline()));
        if let State::Connected { flow, presence } = &self.state {
            if *presence == Presence::Heard {
                next = Deadline::earlier(next, due("silence", Some(self.heard() + SILENCE)));
            }
            next = Deadline::earlier(next, due("reports", Some(flow.reports_due)));
            next = Deadline::earlier(next, due("arrivals", flow.arrivals.due()));
            next = Deadline::earlier(next, due("keyframe", flow.inbound.keyframe_due()));
            next = Deadline::earlier(next, due("repairs", repair::due(&flow.inbound, flow.downlink.pace())));
            next = Deadline::earlier(next, due("estimate", flow.downlink.due()));
            next = Deadline::earlier(next, due("layers", flow.demand.due()));
        }
        next
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, turn: &mut Turn<'_>) {
        self.handshake.close(turn.now);
        self.flush(turn);
    }

    /// Sends what the handshake has to say.
    fn flush(&mut self, turn: &mut Turn<'_>) {
        let Some(path) = self.path() else { return };
        let handshake = &mut self.handshake;
        while turn.send(path, |slot| handshake.poll_transmit(slot)) {}
    }
}
