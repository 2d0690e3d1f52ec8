//! What is written down of what people, staff and the server do: who, what, of whom, and how it went.
//!
//! Every word is the program's own and every name is an opaque id, so no record can hold a name, a birth date,
//! a token or anything that was typed.

use std::fmt;

use crate::base::VisitId;
use crate::base::ids::{AppointmentId, LinkId, ParticipantId, PatientId, ProviderId, TokenId};

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Someone who has shown nothing that we know.
    Nobody,
    Participant(ParticipantId),
    /// Staff or their program, by the admin token they showed.
    Staff(TokenId),
    /// The server itself: time passed, a connection was lost.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Nobody => f.write_str("nobody"),
            Actor::Participant(id) => id.fmt(f),
            Actor::Staff(id) => id.fmt(f),
            Actor::System => f.write_str("system"),
        }
    }
}

/// Of whom or what: an id, as its text; or how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Subject {
    /// So many of what was done.
    pub fn count(number: u64) -> Subject {
        Subject(number.to_string())
    }
}

macro_rules! subjects {
    ($($id:ident)*) => {$(
        impl From<$id> for Subject {
            fn from(id: $id) -> Subject {
                Subject(id.to_string())
            }
        }
    )*};
}

subjects! { AppointmentId LinkId ParticipantId PatientId ProviderId TokenId VisitId }

/// One thing that someone did, or tried to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub actor: Actor,
    /// What was done: `link.revoke`.
    pub action: &'static str,
    /// How it went: [`Act::DONE`], or the code of the refusal.
    pub outcome: &'static str,
    /// In which visit.
    pub visit: Option<VisitId>,
    pub subject: Option<Subject>,
}

impl Act {
    /// The outcome of what was done.
    pub const DONE: &'static str = "done";

    /// Something that was done.
    pub fn done(actor: Actor, action: &'static str) -> Act {
        Act { actor, action, outcome: Act::DONE, visit: None, subject: None }
    }

    /// Something that was refused, and why.
    pub fn refused(actor: Actor, action: &'static str, code: &'static str) -> Act {
        Act { outcome: code, ..Act::done(actor, action) }
    }

    /// In this visit.
    pub fn in_visit(self, visit: VisitId) -> Act {
        Act { visit: Some(visit), ..self }
    }

    /// To this person or thing.
    pub fn to(self, subject: impl Into<Subject>) -> Act {
        Act { subject: Some(subject.into()), ..self }
    }
}
