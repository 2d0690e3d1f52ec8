//! Made-up people, and an appointment of theirs.

use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};

use super::facts::{Facts, PatientLink};
use crate::app::Failure;
use crate::base::ids::{PatientId, ProviderId};
use crate::control::schedule::{Draft, Invitation, Known, booking};
use crate::control::store::{Patient, Provider, Store};
use crate::control::verify::staff;
use crate::control::words::{Act, Actor, BirthDate, Name, Staff, random};

/// Made up, as all of this.
pub(super) const PROVIDER: &str = "Dr. Amara Okafor";
const PATIENTS: [(&str, &str); 3] =
    [("Rosalind Hawthorne", "1951-07-25"), ("Luis Ortega Villanueva", "1984-02-29"), ("مريم الخطيب", "2009-11-03")];
const GROUP: &str = "Living with diabetes";
/// Long enough to try everything twice.
const DURATION_MINUTES: i64 = 120;

/// Makes up people, their appointment, and a token to drive it all with.
pub(super) async fn make_up(
    store: &Store,
    public_url: &str,
    now: Timestamp,
    starts_in: SignedDuration,
) -> Result<Facts, Failure> {
    let unkept = |error: crate::control::store::StoreError| {
        Failure::new(format!("the demo's records could not be kept: {error}"), "see that the disk has room")
    };
    let act = Act::done(Actor::System, "demo.make_up");
    let provider = Provider { id: ProviderId::from_bits(random::bits()), name: name(PROVIDER)?, telehealth_enabled: true };
    store.add_provider(&provider, &act, now).await.map_err(unkept)?;
    let mut patients = Vec::new();
    for (person, birth_date) in PATIENTS {
        let patient = Patient { id: PatientId::from_bits(random::bits()), name: name(person)?, birth_date: date(birth_date)? };
        store.add_patient(&patient, &act, now).await.map_err(unkept)?;
        patients.push(patient.id);
    }
    let draft = Draft {
        provider_id: Some(provider.id.to_string()),
        patient_ids: patients.iter().map(PatientId::to_string).collect(),
        start: Some(whole_minute(now.saturating_add(starts_in).unwrap_or(now)).to_string()),
        duration_minutes: Some(DURATION_MINUTES),
        kind: Some("group".into()),
        group_name: Some(GROUP.into()),
    };
    let plan = draft.check(&Known { provider_enabled: Some(true), patients }, now).map_err(|_| made_up_wrongly())?;
    let (appointment, invitations) = plan.book();
    let (id, visit) = (appointment.id.to_string(), appointment.visit.to_string());
    store.book(&booking(appointment, &invitations, None), &act, now).await.map_err(unkept)?;
    let (_, admin) = staff::issue(store, name("demo")?, Staff::Admin, now).await.map_err(unkept)?;

    let mut urls = invitations.iter().map(|invitation: &Invitation| invitation.url(public_url));
    let provider_link = urls.next().ok_or_else(made_up_wrongly)?;
    let patient_links = urls.zip(PATIENTS).map(|(url, (name, birth_date))| PatientLink {
        url,
        birth_date: birth_date.to_owned(),
        name: name.to_owned(),
    });
    Ok(Facts {
        base_url: public_url.to_owned(),
        admin_token: admin.expose().to_owned(),
        provider_link,
        patient_links: patient_links.collect(),
        appointment: id,
        visit,
    })
}

/// The minute that runs: what a person would have typed.
fn whole_minute(now: Timestamp) -> Timestamp {
    now.round(TimestampRound::new().smallest(Unit::Minute).mode(RoundMode::Trunc)).unwrap_or(now)
}

fn name(text: &str) -> Result<Name, Failure> {
    Name::new(text).map_err(|_| made_up_wrongly())
}

fn date(text: &str) -> Result<BirthDate, Failure> {
    text.parse().map_err(|_| made_up_wrongly())
}

/// The made-up records break our own rules: a fault of the program.
pub(super) fn made_up_wrongly() -> Failure {
    Failure::new("the demo's made-up records are not valid", "this is a fault of Quartet: please report it")
}
