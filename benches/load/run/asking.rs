//! A server that has no room just now is asked again.

use std::time::Duration;

use crate::bot::Problem;
use crate::peer::Full;

/// When bots ask again where a server does not say.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How long bots go on asking.
#[derive(Clone, Copy)]
pub struct Patience {
    /// How often they ask; then the server is full.
    pub asked_max: u32,
    /// The longest that they wait before they ask again, whatever the server says.
    pub rest_max: Duration,
}

impl Patience {
    /// Asks once.
    pub const NONE: Patience = Patience { asked_max: 1, rest_max: Duration::ZERO };

    /// Asks until there is room, as often as this allows; any other problem ends it at once.
    pub async fn ask<T>(self, mut question: impl AsyncFnMut() -> Result<T, Problem>) -> Result<T, Problem> {
        let mut asked = 0;
        loop {
            let problem = match question().await {
                Ok(answer) => return Ok(answer),
                Err(problem) => problem,
            };
            asked += 1;
            match problem.downcast_ref::<Full>() {
                Some(full) if asked < self.asked_max => {
                    tokio::time::sleep(full.retry_after.unwrap_or(RETRY_AFTER).min(self.rest_max)).await;
                }
                Some(_) | None => return Err(problem),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often somebody asked to whom the server gives these answers, and whether they were let in.
    fn asked(answers: &[Result<(), Problem>]) -> (usize, bool) {
        let patience = Patience { asked_max: 3, rest_max: Duration::ZERO };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let mut asked = 0;
        let outcome = runtime.block_on(patience.ask(async || {
            asked += 1;
            match &answers[asked - 1] {
                Ok(()) => Ok(()),
                Err(problem) if problem.is::<Full>() => Err(full()),
                Err(problem) => Err(problem.to_string().into()),
            }
        }));
        (asked, outcome.is_ok())
    }

    fn full() -> Problem {
        Box::new(Full { retry_after: Some(Duration::from_secs(3_600)) })
    }

    #[test]
    fn only_a_full_server_is_asked_again_and_not_without_end() {
        assert_eq!(asked(&[Ok(())]), (1, true));
        assert_eq!(asked(&[Err(full()), Err(full()), Ok(())]), (3, true));
        assert_eq!(asked(&[Err(full()), Err(full()), Err(full()), Ok(())]), (3, false), "it stayed full");
        assert_eq!(asked(&[Err("broken".into()), Ok(())]), (1, false), "what is broken stays broken");
    }
}
