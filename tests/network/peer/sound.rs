//! One line of sound as a browser plays it.

use std::collections::BTreeMap;
use std::time::Duration;

use quartet::base::Instant;

use super::mark::Mark;

/// How long sound waits for what is late, beside the jitter of its path.
const PLAYOUT: Duration = Duration::from_millis(150);

#[derive(Default)]
pub(crate) struct Sound {
    /// When each sound was there first, by its serial, and whether it came by itself.
    came: BTreeMap<u16, (Instant, bool)>,
    interval: Duration,
    pub(crate) heard: Option<Instant>,
}

/// Sounds that were to be played in some time, and those of them that had to be concealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Played {
    pub(crate) all: usize,
    pub(crate) concealed: usize,
}

impl Played {
    pub(crate) fn concealed_percent(self) -> f64 {
        100.0 * self.concealed as f64 / self.all.max(1) as f64
    }
}

impl Sound {
    pub(super) fn new(interval: Duration) -> Sound {
        Sound { interval, ..Sound::default() }
    }

    pub(super) fn take(&mut self, now: Instant, marks: &[Mark]) {
        self.heard = Some(now);
        for (place, mark) in marks.iter().enumerate() {
            self.came.entry(mark.serial).or_insert((now, place == 0));
        }
    }

    /// What was played between these moments. The clock of the sound is the one that its earliest packets had.
    pub(crate) fn played(&self, from: Instant, to: Instant) -> Played {
        let start = |serial: u16| self.interval * u32::from(serial);
        let under_way = |(&serial, &(at, _)): (&u16, &(Instant, bool))| (at - start(serial)).since(Instant::ZERO);
        let Some(base) = self.came.iter().map(under_way).min() else { return Played { all: 0, concealed: 0 } };
        let mut late: Vec<_> =
            self.came.iter().filter(|(_, (_, own))| *own).map(|came| under_way(came).saturating_sub(base)).collect();
        late.sort_unstable();
        let jitter = late.get(late.len() * 95 / 100).copied().unwrap_or_default();
        let playout = |serial: u16| Instant::ZERO + base + start(serial) + PLAYOUT + jitter;
        let due =
            (0..u16::MAX).map(|serial| (serial, playout(serial))).take_while(|(_, at)| *at < to).filter(|(_, at)| *at >= from);
        let mut played = Played { all: 0, concealed: 0 };
        for (serial, at) in due {
            played.all += 1;
            played.concealed += usize::from(self.came.get(&serial).is_none_or(|(came, _)| *came > at));
        }
        played
    }
}
