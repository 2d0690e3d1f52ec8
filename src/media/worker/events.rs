//! What control has not read yet. The worker never waits for it: what does not fit the socket waits here.
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use crate::base::limits::EVENTS_WAITING_MAX;
use crate::link::Event;
use crate::link::socket::{LinkError, Sent};

/// Events in the order in which they happened, at most [`EVENTS_WAITING_MAX`].
///
/// At the limit the oldest report (or word of the load) gives way, since a later one says it again. What happened to a visit or a leg is
/// never dropped, for control would believe in it for ever: where no report can give way, the worker gives up
/// instead ([`Overfull`]), and control starts it again with the truth.
pub struct EventQueue {
    waiting: VecDeque<Event>,
}

/// Control has not listened for thousands of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Overfull;

impl Default for EventQueue {
    /// An empty queue with all its room.
    fn default() -> EventQueue {
        EventQueue { waiting: VecDeque::with_capacity(EVENTS_WAITING_MAX) }
    }
}

impl EventQueue {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forgets all: there is nobody to tell any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Puts an event at the end.
    pub fn push(&mut self, event: Event) -> Result<(), Overfull> {
        let is_report = |event: &Event| matches!(event, Event::Report(_) | Event::Load { .. });
        if self.waiting.len() == EVENTS_WAITING_MAX {
            match self.waiting.iter().position(is_report) {
                Some(oldest) => drop(self.waiting.remove(oldest)),
                None if is_report(&event) => return Ok(()),
                None => return Err(Overfull),
            }
        }
        self.waiting.push_back(event);
        Ok(())
    }

    /// Gives events to `send` until it has no room or none is left.
    pub fn drain(&mut self, mut send: impl FnMut(&Event) -> Result<Sent, LinkError>) -> Result<(), LinkError> {
        while let Some(event) = self.waiting.front() {
            match send(event)? {
                Sent::Whole => drop(self.waiting.pop_front()),
                Sent::NoRoom => break,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::VisitId;
    use crate::link::WorkerReport;

    fn failed(bits: u64) -> Event {
        Event::VisitFailed { visit: VisitId::from_bits(bits) }
    }

    fn report(visits: u32) -> Event {
        Event::Report(Box::new(WorkerReport { visits, ..Default::default() }))
    }

    fn drained(queue: &mut EventQueue) -> Vec<Event> {
        let mut events = Vec::new();
        queue
            .drain(|event| {
                events.push(event.clone());
                Ok(Sent::Whole)
            })
            .unwrap();
        events
    }

    #[test]
    fn events_wait_in_order_while_there_is_no_room() {
        let mut queue = EventQueue::default();
        for bits in 0..5 {
            queue.push(failed(bits)).unwrap();
        }
        let mut room = 2;
        queue
            .drain(|_| {
                room -= 1;
                Ok(if room < 0 { Sent::NoRoom } else { Sent::Whole })
            })
            .unwrap();
        assert_eq!(drained(&mut queue), [failed(2), failed(3), failed(4)]);
        assert!(queue.is_empty());
    }

    #[test]
    fn at_the_limit_the_oldest_report_gives_way() {
        let mut queue = EventQueue::default();
        for number in 0..EVENTS_WAITING_MAX as u64 {
            queue.push(if number == 10 || number == 20 { report(0) } else { failed(number) }).unwrap();
        }
        queue.push(failed(u64::MAX)).unwrap();
        queue.push(report(99)).unwrap();
        let events = drained(&mut queue);
        assert_eq!(events.len(), EVENTS_WAITING_MAX);
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Report(_))).collect::<Vec<_>>(), [&report(99)]);
        assert_eq!(&events[events.len() - 2..], [failed(u64::MAX), report(99)]);
    }

    #[test]
    fn what_happened_is_never_dropped_and_a_report_never_takes_its_place() {
        let mut queue = EventQueue::default();
        for bits in 0..EVENTS_WAITING_MAX as u64 {
            queue.push(failed(bits)).unwrap();
        }
        assert_eq!(queue.push(report(1)), Ok(()));
        assert_eq!(queue.push(failed(u64::MAX)), Err(Overfull));
        let expected: Vec<Event> = (0..EVENTS_WAITING_MAX as u64).map(failed).collect();
        assert_eq!(drained(&mut queue), expected);
    }

    #[test]
    fn a_connection_that_ends_keeps_the_event_that_was_not_sent() {
        let mut queue = EventQueue::default();
        queue.push(failed(1)).unwrap();
        assert!(matches!(queue.drain(|_| Err(LinkError::Closed)), Err(LinkError::Closed)));
        assert_eq!(drained(&mut queue), [failed(1)]);
    }
}
