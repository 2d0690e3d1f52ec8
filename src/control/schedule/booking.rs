//! From a plan to what is recorded of it: the appointment, its visit, and an invitation for each person.

use super::Plan;
use crate::base::VisitId;
use crate::base::ids::{AppointmentId, LinkId, PatientId, ProviderId};
use crate::control::store::{Appointment, Booking, KeptAnswer, Link, NewLink};
use crate::control::words::{Name, Role, Token, TokenKind, random};

/// Whom a link is for.
#[derive(Clone, Debug, Default)]
pub struct Invitee {
    pub patient: Option<PatientId>,
    pub provider: Option<ProviderId>,
    /// The name of a guest or interpreter, if the inviter gives it.
    pub name: Option<Name>,
}

/// A fresh link with its token, which is shown once and then known only by its digest.
pub struct Invitation {
    pub link: Link,
    token: Token,
}

impl Invitation {
    pub fn new(appointment: AppointmentId, role: Role, invitee: Invitee) -> Invitation {
        let Invitee { patient, provider, name } = invitee;
        let id = LinkId::from_bits(random::bits());
        let link = Link { id, appointment, role, patient, provider, name, wrong_dates: 0, locked_at: None, revoked_at: None };
        Invitation { link, token: Token::random(TokenKind::Link) }
    }

    /// Another for the same person, with a token of its own.
    pub fn instead_of(old: &Link) -> Invitation {
        let invitee = Invitee { patient: old.patient, provider: old.provider, name: old.name.clone() };
        Invitation::new(old.appointment, old.role, invitee)
    }

    /// What to send. The token stands in the fragment, which browsers send to nobody.
    pub fn url(&self, public_url: &str) -> String {
        let page = if self.link.role == Role::Provider { "/provider" } else { "/join" };
        format!("{public_url}{page}#{}", self.token.expose())
    }

    /// What to keep.
    pub fn record(&self) -> NewLink {
        NewLink { link: self.link.clone(), digest: self.token.digest() }
    }
}

impl Plan {
    /// The appointment of this plan, and its invitations: the provider's, then each patient's.
    pub fn book(self) -> (Appointment, Vec<Invitation>) {
        let id = AppointmentId::from_bits(random::bits());
        let mut invitations =
            vec![Invitation::new(id, Role::Provider, Invitee { provider: Some(self.provider), ..Invitee::default() })];
        for patient in &self.patients {
            invitations.push(Invitation::new(id, Role::Patient, Invitee { patient: Some(*patient), ..Invitee::default() }));
        }
        let appointment = Appointment {
            id,
            visit: VisitId::from_bits(random::bits()),
            kind: self.kind,
            group_name: self.group_name,
            provider: self.provider,
            patients: self.patients,
            start: self.start,
            start_text: self.start_text,
            duration_minutes: self.duration_minutes,
            cancelled_at: None,
            ended_at: None,
        };
        (appointment, invitations)
    }
}

/// All that is recorded at once.
pub fn booking(appointment: Appointment, invitations: &[Invitation], kept: Option<KeptAnswer>) -> Booking {
    Booking { appointment, links: invitations.iter().map(Invitation::record).collect(), kept }
}
