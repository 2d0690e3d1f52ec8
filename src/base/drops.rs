//! Why a datagram from the network was not used. Garbage is never an error: it ends here, and the count of
//! each reason is the metric.

/// Declares the reasons with their metric labels.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $label:literal,)*) => {
        /// Why a datagram was dropped. It has no text of the datagram: it *is* the metric.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[$doc])* $name,)*
        }

        impl DropReason {
            /// All reasons, in the order of their counters.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$name,)*];

            /// The reason's label in metrics.
            pub const fn label(self) -> &'static str {
                match self {
                    $(DropReason::$name => $label,)*
                }
            }
        }
    };
}

reasons! {
    /// RFC 7983: the first byte belongs to none of our protocols, or the datagram is empty or oversized.
    NotOurs "not_ours",
    /// From an address that passed no connectivity check.
    UnknownAddress "unknown_address",
    /// STUN that does not parse, or is no binding request.
    StunMalformed "stun_malformed",
    /// A username that names no leg.
    StunUnknownUser "stun_unknown_user",
    /// MESSAGE-INTEGRITY is missing or wrong.
    StunUnauthenticated "stun_unauthenticated",
    /// DTLS from an address that did not pass ICE, or after the handshake has failed.
    DtlsUnexpected "dtls_unexpected",
    /// RTP or RTCP that does not parse.
    RtpMalformed "rtp_malformed",
    RtcpMalformed "rtcp_malformed",
    /// Media before the handshake is done.
    NoKeys "no_keys",
    /// The SRTP tag is wrong.
    Unauthenticated "unauthenticated",
    /// Seen before, or older than the window.
    Replayed "replayed",
    /// Authenticated, but neither its SSRC nor its mid and rid were negotiated, or too many streams.
    UnknownStream "unknown_stream",
    /// A payload type that was not negotiated for its line.
    UnknownPayload "unknown_payload",
    /// Padding only, sent to probe: nothing to forward.
    Padding "padding",
    /// A retransmission of what nobody missed.
    Retransmission "retransmission",
    /// The same packet again, under another number or as a repair.
    Duplicate "duplicate",
    /// The sender muted this source.
    Muted "muted",
    /// Someone else shares the screen: the first keeps the line until it stops.
    ScreenTaken "screen_taken",
    /// A leg sends more than its allowance.
    TooMuch "too_much",
    /// No room was left in the outbox for this turn.
    OutboxFull "outbox_full",
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = DropReason::ALL.len();

    /// This reason's place among the counters.
    pub const fn index(self) -> usize {
        self as usize
    }
}
