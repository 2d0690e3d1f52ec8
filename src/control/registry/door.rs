//! The door: from a link and a birth date to a participant and a session.
//!
//! Whatever is wrong (no such link, expired, revoked, locked, barred, a wrong date) the answer is the same. The work
//! is made alike as far as it goes: one transaction that asks the same questions, compares as many dates and records
//! the refusal. That a wrong date is also counted is hidden by who answers: refusals go out at a fixed time after the
//! question came.

use std::time::Duration;

use jiff::Timestamp;

use super::live::{Registry, VisitError};
use super::person::Identity;
use super::visit::{Hours, Refused};
use crate::base::VisitId;
use crate::base::ids::{ParticipantId, PatientId};
use crate::control::schedule::{Fault, Phase};
use crate::control::store::{Appointment, FAILURES_MAX, Finding, Invited, Link, NewParticipant, Participant, StoreError};
use crate::control::verify::{Claim, Step, Who, matching, terms};
use crate::control::words::{Act, Actor, BirthDate, Name, Network, Reason, Role, Subject, Token, TokenKind, random};

/// What the metrics tell of the door.
pub struct DoorReport {
    /// What tries came to, and how often.
    pub outcomes: Vec<(&'static str, u64)>,
    /// Whether wrong dates come faster than is usual.
    pub alarm: bool,
}

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
        now: Timestamp,
    },
    /// Too many tries from one network, whatever the link.
    TooMany {
        retry_after: Duration,
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

/// Who may come in, and as what.
struct Guest {
    link: Link,
    appointment: Appointment,
    patient: Option<PatientId>,
    role: Role,
    name: Name,
    relationship: Option<Name>,
}

/// What the link and the date come to.
enum Judgement {
    Pass(Box<Guest>),
    Refuse(Refusal),
    /// The visit's window is over: that is recorded, so that a clock that is stepped back does not open it again.
    Over(VisitId),
}

impl Registry {
    /// Lets someone in, or not. Whatever refuses them is on record when this returns, but for [`Refusal::Crowded`] and
    /// [`Refusal::Store`].
    pub async fn enter(&self, from: Network, token: Option<&Token>, claim: &Claim) -> Result<Entered, Refusal> {
        let begun = self.throttle().begin(from, self.clock().passed());
        if let Err(retry_after) = begun {
            self.came_to("too_many_tries").await;
            return Err(Refusal::TooMany { retry_after });
        }
        let entered = self.try_to_enter(token, claim).await;
        match &entered {
            Err(Refusal::Failed) => {}
            // Of these nobody learns anything by trying again.
            Ok(_)
            | Err(
                Refusal::TooEarly { .. }
                | Refusal::TooMany { .. }
                | Refusal::Faults(_)
                | Refusal::Crowded
                | Refusal::Draining
                | Refusal::Store(_),
            ) => {
                self.throttle().passed(from);
            }
        }
        entered
    }

    async fn try_to_enter(&self, token: Option<&Token>, claim: &Claim) -> Result<Entered, Refusal> {
        let now = self.clock().now();
        let (judgement, finding) = self
            .store()
            .attempt(token.map(Token::digest), now, |invited| {
                let (judgement, finding) = self.judge(invited, claim, now);
                let finding = match finding {
                    Finding::Refused(why) if !self.may_record_stranger() => Finding::Summed(why),
                    Finding::Passed | Finding::Refused(_) | Finding::Summed(_) | Finding::WrongDate => finding,
                };
                ((judgement, finding), finding)
            })
            .await?;
        match judgement {
            Judgement::Pass(guest) => {
                let entered = self.let_in(*guest).await;
                self.came_to(if entered.is_ok() { finding.word() } else { "not_let_in" }).await;
                entered
            }
            Judgement::Refuse(refusal) => {
                self.came_to(finding.word()).await;
                Err(refusal)
            }
            Judgement::Over(visit) => {
                self.end_with(visit, Act::done(Actor::System, "visit.close")).await.map_err(refusal)?;
                self.came_to(finding.word()).await;
                Err(Refusal::Failed)
            }
        }
    }

    /// Judges a link and what is claimed with it. The dates are compared first, whatever else is wrong.
    fn judge(&self, invited: Option<&Invited>, claim: &Claim, now: Timestamp) -> (Judgement, Finding) {
        let patients = invited.map_or(&[][..], |invited| &invited.patients);
        let matched = matching(patients, claim.birth_date.as_ref().unwrap_or(&BirthDate::NEVER));
        let failed = |why| (Judgement::Refuse(Refusal::Failed), Finding::Refused(why));
        let Some(Invited { link, appointment, provider, barred, .. }) = invited else { return failed("unknown_link") };
        if link.revoked_at.is_some() {
            return failed("revoked");
        }
        if link.locked_at.is_some() || link.wrong_dates >= FAILURES_MAX {
            return failed("locked");
        }
        if appointment.ended_at.is_some() {
            return failed("over");
        }
        let phase = self.window().phase(appointment.start, appointment.duration_minutes, now);
        if phase == Phase::Closed {
            return (Judgement::Over(appointment.visit), Finding::Refused("closed"));
        }
        let asks = link.role != Role::Provider && self.steps().ask(Step::BirthDate);
        let patient = match matched {
            _ if !asks => patients.iter().find(|patient| link.patient == Some(patient.id)),
            // No date at all is not a guess.
            None if claim.birth_date.is_none() => return failed("no_date"),
            None if patients.is_empty() => return failed("dates_used_up"),
            None => return (Judgement::Refuse(Refusal::Failed), Finding::WrongDate),
            Some(patient) => Some(patient),
        };
        if phase == Phase::Early {
            let refusal = Refusal::TooEarly { opens_at: self.window().opens_at(appointment.start), now };
            return (Judgement::Refuse(refusal), Finding::Refused("too_early"));
        }
        let known = if link.role == Role::Provider { provider.clone() } else { patient.map(|patient| patient.name.clone()) };
        let (role, name, relationship) = match present(link, known, &claim.who) {
            Ok(presented) => presented,
            Err(refusal) => return (Judgement::Refuse(refusal), Finding::Refused("invalid")),
        };
        if barred.contains(&role) {
            return failed("barred");
        }
        let (link, appointment, patient) = (link.clone(), appointment.clone(), patient.map(|patient| patient.id));
        (Judgement::Pass(Box::new(Guest { link, appointment, patient, role, name, relationship })), Finding::Passed)
    }

    async fn let_in(&self, guest: Guest) -> Result<Entered, Refusal> {
        let Guest { link, appointment, patient, role, name, relationship } = guest;
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
            terms: self.steps().ask(Step::Terms).then_some(terms::VERSION),
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
            return self.came_too_late(&link).await;
        }
        for gone in held.room.commit(plan) {
            self.unseat(&held.room, Some(gone)).await;
        }
        let Hours { opens_at, closes_at, .. } = held.room.visit.hours;
        self.announce(held).await;
        tracing::info!(visit = %appointment.visit, participant = %id, link = %link.id, role = role.word(), "verified");
        Ok(Entered { participant: id, visit: appointment.visit, role, name, opens_at, closes_at, session })
    }
}

impl Registry {
    /// The link was locked or revoked, or the visit ended, since it was judged.
    async fn came_too_late(&self, link: &Link) -> Result<Entered, Refusal> {
        let act = Act::refused(Actor::Nobody, "door.verify", "over").to(link.id);
        self.store().record(&act, self.clock().now()).await?;
        Err(Refusal::Failed)
    }

    /// Counts what a try came to, and tells staff when wrong dates come too fast.
    async fn came_to(&self, outcome: &'static str) {
        if !self.throttle().came_to(outcome, self.clock().passed()) {
            return;
        }
        tracing::warn!("many wrong birth dates at the door within a minute: somebody may be trying links");
        let act = Act::done(Actor::System, "door.alarm");
        if let Err(error) = self.store().record(&act, self.clock().now()).await {
            tracing::warn!(%error, "the alarm at the door is not recorded");
        }
    }

    /// Whether the refusal of a stranger is recorded for itself; if not, it is counted, and the sum recorded later.
    pub fn may_record_stranger(&self) -> bool {
        self.throttle().may_record(self.clock().passed())
    }

    /// Records how many strangers were refused in a minute that held too many to record each.
    pub async fn sum_up_strangers(&self) {
        let Some(count) = self.throttle().unrecorded(self.clock().passed()) else { return };
        let act = Act::refused(Actor::Nobody, "strangers", "too_many_to_record").to(Subject::count(count));
        if let Err(error) = self.store().record(&act, self.clock().now()).await {
            tracing::warn!(%error, "refusals of strangers are not summed up yet; it will be tried again");
            self.throttle().put_back(count);
        }
    }

    /// What tries at the door have come to since the start, and whether the alarm rings.
    pub fn door_report(&self) -> DoorReport {
        let throttle = self.throttle();
        DoorReport { outcomes: throttle.outcomes(), alarm: throttle.is_alarmed(self.clock().passed()) }
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
