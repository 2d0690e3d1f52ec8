//! What was wrong with one person's connections, and whether something is.

use std::time::Duration;

use super::span::Span;
use super::trouble::{Kind, Trouble};
use crate::control::registry::person::Now;
use crate::link::LegFacts;

/// How long a connection must have been well until it is said to be. Shorter, and the word would flap with every gust of
/// a radio link; longer, and people would go on mistrusting a line that is whole again.
const RECOVERED: Duration = Duration::from_secs(10);
/// Troubles of one kind closer than this are one. They are told in whole minutes: shorter would tell the same minute
/// twice, longer would make one trouble of a whole visit.
const SAME_WITHIN: Duration = Duration::from_secs(60);
/// How far back is told: a long visit. Longer would tell a help desk of things that nobody on the telephone means.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);
/// Troubles that are remembered of one person, 112 bytes each: at most 7 KiB, and 224 KiB of a visit that is as
/// crowded as can be. A connection that is ill all the time has one trouble of each kind; with fewer, one that is ill every
/// other minute would be forgotten sooner than time wants it.
const TROUBLES_MAX: usize = 64;
const _: () = assert!(size_of::<Trouble>() <= 112);
/// Troubles that are told at once, the latest felt: as many as can be at a time. More is not read out on a telephone;
/// fewer would leave out one that lasts.
const TOLD_MAX: usize = Kind::ALL.len();

/// How a connection is, in a word for everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::control::registry) enum Connection {
    Good,
    Poor,
}

impl Connection {
    pub(in crate::control::registry) const fn word(self) -> &'static str {
        match self {
            Connection::Good => "good",
            Connection::Poor => "poor",
        }
    }
}

/// The history of one person in one visit.
#[derive(Default)]
pub(in crate::control::registry) struct History {
    /// The last look at the present leg.
    last: Option<(LegFacts, Now)>,
    /// The word for the present leg, once it was looked at twice.
    connection: Option<Connection>,
    troubles: Vec<Trouble>,
}

impl History {
    /// The leg is gone, or another has begun: nothing that comes is compared with what was.
    pub(in crate::control::registry) fn cut(&mut self) {
        (self.last, self.connection) = (None, None);
        for trouble in &mut self.troubles {
            trouble.lasts = false;
        }
    }

    /// Another look at the present leg. True if the word for it has changed.
    pub(in crate::control::registry) fn look(&mut self, facts: &LegFacts, now: Now) -> bool {
        let span = self.last.as_ref().and_then(|(earlier, then)| Span::between((earlier, *then), (facts, now)));
        self.last = Some((*facts, now));
        let Some(span) = span else { return false };
        for kind in Kind::ALL {
            self.judge(kind, &span);
        }
        self.troubles.retain(|trouble| now.passed.since(trouble.felt) < REMEMBERED);
        self.troubles.drain(..self.troubles.len().saturating_sub(TROUBLES_MAX));
        let ill = self.troubles.iter().any(|trouble| trouble.lasts);
        let word = Some(if ill { Connection::Poor } else { Connection::Good });
        std::mem::replace(&mut self.connection, word) != word
    }

    fn judge(&mut self, kind: Kind, span: &Span) {
        let (extent, bad) = kind.judge(span);
        let last = self.troubles.iter_mut().rev().find(|trouble| trouble.kind == kind);
        let rested = last.as_ref().map(|trouble| span.to.passed.since(trouble.felt));
        match last {
            Some(trouble) if bad && rested < Some(SAME_WITHIN) => trouble.go_on(span, extent),
            Some(trouble) => {
                trouble.rest(extent);
                trouble.lasts &= !bad && rested < Some(RECOVERED);
                if bad {
                    self.troubles.push(Trouble::new(kind, span, extent));
                }
            }
            None if bad => self.troubles.push(Trouble::new(kind, span, extent)),
            None => {}
        }
    }

    pub(in crate::control::registry) fn connection(&self) -> Option<Connection> {
        self.connection
    }

    /// What media said of the present leg last.
    pub(super) fn facts(&self) -> Option<&LegFacts> {
        self.last.as_ref().map(|(facts, _)| facts)
    }

    /// How many troubles are remembered.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.troubles.len()
    }

    /// What was and is wrong, the latest felt at the end.
    pub(super) fn told(&self) -> Vec<String> {
        let mut told: Vec<_> = self.troubles.iter().collect();
        told.sort_by_key(|trouble| trouble.felt);
        told.drain(..told.len().saturating_sub(TOLD_MAX));
        told.into_iter().map(Trouble::to_string).collect()
    }
}
