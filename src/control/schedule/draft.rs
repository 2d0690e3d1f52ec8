//! An appointment as someone typed it, and everything that is wrong with it, at once.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp, Zoned};

use crate::base::ids::{PatientId, ProviderId};
use crate::control::store::{AppointmentKind, Times};
use crate::control::words::Name;

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub provider_id: Option<String>,
    pub patient_ids: Vec<String>,
    pub start: Option<String>,
    pub duration_minutes: Option<i64>,
    pub kind: Option<String>,
    pub group_name: Option<String>,
}

/// What the record says of the people whom a draft names. Looked up by who checks, so that checking is pure.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Whether the provider may hold visits; none if there is no such provider.
    pub provider_enabled: Option<bool>,
    /// The patients that exist.
    pub patients: Vec<PatientId>,
}

/// What an appointment is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: AppointmentKind,
    pub group_name: Option<Name>,
    pub provider: ProviderId,
    pub patients: Vec<PatientId>,
    pub start: Timestamp,
    pub start_text: String,
    pub duration_minutes: u32,
}

/// One thing that is wrong, and where: a JSON pointer (RFC 6901) into what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub pointer: String,
    pub code: &'static str,
    pub detail: String,
}

impl Fault {
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Fault {
        Fault { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// Four seats, and one is the provider's.
const PATIENTS_MAX: usize = 3;
const DURATION_DEFAULT: i64 = 30;
/// Minutes. Shorter is a mistyped number; longer than a working day is one too.
const DURATION: std::ops::RangeInclusive<i64> = 5..=480;
/// A start further back than this cannot be meant: its visit would have closed before anyone saw it.
const PAST_MAX: SignedDuration = SignedDuration::from_hours(12);
/// Five years: beyond it, someone mistyped the year.
const FUTURE_MAX: SignedDuration = SignedDuration::from_hours(5 * 366 * 24);

impl Draft {
    /// The people whom this draft names, as far as their ids can be read.
    pub fn named(&self) -> (Option<ProviderId>, Vec<PatientId>) {
        let provider = self.provider_id.as_deref().and_then(|text| text.parse().ok());
        (provider, self.patient_ids.iter().take(PATIENTS_MAX).filter_map(|text| text.parse().ok()).collect())
    }

    /// The plan, or everything that is wrong with the draft.
    pub fn check(&self, known: &Known, now: Timestamp) -> Result<Plan, Vec<Fault>> {
        let mut faults = Vec::new();
        let provider = keep(self.provider(known), &mut faults);
        let patients = self.patients(known, &mut faults);
        let start = keep(self.start(now), &mut faults);
        let duration_minutes = keep(self.duration(), &mut faults);
        let kind = keep(self.kind(), &mut faults);
        let group_name = keep(self.group_name(kind), &mut faults);
        if kind == Some(AppointmentKind::Single) && self.patient_ids.len() > 1 {
            faults.push(Fault::new("/patient_ids", "too_many", "a single appointment has one patient"));
        }
        match (provider, start, duration_minutes, kind, group_name) {
            (Some(provider), Some((start, start_text)), Some(duration_minutes), Some(kind), Some(group_name))
                if faults.is_empty() =>
            {
                Ok(Plan { kind, group_name, provider, patients, start, start_text, duration_minutes })
            }
            _ => Err(faults),
        }
    }

    /// New times for an appointment that has `old` ones, or everything that is wrong with them. What is not given stays.
    pub fn check_times(&self, old: &Times, now: Timestamp) -> Result<Times, Vec<Fault>> {
        let mut faults = Vec::new();
        let kept = (old.start, old.start_text.clone());
        let start = if self.start.is_some() { keep(self.start(now), &mut faults) } else { Some(kept) };
        let minutes = self.duration_minutes.map_or(Some(old.duration_minutes), |_| keep(self.duration(), &mut faults));
        match (start, minutes) {
            (Some((start, start_text)), Some(duration_minutes)) => Ok(Times { start, start_text, duration_minutes }),
            (None, _) | (_, None) => Err(faults),
        }
    }

    fn provider(&self, known: &Known) -> Result<ProviderId, Fault> {
        let fault = |code, detail: &str| Err(Fault::new("/provider_id", code, detail));
        let Some(text) = &self.provider_id else { return fault("provider_required", "an appointment has a provider") };
        match (ProviderId::from_str(text), known.provider_enabled) {
            (Ok(id), Some(true)) => Ok(id),
            (Ok(_), Some(false)) => fault("telehealth_disabled", "this provider is not enabled for telehealth"),
            (Ok(_), None) | (Err(_), _) => fault("unknown", "there is no such provider"),
        }
    }

    fn patients(&self, known: &Known, faults: &mut Vec<Fault>) -> Vec<PatientId> {
        if self.patient_ids.is_empty() {
            faults.push(Fault::new("/patient_ids", "required", "an appointment has one to three patients"));
        }
        if self.patient_ids.len() > PATIENTS_MAX {
            faults.push(Fault::new("/patient_ids", "too_many", "an appointment has at most three patients"));
        }
        let mut patients = Vec::new();
        for (place, text) in self.patient_ids.iter().take(PATIENTS_MAX).enumerate() {
            let pointer = format!("/patient_ids/{place}");
            match PatientId::from_str(text) {
                Ok(id) if patients.contains(&id) => {
                    faults.push(Fault::new(pointer, "duplicate", "this patient is named twice"));
                }
                Ok(id) if known.patients.contains(&id) => patients.push(id),
                Ok(_) | Err(_) => faults.push(Fault::new(pointer, "unknown", "there is no such patient")),
            }
        }
        patients
    }

    fn start(&self, now: Timestamp) -> Result<(Timestamp, String), Fault> {
        let fault = |code, detail: &str| Err(Fault::new("/start", code, detail));
        let Some(text) = &self.start else { return fault("required", "an appointment has a start") };
        // The longest form, with nanoseconds and a zone's name, is far shorter.
        if text.len() > 100 {
            return fault("invalid", "not a date and time");
        }
        let moment = text.parse::<Timestamp>().or_else(|_| text.parse::<Zoned>().map(|zoned| zoned.timestamp()));
        let Ok(moment) = moment else {
            return fault("invalid", "must be a date and time with its offset, like 2026-11-01T09:00:00-05:00");
        };
        if moment < now - PAST_MAX {
            return fault("past", "must not lie in the past");
        }
        if moment > now + FUTURE_MAX {
            return fault("too_far", "must lie within the next five years");
        }
        // Records keep microseconds; what is answered now must be what is read later.
        let kept = Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment);
        Ok((kept, text.clone()))
    }

    fn duration(&self) -> Result<u32, Fault> {
        let minutes = self.duration_minutes.unwrap_or(DURATION_DEFAULT);
        let in_range = DURATION.contains(&minutes).then_some(minutes).and_then(|minutes| u32::try_from(minutes).ok());
        in_range.ok_or_else(|| Fault::new("/duration_minutes", "out_of_range", "must be 5 to 480 minutes"))
    }

    /// The kind that was given, or the one that follows from how many patients there are.
    fn kind(&self) -> Result<AppointmentKind, Fault> {
        match &self.kind {
            None if self.patient_ids.len() > 1 => Ok(AppointmentKind::Group),
            None => Ok(AppointmentKind::Single),
            Some(word) => {
                AppointmentKind::from_word(word).ok_or_else(|| Fault::new("/kind", "invalid", "must be \"single\" or \"group\""))
            }
        }
    }

    fn group_name(&self, kind: Option<AppointmentKind>) -> Result<Option<Name>, Fault> {
        let fault = |code, detail: String| Err(Fault::new("/group_name", code, detail));
        match (&self.group_name, kind) {
            (None, Some(AppointmentKind::Group)) => fault("required", "a group appointment has a name".to_owned()),
            (None, Some(AppointmentKind::Single) | None) => Ok(None),
            (Some(_), Some(AppointmentKind::Single)) => fault("not_a_group", "a single appointment has no group name".to_owned()),
            (Some(text), Some(AppointmentKind::Group) | None) => match Name::new(text) {
                Ok(name) => Ok(Some(name)),
                Err(why) => fault("invalid", why.to_string()),
            },
        }
    }
}

fn keep<T>(checked: Result<T, Fault>, faults: &mut Vec<Fault>) -> Option<T> {
    checked.map_err(|fault| faults.push(fault)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn patient(bits: u64) -> String {
        PatientId::from_bits(bits).to_string()
    }

    fn good() -> Draft {
        Draft {
            provider_id: Some(ProviderId::from_bits(1).to_string()),
            patient_ids: vec![patient(1), patient(2)],
            start: Some("2027-01-15T09:00:00-05:00".to_owned()),
            duration_minutes: None,
            kind: Some("group".to_owned()),
            group_name: Some("Tuesday".to_owned()),
        }
    }

    fn known() -> Known {
        Known { provider_enabled: Some(true), patients: (1..=4).map(PatientId::from_bits).collect() }
    }

    #[test]
    fn a_good_draft_is_a_plan() {
        let plan = good().check(&known(), NOW).unwrap();
        assert_eq!(plan.start, "2027-01-15T14:00:00Z".parse().unwrap());
        assert_eq!(plan.start_text, "2027-01-15T09:00:00-05:00");
        assert_eq!((plan.duration_minutes, plan.patients.len()), (30, 2));
        let zoned = Draft { start: Some("2027-01-15T09:00:00-05:00[America/New_York]".to_owned()), ..good() };
        assert_eq!(zoned.check(&known(), NOW).unwrap().start, plan.start);
    }

    #[test]
    fn the_kind_follows_from_the_patients_when_it_is_not_given() {
        let one = Draft { patient_ids: vec![patient(1)], kind: None, group_name: None, ..good() };
        assert_eq!(one.check(&known(), NOW).unwrap().kind, AppointmentKind::Single);
        assert_eq!(Draft { kind: None, ..good() }.check(&known(), NOW).unwrap().kind, AppointmentKind::Group);
    }

    #[test]
    fn each_fault_is_named_where_it_is() {
        let table: Vec<(Draft, &str, &str)> = vec![
            (Draft { provider_id: None, ..good() }, "/provider_id", "provider_required"),
            (Draft { provider_id: Some("prv-x".to_owned()), ..good() }, "/provider_id", "unknown"),
            (Draft { patient_ids: vec![], ..good() }, "/patient_ids", "required"),
            (Draft { patient_ids: (1..=4).map(patient).collect(), ..good() }, "/patient_ids", "too_many"),
            (Draft { patient_ids: vec![patient(1), patient(1)], ..good() }, "/patient_ids/1", "duplicate"),
            (Draft { patient_ids: vec![patient(1), patient(9)], ..good() }, "/patient_ids/1", "unknown"),
            (Draft { kind: Some("single".to_owned()), group_name: None, ..good() }, "/patient_ids", "too_many"),
            (Draft { start: None, ..good() }, "/start", "required"),
            (Draft { start: Some("2027-01-15T09:00:00".to_owned()), ..good() }, "/start", "invalid"),
            (Draft { start: Some("tomorrow".to_owned()), ..good() }, "/start", "invalid"),
            (Draft { start: Some("2026-01-15T09:00:00Z".to_owned()), ..good() }, "/start", "past"),
            (Draft { start: Some("2127-01-15T09:00:00Z".to_owned()), ..good() }, "/start", "too_far"),
            (Draft { start: Some("9".repeat(101)), ..good() }, "/start", "invalid"),
            (Draft { duration_minutes: Some(4), ..good() }, "/duration_minutes", "out_of_range"),
            (Draft { duration_minutes: Some(481), ..good() }, "/duration_minutes", "out_of_range"),
            (Draft { duration_minutes: Some(i64::MIN), ..good() }, "/duration_minutes", "out_of_range"),
            (Draft { kind: Some("crowd".to_owned()), ..good() }, "/kind", "invalid"),
            (Draft { group_name: None, ..good() }, "/group_name", "required"),
            (Draft { group_name: Some(" ".to_owned()), ..good() }, "/group_name", "invalid"),
        ];
        for (draft, pointer, code) in table {
            let faults = draft.check(&known(), NOW).unwrap_err();
            let named: Vec<_> = faults.iter().map(|fault| (&*fault.pointer, fault.code)).collect();
            assert_eq!(named, [(pointer, code)], "{draft:?}");
        }
        let disabled = Known { provider_enabled: Some(false), ..known() };
        assert_eq!(good().check(&disabled, NOW).unwrap_err()[0].code, "telehealth_disabled");
    }

    #[test]
    fn an_empty_draft_shows_every_fault_at_once() {
        let faults = Draft::default().check(&Known::default(), NOW).unwrap_err();
        assert_eq!(faults.iter().map(|fault| &*fault.pointer).collect::<Vec<_>>(), ["/provider_id", "/patient_ids", "/start"]);
    }

    #[test]
    fn of_new_times_what_is_not_given_stays() {
        let old = Times { start: NOW, start_text: "2027-01-15T08:00:00Z".to_owned(), duration_minutes: 45 };
        let times = |start: Option<&str>, duration_minutes| {
            Draft { start: start.map(str::to_owned), duration_minutes, ..Draft::default() }.check_times(&old, NOW)
        };
        assert_eq!(times(None, None), Ok(old.clone()));
        assert_eq!(times(None, Some(60)), Ok(Times { duration_minutes: 60, ..old.clone() }));
        assert_eq!(times(Some("2027-01-16T09:00:00+01:00"), None).unwrap().start, "2027-01-16T08:00:00Z".parse().unwrap());
        let faults = times(Some("tomorrow"), Some(4)).unwrap_err();
        assert_eq!(faults.iter().map(|fault| &*fault.pointer).collect::<Vec<_>>(), ["/start", "/duration_minutes"]);
    }

    #[test]
    fn durations_at_the_bounds_pass() {
        for minutes in [5, 480] {
            assert!(Draft { duration_minutes: Some(minutes), ..good() }.check(&known(), NOW).is_ok());
        }
    }
}
