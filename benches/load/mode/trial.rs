//! A release server and what it is compared with, one after the other, under the same load.

use serde_json::{Value, json};

use crate::bare::Floor;
use crate::bot::Problem;
use crate::bot::http::client;
use crate::machine::process::{Machine, Server, Usage};
use crate::media::engine::Engine;
use crate::options::Load;
use crate::peer::quartet::Quartet;
use crate::peer::{Bots, Peer, Profile, Rival};
use crate::run::crowd::PATIENT;
use crate::run::measured::Measured;
use crate::run::report::Report;
use crate::run::{self, Progress};
use crate::server::allocations;
use crate::server::own::{Admission, OwnServer};

/// How long allocations are counted.
const COUNTING_SECONDS: u32 = 5;

const CPU: &str = "cpu_us_per_forwarded_packet";

/// What is asked, and where the server may run.
pub struct Trial<'a> {
    pub load: &'a Load,
    pub processors: &'a [usize],
    pub progress: Progress,
}

impl Trial<'_> {
    /// All figures; those of the bare loop too where they are wanted and it can do the profile.
    pub async fn run(&self, with_floor: bool) -> Result<Value, Problem> {
        let floor = self.floor_if(with_floor).await?;
        let figures = self.server(async |server, quartet| self.allocations(server, quartet).await).await?;
        Ok(self.beside(floor.as_ref(), figures))
    }

    /// The same in turn with a server of others, `repeats` times. Figures are of the turns in the middle; allocations,
    /// which would take as long as all else, are not counted.
    pub async fn compare<R: Rival>(&self, with_floor: bool, repeats: u32) -> Result<Value, Problem> {
        let floor = self.floor_if(with_floor).await?;
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for repeat in 1..=repeats {
            self.progress.say(&format!("turn {repeat} of {repeats}: this server"));
            own.push(self.server(async |_, _| Value::Null).await?);
            self.progress.say(&format!("turn {repeat} of {repeats}: {}", R::NAME));
            others.push(self.rival::<R>().await?);
        }
        let pairs = own.iter().zip(&others);
        let pairs: Vec<(f64, f64)> = pairs.filter_map(|(own, other)| Some((own[CPU].as_f64()?, other[CPU].as_f64()?))).collect();
        let mut ratios: Vec<f64> = pairs.iter().map(|(own, other)| other / own).collect();
        ratios.sort_by(f64::total_cmp);
        let turns: Vec<Value> =
            pairs.iter().map(|(own, other)| json!({ "quartet": own, (R::NAME): other, "ratio": other / own })).collect();

        let mut figures = self.beside(floor.as_ref(), middle(own));
        figures[R::NAME] = middle(others);
        figures["ratio"] = json!({ "median": median(&ratios), "min": ratios.first(), "max": ratios.last() });
        figures["turns"] = turns.into();
        Ok(figures)
    }

    async fn floor_if(&self, wanted: bool) -> Result<Option<Report>, Problem> {
        Ok(if wanted && self.load.profile == Profile::Gcm { Some(self.floor().await?) } else { None })
    }

    fn beside(&self, floor: Option<&Report>, mut figures: Value) -> Value {
        let per_packet = floor.and_then(Report::cpu_per_packet);
        figures["floor_us_per_packet"] = per_packet.into();
        figures["ratio_to_floor"] = figures[CPU].as_f64().zip(per_packet).map(|(own, floor)| own / floor).into();
        figures["floor"] = floor.map_or(Value::Null, |floor| floor.json(self.load));
        figures["machine"] = Machine.name().into();
        figures
    }

    async fn floor(&self) -> Result<Report, Problem> {
        self.progress.say("the bare loop");
        let engine = Engine::start(self.load.gro)?;
        let (floor, legs) = Floor::start(self.load.visits, self.processors)?;
        engine.add(legs)?;
        let visits = self.load.visits as usize;
        let settled = run::settle(&engine, visits, &self.progress).await?;
        self.measured(&engine, &Server::of(floor.pid())?, visits, settled).await
    }

    /// The server, whose allocations are what `count` says when all is measured.
    async fn server(&self, count: impl AsyncFnOnce(&Server, &Quartet) -> Value) -> Result<Value, Problem> {
        self.progress.say("starting the server");
        let own = OwnServer::start(1, self.processors, Admission::AsShipped).await?;
        let server = Server::of(own.pid())?;
        let empty = server.usage()?;
        let engine = Engine::start(self.load.gro)?;
        let quartet = Quartet::new(client(), &own.base, &own.token, Bots::new(self.load.profile)?);
        let (visits, settled) = self.filled(&quartet, &engine).await?;
        let before = quartet.counters().await?;
        let report = self.measured(&engine, &server, visits, settled).await?;
        let counted = quartet.counters().await?.since(&before);

        let mut figures = report.json(self.load);
        figures["rss_bytes_per_visit"] = self.held(&server, &empty)?;
        figures["send_syscalls_per_packet"] = counted.per_packet(counted.send_calls).into();
        figures["receive_syscalls_per_packet"] = counted.per_packet(counted.receive_calls).into();
        figures["allocations_per_packet"] = count(&server, &quartet).await;
        Ok(figures)
    }

    async fn rival<R: Rival>(&self) -> Result<Value, Problem> {
        self.progress.say(&format!("starting {}", R::NAME));
        let rival = R::start(self.processors, Bots::new(self.load.profile)?).await?;
        let server = Server::of(rival.pid())?;
        let empty = server.usage()?;
        let engine = Engine::start(self.load.gro)?;
        let (visits, settled) = self.filled(&rival, &engine).await?;
        let report = self.measured(&engine, &server, visits, settled).await?;

        let mut figures = report.json(self.load);
        figures["rss_bytes_per_visit"] = self.held(&server, &empty)?;
        figures["threads"] = server.usage()?.tasks.into();
        figures["about"] = rival.about().await?;
        let expected = R::EXPECTED_US;
        let as_expected = report.cpu_per_packet().map(|used| expected.contains(&used));
        figures["expected_us"] = json!([expected.start(), expected.end()]);
        figures["as_expected"] = as_expected.into();
        if as_expected != Some(true) {
            let (name, used) = (R::NAME, report.cpu_per_packet().unwrap_or(f64::NAN));
            let (least, most) = (expected.start(), expected.end());
            let more = format!("{name} used {used:.1} µs a packet, not the {least} to {most} that are known of it:");
            self.progress.say(&format!("{more} see how busy it was, its loss, and what it says of its libraries"));
        }
        Ok(figures)
    }

    async fn filled<P: Peer>(&self, peer: &P, engine: &Engine) -> Result<(usize, bool), Problem> {
        let crowd = run::fill(peer, engine, 0..self.load.visits, PATIENT, &self.progress).await;
        if let Some(problem) = crowd.refusals.first() {
            return Err(format!("{} visits did not come about: {problem}", crowd.refusals.len()).into());
        }
        Ok((crowd.visits.len(), run::settle(engine, crowd.visits.len(), &self.progress).await?))
    }

    /// Bytes for each visit.
    fn held(&self, server: &Server, empty: &Usage) -> Result<Value, Problem> {
        let grown = server.usage()?.resident_bytes.saturating_sub(empty.resident_bytes);
        Ok((grown / u64::from(self.load.visits.max(1))).into())
    }

    async fn allocations(&self, server: &Server, quartet: &Quartet) -> Value {
        self.progress.say("counting allocations");
        let counted = async {
            let before = quartet.counters().await?;
            let allocations = allocations::count(server, COUNTING_SECONDS).await?;
            Ok::<_, Problem>(quartet.counters().await?.since(&before).per_packet(allocations))
        };
        counted.await.map(Value::from).unwrap_or_else(|problem| {
            self.progress.say(&format!("allocations were not counted: {problem}"));
            Value::Null
        })
    }

    async fn measured(&self, engine: &Engine, server: &Server, visits: usize, settled: bool) -> Result<Report, Problem> {
        let Measured { seconds, bots, .. } = Measured::of(engine, self.load.seconds, Some(server), &self.progress).await?;
        Ok(Report { visits, settled, seconds, bots })
    }
}

/// Of several turns, the one whose time per packet is the middle one.
fn middle(mut turns: Vec<Value>) -> Value {
    turns.sort_by(|a, b| a[CPU].as_f64().unwrap_or(f64::MAX).total_cmp(&b[CPU].as_f64().unwrap_or(f64::MAX)));
    if turns.is_empty() { Value::Null } else { turns.swap_remove((turns.len() - 1) / 2) }
}

/// Of numbers in order.
fn median(sorted: &[f64]) -> Option<f64> {
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(f64::midpoint(*low, *high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_middle_two() {
        for (sorted, expected) in [(&[][..], None), (&[2.0], Some(2.0)), (&[1.0, 2.0], Some(1.5)), (&[1.0, 2.0, 9.0], Some(2.0))]
        {
            assert_eq!(median(sorted), expected);
        }
    }

    #[test]
    fn the_middle_turn_is_that_of_the_middle_time() {
        let turns = [7.0, 1.0, 3.0].map(|used| json!({ (CPU): used }));
        assert_eq!(middle(turns.to_vec())[CPU], 3.0);
    }
}
