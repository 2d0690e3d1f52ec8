//! The door: from a link and a birth date to a participant and a session.
//!
//! Whatever is wrong (no such link, expired, revoked, locked, a wrong date) the answer is the same. The work
//! is made alike as far as it goes; that a wrong date is also written down, and a link that does not exist is
//! not, is hidden by who answers: refusals go out at a fixed time after the question came.

use jiff::Timestamp;

use super::live::{Registry, VisitError};
use super::person::Identity;
use super::visit::{Hours, Refused};
use crate::base::VisitId;
use crate::base::ids::{ParticipantId, PatientId};
use crate::control::schedule::{Fault, Phase};
use crate::control::store::{Appointment, Link, NewParticipant, Participant, Patient, StoreError};
use crate::control::verify::{Claim, Who, matching, terms};
use crate::control::words::{Act, Actor, BirthDate, Name, Reason, Role, Token, TokenKind, random};

/// Someone who came in.
#[derive(Debug)]
pub struct Entered {
    pub participant: ParticipantId,
    pub visit: VisitId,
    pub role: Role,
    pub name: Name,
    pub opens_at: Timestamp,
    pub closes_at: Timestamp,
    /// Shown once, kept nowhere.
    pub session: Token,
}

/// Why someone did not.
#[derive(Debug)]
pub enum Refusal {
    /// The one refusal for everything that a stranger could learn from.
    Failed,
    /// The right person, before the visit opens.
    TooEarly {
        opens_at: Timestamp,
    },
    /// The right person, who has to say more.
    Faults(Vec<Fault>),
    /// The right person, and too many are there already.
    Crowded,
    /// The right person, and this server is about to stop.
    Draining,
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Refusal {
        Refusal::Store(error)
    }
}

/// Who the link and the date say it is.
struct Known {
    patient: Option<PatientId>,
    name: Option<Name>,
}

impl Registry {
    /// Lets someone in, or not.
    pub async fn enter(&self, token: Option<&Token>, claim: &Claim) -> Result<Entered, Refusal> {
        let link = match token {
            Some(token) => self.store().link_of(token.digest()).await?,
            None => None,
        };
        let Some(link) = link else {
            // The comparison that a known link would have had.
            let _ = claim.birth_date.and_then(|date| matching(&[], &date).map(|patient| patient.id));
            return Err(Refusal::Failed);
        };
        let appointment = self.store().appointment(link.appointment).await?.ok_or(Refusal::Failed)?;
        let identity = self.identify(&link, &appointment, claim.birth_date.as_ref()).await?;
        if !link.is_alive() || appointment.ended_at.is_some() {
            return Err(Refusal::Failed);
        }
        match self.window().phase(appointment.start, appointment.duration_minutes, self.clock().now()) {
            Phase::Early => return Err(Refusal::TooEarly { opens_at: self.window().opens_at(appointment.start) }),
            Phase::Open => {}
            Phase::Closed => {
                // Recorded, so that a clock that is stepped back does not open it again.
                self.end_with(appointment.visit, Act::done(Actor::System, "visit.close")).await.map_err(refusal)?;
                return Err(Refusal::Failed);
            }
        }
        let (role, name, relationship) = present(&link, identity.name, &claim.who)?;
        self.let_in(&link, &appointment, identity.patient, role, name, relationship).await
    }

    /// Compares the birth date, if the link asks for one, and counts it if it is wrong.
    async fn identify(&self, link: &Link, appointment: &Appointment, claimed: Option<&BirthDate>) -> Result<Known, Refusal> {
        if link.role == Role::Provider {
            let provider = self.store().provider(link.provider.unwrap_or(appointment.provider)).await?;
            return Ok(Known { patient: None, name: provider.map(|provider| provider.name) });
        }
        let mut patients: Vec<Patient> = self.store().patients_of(appointment.id).await?;
        patients.retain(|patient| link.patient.is_none_or(|only| only == patient.id));
        // No date at all is not a guess.
        let claimed = claimed.ok_or(Refusal::Failed)?;
        match matching(&patients, claimed) {
            Some(patient) => Ok(Known { patient: Some(patient.id), name: Some(patient.name.clone()) }),
            None => {
                self.store().count_failure(link.id, self.clock().now()).await?;
                Err(Refusal::Failed)
            }
        }
    }

    async fn let_in(
        &self,
        link: &Link,
        appointment: &Appointment,
        patient: Option<PatientId>,
        role: Role,
        name: Name,
        relationship: Option<Name>,
    ) -> Result<Entered, Refusal> {
        let now = self.now();
        let mut held = self.room(appointment.visit).await.map_err(refusal)?;
        self.may_begin(&held.room.visit).map_err(refusal)?;
        let session = Token::random(TokenKind::Session);
        let id = ParticipantId::from_bits(random::bits());
        let new = NewParticipant {
            participant: Participant {
                id,
                visit: appointment.visit,
                link: link.id,
                role,
                patient,
                provider: (role == Role::Provider).then_some(link.provider.unwrap_or(appointment.provider)),
                name: name.clone(),
                relationship: relationship.clone(),
                created_at: now.wall,
            },
            session: session.digest(),
            terms: terms::VERSION,
        };
        let act = Act::done(Actor::Participant(id), "door.verify").to(link.id);
        let plan = held.room.plan(act, |visit| {
            // The newest of one link has it: whoever came in by it before gives way.
            let older = visit.predecessors(link.id, role);
            let gone: Vec<_> = older.into_iter().filter_map(|id| visit.expel(id, Reason::Replaced, now.wall)).collect();
            visit.enter(Identity { id, link: link.id, name: name.clone(), role, relationship }, now.wall)?;
            Ok(gone)
        });
        let plan = plan.map_err(|refused| refusal(refused.into()))?;
        if self.store().enter(&new, &plan.minutes, now.wall).await?.is_none() {
            return Err(Refusal::Failed);
        }
        for gone in held.room.commit(plan) {
            self.unseat(&held.room, Some(gone)).await;
        }
        let Hours { opens_at, closes_at, .. } = held.room.visit.hours;
        held.announce();
        tracing::info!(visit = %appointment.visit, participant = %id, link = %link.id, role = role.word(), "verified");
        Ok(Entered { participant: id, visit: appointment.visit, role, name, opens_at, closes_at, session })
    }
}

/// As what, and under which name, someone comes in.
fn present(link: &Link, known: Option<Name>, who: &Who) -> Result<(Role, Name, Option<Name>), Refusal> {
    let unnamed = || Refusal::Faults(vec![Fault::new("/name", "required", "say your name")]);
    match (link.role, who) {
        (Role::Provider, _) => Ok((Role::Provider, known.ok_or(Refusal::Failed)?, None)),
        (Role::Patient, Who::Invited { .. }) => Ok((Role::Patient, known.ok_or(Refusal::Failed)?, None)),
        (Role::Patient, Who::Other { name, relationship }) => Ok((Role::Guest, name.clone(), Some(relationship.clone()))),
        (Role::Guest | Role::Interpreter, Who::Invited { name }) => {
            Ok((link.role, link.name.clone().or(name.clone()).ok_or_else(unnamed)?, None))
        }
        (Role::Guest | Role::Interpreter, Who::Other { name, relationship }) => {
            Ok((link.role, link.name.clone().unwrap_or(name.clone()), Some(relationship.clone())))
        }
    }
}

fn refusal(error: VisitError) -> Refusal {
    match error {
        VisitError::Store(error) => Refusal::Store(error),
        VisitError::Refused(Refused::RoomFull) => Refusal::Crowded,
        VisitError::Draining => Refusal::Draining,
        VisitError::NotFound | VisitError::Refused(_) => Refusal::Failed,
    }
}
