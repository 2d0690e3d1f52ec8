//! Who gets which layer: what a page shows, what its path carries and what arrives come together here.

use super::budget::{PICTURES, Step, TEMPORAL_LAYERS, Wish, Worth, share};
use super::demand::Demand;
use super::flow::Flow;
use super::forward::Seats;
use super::governor::Choice;
use super::ingress;
use super::leg::Leg;
use super::line::{Line, Lines};
use super::track::Track;
use super::turn::Turn;
use super::watch::Layer;
use crate::base::limits::LAYERS;
use crate::base::{Bitrate, Instant, Seat, VisitId};
use crate::link::event::Layers;
use crate::link::terms::{Rank, SourceKind, Tile};
use crate::link::{Event, Watching};

/// What a layer is taken to need before it was seen, in bits per second: what browsers aim at (performance.md).
const NOMINAL: [u64; LAYERS] = [150_000, 500_000, 1_500_000];

/// Bits per second of what lies around packets of sound: 68 bytes, fifty times.
const SOUND_OVERHEAD_BPS: u64 = 50 * 68 * 8;

/// A tile may be this many hundredths as high as its picture before a larger picture shows more.
const STRETCH: u32 = 120;

/// The visit, as far as sharing needs it.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub(super) visit: VisitId,
    pub(super) screen: Option<Seat>,
    pub(super) speaker: Option<Seat>,
}

/// Which seat's picture a line carries: three cameras, then the screen.
fn carried(receiver: Seat, scene: Scene, place: usize) -> Option<(Seat, SourceKind)> {
    match receiver.on_line(place) {
        Some(sender) => Some((sender, SourceKind::Camera)),
        None => scene.screen.filter(|&owner| owner != receiver).map(|owner| (owner, SourceKind::Screen)),
    }
}

/// A page shows this from now on. What it shows larger than before is decided on at once: somebody waits for it.
pub(super) fn look(leg: &mut Leg, receiver: Seat, scene: Scene, watching: Watching) {
    let before = std::mem::replace(&mut leg.watching, watching);
    let Some(flow) = leg.flow_mut() else { return };
    for (place, governor) in flow.downlink.governors.iter_mut().enumerate() {
        let Some((sender, kind)) = carried(receiver, scene, place) else { continue };
        if tile_of(&watching, sender, kind).height > tile_of(&before, sender, kind).height {
            governor.renew();
        }
    }
}

/// What one receiver's page shows, and what of it there is.
struct Sight {
    /// Those that are not hidden, by place.
    tiles: [Option<Tile>; PICTURES],
    /// Those of which anything comes, or would.
    wishes: [Option<Wish>; PICTURES],
    /// Bits per second of all sound, with its copies, and without.
    sound: u64,
    bare_sound: u64,
}

impl Sight {
    fn of(seats: &Seats, now: Instant, scene: Scene, receiver: Seat) -> Option<Sight> {
        let leg = seats[receiver.index()].as_ref()?;
        let downlink = &leg.flow()?.downlink;
        let mut sight = Sight { tiles: [None; PICTURES], wishes: [None; PICTURES], sound: 0, bare_sound: 0 };
        for place in 0..PICTURES {
            let Some((sender, kind)) = carried(receiver, scene, place) else { continue };
            let tile = tile_of(&leg.watching, sender, kind);
            if tile.height == 0 {
                continue;
            }
            sight.tiles[place] = Some(tile);
            let wish = wish(seats, now, scene, sender, kind, tile);
            // Where more is lost than repairs make up for, on either way, only a frame of one packet comes whole.
            let holds = downlink.repairable.holds() && repairable(seats, sender);
            sight.wishes[place] = wish.map(|wish| if holds { wish } else { Wish { most: 0, ..wish } });
        }
        let copies = downlink.redundancy.copies() as u64;
        let senders = Seat::ALL.into_iter().filter(|&sender| sender != receiver);
        for rate in senders.filter_map(|sender| sound(seats, now, sender)) {
            sight.sound += rate * (1 + copies) + SOUND_OVERHEAD_BPS;
            sight.bare_sound += rate + SOUND_OVERHEAD_BPS;
        }
        Some(sight)
    }

    /// What would be sent if there were room for all of it, with what has to be spare on the way up.
    fn wanted(&self) -> Bitrate {
        let most: u64 = self.wishes.iter().flatten().map(Wish::most_rate).sum();
        Bitrate::from_bps(most + most / 5 + self.sound)
    }

    /// Bits per second that a path which carries so many has for pictures. Sound comes first; but its copies are for a path that
    /// loses without a queue, whose estimate is less than it carries, and take no room from the smallest pictures. If that is
    /// too much after all, a queue says so, and ends the copies.
    fn room(&self, estimate: u64) -> u64 {
        let least: u64 = self.wishes.iter().flatten().map(|wish| wish.rate(Some(Step::whole(0)))).sum();
        let beside = |sound| estimate.saturating_sub(sound);
        beside(self.sound).max(beside(self.bare_sound).min(least + least / 5))
    }

    /// Bits per second of what these lines show now.
    fn shown(&self, lines: &mut Lines) -> u64 {
        (0..PICTURES).map(|place| shown_rate(lines.picture(place).as_deref(), self.wishes[place])).sum()
    }
}

/// Shares one receiver's path among the pictures that its page shows.
pub(super) fn allot(seats: &mut Seats, turn: &mut Turn<'_>, scene: Scene, receiver: Seat) {
    let now = turn.now;
    let Some(sight) = Sight::of(seats, now, scene, receiver) else { return };
    let Some(leg) = seats[receiver.index()].as_mut() else { return };
    let id = leg.id();
    let Some(Flow { downlink, lines, .. }) = leg.flow_mut() else { return };
    downlink.want(now, sight.wanted());
    let shown = sight.shown(lines);
    let estimate = downlink.estimate().map(Bitrate::bps);
    let room = estimate.map(|estimate| sight.room(estimate));
    let urgent = room.is_some_and(|room| shown > room);
    tracing::trace!(
        visit = %scene.visit, seat = %receiver, estimate, queue = ?downlink.queue_delay(), loss = downlink.loss(), sound = sight.sound, shown,
        "path"
    );

    let held = std::array::from_fn(|place| downlink.governors[place].limit());
    let bits = room.unwrap_or(u64::MAX);
    let fits = share(bits, &sight.wishes, &[Some(Step::whole(Step::TOP)); PICTURES]);
    let within = std::array::from_fn(|place| {
        let ceiling = downlink.governors[place].ceiling(now, bits);
        sight.wishes[place].map(|wish| Wish { most: wish.most.min(ceiling), ..wish })
    });
    let safe = share(bits, &within, &held);
    let returning = downlink.is_returning(now);
    let mut paused = [false; Seat::COUNT];
    for place in 0..PICTURES {
        let Some(line) = lines.picture(place) else { continue };
        let governor = &mut downlink.governors[place];
        if sight.wishes[place].is_none() {
            governor.renew();
        }
        let limit = match (sight.tiles[place], sight.wishes[place], room) {
            (None, _, _) => None,
            // Nothing comes: what does come may be shown.
            (Some(_), None, _) => Some(Step::whole(Step::TOP)),
            // Nothing is known of the path.
            (Some(_), Some(wish), None) => Some(Step::whole(wish.most)),
            (Some(_), Some(wish), Some(room)) => {
                if returning {
                    governor.renew();
                }
                governor.decide(now, Choice { room, most: wish.most_step(), fits: fits[place], safe: safe[place] });
                governor.limit()
            }
        };
        if limit != line.limit() {
            tracing::debug!(visit = %scene.visit, seat = %receiver, place, ?limit, estimate, sound = sight.sound, shown, urgent, "layer");
        }
        if limit != line.limit() || urgent {
            line.allow(limit, urgent);
        }
        if let (None, Some(_), Some((sender, SourceKind::Camera))) = (limit, sight.wishes[place], carried(receiver, scene, place))
        {
            paused[sender.index()] = true;
        }
    }
    if paused != downlink.paused {
        downlink.paused = paused;
        turn.events.push_back(Event::Paused { visit: scene.visit, seat: receiver, leg: id, paused });
    }
}

/// Tells each sender's page which layers of its camera anybody takes.
pub(super) fn demand(seats: &mut Seats, turn: &mut Turn<'_>, scene: Scene) {
    for sender in Seat::ALL {
        let wanted = wanted(seats, sender);
        let Some(leg) = seats[sender.index()].as_mut() else { continue };
        let id = leg.id();
        let Some(flow) = leg.flow_mut() else { continue };
        let Some(wanted) = wanted else {
            flow.demand.alone();
            continue;
        };
        if let Some(layers) = flow.demand.want(turn.now, wanted) {
            turn.events.push_back(Event::Wanted { visit: scene.visit, seat: sender, leg: id, layers });
        }
    }
}

/// Which layers of a sender's camera anybody takes. While nobody else is there, nothing is said.
fn wanted(seats: &Seats, sender: Seat) -> Option<Layers> {
    let mut wanted = [false; LAYERS];
    let mut alone = true;
    for receiver in Seat::ALL.into_iter().filter(|&receiver| receiver != sender) {
        let leg = seats[receiver.index()].as_ref();
        let Some((watching, flow)) = leg.and_then(|leg| Some((leg.watching, leg.flow()?))) else { continue };
        alone = false;
        if watching.cameras[sender.index()].height == 0 {
            continue;
        }
        // What everyone falls back to when their path grows narrow.
        wanted[0] = true;
        let line = receiver.line_of(sender).and_then(|number| flow.lines.camera(number));
        let Some(line) = line else { continue };
        let watch = line.watch();
        let limit = line.limit().map(|limit| limit.layer);
        for layer in limit.into_iter().chain(watch.shown()).chain(watch.awaited()) {
            wanted[usize::from(layer).min(LAYERS - 1)] = true;
        }
    }
    (!alone).then_some(wanted)
}

fn tile_of(watching: &Watching, sender: Seat, kind: SourceKind) -> Tile {
    match kind {
        SourceKind::Camera => watching.cameras[sender.index()],
        SourceKind::Screen | SourceKind::Microphone => watching.screen,
    }
}

/// Whether what this seat sends comes whole, after repairs.
fn repairable(seats: &Seats, sender: Seat) -> bool {
    seats[sender.index()].as_ref().and_then(Leg::flow).is_none_or(|flow| flow.repairable.holds())
}

/// What one picture could be had in; none if nothing of it arrives or could.
fn wish(seats: &Seats, now: Instant, scene: Scene, sender: Seat, kind: SourceKind, tile: Tile) -> Option<Wish> {
    let leg = seats[sender.index()].as_ref()?;
    let flow = leg.flow()?;
    if !ingress::on(leg.sources, kind) {
        return None;
    }
    let track = flow.inbound.track(kind)?;
    // A layer that was turned off comes back when it is wanted; a camera that sends nothing at all takes no room from others.
    let sends = track.best(now, Step::TOP).is_some();
    let demand = (kind == SourceKind::Camera && sends).then_some(&flow.demand);
    let rates = [0, 1, 2].map(|layer| rates(track, demand, now, layer));
    let worth = match (tile.rank, kind) {
        (Rank::Interpreter, _) => Worth::Interpreter,
        (Rank::Pinned, _) | (_, SourceKind::Screen) => Worth::Pinned,
        (Rank::Plain, _) if scene.speaker == Some(sender) => Worth::Speaker,
        (Rank::Plain, _) => Worth::Plain,
    };
    let wish = Wish { worth, most: most(track, tile.height), rates };
    (wish.most_rate() > 0).then_some(wish)
}

/// Bits per second of a layer, by temporal layer: as measured while it arrives, or what it is taken to need if it would
/// arrive when somebody asked for it.
fn rates(track: &Track, demand: Option<&Demand>, now: Instant, layer: Layer) -> [u64; TEMPORAL_LAYERS] {
    let nominal = NOMINAL.get(usize::from(layer)).copied().unwrap_or(0);
    let guess = [nominal, 0, 0];
    let expected = track.is_simulcast() && demand.is_some_and(|demand| demand.expects(now, usize::from(layer)));
    match track.layer(layer) {
        // The lowest one is all there is below.
        Some(stream) if layer > 0 && stream.is_unsteady(now) => [0; TEMPORAL_LAYERS],
        Some(stream) if stream.arrives(now) => {
            let rates = stream.rates(now);
            if rates.iter().all(|rate| *rate == 0) { guess } else { rates }
        }
        Some(_) | None if expected => guess,
        Some(_) | None => [0; TEMPORAL_LAYERS],
    }
}

/// The smallest layer that fills a tile of this height.
fn most(track: &Track, height: u16) -> Layer {
    let fills = |layer: &Layer| {
        let rows = track.layer(*layer).and_then(|stream| stream.height);
        rows.is_some_and(|rows| u32::from(rows) * STRETCH / 100 >= u32::from(height))
    };
    (0..Step::TOP).find(fills).unwrap_or(Step::TOP)
}

/// Bits per second of what a seat says; none if nothing of it arrives.
fn sound(seats: &Seats, now: Instant, sender: Seat) -> Option<u64> {
    let track = seats[sender.index()].as_ref().and_then(|leg| leg.flow()?.inbound.track(SourceKind::Microphone));
    let stream = track?.layer(0).filter(|stream| stream.arrives(now))?;
    Some(stream.rates(now).iter().sum())
}

/// Bits per second of what a line shows now.
fn shown_rate(line: Option<&Line>, wish: Option<Wish>) -> u64 {
    let Some((line, wish)) = line.zip(wish) else { return 0 };
    let limit = line.limit();
    let step = line.watch().shown().map(|layer| match limit {
        Some(limit) if limit.layer == layer => limit,
        _ => Step::whole(layer),
    });
    wish.rate(step)
}
