//! What the house decides about coming in and coming back.

use crate::control::words::person::word_enum;

word_enum! {
    /// When someone who was inside may come back.
    Rejoin {
        /// As long as the visit's window is open.
        Window "window",
        /// During the appointment's own time, and only while the provider is there.
        ScheduledAndHostPresent "scheduled_and_host_present",
    }

    /// Who lets people in from the waiting room.
    Admission {
        /// The provider, one by one or all at once.
        Provider "provider",
        /// Nobody need: whoever waits is let in as soon as the provider is there and a seat is free.
        OnArrival "on_arrival",
    }
}

/// The house's rules of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    pub rejoin: Rejoin,
    pub admission: Admission,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { rejoin: Rejoin::Window, admission: Admission::Provider }
    }
}
