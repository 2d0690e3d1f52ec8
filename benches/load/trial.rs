//! A release server and the bare loop, one after the other, under the same load.

use serde_json::Value;

use crate::allocations;
use crate::bare::Floor;
use crate::bot::Problem;
use crate::bot::http::client;
use crate::engine::Engine;
use crate::options::Load;
use crate::peer::quartet::Quartet;
use crate::peer::{Bots, Profile};
use crate::process::{Machine, Server};
use crate::report::Report;
use crate::run::{self, Progress, Refused};
use crate::server::OwnServer;

/// How long allocations are counted.
const COUNTING_SECONDS: u32 = 5;

/// What is asked, and where the server may run.
pub struct Trial<'a> {
    pub load: &'a Load,
    pub processors: &'a [usize],
    pub progress: Progress,
}

impl Trial<'_> {
    /// All figures; those of the bare loop too where they are wanted and it can do the profile.
    pub async fn run(&self, with_floor: bool) -> Result<Value, Problem> {
        let floor = if with_floor && self.load.profile == Profile::Gcm { Some(self.floor().await?) } else { None };
        let mut figures = self.server().await?;
        let per_packet = floor.as_ref().and_then(Report::cpu_per_packet);
        figures["floor_us_per_packet"] = per_packet.into();
        let own = figures["cpu_us_per_forwarded_packet"].as_f64();
        figures["ratio_to_floor"] = own.zip(per_packet).map(|(own, floor)| own / floor).into();
        figures["floor"] = floor.map_or(Value::Null, |floor| floor.json(self.load));
        figures["machine"] = Machine.name().into();
        Ok(figures)
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

    async fn server(&self) -> Result<Value, Problem> {
        self.progress.say("starting the server");
        let own = OwnServer::start(1, self.processors).await?;
        let server = Server::of(own.pid())?;
        let empty = server.usage()?;
        let engine = Engine::start(self.load.gro)?;
        let quartet = Quartet::new(client(), &own.base, &own.token, Bots::new(self.load.profile)?);
        let crowd = run::fill(&quartet, &engine, 0..self.load.visits, Refused::TryAgain, &self.progress).await;
        if let Some(problem) = crowd.refusals.first() {
            return Err(format!("{} visits did not come about: {problem}", crowd.refusals.len()).into());
        }
        let settled = run::settle(&engine, crowd.visits.len(), &self.progress).await?;
        let before = quartet.counters().await?;
        let report = self.measured(&engine, &server, crowd.visits.len(), settled).await?;
        let counted = quartet.counters().await?.since(&before);

        let mut figures = report.json(self.load);
        let grown = server.usage()?.resident_bytes.saturating_sub(empty.resident_bytes);
        figures["rss_bytes_per_visit"] = (grown / u64::from(self.load.visits.max(1))).into();
        figures["send_syscalls_per_packet"] = counted.per_packet(counted.send_calls).into();
        figures["receive_syscalls_per_packet"] = counted.per_packet(counted.receive_calls).into();
        self.progress.say("counting allocations");
        let before = quartet.counters().await?;
        let allocations = allocations::count(&server, COUNTING_SECONDS).await;
        let counted = quartet.counters().await?.since(&before);
        figures["allocations_per_packet"] = match allocations {
            Ok(allocations) => counted.per_packet(allocations).into(),
            Err(problem) => {
                self.progress.say(&format!("allocations were not counted: {problem}"));
                Value::Null
            }
        };
        Ok(figures)
    }

    async fn measured(&self, engine: &Engine, server: &Server, visits: usize, settled: bool) -> Result<Report, Problem> {
        let bots = Server::this()?;
        let before = bots.usage()?;
        let seconds = run::measure(engine, self.load.seconds, Some(server), &Machine, &self.progress).await?;
        Ok(Report { visits, settled, seconds, bots: bots.usage()?.since(&before) })
    }
}
