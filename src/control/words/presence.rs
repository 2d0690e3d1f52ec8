//! Where someone is on their way through a visit, as records and messages spell it.

use super::person::word_enum;

word_enum! {
    /// Where someone is on their way, in the order of the way.
    Standing {
        /// Came through the door, and is getting ready.
        Verified "verified",
        /// Waits to be let in.
        Waiting "waiting",
        /// A seat is kept; no connection yet.
        Admitted "admitted",
        Joined "joined",
        /// The connection of the seat is lost, for now.
        Reconnecting "reconnecting",
        Left "left",
        /// The visit is over.
        Ended "ended",
    }

    /// Why someone stands where they stand, where it was not their own doing.
    Reason {
        /// The provider sent them back to the waiting room.
        SteppedOut "stepped_out",
        /// The provider had them leave; they may come back.
        Removed "removed",
        /// The provider had them leave for good.
        Barred "barred",
        /// The connection was lost for too long.
        Lost "lost",
        /// A seat was kept, and nobody came.
        NotConnected "not_connected",
        /// The same link was used again, in a newer window or on another device.
        Replaced "replaced",
        /// The link was revoked.
        Revoked "revoked",
    }
}
