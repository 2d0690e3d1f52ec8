//! Quartet, met as people meet it: staff make appointments, everyone verifies, waits, is let in, posts an offer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, RwLock};

use super::{Bots, Full, Peer, ssrcs};
use crate::bot::Problem;
use crate::bot::connection::{Check, Connection, PASSWORD};
use crate::bot::http::{Person, Refused, Seated};
use crate::media::clock::system_nanos;
use crate::media::leg::{Place, Terms};
use crate::media::mix::SEATS;
use crate::media::offer::{IDS, Kind, Line, Near, Way, declared_ssrc, describe, far, numbers_packets, sections};

/// Names of those who are made for the load: a later run finds them again.
const SURNAME: &str = "Loadtest";
/// How long the appointments are.
const MINUTES: u64 = 60;

/// Visits that are ended at a time.
const ENDED_AT_ONCE: usize = 8;

/// A server, and what bots know of it.
pub struct Quartet {
    api: Arc<Api>,
    bots: Bots,
    /// Whom earlier runs made; none if nobody asked.
    known: OnceCell<Known>,
}

/// The API with staff's token, and what was made by it that still stands.
struct Api {
    http: Client,
    base: String,
    token: String,
    /// Visits by their appointments.
    open: Mutex<BTreeMap<String, String>>,
    /// Held by who makes an appointment, so that who ends them all can wait for it.
    making: Arc<RwLock<()>>,
}

/// People of earlier runs: ids by names.
struct Known {
    patients: BTreeMap<String, String>,
    providers: BTreeMap<String, String>,
    /// The server names only so many at once.
    more_patients: bool,
}

/// A visit and its people, the provider first.
pub struct Visit {
    pub number: u32,
    appointment: String,
    visit: String,
    people: Vec<Person>,
    seated: [Option<Seated>; SEATS as usize],
}

impl Visit {
    pub fn appointment(&self) -> &str {
        &self.appointment
    }

    /// What its people's pages ask for: the path, and the session that opens it.
    pub fn pages(&self) -> impl Iterator<Item = (String, &str)> {
        self.people.iter().map(Person::page)
    }
}

/// The code by which the server says that it has no room.
const FULL: &str = "server_full";

/// Some of what `/metrics` counts.
pub struct Counters {
    pub forwarded: u64,
    pub send_calls: u64,
    pub receive_calls: u64,
}

impl Counters {
    pub fn since(&self, before: &Counters) -> Counters {
        Counters {
            forwarded: self.forwarded.saturating_sub(before.forwarded),
            send_calls: self.send_calls.saturating_sub(before.send_calls),
            receive_calls: self.receive_calls.saturating_sub(before.receive_calls),
        }
    }

    /// So many of something for each packet that was forwarded.
    pub fn per_packet(&self, count: u64) -> Option<f64> {
        (self.forwarded > 0).then(|| count as f64 / self.forwarded as f64)
    }
}

impl Api {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(&self.token)
    }

    /// What the API says to a request; none where it says nothing.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Problem> {
        let request = self.request(method.clone(), path);
        let response = if let Some(body) = &body { request.json(body) } else { request }.send().await?;
        let status = response.status();
        let said = response.text().await?;
        if status.is_success() {
            return Ok(serde_json::from_str(&said).unwrap_or_default());
        }
        let problem: Value = serde_json::from_str(&said).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("no problem document");
        // The path may hold an id, which is no secret; what it was asked with is not shown.
        Err(format!("{method} {path}: {status}: {detail}").into())
    }

    async fn made(&self, path: &str, body: Value) -> Result<String, Problem> {
        let answer = self.ask(Method::POST, path, Some(body)).await?;
        Ok(answer["id"].as_str().ok_or("what was made has no id")?.to_owned())
    }

    /// Makes an appointment, and remembers it until it is ended.
    async fn appoint(&self, appointment: Value) -> Result<Value, Problem> {
        let made = self.ask(Method::POST, "/appointments", Some(appointment)).await?;
        if let (Some(id), Some(visit)) = (made["id"].as_str(), made["visit_id"].as_str()) {
            self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), visit.to_owned());
        }
        Ok(made)
    }

    async fn end(&self, appointment: &str, visit: &str) -> Result<(), Problem> {
        let ended = self.ask(Method::POST, &format!("/visits/{visit}/end"), None).await;
        // Over, or cancelled: either way nobody is expected any more.
        let cancelled = self.ask(Method::DELETE, &format!("/appointments/{appointment}"), None).await;
        ended.or(cancelled)?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(appointment);
        Ok(())
    }

    /// Ids by names of those who are made for the load, and whether there may be more.
    async fn loadtests(&self, path: &str) -> Result<(BTreeMap<String, String>, bool), Problem> {
        let list = self.ask(Method::GET, path, None).await?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let pair = |item: &Value| Some((item["name"].as_str()?.to_owned(), item["id"].as_str()?.to_owned()));
        let made_here = items.iter().filter_map(pair).filter(|(name, _)| name.ends_with(SURNAME));
        Ok((made_here.collect(), list["more"].as_bool().unwrap_or(false)))
    }
}

impl Quartet {
    /// The server at `base` (`https://host:port`), with a token of role admin.
    pub fn new(http: Client, base: &str, token: &str, bots: Bots) -> Quartet {
        let (base, token) = (base.trim_end_matches('/').to_owned(), token.to_owned());
        let api = Api { http, base, token, open: Mutex::default(), making: Arc::default() };
        Quartet { api: Arc::new(api), bots, known: OnceCell::new() }
    }

    /// Finds whom earlier runs made, so that they are not made again.
    pub async fn meet(&self) -> Result<(), Problem> {
        let (patients, more_patients) = self.api.loadtests(&format!("/patients?q={SURNAME}")).await?;
        let (providers, _) = self.api.loadtests("/providers").await?;
        // Whom we met the first time, we know.
        let _ = self.known.set(Known { patients, providers, more_patients });
        Ok(())
    }

    /// Ends every visit that was opened and has not been ended. How many could not be, and why the last of them could not.
    pub async fn end_all(&self) -> Option<(usize, Problem)> {
        // Appointments that are being made now are made; then they are known.
        drop(self.api.making.write().await);
        let open = self.api.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ending = stream::iter(open).map(async |(appointment, visit)| self.api.end(&appointment, &visit).await.err());
        let failed: Vec<Problem> = ending.buffer_unordered(ENDED_AT_ONCE).filter_map(std::future::ready).collect().await;
        let count = failed.len();
        failed.into_iter().next_back().map(|problem| (count, problem))
    }

    /// What its workers have counted so far.
    pub async fn counters(&self) -> Result<Counters, Problem> {
        let text = self.api.request(Method::GET, "/metrics").send().await?.error_for_status()?.text().await?;
        let sum = |name: &str| {
            let of_workers = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.rsplit(' ').next());
            of_workers.filter_map(|value| value.parse::<u64>().ok()).sum()
        };
        Ok(Counters {
            forwarded: sum("quartet_packets_forwarded_total"),
            send_calls: sum("quartet_send_calls_total"),
            receive_calls: sum("quartet_receive_calls_total"),
        })
    }

    async fn provider(&self, number: u32) -> Result<String, Problem> {
        let name = format!("Provider {number} {SURNAME}");
        if let Some(id) = self.known.get().and_then(|known| known.providers.get(&name)) {
            return Ok(id.clone());
        }
        self.api.made("/providers", json!({ "name": name })).await
    }

    async fn patient(&self, number: u32) -> Result<String, Problem> {
        let name = format!("Patient {number} {SURNAME}");
        if let Some(known) = self.known.get() {
            if let Some(id) = known.patients.get(&name) {
                return Ok(id.clone());
            }
            if known.more_patients {
                let (found, _) = self.api.loadtests(&format!("/patients?q={}", name.replace(' ', "%20"))).await?;
                if let Some(id) = found.get(&name) {
                    return Ok(id.clone());
                }
            }
        }
        self.api.made("/patients", json!({ "name": name, "birth_date": BIRTH_DATE })).await
    }
}

/// Everybody's.
const BIRTH_DATE: &str = "1970-01-01";

impl Peer for Quartet {
    type Visit = Visit;

    async fn open(&self, number: u32) -> Result<Visit, Problem> {
        let provider = self.provider(number).await?;
        let mut patients = Vec::new();
        for n in 0..u32::from(SEATS) - 1 {
            patients.push(self.patient(number * (u32::from(SEATS) - 1) + n).await?);
        }
        let appointment = json!({
            "provider_id": provider, "patient_ids": patients, "kind": "group", "group_name": format!("Load {number}"),
            "start": jiff::Timestamp::now().to_string(), "duration_minutes": MINUTES,
        });
        // In a task of its own: a run that is cut short must still learn what it has made.
        let (api, making) = (self.api.clone(), self.api.making.clone().read_owned().await);
        let appointing = tokio::spawn(async move {
            let made = api.appoint(appointment).await;
            drop(making);
            made
        });
        let made = appointing.await??;
        let id = |name: &str| made[name].as_str().map(str::to_owned).ok_or_else(|| Problem::from(format!("no {name}")));
        let (appointment, visit) = (id("id")?, id("visit_id")?);
        let links = made["links"].as_array().ok_or("an appointment without links")?;
        let mut people = Vec::new();
        // The provider's link wants no birth date, and comes first.
        for wanted in [true, false] {
            for link in links.iter().filter(|link| (link["role"] == "provider") == wanted) {
                let url = link["url"].as_str().ok_or("a link without url")?;
                let (_, token) = url.split_once('#').ok_or("a link without token")?;
                let birth_date = (!wanted).then_some(BIRTH_DATE);
                // The server may be reached by another name than its links say.
                let person =
                    Person::verify_with(self.api.http.clone(), &format!("{}/join#{token}", self.api.base), birth_date).await?;
                person.ready().await?;
                people.push(person);
            }
        }
        people[0].admit_all().await?;
        Ok(Visit { number, appointment, visit, people, seated: [const { None }; SEATS as usize] })
    }

    async fn join(&self, visit: &mut Visit, seat: u8) -> Result<Vec<Terms>, Problem> {
        let own = ssrcs(visit.number, seat);
        let ufrag = format!("bot{:x}v{:x}", seat, visit.number);
        let near = Near { ufrag: &ufrag, password: PASSWORD, fingerprint: &self.bots.fingerprint, setup: "actpass" };
        let pair = [(Kind::Audio, Way::Receive), (Kind::Video, Way::Receive)];
        let mut lines = vec![(Kind::Audio, Way::Send), (Kind::Video, Way::Send)];
        (1..SEATS).for_each(|_| lines.extend(pair));
        let offer = describe(&near, &lines);

        let person = visit.people.get(usize::from(seat)).ok_or("nobody for this seat")?;
        let offered = system_nanos();
        let seated = person.take_seat(offer).await.map_err(full)?;
        let far = far(&seated.answer)?;
        let (mut lines, mut transport_cc) = (Vec::new(), None);
        for (kind, section) in sections(&seated.answer) {
            let stream = section.lines().find_map(|line| line.strip_prefix("a=msid:seat"));
            let Some(from) = stream.and_then(|stream| stream.get(..1)?.parse().ok()) else { continue };
            let Some(ssrc) = declared_ssrc(section) else { continue };
            transport_cc = transport_cc.or_else(|| numbers_packets(section).then_some(IDS.transport_cc));
            lines.push(Line { ssrc, kind, from });
        }
        let connection = Connection::make(&far, &ufrag, self.bots.certificate.clone(), self.bots.profile.offered()).await?;
        let check = Check { username: format!("{}:{ufrag}", far.ufrag), password: far.password.clone() };
        let (socket, keys) = connection.into_socket()?;
        // The server's seats are numbered as people came; which one is ours, the location says.
        let number = seated.location.rsplit('/').next().and_then(|number| number.parse().ok()).ok_or("a seat has a number")?;
        visit.seated[usize::from(seat)] = Some(seated);
        let place = Place { visit: visit.number, seat: number };
        let sends = Some((own, IDS));
        Ok(vec![Terms { place, socket, keys, check: Some(check), sends, lines, transport_cc, offered: Some(offered) }])
    }

    async fn leave(&self, visit: &mut Visit, seat: u8) -> Result<(), Problem> {
        let seated = visit.seated[usize::from(seat)].take().ok_or("nobody sits there")?;
        let person = &visit.people[usize::from(seat)];
        person.leave(&seated).await?;
        // Let in again at once, for the next time.
        person.ready().await?;
        visit.people[0].admit_all().await
    }

    async fn close(&self, visit: Visit) -> Result<(), Problem> {
        self.api.end(&visit.appointment, &visit.visit).await
    }
}

/// A refusal for want of room, as such.
fn full(problem: Problem) -> Problem {
    match problem.downcast_ref::<Refused>() {
        Some(refused) if refused.code == FULL => Box::new(Full { retry_after: refused.retry_after.map(Duration::from_secs) }),
        _ => problem,
    }
}
