//! The whole server, met by participants that share no code with it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/bot/mod.rs"]
mod bot;
#[path = "support/demo.rs"]
mod demo;

use std::collections::BTreeSet;
use std::time::Duration;

use bot::http::{Person, client};
use bot::media::{Media, Received};
use bot::sdp::{Kind, OPUS, VP8};
use bot::{BOTH_PROFILES, Bot, CLASSIC_PROFILE, Claim};
use bytes::Bytes;
use demo::Demo;
use serde_json::{Value, json};
use webrtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

async fn provider(demo: &Demo) -> Person {
    let person = Person::verify(demo.provider_link(), None).await.unwrap();
    person.ready().await.unwrap();
    person
}

async fn patient(demo: &Demo, n: usize) -> Person {
    let (link, birth_date) = demo.patient(n);
    let person = Person::verify(link, Some(birth_date)).await.unwrap();
    person.ready().await.unwrap();
    person
}

/// A provider and one admitted patient, both with media.
async fn two(demo: &Demo, profiles: [&[SrtpProtectionProfile]; 2]) -> (Bot, Bot) {
    let host = provider(demo).await;
    let guest = patient(demo, 0).await;
    host.admit_all().await.unwrap();
    guest.wait_for("admitted").await.unwrap();
    (Bot::join(host, profiles[0], Claim::Own).await.unwrap(), Bot::join(guest, profiles[1], Claim::Own).await.unwrap())
}

fn packet(ssrc: u32, payload_type: u8, number: u16, payload: Vec<u8>) -> rtp::packet::Packet {
    rtp::packet::Packet {
        header: rtp::header::Header {
            version: 2,
            marker: true,
            payload_type,
            // Across a wrap, so that the rollover counter is proven too.
            sequence_number: number.wrapping_add(65_500),
            timestamp: u32::from(number) * 960,
            ssrc,
            ..Default::default()
        },
        payload: Bytes::from(payload),
    }
}

fn sound(bot: &Bot, number: u16) -> rtp::packet::Packet {
    packet(bot.audio_ssrc, OPUS, number, [b"sound ".as_slice(), &number.to_be_bytes()].concat())
}

/// A keyframe of one packet: descriptor with a 15-bit picture id, then a VP8 keyframe header.
fn picture(bot: &Bot, number: u16) -> rtp::packet::Packet {
    let id = (0x8000 | number).to_be_bytes();
    let mut payload = vec![0x90, 0x80, id[0], id[1], 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01];
    payload.extend_from_slice(b"picture ");
    payload.extend_from_slice(&number.to_be_bytes());
    packet(bot.video_ssrc, VP8, number, payload)
}

/// Sends until the first packet of each kind has come through, so that what follows meets an open line.
async fn send_and_collect(from: &Bot, to: &Bot, count: u16) -> (Vec<rtp::packet::Packet>, Vec<rtp::packet::Packet>) {
    let (mut sounds, mut pictures) = (Vec::new(), Vec::new());
    for number in 0..count {
        from.media.send(&sound(from, number)).await.unwrap();
        from.media.send(&picture(from, number)).await.unwrap();
        while sounds.len() + pictures.len() < 2 * usize::from(number + 1) {
            match to.media.receive(PATIENCE).await.expect("what is sent arrives") {
                Received::Rtcp(_) => {}
                Received::Rtp(packet) => match to.answer.lines[&packet.header.ssrc].kind {
                    Kind::Audio => sounds.push(packet),
                    Kind::Video => pictures.push(packet),
                },
            }
        }
    }
    (sounds, pictures)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_stranger_sends_another_opens_in_order_and_unchanged() {
    let demo = Demo::start(&[], None);
    let (host, guest) = two(&demo, [BOTH_PROFILES, CLASSIC_PROFILE]).await;
    assert_eq!(host.media.profile, SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm, "GCM is chosen though it was offered last");
    assert_eq!(
        guest.media.profile,
        SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        "who offers only the classic profile gets it"
    );
    for (from, to) in [(&host, &guest), (&guest, &host)] {
        let (sounds, pictures) = send_and_collect(from, to, 200).await;
        for (number, (heard, seen)) in (0u16..).zip(sounds.iter().zip(&pictures)) {
            assert_eq!(heard.payload, sound(from, number).payload);
            let (sent, got) = (picture(from, number).payload, &seen.payload);
            assert_eq!(got[4..], sent[4..], "all but the picture id");
        }
        for stream in [&sounds, &pictures] {
            assert!(
                stream.windows(2).all(|pair| pair[1].header.sequence_number == pair[0].header.sequence_number.wrapping_add(1))
            );
            assert!(stream.windows(2).all(|pair| pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp) == 960));
            assert_eq!(stream.iter().map(|packet| packet.header.ssrc).collect::<BTreeSet<_>>().len(), 1);
        }
    }
}

/// Whether any media packet opens within half a second.
async fn heard(media: &Media) -> bool {
    matches!(media.receive(Duration::from_millis(500)).await, Some(Received::Rtp(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_offer_did_not_name_gets_no_media() {
    let demo = Demo::start(&[], None);
    let host = Bot::join(provider(&demo).await, BOTH_PROFILES, Claim::Own).await.unwrap();
    let guest = patient(&demo, 0).await;
    host.person.admit_all().await.unwrap();
    guest.wait_for("admitted").await.unwrap();
    if let Ok(impostor) = Bot::join(guest, BOTH_PROFILES, Claim::SomeoneElses).await {
        // Its own handshake may look finished to it: what counts is that nothing passes either way.
        for number in 0..50 {
            impostor.media.send(&sound(&impostor, number)).await.unwrap();
            host.media.send(&sound(&host, number)).await.unwrap();
        }
        assert!(!heard(&host.media).await, "the impostor was heard");
        assert!(!heard(&impostor.media).await, "the impostor heard");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_parallel_joins_give_exactly_four_seats() {
    let demo = Demo::start(&[], None);
    let host = provider(&demo).await;
    let appointment = appointment(&demo).await;
    let guest_link = guest_link(&demo, &appointment).await;
    let guest = Person::verify_guest(&guest_link, demo.patient(0).1).await.unwrap();
    guest.ready().await.unwrap();
    let mut people = vec![guest];
    for n in 0..3 {
        people.push(patient(&demo, n).await);
    }
    host.admit_all().await.unwrap();
    people.push(host);
    let joins: Vec<_> = people
        .into_iter()
        .map(|person| {
            tokio::spawn(async move {
                Bot::join(person, BOTH_PROFILES, Claim::Own)
                    .await
                    .map(|bot| bot.seated.location.clone())
                    .map_err(|error| error.to_string())
            })
        })
        .collect();
    let mut seats = BTreeSet::new();
    let mut refused = Vec::new();
    for join in joins {
        match join.await.unwrap() {
            Ok(seat) => assert!(seats.insert(seat), "a seat was given twice"),
            Err(why) => refused.push(why),
        }
    }
    assert_eq!(seats.len(), 4, "{refused:?}");
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("room_full"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_as_busy_as_it_may_be_refuses_who_comes_and_leaves_who_is_there_alone() {
    // The demo's people, on a server whose bounds two seats fill at what a seat is assumed to cost.
    let data = tempfile::tempdir().unwrap();
    let mut demo = Demo::start(&[], Some(data.path()));
    demo.stop();
    let port = demo.base_url().rsplit_once(':').unwrap().1.to_owned();
    let at = data.path().display();
    let config = data.path().join("quartet.toml");
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:{port}\"]\npublic_url = \"{}\"\ncertificate = \"{at}/certificate.pem\"\nkey = \"{at}/key.pem\"\n\
         runtime_directory = \"{at}/run\"\ndrain_seconds = 0\n[media]\nworkers = 1\naddresses = [\"127.0.0.1\"]\nfirst_port = 0\n\
         busy_percent_visits = 1\nbusy_percent_seats = 1\n[store]\npath = \"{at}/quartet.db\"\n",
        demo.base_url()
    );
    std::fs::write(&config, text).unwrap();
    demo.serve(&config);
    let ready = client().get(format!("{}/readyz", demo.base_url()));
    until("it is ready", async || ready.try_clone().unwrap().send().await.is_ok_and(|answer| answer.status().is_success())).await;

    let (host, guest) = (provider(&demo).await, patient(&demo, 0).await);
    let offer = include_str!("fixtures/offers/chromium-156-page.sdp");
    // Whatever else this machine does, for a moment, is load too.
    until("the provider is in", async || host.take_seat(offer.to_owned()).await.is_ok()).await;
    let late = patient(&demo, 1).await;
    host.admit_all().await.unwrap();
    until("the patient is in", async || guest.take_seat(offer.to_owned()).await.is_ok()).await;
    let refusal = late.take_seat(offer.to_owned()).await.err().unwrap().to_string();
    assert!(refusal.contains("server_full"), "{refusal}");
    assert_eq!(late.view().await.unwrap()["you"]["presence"], "admitted", "their place is kept");
    assert!(host.take_seat(offer.to_owned()).await.is_ok(), "who is there may connect anew");

    let metrics = client().get(format!("{}/metrics", demo.base_url())).bearer_auth(demo.admin_token());
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    let refused: u64 = after(&metrics, "quartet_refused_for_load_total{what=\"seat\"} ").parse().unwrap();
    assert!(refused >= 1);
    demo.stop();
}

/// What stands behind these words, to the end of the line.
fn after<'a>(text: &'a str, words: &str) -> &'a str {
    text.lines().find_map(|line| line.strip_prefix(words)).unwrap_or_else(|| panic!("it does not say {words}"))
}

/// Looks again and again.
async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{what}: not in time"));
}

/// The demo's own appointment.
async fn appointment(demo: &Demo) -> String {
    let list = staff(demo, client().get(format!("{}/api/v1/appointments", demo.base_url()))).await;
    list["items"][0]["id"].as_str().expect("the demo's appointment is listed").to_owned()
}

async fn guest_link(demo: &Demo, appointment: &str) -> String {
    let request = client().post(format!("{}/api/v1/appointments/{appointment}/links", demo.base_url()));
    let made = staff(demo, request.json(&json!({ "role": "guest" }))).await;
    made["url"].as_str().expect("a new link shows its URL").to_owned()
}

/// What staff are answered.
async fn staff(demo: &Demo, request: reqwest::RequestBuilder) -> Value {
    request.bearer_auth(demo.admin_token()).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_nine_during_writes_loses_nothing_acknowledged() {
    let data = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for round in 0..3 {
        let mut demo = Demo::start(&[], Some(data.path()));
        let (url, token) = (format!("{}/api/v1/patients", demo.base_url()), demo.admin_token().to_owned());
        let (said, mut answers) = tokio::sync::mpsc::unbounded_channel();
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (url, token, said) = (url.clone(), token.clone(), said.clone());
                tokio::spawn(async move {
                    let http = client();
                    for number in 0..10_000 {
                        let body = json!({ "name": format!("Round {round} Writer {writer} Number {number}"), "birth_date": "1970-01-01" });
                        let Ok(response) = http.post(&url).bearer_auth(&token).json(&body).send().await else { return };
                        let Ok(made) = response.json::<Value>().await else { return };
                        said.send(made["id"].as_str().expect("a patient has an id").to_owned()).ok();
                    }
                })
            })
            .collect();
        for _ in 0..100 * (round + 1) {
            acknowledged.insert(answers.recv().await.expect("writes are acknowledged"));
        }
        demo.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        drop(said);
        while let Some(id) = answers.recv().await {
            acknowledged.insert(id);
        }
    }
    let demo = Demo::start(&[], Some(data.path()));
    for id in &acknowledged {
        let found = client()
            .get(format!("{}/api/v1/patients/{id}", demo.base_url()))
            .bearer_auth(demo.admin_token())
            .send()
            .await
            .unwrap();
        assert_eq!(found.status(), 200, "an acknowledged patient is gone");
    }
    assert!(acknowledged.len() >= 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_whole_visit_at_trace_level_names_nobody() {
    let demo = Demo::start(&["--log", "trace"], None);
    let (host, guest) = two(&demo, [BOTH_PROFILES, BOTH_PROFILES]).await;
    send_and_collect(&host, &guest, 20).await;
    let visit = host.person.visit.clone();
    guest.person.leave(&guest.seated).await.unwrap();
    host.person.leave(&host.seated).await.unwrap();
    let mut secrets = vec!["127.0.0.1".to_owned(), "[::1]".to_owned(), demo.admin_token().to_owned()];
    secrets.push(demo.provider_link().split_once('#').unwrap().1.to_owned());
    for n in 0..3 {
        let (link, birth_date) = demo.patient(n);
        secrets.push(link.split_once('#').unwrap().1.to_owned());
        secrets.push(birth_date.to_owned());
        secrets.extend(demo.facts["patient_links"][n]["name"].as_str().unwrap().split(' ').map(str::to_owned));
    }
    let log = demo.into_log();
    assert!(log.lines().filter(|line| line.contains(&visit)).count() >= 4, "the log says what happened to the visit:\n{log}");
    for secret in secrets {
        let shown: Vec<&str> = log.lines().filter(|line| line.contains(&secret)).collect();
        assert!(shown.is_empty(), "the log shows {secret:?}: {shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_that_was_killed_goes_on_with_the_same_people_on_the_same_port() {
    let data = tempfile::tempdir().unwrap();
    // Half an hour before its start a visit opens.
    let mut demo = Demo::start(&["--clock", "2027-03-01T11:00:00Z", "--starts-in", "60"], Some(data.path()));
    let before = demo.facts.clone();
    let (link, birth_date) = demo.patient(1);
    let early = Person::verify(link, Some(birth_date)).await.err().expect("nobody comes in before the opening").to_string();
    assert!(early.contains("too_early"), "{early}");
    demo.kill();
    let demo = Demo::start(&["--clock", "2027-03-01T11:29:58Z"], Some(data.path()));
    assert_eq!(demo.facts, before);
    let (link, birth_date) = demo.patient(1);
    let came_in = async {
        while let Err(refusal) = Person::verify(link, Some(birth_date)).await {
            assert!(refusal.to_string().contains("too_early"), "{refusal}");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), came_in).await.expect("the visit opens by itself");
}
