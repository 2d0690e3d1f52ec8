//! What a page shows of the others: what it says of seats, kept of people, and told media of seats again.
//!
//! A page speaks of seats, and whoever sat there was meant. When people come, go or change seats, the pictures that were
//! small or hidden stay those of the same people, and a newcomer is shown as large as can be.

use super::visit::Visit;
use crate::base::Seat;
use crate::base::ids::ParticipantId;
use crate::control::words::Role;
use crate::link::{Rank, Tile, Watching};

/// One picture, as a page says that it shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Rows of the display's own pixels; zero is hidden.
    pub height: u16,
    /// Whether the person in front of the page wants to see it whatever happens.
    pub pinned: bool,
}

/// What a page says that it shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// By [`Seat::index`]; who is not named is shown as large as can be.
    pub pictures: [Option<Shown>; Seat::COUNT],
    /// Rows of the screen that somebody shares.
    pub screen: Option<u16>,
}

/// The same, kept of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pictures: [Option<(ParticipantId, Shown)>; Seat::COUNT],
    screen: Option<u16>,
}

impl Layout {
    /// What was asked, of those who sit there now. An empty seat shows nobody, so nothing is kept of it.
    pub(super) fn new(asked: &Asked, visit: &Visit) -> Layout {
        let pictures = Seat::ALL.map(|seat| Some((visit.sitter(seat)?.who.id, asked.pictures[seat.index()]?)));
        Layout { pictures, screen: asked.screen }
    }

    /// What it comes to for media, as people sit now.
    pub(super) fn watching(&self, visit: &Visit) -> Watching {
        let cameras = Seat::ALL.map(|seat| {
            let sitter = visit.sitter(seat);
            let kept = sitter.and_then(|sitter| self.pictures.iter().flatten().find(|(who, _)| *who == sitter.who.id));
            match (sitter, kept) {
                (Some(sitter), Some((_, shown))) => Tile { height: shown.height, rank: rank(sitter.who.role, shown.pinned) },
                (Some(_) | None, _) => Tile::default(),
            }
        });
        let screen = Tile { height: self.screen.unwrap_or(Tile::default().height), ..Tile::default() };
        Watching { cameras, screen }
    }
}

fn rank(role: Role, pinned: bool) -> Rank {
    match (role, pinned) {
        (_, false) => Rank::Plain,
        (Role::Interpreter, true) => Rank::Interpreter,
        (Role::Provider | Role::Patient | Role::Guest, true) => Rank::Pinned,
    }
}
