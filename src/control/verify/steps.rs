//! What is asked of people at the door, beside their link.

use crate::control::words::person::word_enum;

word_enum! {
    /// One thing that is asked.
    Step {
        /// A patient's birth date: a check that the right person holds the link.
        BirthDate "birth_date",
        /// Consent to the terms in force.
        Terms "terms",
    }
}

/// All that is asked, in the order in which the pages ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// These, each once.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Steps {
        let mut steps: Vec<Step> = steps.into_iter().collect();
        steps.sort();
        steps.dedup();
        Steps(steps)
    }

    pub fn ask(&self, step: Step) -> bool {
        self.0.contains(&step)
    }

    /// Their words, for the pages.
    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|step| step.word()).collect()
    }
}

impl Default for Steps {
    fn default() -> Steps {
        Steps::new([Step::BirthDate, Step::Terms])
    }
}
