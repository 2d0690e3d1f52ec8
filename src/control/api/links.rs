//! `/appointments/{id}/links`

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::Shared;
use super::audit::Recorded;
use super::body::Json;
use super::caller::Caller;
use super::problem::Problem;
use super::routes::{at, identify};
use crate::base::ids::{LinkId, PatientId, ProviderId};
use crate::control::schedule::{Fault, Invitation, Invitee};
use crate::control::store::{Appointment, Link};
use crate::control::words::{Act, Name, Role, Staff};

/// A link as staff see it. `url` is shown once, when the link is made.
#[derive(Serialize)]
pub(super) struct LinkMessage {
    id: LinkId,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<PatientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<ProviderId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    state: &'static str,
    /// How many wrong dates were tried with it.
    wrong_dates: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl LinkMessage {
    pub(super) fn new(link: &Link) -> LinkMessage {
        LinkMessage {
            id: link.id,
            role: link.role.word(),
            patient_id: link.patient,
            provider_id: link.provider,
            name: link.name.as_ref().map(|name| name.as_str().to_owned()),
            state: match (link.revoked_at, link.locked_at) {
                (Some(_), _) => "revoked",
                (None, Some(_)) => "locked",
                (None, None) => "open",
            },
            wrong_dates: link.wrong_dates,
            url: None,
        }
    }

    /// With the URL, in the one answer that shows it.
    pub(super) fn shown_once(invitation: &Invitation, public_url: &str) -> LinkMessage {
        LinkMessage { url: Some(invitation.url(public_url)), ..LinkMessage::new(&invitation.link) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewInvitation {
    role: String,
    patient_id: Option<String>,
    name: Option<String>,
}

impl NewInvitation {
    /// Whom it invites, and as what.
    fn check(&self, appointment: &Appointment) -> Result<(Role, Invitee), Vec<Fault>> {
        let mut faults = Vec::new();
        let role = Role::from_word(&self.role);
        if role.is_none() {
            faults.push(Fault::new("/role", "invalid", "must be \"patient\", \"guest\", \"interpreter\" or \"provider\""));
        }
        let patient = match self.patient_id.as_deref().map(|text| text.parse::<PatientId>()) {
            None => None,
            Some(Ok(id)) if appointment.patients.contains(&id) => Some(id),
            Some(_) => {
                faults.push(Fault::new("/patient_id", "unknown", "is not a patient of this appointment"));
                None
            }
        };
        match role {
            Some(Role::Patient) if self.patient_id.is_none() => {
                faults.push(Fault::new("/patient_id", "required", "a patient's link is for one patient"));
            }
            Some(Role::Provider) if self.patient_id.is_some() => {
                faults.push(Fault::new("/patient_id", "not_a_patient", "a provider's link has no patient"));
            }
            Some(Role::Patient | Role::Provider | Role::Guest | Role::Interpreter) | None => {}
        }
        let name = match self.name.as_deref().map(Name::new) {
            None => None,
            Some(Ok(name)) => Some(name),
            Some(Err(why)) => {
                faults.push(Fault::new("/name", "invalid", why.to_string()));
                None
            }
        };
        match role {
            Some(role) if faults.is_empty() => {
                let provider = (role == Role::Provider).then_some(appointment.provider);
                Ok((role, Invitee { patient, provider, name }))
            }
            Some(_) | None => Err(faults),
        }
    }
}

pub(super) async fn add(
    State(app): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    body: Json<NewInvitation>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let appointment = app.registry.store().appointment(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    let (role, invitee) = body.value.check(&appointment).map_err(Problem::invalid)?;
    if appointment.ended_at.is_some() {
        return Err(Problem::already_over());
    }
    let invitation = Invitation::new(appointment.id, role, invitee);
    let act = Act::done(caller.actor(), "link.add").to(invitation.link.id);
    app.registry.store().add_link(&invitation.record(), &act, app.registry.clock().now()).await?;
    Ok(shown(&app, &invitation))
}

/// The one answer that shows a link.
fn shown(app: &Shared, invitation: &Invitation) -> Response {
    let appointment = invitation.link.appointment;
    let location = at(format_args!("/appointments/{appointment}/links/{}", invitation.link.id));
    let message = LinkMessage::shown_once(invitation, &app.public_url);
    (StatusCode::CREATED, Recorded, [location], axum::Json(message)).into_response()
}

pub(super) async fn revoke(
    State(app): State<Shared>,
    caller: Caller,
    Path((id, link)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let appointment = app.registry.store().appointment(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    let revoked = app.registry.revoke(appointment.id, appointment.visit, identify(&link)?, caller.actor()).await?;
    if revoked { Ok((Recorded, StatusCode::NO_CONTENT).into_response()) } else { Err(Problem::not_found()) }
}

pub(super) async fn unlock(
    State(app): State<Shared>,
    caller: Caller,
    Path((id, link)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let link: LinkId = identify(&link)?;
    let act = Act::done(caller.actor(), "link.unlock").to(link);
    let (store, now) = (app.registry.store(), app.registry.clock().now());
    let unlocked = store.unlock_link(identify(&id)?, link, &act, now).await?;
    if unlocked { Ok((Recorded, StatusCode::NO_CONTENT).into_response()) } else { Err(Problem::not_found()) }
}

/// Another link in place of one: for the same person, who has lost it or shown it to somebody.
pub(super) async fn reissue(
    State(app): State<Shared>,
    caller: Caller,
    Path((id, link)): Path<(String, String)>,
) -> Result<Response, Problem> {
    caller.staff(Staff::Scheduler)?;
    let link: LinkId = identify(&link)?;
    let appointment = app.registry.store().appointment(identify(&id)?).await?.ok_or_else(Problem::not_found)?;
    if appointment.ended_at.is_some() {
        return Err(Problem::already_over());
    }
    let links = app.registry.store().links(appointment.id).await?;
    let old = links.iter().find(|one| one.id == link && one.revoked_at.is_none()).ok_or_else(Problem::not_found)?;
    let invitation = Invitation::instead_of(old);
    let reissued = app.registry.reissue(appointment.visit, old, &invitation.record(), caller.actor()).await?;
    if reissued { Ok(shown(&app, &invitation)) } else { Err(Problem::not_found()) }
}
