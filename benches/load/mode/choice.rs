//! What else may be asked of the bench than one load beside the bare loop.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::{api, comings, find_max, idle, overload, soak, storm};
use crate::bot::Problem;
use crate::options::Load;
use crate::run::Progress;
use crate::run::report;
use crate::server::own::Admission;
use crate::server::stage::Stage;

/// One of these, or none.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub struct Modes {
    /// Find the most visits that one worker carries: from --visits on, until more than 0.1 % is lost, or the latency's p99 is
    /// more than 5 ms, or the bots themselves give way.
    #[arg(long)]
    find_max: bool,
    /// Ask for twice N visits, where N is what --find-max found: who is let in must stay whole, the rest be told at once.
    #[arg(long, value_name = "N")]
    overload: Option<u32>,
    /// While --visits run, people of other visits leave and come back, 200 a second, for --seconds.
    #[arg(long)]
    storm: bool,
    /// While --visits run (40 unless said), pages and staff ask the API as fast as it answers: nobody, then readers, then writers,
    /// --seconds each.
    #[arg(long)]
    api: bool,
    /// N joins one after the other on a server that does nothing else.
    #[arg(long, value_name = "N")]
    joins: Option<u32>,
    /// For so many minutes somebody leaves and comes back every second; does the server become again what it was?
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u32>,
    /// N visits that are open and silent: what do they cost?
    #[arg(long, value_name = "N")]
    idle: Option<u32>,
}

/// What goes with a mode.
#[derive(Args, Clone, Debug)]
pub struct With {
    /// Draw what --find-max found into this file, as SVG.
    #[arg(long, value_name = "FILE", requires = "find_max")]
    plot: Option<PathBuf>,
    /// Connections over which --api asks, each with one request at a time.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    connections: u16,
}

impl Modes {
    /// Does what was asked; whether anything was.
    pub async fn run(&self, load: &Load, with: &With, processors: &[usize]) -> Result<bool, Problem> {
        let progress = Progress::default();
        // Who asks what a server can bear does not ask when it would say no.
        let admission = if self.find_max || self.storm || self.api { Admission::Open } else { Admission::AsShipped };
        let set = Stage::set(load, processors, &progress, admission);
        let (found, print): (Value, fn(&Value)) = match self {
            Modes { find_max: true, .. } => (find_max::run(&set.await?, with.plot.as_deref()).await?, find_max::print),
            Modes { overload: Some(most), .. } => (overload::run(&set.await?, *most).await?, report::print),
            Modes { storm: true, .. } => (storm::run(&set.await?).await?, report::print),
            Modes { api: true, .. } => (api::run(&set.await?, with.connections).await?, api::print),
            Modes { joins: Some(count), .. } => (comings::run(&set.await?, *count).await?, report::print),
            Modes { soak: Some(minutes), .. } => (soak::run(&set.await?, *minutes).await?, soak::print),
            Modes { idle: Some(visits), .. } => (idle::run(&set.await?, *visits).await?, report::print),
            Modes { find_max: false, overload: None, storm: false, api: false, joins: None, soak: None, idle: None } => {
                return Ok(false);
            }
        };
        progress.done();
        if load.json {
            println!("{found}")
        } else {
            print(&found)
        }
        Ok(true)
    }
}
