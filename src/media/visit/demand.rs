//! Which layers of a camera anybody takes: the others need not be sent.
//!
//! A layer that nobody has taken for a while is turned off at its sender, by a word to its page; one that somebody wants
//! is asked back at once. The lowest layer stays for as long as anyone looks at all: it is what a path that has just
//! grown narrow falls back to.

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::LAYERS;
use crate::link::event::Layers;

/// media.md: a layer that nobody takes for 5 s is turned off. Sooner would turn it off in each switch to and fro.
const REST: Duration = Duration::from_secs(5);

/// How long a layer that was asked back may take to arrive. Longer would keep room free for one that its sender cannot
/// make any more; shorter would give it up before its page has heard.
const RETURN: Duration = Duration::from_secs(3);

/// What is wanted of one camera.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    /// When each layer was wanted last; none while it is wanted.
    unwanted_since: [Option<Instant>; LAYERS],
    /// When a layer that was off was asked back.
    asked_back: [Option<Instant>; LAYERS],
    /// What control was told last.
    told: Layers,
}

impl Default for Demand {
    /// A sender begins with everything on.
    fn default() -> Demand {
        Demand { unwanted_since: [None; LAYERS], asked_back: [None; LAYERS], told: [true; LAYERS] }
    }
}

impl Demand {
    pub(super) fn told(&self) -> Layers {
        self.told
    }

    /// Whether this layer, if it does not arrive, would if it were wanted.
    pub(super) fn expects(&self, now: Instant, layer: usize) -> bool {
        let off = self.told.get(layer).is_some_and(|told| !told);
        let asked = self.asked_back.get(layer).copied().flatten();
        off || asked.is_some_and(|at| now.since(at) < RETURN)
    }

    /// A frame of this layer comes. Whether it is the first since somebody asked for it when it was off.
    pub(super) fn brought_back(&mut self, layer: usize) -> bool {
        self.asked_back.get_mut(layer).is_some_and(|asked| asked.take().is_some())
    }

    /// These layers are wanted from now on. What control is to be told, if that has changed.
    pub(super) fn want(&mut self, now: Instant, wanted: Layers) -> Option<Layers> {
        for (since, wanted) in self.unwanted_since.iter_mut().zip(wanted) {
            match wanted {
                true => *since = None,
                false => *since = Some(since.unwrap_or(now)),
            }
        }
        self.tell(now)
    }

    /// Nobody else is there: nothing is wanted or unwanted, and nothing is due.
    pub(super) fn alone(&mut self) {
        for (since, told) in self.unwanted_since.iter_mut().zip(self.told) {
            *since = since.filter(|_| !told);
        }
    }

    /// When a layer has rested long enough to be turned off.
    pub(super) fn due(&self) -> Option<Instant> {
        let resting = self.unwanted_since.iter().zip(self.told).filter(|(_, told)| *told);
        resting.filter_map(|(since, _)| since.map(|since| since + REST)).min()
    }

    /// What control is to be told, if that has changed.
    pub(super) fn tell(&mut self, now: Instant) -> Option<Layers> {
        let mut layers = self.told;
        for ((layer, since), asked) in layers.iter_mut().zip(self.unwanted_since).zip(&mut self.asked_back) {
            match since {
                None if !*layer => (*layer, *asked) = (true, Some(now)),
                None => {}
                Some(since) if now.since(since) >= REST => (*layer, *asked) = (false, None),
                Some(_) => {}
            }
        }
        let changed = layers != self.told;
        self.told = layers;
        changed.then_some(layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn a_layer_is_turned_off_after_five_seconds_and_on_at_once() {
        let mut demand = Demand::default();
        assert_eq!(demand.want(at(0), [true, true, true]), None);
        assert_eq!(demand.want(at(1_000), [true, false, true]), None);
        assert_eq!(demand.want(at(2_000), [true, false, false]), None);
        assert_eq!(demand.due(), Some(at(6_000)));
        assert_eq!(demand.tell(at(5_999)), None);
        assert_eq!(demand.tell(at(6_000)), Some([true, false, true]));
        assert_eq!(demand.due(), Some(at(7_000)));
        assert_eq!(demand.want(at(6_500), [true, true, true]), Some([true, true, true]));
        assert_eq!((demand.due(), demand.told()), (None, [true; 3]));
    }

    #[test]
    fn while_nobody_else_is_there_nothing_is_due() {
        let mut demand = Demand::default();
        demand.want(at(0), [true, true, false]);
        demand.tell(at(5_000));
        demand.want(at(6_000), [true, false, false]);
        demand.alone();
        assert_eq!((demand.due(), demand.told()), (None, [true, true, false]));
        assert_eq!(demand.want(at(60_000), [true, false, false]), None, "its rest begins anew");
        assert_eq!(demand.due(), Some(at(65_000)));
    }

    #[test]
    fn a_layer_that_is_off_would_come_back_within_three_seconds() {
        let mut demand = Demand::default();
        assert!(!demand.expects(at(0), 2), "it is on: if it does not arrive, its sender does not make it");
        demand.want(at(0), [true, true, false]);
        demand.tell(at(5_000));
        assert!(demand.expects(at(60_000), 2));
        demand.want(at(60_000), [true, true, true]);
        assert!(demand.expects(at(62_999), 2) && !demand.expects(at(63_000), 2));
    }

    #[test]
    fn a_layer_that_was_asked_back_is_brought_back_once_however_late_it_comes() {
        let mut demand = Demand::default();
        assert!(!demand.brought_back(2), "nobody asked");
        demand.want(at(0), [true, true, false]);
        demand.tell(at(5_000));
        assert!(!demand.brought_back(2), "nobody asked for it again");
        demand.want(at(60_000), [true, true, true]);
        assert!(!demand.brought_back(1) && demand.brought_back(2));
        assert!(!demand.brought_back(2) && !demand.expects(at(60_500), 2), "it came");
        demand.want(at(70_000), [true, true, false]);
        demand.tell(at(75_000));
        demand.want(at(80_000), [true, true, true]);
        demand.want(at(81_000), [true, true, false]);
        demand.tell(at(86_000));
        assert!(!demand.brought_back(2), "it was turned off again before it came");
    }

    #[test]
    fn a_layer_that_is_wanted_now_and_then_is_never_turned_off() {
        let mut demand = Demand::default();
        for second in 0..60 {
            assert_eq!(demand.want(at(second * 1_000), [true, second % 4 == 0, true]), None);
        }
    }
}
