//! What drives the legs: one thread, no async, each leg's packets at their own time.
//!
//! Arrivals are read some milliseconds late and many at a time; when they came is what the kernel says, so that costs no truth.
//! Sending goes first: what is due is looked at before each leg that is read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::bot::Problem;
use crate::media::leg::{Leg, Place, Room, Terms};
use crate::media::mix::{FRAME_EVERY, SOUND_EVERY};
use crate::media::tally::Tally;

/// A browser tells arrivals every 50 to 250 ms, by its bandwidth.
const ARRIVALS_EVERY: Duration = Duration::from_millis(100);
const REPORTS_EVERY: Duration = Duration::from_secs(1);
/// As Chromium checks a connection that works.
const CHECKS_EVERY: Duration = Duration::from_millis(2_500);

/// How long arrivals may wait to be read. Longer would make feedback late; shorter would read each packet by itself.
const READ_EVERY: Duration = Duration::from_millis(8);

/// Sockets that one call says are ready.
const READY_AT_ONCE: usize = 256;

/// An engine at work.
pub struct Engine {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Add(Vec<Terms>, Sender<Result<(), String>>),
    Remove(Place),
    Tally(Sender<Tally>),
    Stop,
}

impl Engine {
    /// With `joins` the kernel may join datagrams of one sender, as a network card does.
    pub fn start(joins: bool) -> Result<Engine, Problem> {
        let (orders, obeyed) = mpsc::channel();
        let mut work = Work::new(joins)?;
        let thread = std::thread::Builder::new().name("bots".to_owned()).spawn(move || work.run(&obeyed))?;
        Ok(Engine { orders, thread: Some(thread) })
    }

    /// Takes a bot's legs in.
    pub fn add(&self, legs: Vec<Terms>) -> Result<(), Problem> {
        let (reply, answer) = mpsc::channel();
        self.order(Order::Add(legs, reply))?;
        answer.recv().map_err(|_| GONE)?.map_err(Problem::from)
    }

    /// Closes the legs of a place.
    pub fn remove(&self, place: Place) -> Result<(), Problem> {
        self.order(Order::Remove(place))
    }

    /// What has been counted since this was last asked.
    pub fn tally(&self) -> Result<Tally, Problem> {
        let (reply, answer) = mpsc::channel();
        self.order(Order::Tally(reply))?;
        answer.recv().map_err(|_| GONE.into())
    }

    fn order(&self, order: Order) -> Result<(), Problem> {
        self.orders.send(order).map_err(|_| GONE.into())
    }
}

const GONE: &str = "the bots' engine has stopped";

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a leg does, and how often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Sound,
    Frame,
    Arrivals,
    Reports,
    Check,
}

impl Task {
    fn every(self) -> Duration {
        match self {
            Task::Sound => SOUND_EVERY,
            Task::Frame => FRAME_EVERY,
            Task::Arrivals => ARRIVALS_EVERY,
            Task::Reports => REPORTS_EVERY,
            Task::Check => CHECKS_EVERY,
        }
    }
}

struct Work {
    epoll: Epoll,
    joins: bool,
    legs: Vec<Option<(u32, Leg)>>,
    /// Counts legs, so that what was due for one that has gone is not done for the next in its place.
    born: u32,
    due: BinaryHeap<Reverse<(Instant, Task, usize, u32)>>,
    room: Room,
    tally: Tally,
    /// Spreads legs over the time between two packets.
    phase: f64,
}

impl Work {
    fn new(joins: bool) -> Result<Work, Problem> {
        Ok(Work {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            joins,
            legs: Vec::new(),
            born: 0,
            due: BinaryHeap::new(),
            room: Room::new(joins),
            tally: Tally::default(),
            phase: 0.0,
        })
    }

    fn run(&mut self, orders: &Receiver<Order>) {
        // Sleeping to the microsecond: the default is 50.
        let _ = nix::sys::prctl::set_timerslack(1_000);
        let mut read_at = Instant::now();
        loop {
            match orders.try_recv() {
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return,
                Ok(order) => self.obey(order),
                Err(TryRecvError::Empty) => {}
            }
            self.send_due();
            let now = Instant::now();
            if now >= read_at {
                self.read();
                read_at = now + READ_EVERY;
            }
            let next = self.due.peek().map_or(read_at, |Reverse((at, ..))| (*at).min(read_at));
            let now = Instant::now();
            if next > now {
                std::thread::sleep(next - now);
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Add(legs, reply) => {
                let added = legs.into_iter().try_for_each(|terms| self.add(terms)).map_err(|problem| problem.to_string());
                let _ = reply.send(added);
            }
            // A leg's socket leaves epoll as it closes.
            Order::Remove(place) => {
                for leg in self.legs.iter_mut().filter(|leg| leg.as_ref().is_some_and(|(_, leg)| leg.place == place)) {
                    *leg = None;
                }
            }
            Order::Tally(reply) => {
                let _ = reply.send(std::mem::take(&mut self.tally));
            }
            Order::Stop => {}
        }
    }

    fn add(&mut self, terms: Terms) -> Result<(), Problem> {
        if let Some(offered) = terms.offered {
            for (_, leg) in self.legs.iter_mut().flatten().filter(|(_, leg)| leg.place.visit == terms.place.visit) {
                leg.await_seat(terms.place.seat, offered);
            }
        }
        let leg = Leg::new(terms, self.joins)?;
        let place = self.legs.iter().position(Option::is_none).unwrap_or(self.legs.len());
        self.epoll.add(&leg.socket, EpollEvent::new(EpollFlags::EPOLLIN, place as u64))?;
        self.born = self.born.wrapping_add(1);
        // The golden ratio spreads evenly, however many there will be.
        self.phase = (self.phase + 0.618_033_988_749_895) % 1.0;
        let now = Instant::now();
        let all = [Task::Sound, Task::Frame, Task::Arrivals, Task::Reports, Task::Check];
        for (n, task) in all.into_iter().enumerate() {
            if leg.sends() || !matches!(task, Task::Sound | Task::Frame) {
                let phase = (self.phase + n as f64 * 0.37) % 1.0;
                self.due.push(Reverse((now + task.every().mul_f64(phase), task, place, self.born)));
            }
        }
        let born = Some((self.born, leg));
        match self.legs.get_mut(place) {
            Some(free) => *free = born,
            None => self.legs.push(born),
        }
        Ok(())
    }

    fn send_due(&mut self) {
        let now = Instant::now();
        while let Some(&Reverse((at, task, place, born))) = self.due.peek()
            && at <= now
        {
            self.due.pop();
            let Some((_, leg)) = self.legs.get_mut(place).and_then(Option::as_mut).filter(|leg| leg.0 == born) else { continue };
            let done = match task {
                Task::Sound => leg.send_sound(&mut self.room, &mut self.tally),
                Task::Frame => leg.send_frame(&mut self.room, &mut self.tally),
                Task::Arrivals => leg.send_arrivals(&mut self.room),
                Task::Reports => leg.send_reports(),
                Task::Check => leg.send_check(),
            };
            if done.is_err() {
                self.tally.faults.refused += 1;
            }
            if matches!(task, Task::Sound | Task::Frame) {
                let _ = self.tally.lateness.record(at.elapsed().as_nanos() as u64);
            }
            self.due.push(Reverse((at + task.every(), task, place, born)));
        }
    }

    fn read(&mut self) {
        let mut ready = [EpollEvent::empty(); READY_AT_ONCE];
        // Sockets that are not ready now are read the next time.
        let mut rounds = self.legs.len() / READY_AT_ONCE + 1;
        while rounds > 0 {
            let count = self.epoll.wait(&mut ready, EpollTimeout::ZERO).unwrap_or(0);
            for event in &ready[..count] {
                self.send_due();
                let leg = usize::try_from(event.data()).ok().and_then(|place| self.legs.get_mut(place)?.as_mut());
                if let Some((_, leg)) = leg
                    && leg.receive(&mut self.room, &mut self.tally).is_err()
                {
                    self.tally.faults.refused += 1;
                }
            }
            rounds = if count < READY_AT_ONCE { 0 } else { rounds - 1 };
        }
    }
}
