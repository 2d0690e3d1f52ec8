//! What goes on between those who sit, besides who they are: what each page shows, who speaks, what media makes of it.
//!
//! Nothing of it is a change of the visit, so nothing of it is recorded. After a restart of control media says its part
//! again; what pages show stays as media was told, until they say something else.
//!
//! Contract: after anything that changes the visit, [`Scene::settle`] says what media has to be told.

use std::collections::BTreeMap;

use super::layout::{Asked, Layout};
use super::person::{Now, Person};
use super::quality::{Connection, History};
use super::visit::Visit;
use crate::base::ids::ParticipantId;
use crate::base::limits::LAYERS;
use crate::base::{Instant, LegId, Seat};
use crate::link::event::Layers;
use crate::link::{Command, Event, LegFacts, Watching};

/// Times that one person may say within a second what they look at. A page says it after a window has been dragged, and
/// at most a few times meanwhile; each time costs the worker an order, so a script must not say it without end.
const ASKED_PER_SECOND_MAX: u32 = 20;

/// The scene of one visit.
#[derive(Default)]
pub(super) struct Scene {
    /// Of which seat media said last that its person speaks.
    heard: Option<Seat>,
    /// Who that was.
    speaker: Option<ParticipantId>,
    /// By [`Seat::index`]: those who have a seat.
    places: [Option<Place>; Seat::COUNT],
    /// How the connections of everyone of the visit fared who had one.
    histories: BTreeMap<ParticipantId, History>,
}

/// Someone who has a seat.
struct Place {
    who: ParticipantId,
    /// What their page said last that it shows.
    layout: Option<Layout>,
    /// How often it said so since when: at most [`ASKED_PER_SECOND_MAX`] times in a second.
    asked: (Instant, u32),
    leg: Option<Carried>,
}

/// A leg, as media carries it.
struct Carried {
    leg: LegId,
    /// What media was told that its page shows; none if a control before us has told it.
    told: Option<Watching>,
    /// The layers of its camera that somebody takes.
    wanted: Layers,
    /// Whose pictures it does not get, by [`Seat::index`].
    paused: [bool; Seat::COUNT],
}

/// Why a page was not heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotHeard {
    /// The person has no leg, or another one.
    OtherLeg,
    TooOften,
}

impl Scene {
    /// The scene of a visit that media has carried while no control was there.
    pub(super) fn resumed(visit: &Visit) -> Scene {
        let mut scene = Scene::default();
        scene.settle(visit);
        for carried in scene.places.iter_mut().flatten().filter_map(|place| place.leg.as_mut()) {
            carried.told = None;
        }
        scene
    }

    /// Takes up how people sit now, and says what media has to be told about it.
    pub(super) fn settle(&mut self, visit: &Visit) -> Vec<Command> {
        let before = self.sitters();
        for (seat, place) in Seat::ALL.into_iter().zip(&mut self.places) {
            let sitter = visit.sitter(seat).map(|person| person.who.id);
            if place.as_ref().map(|place| place.who) != sitter {
                let gone = std::mem::replace(place, sitter.map(Place::new));
                if let Some(history) = gone.and_then(|gone| self.histories.get_mut(&gone.who)) {
                    history.cut();
                }
            }
            let leg = visit.sitter(seat).and_then(|person| person.seated()?.hold.leg());
            if let Some(place) = place
                && place.leg.as_ref().map(|carried| carried.leg) != leg
            {
                place.leg = leg.map(Carried::new);
                self.histories.entry(place.who).or_default().cut();
            }
        }
        self.histories.retain(|who, _| visit.person(*who).is_some());
        let moved = before != self.sitters();
        Seat::ALL.into_iter().filter_map(|seat| self.order(visit, seat, moved)).collect()
    }

    /// What media has to be told about who sits on `seat`; nothing if it knows. `moved`: whether others sit elsewhere now.
    fn order(&mut self, visit: &Visit, seat: Seat, moved: bool) -> Option<Command> {
        let place = self.places[seat.index()].as_mut()?;
        let carried = place.leg.as_mut()?;
        // What another control has told media of others is right as long as those sit there.
        if carried.told.is_none() && place.layout.is_none() && !moved {
            return None;
        }
        let watching = place.layout.map(|layout| layout.watching(visit)).unwrap_or_default();
        if carried.told.replace(watching) == Some(watching) {
            return None;
        }
        Some(Command::Watch { visit: visit.id, seat, leg: carried.leg, watching })
    }

    /// The page of whoever sits on `seat` says what it shows; `leg` is the connection that it means, if it says so.
    /// What media has to be told about it comes out.
    pub(super) fn show(
        &mut self,
        visit: &Visit,
        seat: Seat,
        leg: Option<LegId>,
        asked: &Asked,
        now: Instant,
    ) -> Result<Option<Command>, NotHeard> {
        let place = self.places[seat.index()].as_mut().ok_or(NotHeard::OtherLeg)?;
        let alive = place.leg.as_ref().ok_or(NotHeard::OtherLeg)?.leg;
        if leg.is_some_and(|leg| leg != alive) {
            return Err(NotHeard::OtherLeg);
        }
        if !place.may_ask(now) {
            return Err(NotHeard::TooOften);
        }
        place.layout = Some(Layout::new(asked, visit));
        Ok(self.order(visit, seat, false))
    }

    /// Media said something of the scene. True if somebody sees a difference.
    pub(super) fn hear(&mut self, event: &Event, now: Now) -> bool {
        match event {
            Event::Speaker { seat, .. } => self.speaks(*seat),
            Event::Wanted { seat, leg, layers, .. } => self.carried(*seat, *leg).is_some_and(|carried| carried.wants(*layers)),
            Event::Paused { seat, leg, paused, .. } => self.carried(*seat, *leg).is_some_and(|carried| carried.pauses(*paused)),
            Event::Measured { speaker, seats, .. } => {
                let mut changed = speaker.filter(|seat| self.heard != Some(*seat)).is_some_and(|seat| self.speaks(seat));
                for (seat, facts) in Seat::ALL.into_iter().zip(seats.iter()) {
                    changed |= facts.as_ref().is_some_and(|facts| self.measured(seat, facts, now));
                }
                changed
            }
            Event::WorkerReady { .. }
            | Event::Carried(_)
            | Event::LegConnected { .. }
            | Event::LegSilent { .. }
            | Event::LegResumed { .. }
            | Event::LegEnded { .. }
            | Event::VisitFailed { .. }
            | Event::Report(_)
            | Event::Load { .. } => false,
        }
    }

    fn speaks(&mut self, seat: Seat) -> bool {
        let speaker = self.places[seat.index()].as_ref().map(|place| place.who);
        self.heard = Some(seat);
        let changed = self.speaker != speaker;
        self.speaker = speaker;
        changed
    }

    fn measured(&mut self, seat: Seat, facts: &LegFacts, now: Now) -> bool {
        let Some(carried) = self.carried(seat, facts.leg) else { return false };
        let changed = carried.wants(facts.wanted) | carried.pauses(facts.downlink.paused);
        let who = self.sitters()[seat.index()];
        let history = who.and_then(|who| self.histories.get_mut(&who));
        history.is_some_and(|history| history.look(facts, now)) | changed
    }

    /// The present leg of a seat, if it is this one: a late word of an older leg means nothing.
    fn carried(&mut self, seat: Seat, leg: LegId) -> Option<&mut Carried> {
        self.places[seat.index()].as_mut()?.leg.as_mut().filter(|carried| carried.leg == leg)
    }

    fn sitters(&self) -> [Option<ParticipantId>; Seat::COUNT] {
        self.places.each_ref().map(|place| place.as_ref().map(|place| place.who))
    }

    fn place(&self, who: ParticipantId) -> Option<&Place> {
        self.places.iter().flatten().find(|place| place.who == who)
    }

    /// Who speaks, or spoke last, if they still have a seat.
    pub(super) fn speaker(&self) -> Option<ParticipantId> {
        self.speaker.filter(|who| self.place(*who).is_some())
    }

    /// The layers of someone's camera that anybody takes; all of them until media says otherwise.
    pub(super) fn wanted(&self, who: ParticipantId) -> Layers {
        self.place(who).and_then(|place| place.leg.as_ref()).map_or([true; LAYERS], |carried| carried.wanted)
    }

    /// Whose pictures someone does not get, so that their sound stays whole.
    pub(super) fn paused(&self, who: ParticipantId) -> Vec<ParticipantId> {
        let paused = self.place(who).and_then(|place| place.leg.as_ref()).map_or([false; Seat::COUNT], |carried| carried.paused);
        self.sitters().into_iter().zip(paused).filter_map(|(sitter, paused)| sitter.filter(|_| paused)).collect()
    }

    /// How someone's connections fared, if they had one.
    pub(super) fn history(&self, who: ParticipantId) -> Option<&History> {
        self.histories.get(&who)
    }

    /// The word for someone's connection, while they have one and it has been measured.
    pub(super) fn connection(&self, person: &Person) -> Option<Connection> {
        self.history(person.who.id).filter(|_| person.is_connected())?.connection()
    }
}

impl Place {
    fn new(who: ParticipantId) -> Place {
        Place { who, layout: None, asked: (Instant::ZERO, 0), leg: None }
    }

    /// Whether their page is listened to once more within this second.
    fn may_ask(&mut self, now: Instant) -> bool {
        let (since, count) = &mut self.asked;
        if now.since(*since).as_secs() >= 1 {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= ASKED_PER_SECOND_MAX
    }
}

impl Carried {
    /// A leg that begins: everything is taken, and nothing is withheld.
    fn new(leg: LegId) -> Carried {
        Carried { leg, told: Some(Watching::default()), wanted: [true; LAYERS], paused: [false; Seat::COUNT] }
    }

    fn wants(&mut self, layers: Layers) -> bool {
        std::mem::replace(&mut self.wanted, layers) != layers
    }

    fn pauses(&mut self, paused: [bool; Seat::COUNT]) -> bool {
        std::mem::replace(&mut self.paused, paused) != paused
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::super::person::Identity;
    use super::super::visit::Hours;
    use super::*;
    use crate::base::VisitId;
    use crate::base::ids::LinkId;
    use crate::control::schedule::Rules;
    use crate::control::words::{Name, Role};
    use crate::link::{Downlink, Uplink};

    const START: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn at(seconds: u64) -> Now {
        let passed = Duration::from_secs(seconds);
        Now { wall: START + passed, passed: Instant::ZERO + passed }
    }

    #[test]
    fn what_media_says_again_is_no_news() {
        let visit = VisitId::from_bits(1);
        let (seat, leg, who) = (Seat::PROVIDER, LegId::from_bits(2), ParticipantId::from_bits(3));
        let hours = Hours { opens_at: START, ends_at: START, closes_at: START + Duration::from_secs(60) };
        let mut rules = Visit::new(visit, hours, Rules::default());
        let (link, name) = (LinkId::from_bits(4), Name::new("P").unwrap());
        rules.enter(Identity { id: who, link, name, role: Role::Provider, relationship: None }, START).unwrap();
        rules.connect(who, leg, at(0)).unwrap();
        rules.leg_connected(seat, leg, at(0));
        let mut scene = Scene::default();
        scene.settle(&rules);

        let paused = [false, true, false, false];
        let uplink = Uplink { packets: 5, ..Uplink::default() };
        let facts = LegFacts { leg, uplink, downlink: Downlink { paused, ..Downlink::default() }, wanted: [true, false, false] };
        let measured = |facts| Event::Measured { visit, speaker: Some(seat), seats: Box::new([Some(facts), None, None, None]) };
        let other = LegFacts { leg: LegId::from_bits(9), wanted: [false; 3], ..facts };
        for (event, news) in [
            (Event::Speaker { visit, seat }, true),
            (Event::Speaker { visit, seat }, false),
            (Event::Wanted { visit, seat, leg, layers: [true; 3] }, false),
            (Event::Wanted { visit, seat, leg, layers: [true, false, false] }, true),
            (Event::Wanted { visit, seat, leg: other.leg, layers: [false; 3] }, false),
            (Event::Paused { visit, seat, leg, paused }, true),
            (Event::Paused { visit, seat, leg, paused }, false),
            (measured(facts), false),
            (measured(other), false),
            // The second look is the first measurement.
            (measured(facts), true),
            (measured(facts), false),
            (measured(LegFacts { wanted: [true; 3], ..facts }), true),
        ] {
            assert_eq!(scene.hear(&event, at(2)), news, "{event:?}");
        }
    }
}
