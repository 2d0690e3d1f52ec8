//! When packets arrived, by their transport-wide numbers, as browsers tell it.

use std::collections::BTreeMap;

use quartet::base::{Instant, Seq16, Seq64};
use quartet::link::terms::Ssrc;

use super::browser::Browser;

const TICK_NANOS: u64 = 250_000;
/// As far back as a late packet is told with those after it.
const REMEMBERED: u64 = 500;

#[derive(Default)]
pub(crate) struct Arrivals {
    newest: Option<Seq64>,
    /// Ticks by number.
    came: BTreeMap<u64, u64>,
    /// The lowest number that has not been told.
    untold: Option<u64>,
    feedbacks: u8,
}

impl Arrivals {
    pub(crate) fn take(&mut self, now: Instant, number: u16) {
        // Two cycles above zero, so that what was overtaken by the first has a number too.
        let newest = self.newest.unwrap_or(Seq64(0x2_0000 | u64::from(number)));
        let number = newest.nearest(Seq16(number));
        self.newest = Some(newest.max(number));
        self.came.entry(number.0).or_insert(now.as_nanos() / TICK_NANOS);
        self.untold = Some(self.untold.map_or(number.0, |untold| untold.min(number.0)));
        while self.came.first_key_value().is_some_and(|(&first, _)| first + REMEMBERED < newest.0) {
            self.came.pop_first();
        }
    }

    /// What has not been told yet, in as many datagrams as it takes.
    pub(crate) fn tell(&mut self, browser: &mut Browser, media: Ssrc) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        while let (Some(untold), Some(newest)) = (self.untold, self.newest) {
            let Some((&first, _)) = self.came.range(untold..).next() else { break };
            let arrivals: Vec<_> = (first..=newest.0).map(|number| self.came.get(&number).copied()).collect();
            let mut told = 0;
            let datagram = browser.rtcp(|writer| {
                told = writer.transport_cc(Ssrc(1), media, Seq64(first).wrapped(), self.feedbacks, &arrivals);
            });
            assert!(told > 0, "some of it fits");
            self.feedbacks = self.feedbacks.wrapping_add(1);
            self.untold = Some(first + told as u64);
            datagrams.push(datagram);
        }
        self.untold = None;
        datagrams
    }
}
