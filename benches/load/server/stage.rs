//! What every mode of the bench begins with: a release server with one worker on one processor, nobody in it yet.

use crate::bot::Problem;
use crate::bot::http::client;
use crate::machine::process::{Server, Usage};
use crate::options::Load;
use crate::peer::Bots;
use crate::peer::quartet::Quartet;
use crate::run::Progress;
use crate::server::own::{Admission, OwnServer};

pub struct Stage<'a> {
    pub load: &'a Load,
    pub progress: &'a Progress,
    pub quartet: Quartet,
    pub server: Server,
    /// What the server held when nobody had come.
    pub empty: Usage,
    pub own: OwnServer,
    /// How many processors its workers and control share.
    pub processors: usize,
}

impl Stage<'_> {
    pub async fn set<'a>(
        load: &'a Load,
        processors: &[usize],
        progress: &'a Progress,
        admission: Admission,
    ) -> Result<Stage<'a>, Problem> {
        progress.say("starting the server");
        let own = OwnServer::start(1, processors, admission).await?;
        let server = Server::of(own.pid())?;
        let quartet = Quartet::new(client(), &own.base, &own.token, Bots::new(load.profile)?);
        Ok(Stage { load, progress, quartet, empty: server.usage()?, server, own, processors: processors.len() })
    }
}
