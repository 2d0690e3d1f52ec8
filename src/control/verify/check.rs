//! What someone at the door says of themselves, and whether a birth date fits.

use std::str::FromStr;

use jiff::civil::Date;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::steps::{Step, Steps};
use super::terms;
use crate::control::schedule::Fault;
use crate::control::store::Patient;
use crate::control::words::{BirthDate, Name};

/// Who says to be coming in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// The one whom the link names.
    Invited { name: Option<Name> },
    /// Somebody else, with the patient's link and birth date: family, an advocate, another clinician.
    Other { name: Name, relationship: Name },
}

/// What was typed at the door, checked as far as it can be without looking at the link: so that whatever is
/// refused here is refused alike for a link that exists and one that does not.
#[derive(Clone, Debug)]
pub struct Claim {
    pub birth_date: Option<BirthDate>,
    pub who: Who,
}

/// Why a claim is not looked at.
#[derive(Clone, Debug)]
pub enum ClaimError {
    /// The terms in force were not accepted.
    Terms,
    Faults(Vec<Fault>),
}

impl Claim {
    pub fn new(
        birth_date: Option<&str>,
        terms_accepted: Option<&str>,
        who: Option<&str>,
        name: Option<&str>,
        relationship: Option<&str>,
        steps: &Steps,
        today: Date,
    ) -> Result<Claim, ClaimError> {
        if steps.ask(Step::Terms) && terms_accepted != Some(terms::VERSION) {
            return Err(ClaimError::Terms);
        }
        let mut faults = Vec::new();
        let birth_date = match birth_date.map(BirthDate::from_str) {
            None => None,
            Some(Ok(date)) if !date.is_after(today) => Some(date),
            Some(Ok(_)) => {
                faults.push(Fault::new("/birth_date", "future", "must not lie in the future"));
                None
            }
            Some(Err(_)) => {
                faults.push(Fault::new("/birth_date", "invalid", "must be a date that exists, like 1948-02-29"));
                None
            }
        };
        let name = optional_name(name, "/name", &mut faults);
        let relationship = optional_name(relationship, "/relationship", &mut faults);
        let who = match who {
            None | Some("patient") => Who::Invited { name },
            Some("other") => {
                let mut required = |name: Option<Name>, pointer: &str, detail: &str| {
                    if name.is_none() && !faults.iter().any(|fault| fault.pointer == pointer) {
                        faults.push(Fault::new(pointer, "required", detail));
                    }
                    name
                };
                let name = required(name, "/name", "say your name");
                let relationship = required(relationship, "/relationship", "say what you are to the patient");
                match (name, relationship) {
                    (Some(name), Some(relationship)) => Who::Other { name, relationship },
                    (None, _) | (_, None) => Who::Invited { name: None },
                }
            }
            Some(_) => {
                faults.push(Fault::new("/who", "invalid", "must be \"patient\" or \"other\""));
                Who::Invited { name: None }
            }
        };
        if faults.is_empty() { Ok(Claim { birth_date, who }) } else { Err(ClaimError::Faults(faults)) }
    }
}

/// A name that may be missing; a form that sends an empty field has sent none.
fn optional_name(text: Option<&str>, pointer: &str, faults: &mut Vec<Fault>) -> Option<Name> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    Name::new(text).map_err(|why| faults.push(Fault::new(pointer, "invalid", why.to_string()))).ok()
}

/// Places that [`matching`] compares, however many patients there are.
const PLACES: usize = 3;

/// Which of `patients` was born on `claimed`: the first, if several were. The time it takes depends neither
/// on how many there are nor on which fits, so a refusal says nothing.
pub fn matching<'a>(patients: &'a [Patient], claimed: &BirthDate) -> Option<&'a Patient> {
    const NOBODY: u8 = u8::MAX;
    let mut found = NOBODY;
    for (place, number) in (0..PLACES).zip(0u8..) {
        // Nobody was born on the stand-in's day as it is none.
        let born = patients.get(place).map_or(BirthDate::NEVER, |patient| patient.birth_date);
        found.conditional_assign(&number, born.is(claimed) & found.ct_eq(&NOBODY));
    }
    patients.get(usize::from(found))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::base::ids::PatientId;

    const TODAY: Date = date(2026, 11, 22);

    fn claim(birth_date: &str, who: &str, name: &str, relationship: &str) -> Result<Claim, Vec<String>> {
        let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
        let claim = Claim::new(
            some(birth_date),
            Some(terms::VERSION),
            some(who),
            some(name),
            some(relationship),
            &Steps::default(),
            TODAY,
        );
        claim.map_err(|error| match error {
            ClaimError::Terms => vec!["terms".to_owned()],
            ClaimError::Faults(faults) => faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect(),
        })
    }

    #[test]
    fn a_claim_is_checked_before_the_link_is_looked_at() {
        for (birth_date, who, name, relationship, faults) in [
            ("", "", "", "", vec![]),
            ("1948-02-29", "patient", "", "", vec![]),
            ("1948-02-29", "other", "Cleo", "daughter", vec![]),
            ("2026-11-22", "", "", "", vec![]),
            ("2026-11-23", "", "", "", vec!["/birth_date future"]),
            ("29.2.1948", "", "", "", vec!["/birth_date invalid"]),
            ("1948-02-29", "other", "", "", vec!["/name required", "/relationship required"]),
            ("1948-02-29", "other", "a\u{7}", "x", vec!["/name invalid"]),
            ("1948-02-29", "stranger", "", "", vec!["/who invalid"]),
        ] {
            let found = claim(birth_date, who, name, relationship).err().unwrap_or_default();
            assert_eq!(found, faults, "{birth_date} {who} {name} {relationship}");
        }
    }

    #[test]
    fn other_terms_are_no_terms() {
        for terms in [None, Some(""), Some("2025-01")] {
            assert!(
                matches!(Claim::new(None, terms, None, None, None, &Steps::default(), TODAY), Err(ClaimError::Terms)),
                "{terms:?}"
            );
        }
    }

    #[test]
    fn the_patient_born_that_day_is_found_and_the_first_of_twins() {
        let born = ["1948-02-29", "1990-05-05", "1990-05-05"];
        let patients: Vec<Patient> = (0..)
            .zip(born)
            .map(|(bits, date)| Patient {
                id: PatientId::from_bits(bits),
                name: Name::new("x").unwrap(),
                birth_date: date.parse().unwrap(),
            })
            .collect();
        for (claimed, found) in [("1948-02-29", Some(0)), ("1990-05-05", Some(1)), ("1990-05-06", None)] {
            let matched = matching(&patients, &claimed.parse().unwrap()).map(|patient| patient.id.bits());
            assert_eq!(matched, found, "{claimed}");
        }
        assert!(matching(&[], &"1990-05-05".parse().unwrap()).is_none());
    }
}
