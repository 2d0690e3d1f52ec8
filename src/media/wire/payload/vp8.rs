//! The VP8 payload descriptor (RFC 7741 §4.2) and the keyframe bit of the payload header (§4.3).

/// A descriptor, and where its rewritable fields lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// S = 1 and PID = 0: the first packet of a frame.
    pub starts_frame: bool,
    /// The frame is a keyframe. Only known in the packet that starts it.
    pub keyframe: bool,
    pub non_reference: bool,
    pub picture_id: Option<PictureId>,
    pub tl0_picture_index: Option<u8>,
    /// Temporal layer, and whether it may be switched up to here (Y).
    pub temporal_layer: Option<u8>,
    pub layer_sync: bool,
    pub key_index: Option<u8>,
    /// Bytes of the descriptor.
    pub len: usize,
}

/// A picture id in the width it came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PictureId {
    Seven(u8),
    Fifteen(u16),
}

impl Descriptor {
    /// Reads the descriptor at the head of a payload. None if it is cut short or has no VP8 byte after it.
    pub fn parse(payload: &[u8]) -> Option<Descriptor> {
        let _ = payload;
        todo!()
    }

    /// Overwrites picture id, TL0PICIDX and KEYIDX in place, in the widths they have. Fields that the
    /// descriptor does not carry are left alone.
    pub fn rewrite(&self, payload: &mut [u8], picture_id: u16, tl0_picture_index: u8, key_index: u8) {
        let _ = (payload, picture_id, tl0_picture_index, key_index);
        todo!()
    }
}
