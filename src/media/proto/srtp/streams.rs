//! The streams of one leg and direction, found by SSRC.

use super::window::Window;
use crate::base::limits::STREAMS_PER_LEG;
use crate::link::terms::Ssrc;

const _: () = assert!(STREAMS_PER_LEG <= 256, "a place is one byte");

/// At most [`STREAMS_PER_LEG`] windows, each at a place that it keeps; room is made as they are admitted, for most legs have
/// few. The SSRCs lie together in two cache
/// lines and are scanned: for so few that is quicker than hashing, and nobody can choose colliding ones.
pub(super) struct Streams {
    ssrcs: [Ssrc; STREAMS_PER_LEG],
    windows: Vec<Window>,
}

impl Streams {
    pub(super) fn new() -> Streams {
        Streams { ssrcs: [Ssrc(0); STREAMS_PER_LEG], windows: Vec::new() }
    }

    /// The place of this stream.
    pub(super) fn find(&self, ssrc: Ssrc) -> Option<u8> {
        let known = &self.ssrcs[..self.windows.len()];
        known.iter().position(|known| *known == ssrc).and_then(|place| u8::try_from(place).ok())
    }

    /// The place of this stream, made now if it had none; None when all are taken.
    pub(super) fn admit(&mut self, ssrc: Ssrc) -> Option<u8> {
        let place = self.windows.len();
        self.find(ssrc).or_else(|| {
            *self.ssrcs.get_mut(place)? = ssrc;
            self.windows.push(Window::EMPTY);
            u8::try_from(place).ok()
        })
    }

    pub(super) fn ssrc(&self, place: u8) -> Ssrc {
        self.ssrcs[usize::from(place)]
    }

    pub(super) fn window(&self, place: u8) -> &Window {
        &self.windows[usize::from(place)]
    }

    pub(super) fn window_mut(&mut self, place: u8) -> &mut Window {
        &mut self.windows[usize::from(place)]
    }
}
