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
use crate::base::{Bitrate, Instant};

/// The groups that are looked at, by the time of their arrival: while a queue grows, little of what was sent arrives
/// in it. Longer would notice a queue later, and it must be noticed within a second; shorter would hold too few
/// groups for one of them to be lucky on a path with jitter.
const WINDOW: Duration = Duration::from_millis(300);
/// Groups are 5 ms apart or more.
const GROUPS: usize = 64;
/// With fewer groups, or such that arrived within less time, no queue is claimed.
const GROUPS_MIN: usize = 4;
const SPAN_MIN: Duration = Duration::from_millis(150);

/// The base is the least of 15 to 30 s. Longer would hold on to a path that is no more, and to clocks that drift;
/// shorter would take a queue that stands for the path.
const BASE_SPAN: Duration = Duration::from_secs(15);

/// A queue this deep, in microseconds, is one, on a path without jitter. A smaller value would take the frames of
/// others for a queue (one of 1500 kbit/s is 25 ms at 2 Mbit/s); a larger one adds to what people wait for each
/// other.
const DEEP: i64 = 30_000;
/// Where there is jitter, what groups take above the least is added, but not more than this: else a full queue,
/// which frames saw into, would raise the bar above itself. So much is added where packets come in clumps: whoever waits in
/// order behind the unluckiest is never lucky, and the least of them all stands where no queue does.
const JITTER_MAX: i64 = 40_000;
/// The share by which one look moves the jitter.
const JITTER_SHARE: i64 = 8;

/// A queue that falls by this many microseconds in a millisecond is going away.
const FALLING: i64 = -80;

/// A queue that has stood for so long although we sent no more than the estimate is not ours: the path has become
/// longer, or others fill it. Longer would give way to others for longer (each second costs a layer); shorter would
/// settle in a queue that we could have drained.
const STOOD_MAX: Duration = Duration::from_millis(1_500);
/// Below this share (in hundredths) of where it stood it is one that goes, however slowly. A higher one would never take a path that has
/// become longer for one, where jitter is; at a lower one a queue that we drain would become the path before it has gone.
const STOOD_STANDING: i64 = 90;
/// Nor is it if we send at most this share (in hundredths) of what we sent when we gave way, for so long, and it
/// stands at this share of where it stood.
const TRIAL_SENT: u64 = 75;
const TRIAL_FOR: Duration = Duration::from_millis(600);
const TRIAL_STANDING: i64 = 75;
/// Above this share of where it stood it is one that grows, and a path does not. Less would not allow for jitter; more would take a
/// queue for the path that has just begun to fill.
const GROWN: i64 = 150;

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
    stood: Option<Stood>,
    trial: Option<Trial>,
}

/// A queue has stood since a packet that left then, and all the while we sent no more than the estimate.
#[derive(Clone, Copy, Debug)]
struct Stood {
    since: Instant,
    /// How deep it was.
    standing: i64,
}

/// We gave way to a queue, and want to see it go.
#[derive(Clone, Copy, Debug)]
struct Trial {
    sent: Bitrate,
    standing: i64,
    /// Since when we have sent much less.
    less: Option<Instant>,
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
            trial: None,
        }
    }

    pub(super) fn take(&mut self, group: Group) {
        self.groups[self.next % GROUPS] = Some(group);
        self.next = self.next.wrapping_add(1);
        self.base.take(group.sent, group.delay);
    }

    /// Looks at the groups, once for each feedback. `sent` is what we send, `allowed` what we may; `clumps`: whether packets
    /// arrive in clumps.
    pub(super) fn judge(&mut self, now: Instant, sent: Bitrate, allowed: Bitrate, clumps: bool) -> Usage {
        if let Some(trial) = &mut self.trial {
            let less = sent <= trial.sent.percent(TRIAL_SENT);
            trial.less = less.then(|| trial.less.unwrap_or(now));
        }
        self.usage = self.look(sent <= allowed, clumps);
        if self.usage == Usage::Clear {
            self.trial = None;
        }
        self.usage
    }

    /// We give way to the queue that stands, and send less than this from now on: what went through. Of what a narrow place held up,
    /// less may still be all that it carries.
    pub(super) fn give_way(&mut self, sent: Bitrate) {
        if let (None, Some(standing)) = (self.trial, self.standing) {
            self.trial = Some(Trial { sent, standing, less: None });
        }
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

    fn look(&mut self, obeyed: bool, clumps: bool) -> Usage {
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
        let standing = least - base;
        self.standing = Some(standing);
        let count = recent.clone().count();
        if !obeyed || self.stood.is_some_and(|stood| !stays(stood.standing, standing, STOOD_STANDING)) {
            self.stood = None;
        }
        if count < GROUPS_MIN || newest.since(oldest) < SPAN_MIN {
            return Usage::Hold;
        }
        let bar = DEEP + if clumps { JITTER_MAX } else { self.jitter.min(JITTER_MAX) };
        if standing <= bar {
            let above = recent.map(|group| group.delay - least).sum::<i64>() / i64::try_from(count).unwrap_or(1);
            self.jitter += (above - self.jitter) / JITTER_SHARE;
            if standing > bar / 2 {
                return Usage::Hold;
            }
            self.stood = None;
            return Usage::Clear;
        }
        if trend::slope(recent.clone()).is_some_and(|slope| slope <= FALLING) {
            return Usage::Hold;
        }
        let left = recent.map(|group| group.sent).max().unwrap_or(newest);
        let stood = obeyed && left.since(self.stood.get_or_insert(Stood { since: left, standing }).since) >= STOOD_MAX;
        let unmoved = self.trial.is_some_and(|trial| {
            trial.less.is_some_and(|less| left >= less + TRIAL_FOR) && stays(trial.standing, standing, TRIAL_STANDING)
        });
        if stood || unmoved {
            self.base.restart(left, least);
            (self.stood, self.trial) = (None, None);
            return Usage::Hold;
        }
        Usage::Over
    }
}

/// Whether what stood so high is neither going, which it is below `least` hundredths of that, nor growing.
fn stays(before: i64, now: i64, least: i64) -> bool {
    (before * least..=before * GROWN).contains(&(now * 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Bitrate = Bitrate::from_kbps(1_000);

    /// Feeds a group each 10 ms for so many milliseconds, and looks each 100 ms.
    fn feed(queue: &mut Queue, now: &mut Instant, millis: u64, sent: Bitrate, delay: impl Fn(u64) -> i64) -> Usage {
        for passed in (0..millis).step_by(10) {
            queue.take(Group { sent: *now, delay: delay(passed) });
            *now += Duration::from_millis(10);
            if passed % 100 == 90 {
                queue.judge(*now, sent, SENT, false);
            }
        }
        queue.usage()
    }

    #[test]
    fn delays_become_a_verdict() {
        for (after, verdict) in [
            ((|_| 5_000) as fn(u64) -> i64, Usage::Clear),
            // Someone is always lucky.
            (|passed| if passed % 100 == 0 { 3_000 } else { 150_000 }, Usage::Clear),
            // Something stands, but less than a frame takes.
            (|_| 24_000, Usage::Hold),
            (|_| 60_000, Usage::Over),
            // It grows by a tenth of what is sent.
            (|passed| 100 * i64::try_from(passed).unwrap(), Usage::Over),
            // It goes away.
            (|passed| 300_000 - 200 * i64::try_from(passed).unwrap(), Usage::Hold),
        ] {
            let (mut queue, mut now) = (Queue::new(Instant::ZERO), Instant::ZERO);
            assert_eq!(feed(&mut queue, &mut now, 1_000, SENT, |_| 0), Usage::Clear);
            assert_eq!(feed(&mut queue, &mut now, 1_000, SENT, after), verdict);
        }
    }

    #[test]
    fn nothing_is_claimed_of_a_few_packets() {
        let (mut queue, mut now) = (Queue::new(Instant::ZERO), Instant::ZERO);
        assert_eq!(queue.judge(now, SENT, SENT, false), Usage::Hold);
        feed(&mut queue, &mut now, 1_000, SENT, |_| 0);
        now += Duration::from_secs(5);
        assert_eq!(feed(&mut queue, &mut now, 100, SENT, |_| 90_000), Usage::Hold);
    }

    #[test]
    fn jitter_raises_the_bar_within_bounds() {
        let (mut queue, mut now) = (Queue::new(Instant::ZERO), Instant::ZERO);
        feed(&mut queue, &mut now, 5_000, SENT, |passed| i64::try_from(passed % 70).unwrap() * 1_000);
        assert!((25..=35).contains(&queue.jitter().as_millis()), "{:?}", queue.jitter());
        assert_eq!(feed(&mut queue, &mut now, 500, SENT, |_| 55_000), Usage::Hold);
        assert_eq!(feed(&mut queue, &mut now, 500, SENT, |_| 75_000), Usage::Over);
    }

    #[test]
    fn a_queue_that_does_not_move_when_we_give_way_is_not_ours() {
        let (mut queue, mut now) = (Queue::new(Instant::ZERO), Instant::ZERO);
        let more = SENT.percent(200);
        feed(&mut queue, &mut now, 1_000, SENT, |_| 0);
        assert_eq!(feed(&mut queue, &mut now, 3_000, more, |_| 100_000), Usage::Over, "we send more than we may");
        queue.give_way(more);
        assert_eq!(feed(&mut queue, &mut now, 500, SENT, |_| 100_000), Usage::Over);
        assert_eq!(feed(&mut queue, &mut now, 500, SENT, |_| 100_000), Usage::Clear);
        assert_eq!(queue.standing(), Duration::ZERO);
    }

    #[test]
    fn a_queue_that_stands_although_we_obey_is_not_ours() {
        let (mut queue, mut now) = (Queue::new(Instant::ZERO), Instant::ZERO);
        feed(&mut queue, &mut now, 1_000, SENT, |_| 0);
        assert_eq!(feed(&mut queue, &mut now, 1_500, SENT, |_| 100_000), Usage::Over);
        assert_eq!(feed(&mut queue, &mut now, 1_000, SENT, |_| 100_000), Usage::Clear);
    }
}
