//! Janus, as Debian packages it: its video room, met over its HTTP API.
//!
//! A visit is a room and a session. A person has two connections there, as in all of Janus's own pages: one that sends,
//! and, once all are there, one that receives the three others ("multistream").

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::RangeInclusive;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bot::Problem;
use crate::bot::connection::{Check, Connection, Keys, PASSWORD};
use crate::media::leg::{Place, Terms};
use crate::media::mix::SEATS;
use crate::media::offer::{
    IDS, Kind, Line, Near, TRANSPORT_CC, Way, declared_ssrc, describe, extension, far, mirror, sections, value,
};
use crate::peer::{Bots, Peer, Rival, ssrcs};
use crate::server::network;
use crate::server::pin::Pinned;

const MISSING: &str = "Janus is not installed; Debian has it: apt-get install --no-install-recommends janus";
const PLUGIN: &str = "janus.plugin.videoroom";

/// It answers as soon as its plugins are loaded.
const STARTING_MAX: Duration = Duration::from_secs(20);
/// How long the event may take that ends a request. Descriptions of a busy Janus take some milliseconds.
const EVENT_MAX: Duration = Duration::from_secs(20);

/// How long it may take until a person who has shaken hands is one whom others can receive.
const PUBLISHED_MAX: Duration = Duration::from_secs(10);

/// How often it asks publishers for keyframes of itself. Its own examples have 10; who comes meanwhile asks anyway.
const KEYFRAME_SECONDS: u32 = 10;

/// A Janus of our own.
pub struct Janus {
    child: Child,
    directory: TempDir,
    http: Client,
    base: String,
    bots: Bots,
    transactions: AtomicU64,
}

/// A room, and the session that made it.
pub struct Visit {
    number: u32,
    session: u64,
    /// Whose only work is to make and end the room.
    host: u64,
    /// The handles of each seat: who sends, who receives.
    seated: [Vec<u64>; SEATS as usize],
}

impl Visit {
    fn room(&self) -> u32 {
        self.number + 1
    }
}

/// A seat's name in its room. Zero is none to Janus.
fn feed(seat: u8) -> u64 {
    u64::from(seat) + 1
}

impl Rival for Janus {
    const NAME: &'static str = "janus";
    const EXPECTED_US: RangeInclusive<f64> = 15.0..=35.0;

    async fn start(processors: &[usize], bots: Bots) -> Result<Janus, Problem> {
        network::ready().await?;
        let directory = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        configure(directory.path(), port)?;
        let child = {
            let _here = Pinned::to(processors)?;
            let program = Command::new("janus").arg("--configs-folder").arg(directory.path()).stdout(Stdio::null()).spawn();
            program.map_err(|error| {
                let is_missing = error.kind() == std::io::ErrorKind::NotFound;
                if is_missing { Problem::from(MISSING) } else { format!("starting janus: {error}").into() }
            })?
        };
        let base = format!("http://{}:{port}/janus", Ipv4Addr::LOCALHOST);
        let http = Client::builder().timeout(EVENT_MAX).build()?;
        let mut janus = Janus { child, directory, http, base, bots, transactions: AtomicU64::new(1) };
        janus.wait_until_ready().await?;
        Ok(janus)
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn about(&self) -> Result<Value, Problem> {
        let info = self.read("/info").await?;
        Ok(json!({ "version": info["version_string"], "dependencies": info["dependencies"] }))
    }
}

impl Drop for Janus {
    fn drop(&mut self) {
        // It holds nothing that must be put away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Janus {
    async fn wait_until_ready(&mut self) -> Result<(), Problem> {
        let answered = async {
            while self.read("/info").await.is_err() {
                if let Some(status) = self.child.try_wait()? {
                    return Err(Problem::from(format!("janus ended with {status}; {}", self.last_words())));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        let outcome = tokio::time::timeout(STARTING_MAX, answered).await;
        outcome.map_err(|_| format!("janus did not answer at {}; {}", self.base, self.last_words()))?
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.directory.path().join("janus.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        format!("its log ends: {}", lines.into_iter().rev().collect::<Vec<_>>().join(" / "))
    }

    async fn read(&self, path: &str) -> Result<Value, Problem> {
        let response = self.http.get(format!("{}{path}", self.base)).send().await?.error_for_status()?;
        Ok(serde_json::from_str(&response.text().await?)?)
    }

    /// Asks, and returns what is said at once.
    async fn ask(&self, path: &str, mut request: Value) -> Result<Value, Problem> {
        let transaction = self.transactions.fetch_add(1, Ordering::Relaxed).to_string();
        request["transaction"] = transaction.into();
        let response = self.http.post(format!("{}{path}", self.base)).json(&request).send().await?.error_for_status()?;
        let mut said: Value = serde_json::from_str(&response.text().await?)?;
        if said["janus"] == "error" {
            return Err(format!("{}: {}", request["janus"], said["error"]["reason"]).into());
        }
        said["transaction"] = request["transaction"].take();
        Ok(said)
    }

    /// Makes something that has a number.
    async fn made(&self, path: &str, request: Value) -> Result<u64, Problem> {
        let what = request["janus"].to_string();
        let said = self.ask(path, request).await?;
        said["data"]["id"].as_u64().ok_or_else(|| format!("{what}: an answer without id").into())
    }

    /// Speaks to the video room, and returns what it said in the end: `plugindata` and perhaps `jsep`.
    async fn tell(&self, session: u64, handle: u64, body: Value, jsep: Option<Value>) -> Result<Value, Problem> {
        let what = body["request"].to_string();
        let mut request = json!({ "janus": "message", "body": body });
        if let Some(jsep) = jsep {
            request["jsep"] = jsep;
        }
        let mut said =
            self.ask(&format!("/{session}/{handle}"), request).await.map_err(|problem| format!("{what}: {problem}"))?;
        if said["janus"] == "ack" {
            let event = tokio::time::timeout(EVENT_MAX, self.event(session, &said["transaction"]));
            said = event.await.map_err(|_| format!("{what}: no event came in {} s", EVENT_MAX.as_secs()))??;
        }
        let data = &said["plugindata"]["data"];
        if !data["error"].is_null() {
            return Err(format!("{what}: {}", data["error"]).into());
        }
        Ok(said)
    }

    /// The event that ends a transaction. Others of the session tell what is known: that media flow, who published.
    async fn event(&self, session: u64, transaction: &Value) -> Result<Value, Problem> {
        loop {
            let events = self.read(&format!("/{session}?maxev=10")).await?;
            let ends = |event: &&Value| event["janus"] == "event" && event["transaction"] == *transaction;
            if let Some(event) = events.as_array().and_then(|events| events.iter().find(ends)) {
                return Ok(event.clone());
            }
        }
    }

    async fn attach(&self, session: u64) -> Result<u64, Problem> {
        self.made(&format!("/{session}"), json!({ "janus": "attach", "plugin": PLUGIN })).await
    }

    async fn connect(&self, theirs: &str, ufrag: &str) -> Result<(std::net::UdpSocket, Keys, Check), Problem> {
        let far = far(theirs)?;
        let connection = Connection::make(&far, ufrag, self.bots.certificate.clone(), self.bots.profile.offered()).await?;
        let check = Check { username: format!("{}:{ufrag}", far.ufrag), password: far.password };
        let (socket, keys) = connection.into_socket()?;
        Ok((socket, keys, check))
    }

    fn near<'a>(&'a self, ufrag: &'a str) -> Near<'a> {
        // With `actpass` Janus would be the client of the handshake, which bots are.
        Near { ufrag, password: PASSWORD, fingerprint: &self.bots.fingerprint, setup: "active" }
    }

    /// Waits until others can receive this seat. The bots' side of a handshake is done before Janus has told its room so, and until
    /// then there is "No such feed" for who subscribes.
    async fn wait_until_published(&self, visit: &Visit, seat: u8) -> Result<(), Problem> {
        let published = async {
            loop {
                let list = json!({ "request": "listparticipants", "room": visit.room() });
                let said = self.tell(visit.session, visit.host, list, None).await?;
                let participants = said["plugindata"]["data"]["participants"].as_array().map(Vec::as_slice).unwrap_or_default();
                if participants.iter().any(|one| one["id"] == feed(seat) && one["publisher"] == true) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let outcome = tokio::time::timeout(PUBLISHED_MAX, published).await;
        outcome
            .map_err(|_| format!("seat {seat} of room {} is not published after {} s", visit.room(), PUBLISHED_MAX.as_secs()))?
    }

    /// The connection on which a seat receives all others.
    async fn subscribe(&self, visit: &mut Visit, seat: u8) -> Result<Terms, Problem> {
        let handle = self.attach(visit.session).await?;
        visit.seated[usize::from(seat)].push(handle);
        let others: Vec<Value> = (0..SEATS).filter(|&other| other != seat).map(|other| json!({ "feed": feed(other) })).collect();
        let join = json!({ "request": "join", "ptype": "subscriber", "room": visit.room(), "streams": others });
        let attached = self.tell(visit.session, handle, join, None).await?;
        let offer = attached["jsep"]["sdp"].as_str().ok_or("a subscription without offer")?;
        let ufrag = format!("sub{:x}v{:x}", seat, visit.number);
        let answer = json!({ "type": "answer", "sdp": mirror(offer, &self.near(&ufrag)) });
        self.tell(visit.session, handle, json!({ "request": "start" }), Some(answer)).await?;
        let streams = attached["plugindata"]["data"]["streams"].as_array().map(Vec::as_slice).unwrap_or_default();
        let (mut lines, mut transport_cc) = (Vec::new(), None);
        for (kind, section) in sections(offer) {
            let mid = value(section, "a=mid:")?;
            let of = streams.iter().find(|stream| stream["mid"] == mid).and_then(|stream| stream["feed_id"].as_u64());
            let from = (0..SEATS).find(|&from| Some(feed(from)) == of).ok_or_else(|| format!("whose is line {mid}?"))?;
            let ssrc = declared_ssrc(section).ok_or_else(|| format!("line {mid} declares no SSRC"))?;
            transport_cc = transport_cc.or_else(|| extension(section, TRANSPORT_CC));
            lines.push(Line { ssrc, kind, from });
        }
        let (socket, keys, check) = self.connect(offer, &ufrag).await?;
        let place = Place { visit: visit.number, seat };
        Ok(Terms { place, socket, keys, check: Some(check), sends: None, lines, transport_cc, offered: None })
    }
}

impl Peer for Janus {
    type Visit = Visit;

    async fn open(&self, number: u32) -> Result<Visit, Problem> {
        let session = self.made("", json!({ "janus": "create" })).await?;
        let host = self.attach(session).await?;
        let visit = Visit { number, session, host, seated: [const { Vec::new() }; SEATS as usize] };
        let room = json!({
            "request": "create", "room": visit.room(), "publishers": SEATS, "audiocodec": "opus", "videocodec": "vp8",
            "fir_freq": KEYFRAME_SECONDS, "bitrate_cap": false, "record": false, "notify_joining": false,
            "transport_wide_cc_ext": true, "audiolevel_ext": true, "audiolevel_event": false,
        });
        self.tell(session, host, room, None).await?;
        Ok(visit)
    }

    async fn join(&self, visit: &mut Visit, seat: u8) -> Result<Vec<Terms>, Problem> {
        let handle = self.attach(visit.session).await?;
        visit.seated[usize::from(seat)].push(handle);
        let join = json!({ "request": "join", "ptype": "publisher", "room": visit.room(), "id": feed(seat) });
        self.tell(visit.session, handle, join, None).await?;
        let ufrag = format!("pub{:x}v{:x}", seat, visit.number);
        let offer = describe(&self.near(&ufrag), &[(Kind::Audio, Way::Send), (Kind::Video, Way::Send)]);
        // Layers are named from the smallest, and Janus's substream 2 is to be the largest.
        let jsep = json!({ "type": "offer", "sdp": offer, "rid_order": "lmh" });
        let published = self.tell(visit.session, handle, json!({ "request": "publish" }), Some(jsep)).await?;
        let answer = published["jsep"]["sdp"].as_str().ok_or("a publication without answer")?;
        let (socket, keys, check) = self.connect(answer, &ufrag).await?;
        self.wait_until_published(visit, seat).await?;
        let place = Place { visit: visit.number, seat };
        let sends = Some((ssrcs(visit.number, seat), IDS));
        Ok(vec![Terms { place, socket, keys, check: Some(check), sends, lines: Vec::new(), transport_cc: None, offered: None }])
    }

    async fn complete(&self, visit: &mut Visit) -> Result<Vec<Terms>, Problem> {
        let mut legs = Vec::new();
        for seat in 0..SEATS {
            legs.push(self.subscribe(visit, seat).await?);
        }
        Ok(legs)
    }

    async fn leave(&self, visit: &mut Visit, seat: u8) -> Result<(), Problem> {
        for handle in std::mem::take(&mut visit.seated[usize::from(seat)]) {
            self.ask(&format!("/{}/{handle}", visit.session), json!({ "janus": "detach" })).await?;
        }
        Ok(())
    }

    async fn close(&self, visit: Visit) -> Result<(), Problem> {
        self.tell(visit.session, visit.host, json!({ "request": "destroy", "room": visit.room() }), None).await?;
        self.ask(&format!("/{}", visit.session), json!({ "janus": "destroy" })).await?;
        Ok(())
    }
}

/// Writes the configuration: all as Janus has it by itself, but only what the bench uses, and only on loopback.
fn configure(at: &Path, port: u16) -> Result<(), Problem> {
    let installed = modules().ok_or(MISSING)?;
    // Only what stands in these folders is loaded.
    for (folder, module) in [
        ("plugins", Some("libjanus_videoroom.so")),
        ("transports", Some("libjanus_http.so")),
        ("events", None),
        ("loggers", None),
    ] {
        fs::create_dir(at.join(folder))?;
        if let Some(module) = module {
            symlink(installed.join(folder).join(module), at.join(folder).join(module))?;
        }
    }
    let (folder, address, local) = (at.display(), network::ADDRESS, Ipv4Addr::LOCALHOST);
    // Sessions do not end by themselves: nobody speaks in them while media are measured.
    let general = format!(
        r#"
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/events"
    loggers_folder = "{folder}/loggers"
    log_to_stdout = false
    log_to_file = "{folder}/janus.log"
    debug_level = 3
    interface = "{address}"
    session_timeout = 0
}}
media: {{
    ipv6 = false
}}
nat: {{
    ice_lite = true
    full_trickle = false
    ice_enforce_list = "{address}"
}}
"#
    );
    let transport = format!(
        r#"
general: {{
    json = "compact"
    base_path = "/janus"
    http = true
    port = {port}
    ip = "{local}"
    https = false
}}
admin: {{
    admin_http = false
    admin_https = false
}}
"#
    );
    fs::write(at.join("janus.jcfg"), general)?;
    fs::write(at.join("janus.transport.http.jcfg"), transport)?;
    fs::write(at.join(format!("{PLUGIN}.jcfg")), "general: {\n}\n")?;
    Ok(())
}

/// Where its plugins and transports are installed.
fn modules() -> Option<PathBuf> {
    let below = fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path().join("janus")));
    let mut places = [PathBuf::from("/usr/lib/janus"), PathBuf::from("/usr/local/lib/janus")].into_iter().chain(below);
    places.find(|place| place.join("plugins/libjanus_videoroom.so").exists())
}
