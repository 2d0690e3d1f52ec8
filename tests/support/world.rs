//! One shard, one visit, up to four browsers, and a clock that moves when it is told.

use std::time::Duration;

use quartet::base::{DropReason, Instant, Seat, VisitId};
use quartet::link::event::SrtpProfile;
use quartet::link::{Command, Event, LegTerms, Sources, WorkerReport};
use quartet::media::net::path::Path;
use quartet::media::worker::shard::Shard;

use super::arrivals::Arrivals;
use super::browser::Browser;
use super::fake_dtls::FakeHandshaker;

pub(crate) const VISIT: VisitId = VisitId::from_bits(1);
const STEP: Duration = Duration::from_millis(10);

pub(crate) struct World {
    pub(crate) shard: Shard,
    pub(crate) now: Instant,
    pub(crate) browsers: [Option<Browser>; 4],
    pub(crate) events: Vec<Event>,
    /// Which camera layers each seat sends, and whether it shares its screen.
    pub(crate) layers: [[bool; 3]; 4],
    pub(crate) sound: [bool; 4],
    pub(crate) screens: [bool; 4],
    /// Whether a browser sends anything at all.
    pub(crate) alive: [bool; 4],
    /// Told true when the shard gets the word and false when it has done: for whoever counts what it costs.
    pub(crate) around_the_shard: fn(bool),
    /// Whether who joins tells what arrives, as every real browser does.
    tells_arrivals: bool,
    profile: SrtpProfile,
    steps: u64,
}

impl World {
    /// An open visit with nobody in it.
    pub(crate) fn new(profile: SrtpProfile) -> World {
        let now = Instant::ZERO + Duration::from_secs(1_000);
        let mut shard = Shard::new(0, Box::new(FakeHandshaker { profile }), [7; 32]);
        shard.handle_command(now, Command::OpenVisit { visit: VISIT });
        World {
            shard,
            now,
            browsers: [const { None }; 4],
            events: Vec::new(),
            layers: [[true; 3]; 4],
            sound: [true; 4],
            screens: [false; 4],
            alive: [true; 4],
            around_the_shard: |_| {},
            tells_arrivals: false,
            profile,
            steps: 0,
        }
    }

    /// Four people who are connected and have been sending for two seconds.
    pub(crate) fn full() -> World {
        let mut world = World::seated(SrtpProfile::AeadAes128Gcm);
        world.run(2_000);
        world
    }

    /// Four people who are connected.
    pub(crate) fn seated(profile: SrtpProfile) -> World {
        World::new(profile).filled()
    }

    /// Four people who are connected and tell what arrives.
    pub(crate) fn telling(profile: SrtpProfile, around_the_shard: fn(bool)) -> World {
        World { tells_arrivals: true, around_the_shard, ..World::new(profile) }.filled()
    }

    fn filled(mut self) -> World {
        for seat in Seat::ALL {
            self.join(seat, 0);
        }
        self
    }

    /// Someone takes this seat and connects.
    pub(crate) fn join(&mut self, seat: Seat, life: u8) {
        let mut browser = Browser::new(seat, life, self.profile);
        browser.arrivals = self.tells_arrivals.then(Arrivals::default);
        self.seat(browser);
        self.connect(seat);
    }

    /// Someone takes this seat on other terms than is usual, and connects.
    pub(crate) fn join_on(&mut self, seat: Seat, change: impl FnOnce(&mut LegTerms)) {
        let browser = Browser::new(seat, 0, self.profile);
        let mut terms = browser.terms();
        change(&mut terms);
        self.seat_on(browser, terms);
        self.connect(seat);
    }

    /// Control seats someone; the browser has not sent anything.
    pub(crate) fn seat(&mut self, browser: Browser) {
        let terms = browser.terms();
        self.seat_on(browser, terms);
    }

    fn seat_on(&mut self, browser: Browser, terms: LegTerms) {
        let (seat, leg, terms) = (browser.seat, browser.leg, Box::new(terms));
        self.command(Command::Connect { visit: VISIT, seat, leg, terms });
        self.browsers[seat.index()] = Some(browser);
    }

    /// Check and handshake.
    pub(crate) fn connect(&mut self, seat: Seat) {
        let check = self.browser(seat).check();
        self.send(seat, check);
        let hello = self.browser(seat).hello();
        self.send(seat, hello);
    }

    pub(crate) fn browser(&mut self, seat: Seat) -> &mut Browser {
        self.browsers[seat.index()].as_mut().expect("somebody sits there")
    }

    pub(crate) fn command(&mut self, command: Command) {
        (self.around_the_shard)(true);
        self.shard.handle_command(self.now, command);
        (self.around_the_shard)(false);
        self.settle();
    }

    pub(crate) fn set_sources(&mut self, seat: Seat, sources: Sources) {
        self.command(Command::SetSources { visit: VISIT, seat, sources });
    }

    /// A datagram from where the seat's browser is.
    pub(crate) fn send(&mut self, seat: Seat, datagram: Vec<u8>) {
        let path = self.browser(seat).path;
        self.send_from(path, datagram);
    }

    pub(crate) fn send_from(&mut self, path: Path, mut datagram: Vec<u8>) {
        (self.around_the_shard)(true);
        self.shard.handle_datagram(self.now, self.now, path, &mut datagram);
        (self.around_the_shard)(false);
        self.settle();
    }

    /// What the shard says reaches whom it is for.
    fn settle(&mut self) {
        while let Some(event) = self.shard.poll_event() {
            self.events.push(event);
        }
        let outbox = self.shard.outbox();
        let datagrams: Vec<_> =
            outbox.filled().iter().map(|slot| (slot.path().expect("a path"), slot.datagram().to_vec())).collect();
        outbox.clear();
        for (path, mut datagram) in datagrams {
            let browser = self.browsers.iter_mut().flatten().find(|browser| browser.path == path);
            if let Some(browser) = browser {
                browser.hear(self.now, &mut datagram);
            }
        }
    }

    /// Lets time pass; everybody sends what browsers send.
    pub(crate) fn run(&mut self, millis: u64) {
        for _ in 0..millis / 10 {
            let around = self.around_the_shard;
            self.pass(|shard, now| {
                around(true);
                shard.handle_timeout(now);
                around(false);
            });
            for seat in Seat::ALL {
                if self.browsers[seat.index()].is_some() && self.alive[seat.index()] {
                    for datagram in self.what_is_sent(seat) {
                        self.send(seat, datagram);
                    }
                }
            }
        }
    }

    /// Goes on by one step, and stops on the way wherever the shard has something to do.
    fn pass(&mut self, mut handle_timeout: impl FnMut(&mut Shard, Instant)) {
        let until = self.now + STEP;
        while let Some(deadline) = self.shard.deadline().filter(|deadline| deadline.at <= until) {
            self.now = self.now.max(deadline.at);
            handle_timeout(&mut self.shard, self.now);
            self.settle();
            let next = self.shard.deadline();
            assert!(next.is_none_or(|next| next.at > deadline.at), "{deadline:?} is not done with");
        }
        self.now = until;
        self.steps += 1;
    }

    /// Lets one step of time pass, for whoever wants to measure what the shard does in it and nothing else: everybody sends, and
    /// `deliver` hands over what they sent. It says how much of it, and is asked again once what the shard said has been heard.
    pub(crate) fn step(&mut self, mut deliver: impl FnMut(&mut Shard, Instant, &mut [(Path, Vec<u8>)]) -> usize) {
        self.pass(|shard, now| {
            deliver(shard, now, &mut []);
        });
        let mut datagrams = Vec::new();
        for seat in Seat::ALL {
            let Some(path) = self.browsers[seat.index()].as_ref().map(|browser| browser.path) else { continue };
            datagrams.extend(self.what_is_sent(seat).into_iter().map(|datagram| (path, datagram)));
        }
        let mut rest = datagrams.as_mut_slice();
        while !rest.is_empty() {
            let taken = deliver(&mut self.shard, self.now, rest);
            rest = &mut rest[taken..];
            self.settle();
        }
    }

    fn what_is_sent(&mut self, seat: Seat) -> Vec<Vec<u8>> {
        let (now, steps, at) = (self.now, self.steps, seat.index());
        let (sound, layers, screen) = (self.sound[at], self.layers[at], self.screens[at]);
        let browser = self.browser(seat);
        let mut datagrams = Vec::new();
        if steps % 250 == 0 {
            datagrams.push(browser.check());
        }
        if steps % 2 == 0 && sound {
            datagrams.push(browser.sound(now));
        }
        if steps % 3 == 0 {
            for layer in (0..3).filter(|&layer| layers[layer]) {
                datagrams.extend(browser.frame(now, layer));
            }
            if screen {
                datagrams.extend(browser.screen_frame(now));
            }
        }
        if steps % 100 == 50 {
            datagrams.push(browser.reports(now));
        }
        if steps % 10 == 5 {
            datagrams.extend(browser.tell_arrivals());
        }
        datagrams
    }

    pub(crate) fn report(&self) -> WorkerReport {
        self.shard.report()
    }

    pub(crate) fn drops(&self, reason: DropReason) -> u64 {
        self.report().drops[reason.index()]
    }
}
