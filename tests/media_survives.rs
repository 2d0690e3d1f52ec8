//! A control that dies, the media process that it leaves, and the control that finds it: real processes, and people who
//! share no code with the server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/bot/mod.rs"]
mod bot;

use std::net::Ipv4Addr;
use std::time::Duration;

use bot::BOTH_PROFILES;
use bot::connection::fingerprint;
use bot::media::{Media, Received};
use bot::sdp::{Answer, Kind, OPUS, Offer};
use quartet::base::{LegId, Seat, VisitId};
use quartet::control::media::{Found, Launch, Launcher, MediaConfig, MediaEvent, MediaPool};
use quartet::control::negotiate::{self, LocalMedia};
use quartet::link::event::Event;
use quartet::link::lock::Alive;
use quartet::link::{Command, LegSnapshot, LegState, Setup, Sources, VisitSnapshot};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use webrtc_dtls::crypto::Certificate;

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const VISIT: VisitId = VisitId::from_bits(7);

fn config(place: &TempDir, workers: u16) -> MediaConfig {
    let alone_at_most = Duration::from_secs(60);
    MediaConfig {
        socket: place.path().join("run/media.sock"),
        setup: Setup { workers, addresses: vec![Ipv4Addr::LOCALHOST.into()], first_port: 0, alone_at_most },
        launch: Launch::Child {
            launcher: Launcher::start().unwrap(),
            program: env!("CARGO_BIN_EXE_quartet").into(),
            options: vec!["--log".into(), "error".into()],
        },
        patience: PATIENCE,
    }
}

/// A control process, as far as media can tell: it dies with its runtime, without a word.
struct Control {
    runtime: Runtime,
    pool: MediaPool,
    events: mpsc::Receiver<MediaEvent>,
    found: Found,
}

impl Control {
    fn start(config: MediaConfig) -> Control {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (pool, events, found) = runtime.block_on(MediaPool::start(config)).unwrap();
        Control { runtime, pool, events, found }
    }

    fn die(self) {
        self.runtime.shutdown_timeout(PATIENCE);
    }

    fn command(&self, command: Command) {
        self.runtime.block_on(self.pool.send(0, command)).unwrap();
    }

    /// The next event of the first worker, but what it says of itself every second.
    fn event(&mut self) -> Event {
        loop {
            let event = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.events.recv()).await });
            let Some(MediaEvent::Worker { event, .. }) = event.unwrap() else { panic!("the media process has gone") };
            if !matches!(event, Event::Load { .. }) {
                return event;
            }
        }
    }

    fn stop(self) {
        self.runtime.block_on(self.pool.stop());
    }
}

/// Someone with a seat.
struct Person {
    leg: LegId,
    answer: Answer,
    media: Media,
    ssrc: u32,
}

/// Seats someone who then connects.
fn sit(control: &mut Control, people: &Runtime, seat: Seat) -> Person {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let certificate = Certificate::generate_self_signed(vec!["bot".to_owned()]).unwrap();
    let shown = fingerprint(&certificate.certificate[0]);
    let (ufrag, ssrc) = (format!("bot{seat}"), 1_000 + 10 * u32::from(u8::from(seat)));
    let offer = Offer {
        ufrag: &ufrag,
        password: "bot-password-of-24-letters",
        fingerprint: &shown,
        audio_ssrc: ssrc,
        video_ssrc: ssrc + 1,
    };
    let info = control.pool.workers().remove(0);
    let local = LocalMedia { fingerprint: info.fingerprint, candidates: info.addresses };
    let mut random = |bytes: &mut [u8]| getrandom::fill(bytes).unwrap();
    let negotiated = negotiate::answer(&offer.text(), seat, &local, &mut random).unwrap_or_else(|error| panic!("{error}"));
    let leg = LegId::from_bits(u64::from(ssrc));
    control.command(Command::Connect { visit: VISIT, seat, leg, terms: Box::new(negotiated.terms) });
    let answer = Answer::parse(&negotiated.answer).unwrap();
    let media = people.block_on(Media::connect(&answer, &ufrag, certificate, BOTH_PROFILES)).unwrap();
    assert!(matches!(control.event(), Event::LegConnected { leg: connected, .. } if connected == leg));
    Person { leg, answer, media, ssrc }
}

/// Says so many words, each heard before the next: the numbers by which they were heard.
async fn talk(from: &Person, to: &Person, said: &mut u16, words: u16) -> Vec<u16> {
    let mut heard = Vec::new();
    for _ in 0..words {
        let header = rtp::header::Header {
            version: 2,
            payload_type: OPUS,
            sequence_number: *said,
            timestamp: u32::from(*said) * 960,
            ssrc: from.ssrc,
            ..Default::default()
        };
        let payload = said.to_be_bytes().to_vec();
        from.media.send(&rtp::packet::Packet { header, payload: payload.clone().into() }).await.unwrap();
        *said += 1;
        loop {
            let Received::Rtp(packet) = to.media.receive(PATIENCE).await.expect("what is said is heard") else { continue };
            assert_eq!(to.answer.lines[&packet.header.ssrc].kind, Kind::Audio);
            assert_eq!(packet.payload, payload);
            heard.push(packet.header.sequence_number);
            break;
        }
    }
    heard
}

#[test]
fn a_visit_goes_on_while_control_is_dead_and_the_next_control_finds_it() {
    let place = tempfile::tempdir().unwrap();
    let people = Builder::new_multi_thread().enable_all().build().unwrap();
    let mut control = Control::start(config(&place, 1));
    assert_eq!(control.found, []);
    let addresses = control.pool.workers();
    control.command(Command::OpenVisit { visit: VISIT });
    let (host, guest) = (sit(&mut control, &people, Seat::ALL[0]), sit(&mut control, &people, Seat::ALL[2]));
    let muted = Sources { camera: false, ..Sources::default() };
    control.command(Command::SetSources { visit: VISIT, seat: Seat::ALL[2], sources: muted });
    control.command(Command::Report);
    assert!(matches!(control.event(), Event::Report(_)), "it has obeyed all that");

    let mut said = 0;
    let mut heard = people.block_on(talk(&host, &guest, &mut said, 50));
    let socket = config(&place, 1).socket;
    for _ in 0..2 {
        control.die();
        heard.extend(people.block_on(talk(&host, &guest, &mut said, 200)));
        assert!(Alive::is_held(&socket).unwrap());

        // Talking while it is found.
        let starting = std::thread::spawn({
            let config = config(&place, 1);
            move || Control::start(config)
        });
        heard.extend(people.block_on(talk(&host, &guest, &mut said, 50)));
        control = starting.join().unwrap();
        let mut seats = [None; Seat::COUNT];
        let leg = |person: &Person, sources| Some(LegSnapshot { leg: person.leg, state: LegState::Connected, sources });
        seats[0] = leg(&host, Sources::default());
        seats[2] = leg(&guest, muted);
        assert_eq!(control.found, [(0, VisitSnapshot { visit: VISIT, seats })]);
        assert_eq!(control.pool.workers(), addresses, "the same ports and the same certificate");
    }
    heard.extend(people.block_on(talk(&host, &guest, &mut said, 50)));
    assert!(heard.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "one stream without a gap");

    // The new control is obeyed and heard.
    control.command(Command::Disconnect { visit: VISIT, seat: Seat::ALL[0], leg: host.leg });
    control.command(Command::Report);
    let Event::Report(report) = control.event() else { panic!("it was asked for a report") };
    assert_eq!((report.visits, report.legs), (1, 1));
    control.stop();
    assert!(!Alive::is_held(&socket).unwrap(), "an orderly end ends the media process");
}

#[test]
fn a_control_with_another_setup_ends_the_media_process_that_it_finds_and_starts_its_own() {
    let place = tempfile::tempdir().unwrap();
    let control = Control::start(config(&place, 1));
    control.command(Command::OpenVisit { visit: VISIT });
    control.die();
    let control = Control::start(config(&place, 2));
    assert_eq!((control.pool.workers().len(), control.found.len()), (2, 0));
    control.stop();
    assert!(!Alive::is_held(&config(&place, 1).socket).unwrap());
}
