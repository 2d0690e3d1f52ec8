//! What the provider does with people, what each is told of it, and what of it outlives the process.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::visits::{admit, connected, last_leg};
use super::world::{Notes, Person, World, refused};
use crate::base::{LegId, Seat, VisitId};
use crate::control::registry::view::Viewer;
use crate::control::registry::{Bounds, Parts, Registry};
use crate::control::schedule::{Rules, Window};
use crate::control::verify::{DoorLimits, SessionLimits, Steps};
use crate::link::event::{LegSnapshot, LegState, VisitSnapshot};
use crate::link::{Command, Event, LegEnd, Sources};

async fn send_out(world: &World, host: &Person, who: &Person, how: &str, body: &Value) -> Response {
    world.post(&format!("/visits/{}/participants/{}/{how}", host.visit, who.participant), &host.session, body).await
}

/// Four people, the first of them the provider, with the provider and the first patient in the room.
async fn two_inside(world: &World) -> Vec<Person> {
    let (_, people) = world.four().await;
    admit(world, &people[0], json!({"participant": people[1].participant})).await;
    for (person, seat) in people.iter().zip([0, 1]) {
        assert_eq!(world.sit(person).await.status(), StatusCode::CREATED);
        connected(world, Seat::new(seat).unwrap()).await;
    }
    people
}

fn disconnected(world: &World) -> usize {
    world.media.commands.lock().unwrap().iter().filter(|(_, command)| matches!(command, Command::Disconnect { .. })).count()
}

#[tokio::test]
async fn who_is_sent_back_waits_and_media_lets_them_go() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    let empty = json!({});
    refused(send_out(&world, &people[1], &people[0], "step-out", &empty).await, 403, "forbidden").await;
    refused(send_out(&world, &people[0], &people[0], "step-out", &empty).await, 409, "is_provider").await;
    refused(send_out(&world, &people[0], &people[2], "step-out", &empty).await, 409, "not_seated").await;
    assert_eq!(disconnected(&world), 0);
    let answer = send_out(&world, &people[0], &people[1], "step-out", &empty).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(disconnected(&world), 1);
    let you = world.view(&people[1]).await["you"].clone();
    assert_eq!((&you["presence"], &you["reason"], &you["leg"]), (&json!("waiting"), &json!("stepped_out"), &json!(null)));
    refused(world.sit(&people[1]).await, 403, "not_admitted").await;
}

#[tokio::test]
async fn who_is_removed_comes_again_and_who_may_not_return_has_no_session_and_no_way_in() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    for body in [json!({}), json!({"may_return": "no"}), json!({"may_return": true, "more": 1})] {
        refused(send_out(&world, &people[0], &people[1], "remove", &body).await, 422, "wrong_shape").await;
    }
    assert!(send_out(&world, &people[0], &people[1], "remove", &json!({"may_return": true})).await.status().is_success());
    assert_eq!(world.view(&people[1]).await["you"]["reason"], "removed");
    let ready = format!("/visits/{}/ready", people[1].visit);
    assert_eq!(world.api(Method::POST, &ready, &people[1].session).send().await.unwrap().status(), StatusCode::NO_CONTENT);

    assert!(send_out(&world, &people[0], &people[1], "remove", &json!({"may_return": false})).await.status().is_success());
    refused(world.get(&format!("/visits/{}", people[1].visit), &people[1].session).await, 401, "unauthorized").await;
    let claim = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": true});
    refused(world.verify(&claim).await, 403, "verification_failed").await;
    let mut other = claim;
    other["who"] = json!("other");
    other["name"] = json!("Cleo");
    other["relationship"] = json!("daughter");
    assert_eq!(world.verify(&other).await.status(), StatusCode::OK, "the patient's daughter was not sent out");
}

#[tokio::test]
async fn the_devices_that_someone_tested_are_told_to_who_lets_them_in() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let ready = format!("/visits/{}/ready", people[1].visit);
    let devices = json!({"camera": false, "microphone": true, "speaker": "not_heard"});
    for (body, status) in [
        (json!({"devices": devices}), StatusCode::NO_CONTENT),
        (json!({}), StatusCode::NO_CONTENT),
        (json!({"devices": {"camera": true, "microphone": true, "speaker": "loud"}}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(world.post(&ready, &people[1].session, &body).await.status(), status, "{body}");
    }
    let seen = |view: Value| view["participants"].as_array().unwrap().iter().find(|one| one["devices"].is_object()).cloned();
    assert_eq!(seen(world.view(&people[0]).await).unwrap()["devices"], devices);
    assert!(seen(world.view(&people[1]).await).is_none());
}

#[tokio::test]
async fn what_the_provider_tells_the_waiting_reaches_them_and_can_be_taken_back() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    let path = format!("/visits/{}/message", people[0].visit);
    refused(world.post(&path, &people[1].session, &json!({"text": "x"})).await, 403, "forbidden").await;
    refused(world.post(&path, &people[0].session, &json!({"text": "x".repeat(501)})).await, 422, "invalid").await;
    for (text, read) in [("Ten minutes late", json!("Ten minutes late")), ("", json!(null))] {
        assert_eq!(world.post(&path, &people[0].session, &json!({"text": text})).await.status(), StatusCode::NO_CONTENT);
        assert_eq!(world.view(&people[2]).await["message"]["text"], read, "who waits");
        assert_eq!(world.view(&people[1]).await["message"], json!(null), "who sits");
    }
}

#[tokio::test]
async fn one_stream_tells_all_participants_of_a_browser_and_says_who_is_gone() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let cookies = |people: &[&Person]| {
        let cookie = |one: &&Person| format!("quartet_{}={}", one.participant.strip_prefix("par-").unwrap(), one.session);
        people.iter().map(cookie).collect::<Vec<_>>().join("; ")
    };
    let path = |people: &[&Person]| {
        let named: Vec<_> = people.iter().map(|one| format!("participant={}", one.participant)).collect();
        format!("/api/v1/events?{}", named.join("&"))
    };
    let (one, two, three) = (&people[1], &people[2], &people[3]);
    let ask = |asked: &[&Person], shown: &[&Person]| world.ask(Method::GET, &path(asked)).header("cookie", cookies(shown)).send();
    refused(ask(&[one], &[]).await.unwrap(), 401, "unauthorized").await;
    refused(ask(&[one], &[two]).await.unwrap(), 401, "unauthorized").await;
    refused(ask(&[], &[one]).await.unwrap(), 400, "malformed_query").await;
    refused(ask(&[one; 9], &[one]).await.unwrap(), 400, "malformed_query").await;

    let before = world.registry.store().audit_head().await.unwrap().seq;
    let mut stream = ask(&[one, two, three], &[one, two]).await.unwrap();
    let records = world.registry.store().audit(before, 10).await.unwrap();
    let watched: Vec<_> = records.iter().map(|record| (&*record.actor, &*record.action)).collect();
    assert_eq!(watched, [(&*one.participant, "visit.watch"), (&*two.participant, "visit.watch")]);
    let mut text = String::new();
    let mut until = async |wanted: &str| {
        while !text.contains(wanted) {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
        text.clear();
    };
    until(&format!("event: gone\ndata: {{\"participant\":\"{}\"}}\n\n", three.participant)).await;
    admit(&world, &people[0], json!({"participant": two.participant})).await;
    until(&format!(
        "\"you\":{{\"participant\":\"{}\",\"name\":\"Cy Cyan\",\"role\":\"patient\",\"presence\":\"admitted\"",
        two.participant
    ))
    .await;
    send_out(&world, &people[0], one, "remove", &json!({"may_return": false})).await;
    until(&format!("event: gone\ndata: {{\"participant\":\"{}\"}}\n\n", one.participant)).await;
    send_out(&world, &people[0], two, "step-out", &json!({})).await;
    until("\"presence\":\"waiting\",\"reason\":\"stepped_out\"").await;
    drop(stream);
}

/// Control, started again over the same records.
fn started_again(world: &World) -> (Registry, Arc<Notes>) {
    let media = Arc::new(Notes::of(1));
    let registry = Registry::new(Parts {
        store: world.registry.store().clone(),
        clock: world.clock.clone(),
        window: Window::default(),
        rules: Rules::default(),
        sessions: SessionLimits::default(),
        steps: Steps::default(),
        door: DoorLimits::default(),
        bounds: Bounds::default(),
        media: media.clone(),
    });
    (registry, media)
}

/// Where everyone stands, and on which seat.
async fn stand(registry: &Registry, visit: VisitId) -> Vec<(&'static str, Option<Seat>)> {
    let view = registry.view(visit, Viewer::Staff).await.unwrap();
    let mut stand: Vec<_> = view.participants.iter().map(|one| (one.presence, one.seat)).collect();
    stand.sort();
    stand
}

#[tokio::test]
async fn a_new_process_finds_everyone_where_they_were_and_their_sessions_in_force() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    world.clock.advance(Duration::from_secs(5));
    let (registry, media) = started_again(&world);
    let visit = people[0].visit.parse().unwrap();
    let expected = [("reconnecting", Seat::new(0)), ("reconnecting", Seat::new(1)), ("waiting", None), ("waiting", None)];
    assert_eq!(stand(&registry, visit).await, expected);
    let who = people[1].participant.parse().unwrap();
    let (seat, leg, _) = registry.sit(visit, who, super::world::OFFER).await.unwrap();
    assert_eq!(Some(seat), Seat::new(1));
    let connects = |command: &Command| matches!(command, Command::Connect { leg: new, .. } if *new == leg);
    assert!(media.commands.lock().unwrap().iter().any(|(_, command)| connects(command)));
    // Who does not come back gives their seat up after half a minute, as ever.
    world.clock.advance(Duration::from_secs(31));
    registry.handle_timeout().await;
    let provider = registry.view(visit, Viewer::Participant(people[0].participant.parse().unwrap())).await.unwrap();
    assert_eq!((provider.you.as_ref().unwrap().presence, provider.you.unwrap().reason), ("left", Some("lost")));
}

#[tokio::test]
async fn what_media_carried_on_goes_on_and_a_leg_that_the_record_does_not_name_has_to_go() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    let (_, visit, provider) = last_leg(&world, Seat::PROVIDER);
    let muted = Sources { microphone: false, camera: true, screen: false };
    let leg = |leg, state| Some(LegSnapshot { leg, state, sources: muted });
    let stranger = LegId::from_bits(99);
    let seats = [leg(provider, LegState::Connected), leg(stranger, LegState::Connected), None, None];

    let (registry, media) = started_again(&world);
    registry.resume(0, &VisitSnapshot { visit, seats }).await;
    let expected = [("joined", Seat::new(0)), ("reconnecting", Seat::new(1)), ("waiting", None), ("waiting", None)];
    assert_eq!(stand(&registry, visit).await, expected);
    let commands = media.commands.lock().unwrap().clone();
    let unseated = Command::Disconnect { visit, seat: Seat::new(1).unwrap(), leg: stranger };
    assert_eq!(commands, [(0, unseated), (0, Command::Measure { visit })]);
    let you = registry.view(visit, Viewer::Participant(people[0].participant.parse().unwrap())).await.unwrap().you.unwrap();
    assert_eq!((you.leg, you.microphone), (Some(provider), false), "who was muted stays muted");
    registry.handle_event(0, Event::LegEnded { visit, seat: Seat::PROVIDER, leg: provider, why: LegEnd::Closed }).await;
    assert_eq!(stand(&registry, visit).await[0].0, "reconnecting", "the new control hears of the old legs");
}

#[tokio::test]
async fn a_visit_that_is_over_or_not_known_is_not_taken_up() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    let (_, visit, leg) = last_leg(&world, Seat::PROVIDER);
    world.post(&format!("/visits/{visit}/end"), &people[0].session, &json!({})).await;
    let (registry, media) = started_again(&world);
    let seats = [Some(LegSnapshot { leg, state: LegState::Connected, sources: Sources::default() }), None, None, None];
    for visit in [visit, VisitId::from_bits(99)] {
        registry.resume(0, &VisitSnapshot { visit, seats }).await;
        assert_eq!(media.commands.lock().unwrap().pop(), Some((0, Command::CloseVisit { visit })));
    }
}

#[tokio::test]
async fn ice_restarts_on_the_leg_that_is_meant_and_on_no_other() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    let (_, visit, leg) = last_leg(&world, Seat::new(1).unwrap());
    let fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n";
    let ask = |person: &Person, seat: u8, tag: &str, of_type: &str, body: &'static str| {
        let request = world.api(Method::PATCH, &format!("/visits/{visit}/seats/{seat}"), &person.session);
        let request = if tag.is_empty() { request } else { request.header("if-match", tag) };
        request.header("content-type", of_type).body(body).send()
    };
    let of_type = "application/trickle-ice-sdpfrag";
    let tag = format!("\"{leg}\"");
    refused(ask(&people[1], 1, "", of_type, fragment).await.unwrap(), 428, "if_match_required").await;
    refused(ask(&people[1], 1, "\"leg-0000000000001\"", of_type, fragment).await.unwrap(), 412, "other_connection").await;
    refused(ask(&people[1], 1, "\"x\"", of_type, fragment).await.unwrap(), 412, "other_connection").await;
    refused(ask(&people[1], 1, &tag, "application/sdp", fragment).await.unwrap(), 415, "unsupported_media_type").await;
    refused(ask(&people[1], 1, &tag, of_type, "a=ice-ufrag:abcd\r\n").await.unwrap(), 422, "offer_rejected").await;
    refused(ask(&people[1], 0, "*", of_type, fragment).await.unwrap(), 404, "not_found").await;
    refused(ask(&people[2], 1, "*", of_type, fragment).await.unwrap(), 404, "not_found").await;
    for tag in [&*tag, "*"] {
        let answer = ask(&people[1], 1, tag, of_type, fragment).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["etag"], *format!("\"{leg}\""));
        assert_eq!(answer.headers()["content-type"], of_type);
        assert!(answer.text().await.unwrap().contains("a=ice-ufrag:"));
        let commands = world.media.commands.lock().unwrap();
        let Some((_, Command::RestartIce { leg: restarted, remote, .. })) = commands.last() else { panic!("nothing was sent") };
        assert_eq!((*restarted, &*remote.ufrag), (leg, "abcd"));
    }
}

#[tokio::test]
async fn a_server_about_to_stop_begins_nothing_and_lets_what_runs_go_on() {
    let world = World::new().await;
    let people = two_inside(&world).await;
    let other = world.booked().await;
    world.registry.drain();
    refused(world.ask(Method::GET, "/readyz").send().await.unwrap(), 503, "stopping").await;
    let claim = json!({"link": other.links[1], "birth_date": "1948-02-29", "terms": true});
    let answer = world.verify(&claim).await;
    assert!(answer.headers().contains_key("retry-after"));
    refused(answer, 503, "stopping").await;
    refused(
        world.verify(&json!({"link": other.links[1], "birth_date": "1948-02-28", "terms": true})).await,
        403,
        "verification_failed",
    )
    .await;

    admit(&world, &people[0], json!({"participant": people[2].participant})).await;
    assert_eq!(world.sit(&people[2]).await.status(), StatusCode::CREATED, "a visit that runs takes its people");
    assert_eq!(world.registry.running().await, 1);
    world.post(&format!("/visits/{}/end", people[0].visit), &people[0].session, &json!({})).await;
    assert_eq!(world.registry.running().await, 0);
}
