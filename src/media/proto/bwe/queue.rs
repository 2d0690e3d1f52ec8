//! Whether a queue stands on the path.
//!
//! ```text
//!   delay   ╷╷  ╷      ╷   ╷    ╷╷╷  ╷╷   jitter only adds, and somebody is always lucky:
//!           ││╷ │╷  ╷╷ │╷ ╷│ ╷  │││╷ ││
//!   least   ╵╵╵╵╵╵╵╵╵╵╵╵╵╵╵╵┈┈┈┈ the least of a third of a second stands where the queue stands
//!                           ╎ standing
//!   base    ━━━━━━━━━━━━━━━━━━━━ the least of half a minute: the path without a queue
//! ```

use std::time::Duration;

use super::groups::Group;
use super::least::Least;
use super::trend;
use crate::base::Instant;

/// The groups that are looked at, by the time of their arrival: while a queue grows, little of what was sent arrives in it. Longer would notice a queue later, and it must be noticed within a second;
/// shorter would hold too few groups for one of them to be lucky on a path with jitter.
const WINDOW: Duration = Duration::from_millis(300);
/// Groups are 5 ms apart or more.
const GROUPS: usize = 64;
/// With fewer groups, or such that arrived within less time, no queue is claimed.
const GROUPS_MIN: usize = 4;
const SPAN_MIN: Duration = Duration::from_millis(150);

/// The base is the least of 15 to 30 s. Longer would hold on to a path that is no more, and to clocks that drift; shorter
/// would take a queue that stands for the path.
const BASE_SPAN: Duration = Duration::from_secs(15);

/// A queue this deep, in microseconds, is one, on a path without jitter. A smaller value would take the frames of others
/// for a queue (one of 1500 kbit/s is 25 ms at 2 Mbit/s); a larger one adds to what people wait for each other.
const DEEP: i64 = 30_000;
/// Where there is jitter, what groups take above the least is added, but not more than this: else a full queue,
/// which frames saw into, would raise the bar above itself.
const JITTER_MAX: i64 = 40_000;
/// The share by which one look moves the jitter.
const JITTER_SHARE: i64 = 8;

/// A queue that falls by this many microseconds in a millisecond is going away.
const FALLING: i64 = -80;

/// A queue that has stood for so long while we sent no more than the estimate is not ours: the path has become longer, or
/// others fill it. Longer would give way to others for longer (each second costs a layer); shorter would settle in a queue
/// that we could have drained.
const STOOD_MAX: Duration = Duration::from_millis(2_500);

/// What the delays say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Usage {
    /// There is room.
    Clear,
    /// A little stands, or more that is going away, or nothing is known.
    Hold,
    /// A queue stands and does not go away.
    Over,
}

/// The delays of what arrived lately.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    /// The last groups, a ring.
    groups: [Option<Group>; GROUPS],
    next: usize,
    base: Least<i64>,
    jitter: i64,
    standing: Option<i64>,
    usage: Usage,
    /// Since when the queue has stood, and we have not been its cause.
    stood: Option<Instant>,
}

impl Queue {
    pub(super) fn new(now: Instant) -> Queue {
        Queue {
            groups: [None; GROUPS],
            next: 0,
            base: Least::new(now, BASE_SPAN),
            jitter: 0,
            standing: None,
            usage: Usage::Hold,
            stood: None,
        }
    }

    pub(super) fn take(&mut self, group: Group) {
        self.groups[self.next % GROUPS] = Some(group);
        self.next = self.next.wrapping_add(1);
        self.base.take(group.sent, group.delay);
    }

    /// Looks at the groups, once for each feedback. `obeyed`: we send no more than the estimate.
    pub(super) fn judge(&mut self, obeyed: bool) -> Usage {
        self.usage = self.look(obeyed);
        self.usage
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    /// How far the least delay of the last third of a second is above the least of half a minute.
    pub(super) fn standing(&self) -> Duration {
        Duration::from_micros(self.standing.unwrap_or(0).max(0).unsigned_abs())
    }

    /// What packets take above the least, on average, as far as it counts.
    pub(super) fn jitter(&self) -> Duration {
        Duration::from_micros(self.jitter.clamp(0, JITTER_MAX).unsigned_abs())
    }

    fn look(&mut self, obeyed: bool) -> Usage {
        let newest = self.groups.iter().flatten().map(Group::arrived).max();
        let recent = self.groups.iter().flatten().copied().filter(|group| Some(group.arrived() + WINDOW) >= newest);
        let (Some(newest), Some(oldest), Some(least), Some(base)) = (
            newest,
            recent.clone().map(|group| group.arrived()).min(),
            recent.clone().map(|group| group.delay).min(),
            self.base.get(),
        ) else {
            return Usage::Hold;
        };
        self.standing = Some(least - base);
        let count = recent.clone().count();
        if count < GROUPS_MIN || newest.since(oldest) < SPAN_MIN {
            self.stood = None;
            return Usage::Hold;
        }
        let standing = least - base;
        let bar = DEEP + self.jitter.min(JITTER_MAX);
        if standing <= bar {
            let above = recent.map(|group| group.delay - least).sum::<i64>() / i64::try_from(count).unwrap_or(1);
            self.jitter += (above - self.jitter) / JITTER_SHARE;
            self.stood = None;
            return if standing <= bar / 2 { Usage::Clear } else { Usage::Hold };
        }
        if trend::slope(recent).is_some_and(|slope| slope <= FALLING) {
            self.stood = None;
            return Usage::Hold;
        }
        let since = *self.stood.get_or_insert(newest);
        if !obeyed {
            self.stood = Some(newest);
        } else if newest.since(since) >= STOOD_MAX {
            self.base.restart(newest, least);
            self.stood = None;
            return Usage::Hold;
        }
        Usage::Over
    }
}
