//! What each payload of a peer says of itself: whoever gets it can tell whose it is.

/// So many bytes lie before it in a picture: the head of a VP8 keyframe (RFC 6386 §9.1), whether it is one or not.
pub(super) const HEAD: usize = 10;

/// The name of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mark {
    pub(crate) visit: u8,
    pub(crate) seat: u8,
    pub(crate) layer: u8,
    /// Which frame of its encoder's, or which sound.
    pub(crate) serial: u16,
    /// Which packet of the frame.
    pub(crate) packet: u8,
}

impl Mark {
    pub(super) fn bytes(self) -> [u8; 6] {
        let [high, low] = self.serial.to_be_bytes();
        [self.visit, self.seat, self.layer, high, low, self.packet]
    }

    pub(super) fn read(bytes: &[u8]) -> Mark {
        let &[visit, seat, layer, high, low, packet] = bytes.first_chunk().expect("every payload has its mark");
        Mark { visit, seat, layer, serial: u16::from_be_bytes([high, low]), packet }
    }

    /// Which frame it belongs to.
    pub(super) fn frame(self) -> (u8, u8, u16) {
        (self.seat, self.layer, self.serial)
    }
}
