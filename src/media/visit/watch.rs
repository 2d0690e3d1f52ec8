//! Which layer of a picture a receiver's line shows: one small state and its transition table.
//!
//! ```text
//!            want(L)               keyframe(L)                  want(M)
//!   Idle ─────────────► Waiting(L) ─────────────► Forwarding(L) ─────────► Switching(L→M)
//!                          │  keyframe(K ≠ L)                      ▲           │ keyframe(M):
//!                          └──► Switching(K→L): any picture        └───────────┘ Forwarding(M)
//!                               before the best one                        hold: Waiting(M)
//! ```
//!
//! Frames of two layers never mix: what is forwarded changes only at the first packet of a keyframe, and from
//! there on nothing of the old layer is forwarded. Sound has one layer, each of whose packets can begin.

use crate::base::limits::LAYERS;

/// A simulcast layer: 0 is the smallest.
pub(super) type Layer = u8;

/// All of them, from the smallest.
pub(super) const ALL_LAYERS: [Layer; LAYERS] = [0, 1, 2];

/// What one line shows of the track it carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Watch {
    /// Nothing, and nothing is on its way.
    #[default]
    Idle,
    /// Nothing yet: this layer's next keyframe begins the picture.
    Waiting(Layer),
    /// This layer.
    Forwarding(Layer),
    /// One layer, until the other's next keyframe.
    Switching { from: Layer, to: Layer },
}

/// What a packet means for a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The packet goes on as part of what is shown.
    Continue,
    /// The packet begins what is shown from now on; what was shown before it, if anything, was this layer.
    Begin { after: Option<Layer> },
    /// Not for this line.
    Withhold,
}

impl Watch {
    /// The best layer that arrives now. None says that nothing does: a picture that merely rests (a still
    /// screen sends less than one frame a second) goes on where it was.
    pub(super) fn want(&mut self, best: Option<Layer>) {
        *self = match (*self, best) {
            (Watch::Idle | Watch::Waiting(_), Some(best)) => Watch::Waiting(best),
            (Watch::Forwarding(at) | Watch::Switching { from: at, .. }, Some(best)) if at == best => Watch::Forwarding(at),
            (Watch::Forwarding(from) | Watch::Switching { from, .. }, Some(to)) => Watch::Switching { from, to },
            (watch, None) => watch,
        };
    }

    /// What is shown is more than the path carries, and must not go on until the layer that was wanted last is there.
    pub(super) fn hold(&mut self) {
        if let Watch::Switching { to, .. } = *self {
            *self = Watch::Waiting(to);
        }
    }

    /// A packet of `layer`; `begins` says that a decoder could begin with it.
    pub(super) fn judge(&mut self, layer: Layer, begins: bool) -> Verdict {
        match *self {
            Watch::Waiting(wanted) if begins => {
                *self = if wanted == layer { Watch::Forwarding(layer) } else { Watch::Switching { from: layer, to: wanted } };
                Verdict::Begin { after: None }
            }
            Watch::Switching { from, to } if begins && layer == to => {
                *self = Watch::Forwarding(to);
                Verdict::Begin { after: Some(from) }
            }
            Watch::Forwarding(at) | Watch::Switching { from: at, .. } if at == layer => Verdict::Continue,
            Watch::Idle | Watch::Waiting(_) | Watch::Forwarding(_) | Watch::Switching { .. } => Verdict::Withhold,
        }
    }

    /// The layer whose keyframe this line waits for.
    pub(super) fn awaited(self) -> Option<Layer> {
        match self {
            Watch::Idle | Watch::Forwarding(_) => None,
            Watch::Waiting(layer) | Watch::Switching { to: layer, .. } => Some(layer),
        }
    }

    /// The layer whose keyframe would mend the picture: of two layers the one that is waited for.
    pub(super) fn mended_by(self) -> Option<Layer> {
        self.awaited().or(self.shown())
    }

    /// The layer that is shown.
    pub(super) fn shown(self) -> Option<Layer> {
        match self {
            Watch::Idle | Watch::Waiting(_) => None,
            Watch::Forwarding(layer) | Watch::Switching { from: layer, .. } => Some(layer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Watch::*;
    use super::*;

    const Q: Layer = 0;
    const H: Layer = 1;
    const F: Layer = 2;

    #[test]
    fn the_table_of_wishes() {
        for (before, best, after) in [
            (Idle, None, Idle),
            (Idle, Some(F), Waiting(F)),
            (Waiting(F), None, Waiting(F)),
            (Waiting(F), Some(F), Waiting(F)),
            (Waiting(F), Some(H), Waiting(H)),
            (Forwarding(F), None, Forwarding(F)),
            (Forwarding(F), Some(F), Forwarding(F)),
            (Forwarding(F), Some(H), Switching { from: F, to: H }),
            (Switching { from: F, to: H }, None, Switching { from: F, to: H }),
            (Switching { from: F, to: H }, Some(H), Switching { from: F, to: H }),
            (Switching { from: F, to: H }, Some(F), Forwarding(F)),
            (Switching { from: F, to: H }, Some(Q), Switching { from: F, to: Q }),
        ] {
            let mut watch = before;
            watch.want(best);
            assert_eq!(watch, after, "{before:?} wants {best:?}");
        }
    }

    #[test]
    fn holding_stops_what_is_to_be_left_and_nothing_else() {
        for (before, after) in
            [(Idle, Idle), (Waiting(F), Waiting(F)), (Forwarding(F), Forwarding(F)), (Switching { from: F, to: Q }, Waiting(Q))]
        {
            let mut watch = before;
            watch.hold();
            assert_eq!(watch, after, "{before:?}");
        }
    }

    #[test]
    fn the_table_of_packets() {
        let switching = Switching { from: F, to: H };
        for (before, layer, begins, verdict, after) in [
            (Idle, F, true, Verdict::Withhold, Idle),
            (Waiting(F), F, false, Verdict::Withhold, Waiting(F)),
            (Waiting(F), F, true, Verdict::Begin { after: None }, Forwarding(F)),
            (Waiting(F), Q, true, Verdict::Begin { after: None }, Switching { from: Q, to: F }),
            (Waiting(F), Q, false, Verdict::Withhold, Waiting(F)),
            (Forwarding(F), F, false, Verdict::Continue, Forwarding(F)),
            (Forwarding(F), F, true, Verdict::Continue, Forwarding(F)),
            (Forwarding(F), H, true, Verdict::Withhold, Forwarding(F)),
            (switching, F, false, Verdict::Continue, switching),
            (switching, F, true, Verdict::Continue, switching),
            (switching, H, false, Verdict::Withhold, switching),
            (switching, H, true, Verdict::Begin { after: Some(F) }, Forwarding(H)),
            (switching, Q, true, Verdict::Withhold, switching),
        ] {
            let mut watch = before;
            assert_eq!(watch.judge(layer, begins), verdict, "{before:?} sees {layer} ({begins})");
            assert_eq!(watch, after, "{before:?} sees {layer} ({begins})");
        }
    }

    #[test]
    fn a_line_waits_for_one_layer_and_shows_one() {
        for (watch, awaited, shown) in [
            (Idle, None, None),
            (Waiting(F), Some(F), None),
            (Forwarding(H), None, Some(H)),
            (Switching { from: H, to: F }, Some(F), Some(H)),
        ] {
            assert_eq!((watch.awaited(), watch.shown()), (awaited, shown), "{watch:?}");
            assert_eq!(watch.mended_by(), awaited.or(shown), "{watch:?}");
        }
    }
}
