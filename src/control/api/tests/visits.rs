use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{OFFER, Person, World, refused};
use crate::base::Seat;
use crate::link::event::{DtlsVersion, SrtpProfile};
use crate::link::{Command, Event, LegEnd};

pub(super) async fn admit(world: &World, host: &Person, body: Value) -> reqwest::Response {
    world.post(&format!("/visits/{}/admit", host.visit), &host.session, &body).await
}

/// What the notes say of the last leg of a seat.
pub(super) fn last_leg(world: &World, wanted: Seat) -> (u16, crate::base::VisitId, crate::base::LegId) {
    let commands = world.media.commands.lock().unwrap();
    commands
        .iter()
        .rev()
        .find_map(|(worker, command)| {
            let Command::Connect { visit, seat, leg, .. } = command else { return None };
            (*seat == wanted).then_some((*worker, *visit, *leg))
        })
        .unwrap()
}

pub(super) async fn connected(world: &World, seat: Seat) {
    let (worker, visit, leg) = last_leg(world, seat);
    let event = Event::LegConnected { visit, seat, leg, dtls: DtlsVersion::V1_3, srtp: SrtpProfile::AeadAes128Gcm };
    world.registry.handle_event(worker, event).await;
}

#[tokio::test]
async fn five_joins_at_once_give_exactly_four_seats() {
    let world = World::new().await;
    let (booked, mut people) = world.four().await;
    let link = world.make(&format!("/appointments/{}/links", booked.id()), json!({"role": "guest", "name": "Fifth"})).await;
    let fifth = world.enter(&super::world::token_of(&link), Some("1948-02-29")).await;
    world.api(Method::POST, &format!("/visits/{}/ready", fifth.visit), &fifth.session).send().await.unwrap();
    people.push(fifth);
    let answer = admit(&world, &people[0], json!({"all": true})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["admitted"].as_array().unwrap().len(), 3);
    assert_eq!(answer["waiting"], json!([people[4].participant]));

    let mut answers: Vec<_> = Vec::new();
    let (a, b, c, d, e) = tokio::join!(
        world.sit(&people[0]),
        world.sit(&people[1]),
        world.sit(&people[2]),
        world.sit(&people[3]),
        world.sit(&people[4])
    );
    for answer in [a, b, c, d, e] {
        if answer.status() == StatusCode::CREATED {
            answers.push(answer.headers()["location"].to_str().unwrap().rsplit_once('/').unwrap().1.to_owned());
        } else {
            refused(answer, 409, "room_full").await;
        }
    }
    answers.sort();
    assert_eq!(answers, ["0", "1", "2", "3"]);
    assert_eq!(world.view(&people[4]).await["room_full"], true);
    refused(admit(&world, &people[0], json!({"all": true})).await, 409, "room_full").await;
    refused(admit(&world, &people[0], json!({"participant": people[4].participant})).await, 409, "room_full").await;
}

#[tokio::test]
async fn a_seat_is_made_by_an_offer_and_given_back() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    refused(world.sit(&people[1]).await, 403, "not_admitted").await;
    assert_eq!(admit(&world, &people[0], json!({"participant": people[1].participant})).await.status(), StatusCode::OK);
    let answer = world.sit(&people[1]).await;
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["content-type"], "application/sdp");
    assert!(answer.headers()["etag"].to_str().unwrap().starts_with("\"leg-"));
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("/api/v1/visits/{}/seats/1", people[1].visit));
    assert!(answer.text().await.unwrap().starts_with("v=0\r\n"));
    assert_eq!(world.view(&people[1]).await["you"]["presence"], "admitted");
    connected(&world, Seat::new(1).unwrap()).await;
    assert_eq!(world.view(&people[1]).await["you"]["presence"], "joined");

    let path = location.strip_prefix("/api/v1").unwrap();
    let sources = json!({"microphone": false, "camera": true, "screen": false});
    let muted = world.api(Method::PUT, &format!("{path}/sources"), &people[1].session).json(&sources).send().await.unwrap();
    assert_eq!(muted.status(), StatusCode::NO_CONTENT);
    assert_eq!(world.view(&people[1]).await["you"]["microphone"], false);
    refused(world.api(Method::DELETE, path, &people[2].session).send().await.unwrap(), 404, "not_found").await;
    let left = world.api(Method::DELETE, path, &people[1].session).send().await.unwrap();
    assert_eq!(left.status(), StatusCode::NO_CONTENT);
    assert_eq!(world.view(&people[1]).await["you"]["presence"], "left");
    let commands = world.media.commands.lock().unwrap();
    let names: Vec<_> = commands
        .iter()
        .map(|(_, command)| match command {
            Command::OpenVisit { .. } => "open",
            Command::Connect { .. } => "connect",
            Command::SetSources { .. } => "sources",
            Command::Disconnect { .. } => "disconnect",
            Command::CloseVisit { .. }
            | Command::RestartIce { .. }
            | Command::Watch { .. }
            | Command::Measure { .. }
            | Command::Report => "other",
        })
        .collect();
    assert_eq!(names, ["open", "connect", "sources", "disconnect"]);
}

#[tokio::test]
async fn who_loses_the_connection_keeps_the_seat_for_half_a_minute() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::PROVIDER).await;
    let (worker, visit, leg) = last_leg(&world, Seat::PROVIDER);
    world.registry.handle_event(worker, Event::LegEnded { visit, seat: Seat::PROVIDER, leg, why: LegEnd::Silent }).await;
    let you = world.view(&people[0]).await["you"].clone();
    assert_eq!((&you["presence"], &you["seat"]), (&json!("reconnecting"), &json!(0)));
    world.clock.advance(Duration::from_secs(29));
    world.registry.handle_timeout().await;
    assert_eq!(world.view(&people[0]).await["you"]["presence"], "reconnecting");
    world.clock.advance(Duration::from_secs(1));
    world.registry.handle_timeout().await;
    assert_eq!(world.view(&people[0]).await["you"]["presence"], "left");
}

#[tokio::test]
async fn a_worker_that_is_lost_costs_nobody_their_seat() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::PROVIDER).await;
    let (worker, ..) = last_leg(&world, Seat::PROVIDER);
    *world.media.workers.lock().unwrap() = 0;
    world.registry.worker_lost(worker).await;
    assert_eq!(world.view(&people[0]).await["you"]["presence"], "reconnecting");
    refused(world.sit(&people[0]).await, 503, "no_media").await;
    *world.media.workers.lock().unwrap() = 1;
    assert_eq!(world.sit(&people[0]).await.headers()["location"].to_str().unwrap().rsplit_once('/').unwrap().1, "0");
}

#[tokio::test]
async fn who_comes_while_media_starts_again_is_seated_as_soon_as_it_is_back() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    *world.media.workers.lock().unwrap() = 0;
    let (visit, participant) = (people[0].visit.parse().unwrap(), people[0].participant.parse().unwrap());
    let mut sitting = pin!(world.registry.sit(visit, participant, OFFER));
    tokio::select! {
        biased;
        answer = &mut sitting => panic!("there is no media, and they are seated: {}", answer.is_ok()),
        () = ready(()) => {}
    }
    *world.media.workers.lock().unwrap() = 1;
    world.registry.worker_back();
    // Who was not told would go on waiting for twice as long.
    let (seat, ..) = tokio::time::timeout(Duration::from_secs(2), sitting).await.unwrap().unwrap();
    assert_eq!(seat, Seat::PROVIDER);
}

#[tokio::test]
async fn visits_spread_over_the_workers() {
    let world = World::new().await;
    for _ in 0..4 {
        let (_, people) = world.four().await;
        assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    }
    let commands = world.media.commands.lock().unwrap();
    let mut opened: Vec<_> =
        commands.iter().filter(|(_, command)| matches!(command, Command::OpenVisit { .. })).map(|(worker, _)| *worker).collect();
    opened.sort();
    assert_eq!(opened, [0, 0, 1, 1]);
}

#[tokio::test]
async fn an_ended_visit_is_over_for_everyone() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    let path = format!("/visits/{}/end", people[0].visit);
    refused(world.post(&path, &people[1].session, &json!({})).await, 403, "forbidden").await;
    refused(world.post(&path, &world.scheduler, &json!({})).await, 403, "forbidden").await;
    assert_eq!(world.post(&path, &people[0].session, &json!({})).await.status(), StatusCode::NO_CONTENT);
    let view = world.view(&people[1]).await;
    assert_eq!((&view["state"], &view["you"]["presence"]), (&json!("ended"), &json!("ended")));
    refused(world.sit(&people[0]).await, 409, "visit_ended").await;
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    assert_eq!(read["state"], "ended");
    assert!(matches!(world.media.commands.lock().unwrap().last(), Some((_, Command::CloseVisit { .. }))));
}

#[tokio::test]
async fn a_visit_ends_by_itself_when_its_window_closes() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    world.clock.step_to("2027-01-15T10:29:59Z".parse().unwrap());
    world.registry.handle_timeout().await;
    let staff = format!("/visits/{}", people[0].visit);
    let view: Value = world.get(&staff, &world.scheduler).await.json().await.unwrap();
    assert_eq!((&view["state"], &view["you"]), (&json!("open"), &json!(null)));
    world.clock.step_to("2027-01-15T10:30:00Z".parse().unwrap());
    world.registry.handle_timeout().await;
    let view: Value = world.get(&staff, &world.scheduler).await.json().await.unwrap();
    assert_eq!(view["state"], "ended");
}

#[tokio::test]
async fn a_revoked_link_puts_its_person_out() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    let link = booked.appointment["links"][1]["id"].as_str().unwrap();
    let path = format!("/appointments/{}/links/{link}", booked.id());
    assert_eq!(world.api(Method::DELETE, &path, &world.scheduler).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    refused(world.get(&format!("/visits/{}", people[1].visit), &people[1].session).await, 401, "unauthorized").await;
    let seen = world.view(&people[0]).await["participants"].as_array().unwrap().len();
    assert_eq!(seen, 3);
}

#[tokio::test]
async fn nobody_sees_or_moves_another_visit() {
    let world = World::new().await;
    let (_, here) = world.four().await;
    let (_, there) = world.four().await;
    let path = format!("/visits/{}", there[0].visit);
    refused(world.get(&path, &here[0].session).await, 403, "forbidden").await;
    refused(world.post(&format!("{path}/end"), &here[0].session, &json!({})).await, 403, "forbidden").await;
    refused(admit(&world, &here[1], json!({"all": true})).await, 403, "forbidden").await;
    refused(world.get(&path, &world.monitor).await, 403, "forbidden").await;
    refused(admit(&world, &here[0], json!({"participant": there[1].participant})).await, 404, "not_found").await;
}

#[tokio::test]
async fn events_tell_each_change_and_the_first_state_at_once() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let path = format!("/visits/{}/events", people[1].visit);
    let mut stream = world.get(&path, &people[1].session).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let mut until = async |wanted: &str| {
        while !text.contains(wanted) {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
    };
    until("retry: 1000\n\n").await;
    until("\"presence\":\"waiting\"").await;
    admit(&world, &people[0], json!({"all": true})).await;
    until("\"presence\":\"admitted\",\"reason\":null,\"seat\":1").await;
    let path = format!("/visits/{}/end", people[0].visit);
    world.post(&path, &people[0].session, &json!({})).await;
    until("\"state\":\"ended\"").await;
    assert!(text.starts_with("retry: 1000\n\nevent: visit\ndata: {\"now\":\"2027-01-15T08:00:00.000Z\",\"visit\":"), "{text}");
    world.stop().await;
}

#[tokio::test]
async fn who_stops_waiting_is_gone_and_may_come_again() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    let path = format!("/visits/{}/ready", people[1].visit);
    for (method, presence) in [(Method::DELETE, "left"), (Method::POST, "waiting")] {
        assert_eq!(world.api(method, &path, &people[1].session).send().await.unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(world.view(&people[1]).await["you"]["presence"], presence);
    }
}
