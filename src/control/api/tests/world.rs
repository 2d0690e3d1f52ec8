//! A server with its records in a temporary file, a clock that stands still, media that only takes notes,
//! and a client.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::control::api::{App, Limits, SiteInfo, Support, router, serve};
use crate::control::registry::ports::{Media, WorkerInfo};
use crate::control::registry::{Bounds, Parts, Registry};
use crate::control::schedule::{Rules, Window};
use crate::control::store::Store;
use crate::control::verify::{DoorLimits, SessionLimits, Steps, staff, terms};
use crate::control::words::{Clock, Name, Staff};
use crate::link::{Command, Fingerprint};

/// The start of every appointment here; the clock stands at it.
pub(super) const START: &str = "2027-01-15T08:00:00+00:00";
pub(super) const OFFER: &str = include_str!("../../../../tests/fixtures/offers/chromium-156-page.sdp");

/// Media that only takes notes.
pub(super) struct Notes {
    pub(super) workers: Mutex<u16>,
    pub(super) commands: Mutex<Vec<(u16, Command)>>,
}

impl Notes {
    pub(super) fn of(workers: u16) -> Notes {
        Notes { workers: Mutex::new(workers), commands: Mutex::default() }
    }
}

impl Media for Notes {
    fn workers(&self) -> Vec<WorkerInfo> {
        let address = SocketAddr::from(([192, 0, 2, 1], 5004));
        let fingerprint = Fingerprint([7; 32]);
        (0..*self.workers.lock().unwrap()).map(|worker| WorkerInfo { worker, addresses: vec![address], fingerprint }).collect()
    }

    fn send(&self, worker: u16, command: Command) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        self.commands.lock().unwrap().push((worker, command));
        Box::pin(std::future::ready(true))
    }
}

pub(super) struct World {
    pub(super) clock: Clock,
    pub(super) registry: Registry,
    pub(super) media: Arc<Notes>,
    pub(super) address: SocketAddr,
    pub(super) certificate: rustls::pki_types::CertificateDer<'static>,
    pub(super) admin: String,
    pub(super) scheduler: String,
    pub(super) monitor: String,
    http: reqwest::Client,
    dir: tempfile::TempDir,
    shutdown: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
}

/// A booked appointment and the tokens of its links: the provider's first.
pub(super) struct Booked {
    pub(super) appointment: Value,
    pub(super) links: Vec<String>,
}

impl Booked {
    pub(super) fn id(&self) -> &str {
        self.appointment["id"].as_str().unwrap()
    }
}

/// Someone inside, with their session.
pub(super) struct Person {
    pub(super) participant: String,
    pub(super) visit: String,
    pub(super) session: String,
}

impl World {
    pub(super) async fn new() -> World {
        World::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> World {
        World::guarded(limits, DoorLimits::default()).await
    }

    /// With limits of its own at the door.
    pub(super) async fn guarded(limits: Limits, door: DoorLimits) -> World {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START.parse::<Timestamp>().unwrap());
        let store = Store::open(&dir.path().join("quartet.db")).await.unwrap();
        let mut tokens = Vec::new();
        for role in [Staff::Admin, Staff::Scheduler, Staff::Monitor] {
            let (_, token) = staff::issue(&store, Name::new(role.word()).unwrap(), role, clock.now()).await.unwrap();
            tokens.push(token.expose().to_owned());
        }
        let media = Arc::new(Notes::of(2));
        let registry = Registry::new(Parts {
            store,
            clock: clock.clone(),
            window: Window::default(),
            rules: Rules::default(),
            sessions: SessionLimits::default(),
            steps: Steps::default(),
            door,
            bounds: Bounds::default(),
            media: media.clone(),
        });
        let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = key.cert.der().clone();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopping) = watch::channel(false);
        let phone = Some("1-800-555-0100".to_owned());
        let app = App {
            registry: registry.clone(),
            site: SiteInfo {
                name: "Test Clinic".to_owned(),
                support: Support { phone, ..Support::default() },
                steps: Steps::default().words(),
                ..SiteInfo::default()
            },
            public_url: format!("https://localhost:{}", address.port()),
            shutdown: stopping.clone(),
        };
        let pages = Router::new().route("/join", axum::routing::get(async || "page"));
        let server = tokio::spawn(serve(vec![listener], Arc::new(tls), limits, router(app, pages), stopping));
        let http = reqwest::Client::builder()
            .add_root_certificate(reqwest::Certificate::from_der(&certificate).unwrap())
            .resolve("localhost", address)
            .build()
            .unwrap();
        let mut tokens = tokens.into_iter();
        let mut token = || tokens.next().unwrap();
        let (admin, scheduler, monitor) = (token(), token(), token());
        World { clock, registry, media, address, certificate, admin, scheduler, monitor, http, dir, shutdown, server }
    }

    /// The records, opened once more as after a restart, and a registry that knows nothing but them.
    pub(super) async fn reopened(&self) -> Registry {
        self.reopened_asking(Steps::default()).await
    }

    /// The same, with a door that asks this.
    pub(super) async fn reopened_asking(&self, steps: Steps) -> Registry {
        Registry::new(Parts {
            store: Store::open(&self.dir.path().join("quartet.db")).await.unwrap(),
            clock: self.clock.clone(),
            window: Window::default(),
            rules: Rules::default(),
            sessions: SessionLimits::default(),
            steps,
            door: DoorLimits::default(),
            bounds: Bounds::default(),
            media: self.media.clone(),
        })
    }

    /// All bytes of the records.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.dir.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }

    /// Does something to the records behind the server's back.
    pub(super) async fn sql(&self, statement: &'static str) {
        let options = SqliteConnectOptions::new().filename(self.dir.path().join("quartet.db"));
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }

    /// Stops the server and waits until it has finished.
    pub(super) async fn stop(self) {
        self.shutdown.send_replace(true);
        self.server.await.unwrap();
    }

    pub(super) fn origin(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub(super) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin()))
    }

    pub(super) fn api(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.ask(method, &format!("/api/v1{path}")).bearer_auth(token)
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Response {
        self.api(Method::GET, path, token).send().await.unwrap()
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Response {
        self.api(Method::POST, path, token).json(body).send().await.unwrap()
    }

    /// Makes something as the scheduler and answers with what was made.
    pub(super) async fn make(&self, path: &str, body: Value) -> Value {
        let answer = self.post(path, &self.scheduler, &body).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{path}");
        answer.json().await.unwrap()
    }

    /// A group appointment with three patients, born on 1948-02-29, 1971-07-01 and 1990-12-31.
    pub(super) async fn booked(&self) -> Booked {
        let provider = self.make("/providers", json!({"name": "Dr. Ada"})).await;
        let mut patients = Vec::new();
        for (name, birth_date) in [("Bea Blue", "1948-02-29"), ("Cy Cyan", "1971-07-01"), ("Di Dark", "1990-12-31")] {
            patients.push(self.make("/patients", json!({"name": name, "birth_date": birth_date})).await["id"].clone());
        }
        let body =
            json!({"provider_id": provider["id"], "patient_ids": patients, "start": START, "kind": "group", "group_name": "G"});
        let appointment = self.make("/appointments", body).await;
        let links = appointment["links"].as_array().unwrap().iter().map(token_of).collect();
        Booked { appointment, links }
    }

    pub(super) async fn verify(&self, claim: &Value) -> Response {
        self.ask(Method::POST, "/api/v1/verify").json(claim).send().await.unwrap()
    }

    /// Someone comes in by a link.
    pub(super) async fn enter(&self, link: &str, birth_date: Option<&str>) -> Person {
        let answer = self.verify(&json!({"link": link, "birth_date": birth_date, "terms": terms::VERSION})).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let entered: Value = answer.json().await.unwrap();
        let text = |key: &str| entered[key].as_str().unwrap().to_owned();
        Person { participant: text("participant"), visit: text("visit"), session: text("session") }
    }

    /// The provider and the three patients of [`World::booked`], all ready.
    pub(super) async fn four(&self) -> (Booked, Vec<Person>) {
        let booked = self.booked().await;
        let mut people = Vec::new();
        for (link, born) in booked.links.iter().zip([None, Some("1948-02-29"), Some("1971-07-01"), Some("1990-12-31")]) {
            let person = self.enter(link, born).await;
            let ready = self.api(Method::POST, &format!("/visits/{}/ready", person.visit), &person.session).send().await.unwrap();
            assert_eq!(ready.status(), StatusCode::NO_CONTENT);
            people.push(person);
        }
        (booked, people)
    }

    pub(super) async fn view(&self, person: &Person) -> Value {
        let answer = self.get(&format!("/visits/{}", person.visit), &person.session).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    pub(super) async fn sit(&self, person: &Person) -> Response {
        let path = format!("/visits/{}/seats", person.visit);
        let request = self.api(Method::POST, &path, &person.session).header("content-type", "application/sdp");
        request.body(OFFER).send().await.unwrap()
    }
}

/// The token in a link's fragment.
pub(super) fn token_of(link: &Value) -> String {
    link["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned()
}

/// Asserts a refusal: its status, its code, and that it is a whole problem.
pub(super) async fn refused(answer: Response, status: u16, code: &str) -> Value {
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{code}");
    let found = answer.status().as_u16();
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((found, problem["code"].as_str()), (status, Some(code)), "{problem}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("urn:quartet:problem:{code}"));
    assert!(problem["title"].is_string() && problem["detail"].is_string());
    problem
}
