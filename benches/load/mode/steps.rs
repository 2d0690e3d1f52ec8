//! How a search for the maximum goes on: up by halves until something gives way, then between the two nearest.

/// What is known so far.
#[derive(Default, Clone, Copy, Debug)]
pub struct Bounds {
    /// The most that was carried.
    pub carried: Option<u32>,
    /// The least that was not.
    pub failed: Option<u32>,
}

impl Bounds {
    /// What to try next, if a nearer bound is worth its seconds.
    pub fn next(&self) -> Option<u32> {
        match (self.carried, self.failed) {
            (None, None) => None,
            (Some(carried), None) => Some(carried + (carried / 2).max(1)),
            (carried, Some(failed)) => {
                let carried = carried.unwrap_or(0);
                // Nearer than a sixteenth, runs differ more than loads.
                (failed.saturating_sub(carried) > (carried / 16).max(1)).then(|| carried + (failed - carried) / 2)
            }
        }
    }

    pub fn learn(&mut self, visits: u32, carried: bool) {
        let bound = if carried { &mut self.carried } else { &mut self.failed };
        *bound = Some(match *bound {
            None => visits,
            Some(known) if carried => known.max(visits),
            Some(known) => known.min(visits),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_comes_within_a_sixteenth_of_the_truth_in_few_steps() {
        for truth in 0..600 {
            let mut bounds = Bounds::default();
            let (mut visits, mut steps) = (10, 0);
            loop {
                bounds.learn(visits, visits <= truth);
                steps += 1;
                let Some(next) = bounds.next() else { break };
                visits = next;
            }
            let found = bounds.carried.unwrap_or(0);
            assert!(found <= truth && truth - found <= (found / 16).max(1), "{found} of {truth}");
            assert!(steps <= 16, "{steps} steps to {truth}");
        }
    }
}
