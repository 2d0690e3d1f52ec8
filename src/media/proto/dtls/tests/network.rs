//! The path between a browser and us: it delays, and it does to each datagram what a test says.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::{Handshake, Handshaker};
use super::browser::{Browser, Habits};
use super::{START, Said, handshaker, sent};
use crate::base::Instant;
use crate::link::terms::Fingerprint;

const DELAY: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum To {
    Us,
    Browser,
}

/// What the path does to one datagram: the datagrams that arrive in its place.
pub(super) type Treatment<'a> = &'a mut dyn FnMut(Instant, To, Vec<u8>) -> Vec<Vec<u8>>;

/// Delivers all.
pub(super) fn clean(_: Instant, _: To, datagram: Vec<u8>) -> Vec<Vec<u8>> {
    vec![datagram]
}

/// A browser, a leg, and what is on the way between them.
pub(super) struct Network {
    pub(super) now: Instant,
    pub(super) browser: Browser,
    pub(super) leg: Box<dyn Handshake>,
    pub(super) said: Said,
    under_way: VecDeque<(Instant, To, Vec<u8>)>,
}

impl Network {
    /// The leg expects the browser's certificate.
    pub(super) fn new(habits: &Habits) -> Network {
        Network::expecting(habits, &[habits.fingerprint()])
    }

    pub(super) fn expecting(habits: &Habits, expected: &[Fingerprint]) -> Network {
        let mut browser = Browser::new(habits);
        browser.start(START);
        Network {
            now: START,
            browser,
            leg: handshaker().accept(START, expected),
            said: Said::default(),
            under_way: VecDeque::new(),
        }
    }

    /// A network on which the two are connected and silent.
    pub(super) fn connected(habits: &Habits) -> Network {
        let mut network = Network::new(habits);
        network.run(&mut clean);
        assert!(network.both_connected());
        network
    }

    pub(super) fn both_connected(&self) -> bool {
        self.browser.connected && self.said.connected.is_some() && self.said.ended.is_none()
    }

    /// Runs until nothing more happens, or until our patience would have ended.
    pub(super) fn run(&mut self, treat: Treatment<'_>) {
        self.run_until(treat, |_| false);
    }

    pub(super) fn run_until(&mut self, treat: Treatment<'_>, done: impl Fn(&Network) -> bool) {
        loop {
            self.collect(treat);
            let arrival = self.under_way.front().map(|&(at, ..)| at);
            let deadlines = [arrival, self.leg.deadline(), self.browser.deadline()];
            let Some(next) = deadlines.into_iter().flatten().min() else { return };
            if done(self) || next.since(START) > Duration::from_secs(40) {
                return;
            }
            self.now = self.now.max(next);
            self.step();
        }
    }

    /// One datagram arrives at our end.
    pub(super) fn reach_us(&mut self, datagram: &[u8]) {
        self.leg.handle_datagram(self.now, datagram);
        self.said.hear(&mut *self.leg);
    }

    fn step(&mut self) {
        let now = self.now;
        while let Some((_, to, datagram)) = self.under_way.pop_front_if(|&mut (at, ..)| at <= now) {
            match to {
                To::Us => self.reach_us(&datagram),
                To::Browser => self.browser.handle_datagram(now, &datagram),
            }
        }
        if self.leg.deadline().is_some_and(|at| at <= now) {
            self.leg.handle_timeout(now);
            self.said.hear(&mut *self.leg);
        }
        if self.browser.deadline().is_some_and(|at| at <= now) {
            self.browser.handle_timeout(now);
        }
    }

    fn collect(&mut self, treat: Treatment<'_>) {
        let to_browser = sent(&mut *self.leg).into_iter().map(|datagram| (To::Browser, datagram));
        let to_us = self.browser.sent().into_iter().map(|datagram| (To::Us, datagram));
        for (to, datagram) in to_browser.chain(to_us) {
            for arrives in treat(self.now, to, datagram) {
                self.under_way.push_back((self.now + DELAY, to, arrives));
            }
        }
    }
}
