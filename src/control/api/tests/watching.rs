//! What pages show of the others, and what media says goes on: told to media and to pages, and recorded nowhere.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::visits::{admit, connected, last_leg};
use super::world::{Person, World, refused, token_of};
use crate::base::{LegId, Seat, VisitId};
use crate::control::registry::Registry;
use crate::control::registry::view::Viewer;
use crate::link::event::{LegSnapshot, LegState, VisitSnapshot};
use crate::link::{Command, Downlink, Event, LegEnd, LegFacts, Rank, Sources, Tile, Uplink, Watching};

fn seat(number: u8) -> Seat {
    Seat::new(number).unwrap()
}

/// The provider, a patient and an interpreter, on seats 0, 1 and 2, and one more patient who waits.
pub(super) async fn three_inside(world: &World) -> Vec<Person> {
    let (booked, mut people) = world.four().await;
    let link = world.make(&format!("/appointments/{}/links", booked.id()), json!({"role": "interpreter", "name": "Ida"})).await;
    let interpreter = world.enter(&token_of(&link), Some("1948-02-29")).await;
    let ready = format!("/visits/{}/ready", interpreter.visit);
    world.api(Method::POST, &ready, &interpreter.session).send().await.unwrap();
    let waits = people.pop().unwrap();
    people.truncate(2);
    people.extend([interpreter, waits]);
    for person in &people[1..3] {
        assert_eq!(admit(world, &people[0], json!({"participant": person.participant})).await.status(), StatusCode::OK);
    }
    for (number, person) in (0..).zip(&people[..3]) {
        assert_eq!(world.sit(person).await.status(), StatusCode::CREATED);
        connected(world, seat(number)).await;
    }
    people
}

async fn say(world: &World, person: &Person, seat: u8, body: &Value) -> Response {
    let path = format!("/visits/{}/seats/{seat}/watching", person.visit);
    world.api(Method::PUT, &path, &person.session).json(body).send().await.unwrap()
}

/// What media was told that pages show since this was last asked, by seat.
fn told(world: &World) -> Vec<(Seat, LegId, Watching)> {
    let mut commands = world.media.commands.lock().unwrap();
    let told = std::mem::take(&mut *commands).into_iter().filter_map(|(_, command)| {
        let Command::Watch { seat, leg, watching, .. } = command else { return None };
        Some((seat, leg, watching))
    });
    told.collect()
}

fn tile(height: u16, rank: Rank) -> Tile {
    Tile { height, rank }
}

async fn hears(world: &World, event: impl FnOnce(VisitId, LegId) -> Event, of: u8) {
    let (worker, visit, leg) = last_leg(world, seat(of));
    world.registry.handle_event(worker, event(visit, leg)).await;
}

#[tokio::test]
async fn media_is_told_what_a_page_shows_and_the_audit_is_not() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let (_, _, leg) = last_leg(&world, seat(1));
    assert_eq!(told(&world), [], "a page that says nothing is taken to show everything");
    let before = world.registry.store().audit_head().await.unwrap().seq;
    let shown = json!({
        "leg": leg.to_string(),
        "pictures": [{"seat": 0, "height": 360, "pinned": true}, {"seat": 2, "height": 180, "pinned": true}, {"seat": 3, "height": 0}],
        "screen": {"height": 720},
    });
    for _ in 0..2 {
        assert_eq!(say(&world, &people[1], 1, &shown).await.status(), StatusCode::NO_CONTENT);
    }
    let rest = Tile::default();
    let cameras = [tile(360, Rank::Pinned), rest, tile(180, Rank::Interpreter), rest];
    let watching = Watching { cameras, screen: tile(720, Rank::Plain) };
    assert_eq!(told(&world), [(seat(1), leg, watching)], "once, and nothing of a seat where nobody sits");
    assert_eq!(world.registry.store().audit_head().await.unwrap().seq, before);

    let hidden = json!({"pictures": [{"seat": 0, "height": 0}]});
    assert_eq!(say(&world, &people[1], 1, &hidden).await.status(), StatusCode::NO_CONTENT);
    let cameras = [tile(0, Rank::Plain), rest, rest, rest];
    assert_eq!(
        told(&world),
        [(seat(1), leg, Watching { cameras, screen: rest })],
        "what is left out is shown as large as can be"
    );
}

#[tokio::test]
async fn only_who_sits_there_says_what_is_shown_and_only_on_the_connection_that_there_is() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let all = json!({});
    refused(say(&world, &people[2], 1, &all).await, 404, "not_found").await;
    refused(say(&world, &people[3], 3, &all).await, 404, "not_found").await;
    refused(say(&world, &people[1], 9, &all).await, 404, "not_found").await;
    let path = format!("/visits/{}/seats/1/watching", people[1].visit);
    refused(world.api(Method::PUT, &path, &world.admin).json(&all).send().await.unwrap(), 403, "forbidden").await;
    let (_, _, leg) = last_leg(&world, seat(1));
    assert_eq!(world.sit(&people[1]).await.status(), StatusCode::CREATED);
    refused(say(&world, &people[1], 1, &json!({"leg": leg.to_string()})).await, 409, "leg_gone").await;
    let problem =
        refused(say(&world, &people[1], 1, &json!({"pictures": [{"seat": 4, "height": 1}]})).await, 422, "invalid").await;
    assert_eq!(problem["errors"][0]["pointer"], "/pictures/0/seat");
    refused(say(&world, &people[1], 1, &json!({"pictures": [{"seat": "x"}]})).await, 422, "wrong_shape").await;
    assert_eq!(say(&world, &people[1], 1, &all).await.status(), StatusCode::NO_CONTENT);
    hears(&world, |visit, leg| Event::LegEnded { visit, seat: seat(1), leg, why: LegEnd::Silent }, 1).await;
    refused(say(&world, &people[1], 1, &all).await, 409, "leg_gone").await;
}

#[tokio::test]
async fn who_says_it_without_end_is_asked_to_wait() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let mut answers = Vec::new();
    for height in 0..21 {
        answers.push(say(&world, &people[1], 1, &json!({"screen": {"height": height}})).await);
    }
    let last = answers.pop().unwrap();
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::NO_CONTENT));
    assert_eq!(last.headers()["retry-after"], "1");
    refused(last, 429, "too_often").await;
    assert_eq!(say(&world, &people[2], 2, &json!({})).await.status(), StatusCode::NO_CONTENT, "each for themselves");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(say(&world, &people[1], 1, &json!({})).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_is_said_of_a_seat_is_meant_of_its_person_and_goes_with_them() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let shown = json!({"pictures": [{"seat": 0, "height": 360, "pinned": true}, {"seat": 2, "height": 0}]});
    assert_eq!(say(&world, &people[1], 1, &shown).await.status(), StatusCode::NO_CONTENT);
    told(&world);
    let path = format!("/visits/{}/seats/2", people[2].visit);
    world.api(Method::DELETE, &path, &people[2].session).send().await.unwrap();
    let (rest, pinned) = (Tile::default(), tile(360, Rank::Pinned));
    let left: Vec<_> = told(&world).into_iter().map(|(seat, _, watching)| (seat, watching.cameras)).collect();
    assert_eq!(left, [(seat(1), [pinned, rest, rest, rest])], "who is gone is hidden no more");
    assert_eq!(admit(&world, &people[0], json!({"participant": people[3].participant})).await.status(), StatusCode::OK);
    assert_eq!(world.sit(&people[3]).await.status(), StatusCode::CREATED);
    assert_eq!(told(&world), [], "a newcomer on the same seat is shown as large as can be, which media knows already");
    // A new connection of the same person shows what the old one showed.
    assert_eq!(world.sit(&people[1]).await.status(), StatusCode::CREATED);
    let (_, _, again) = last_leg(&world, seat(1));
    let told: Vec<_> = told(&world).into_iter().map(|(seat, leg, watching)| (seat, leg, watching.cameras)).collect();
    assert_eq!(told, [(seat(1), again, [pinned, rest, rest, rest])]);
}

#[tokio::test]
async fn who_speaks_is_seen_by_those_who_see_them() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    assert_eq!(world.view(&people[0]).await["speaker"], json!(null));
    hears(&world, |visit, _| Event::Speaker { visit, seat: seat(1) }, 1).await;
    for (person, sees) in people.iter().zip([true, true, true, false]) {
        let expected = if sees { json!(people[1].participant) } else { json!(null) };
        assert_eq!(world.view(person).await["speaker"], expected);
    }
    let path = format!("/visits/{}/seats/1", people[1].visit);
    world.api(Method::DELETE, &path, &people[1].session).send().await.unwrap();
    assert_eq!(world.view(&people[0]).await["speaker"], json!(null), "who left speaks no more");
    assert_eq!(admit(&world, &people[0], json!({"participant": people[3].participant})).await.status(), StatusCode::OK);
    assert_eq!(world.sit(&people[3]).await.status(), StatusCode::CREATED);
    let measured = |visit, _| Event::Measured { visit, speaker: Some(seat(1)), seats: Box::default() };
    hears(&world, measured, 1).await;
    assert_eq!(world.view(&people[0]).await["speaker"], json!(null), "and whoever takes the seat has not spoken yet");
}

#[tokio::test]
async fn layers_and_pauses_are_those_of_the_present_leg() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let you = async || world.view(&people[1]).await["you"].clone();
    let all = json!(["q", "h", "f"]);
    assert_eq!((&you().await["layers"], &you().await["paused"]), (&all, &json!([])));
    let wanted = |visit, leg| Event::Wanted { visit, seat: seat(1), leg, layers: [true, false, false] };
    hears(&world, wanted, 1).await;
    let withheld = |visit, leg| Event::Paused { visit, seat: seat(1), leg, paused: [false, false, true, true] };
    hears(&world, withheld, 1).await;
    assert_eq!((&you().await["layers"], &you().await["paused"]), (&json!(["q"]), &json!([people[2].participant])));
    let other = LegId::from_bits(9);
    hears(&world, |visit, _| Event::Wanted { visit, seat: seat(1), leg: other, layers: [false; 3] }, 1).await;
    hears(&world, |visit, _| Event::Paused { visit, seat: seat(1), leg: other, paused: [true; 4] }, 1).await;
    assert_eq!((&you().await["layers"], &you().await["paused"]), (&json!(["q"]), &json!([people[2].participant])));
    assert_eq!(world.sit(&people[1]).await.status(), StatusCode::CREATED);
    assert_eq!((&you().await["layers"], &you().await["paused"]), (&all, &json!([])), "a new leg begins anew");
}

#[tokio::test]
async fn whoever_watches_is_told_who_speaks() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let mut stream = world.get(&format!("/visits/{}/events", people[1].visit), &people[1].session).await;
    hears(&world, |visit, _| Event::Speaker { visit, seat: seat(2) }, 2).await;
    let mut text = String::new();
    while !text.contains(&format!("\"speaker\":\"{}\"", people[2].participant)) {
        text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    drop(stream);
    world.stop().await;
}

/// Facts of a leg of which only this is to be said.
pub(super) fn facts(leg: LegId) -> LegFacts {
    LegFacts { leg, uplink: Uplink::default(), downlink: Downlink::default(), wanted: [true; 3] }
}

#[tokio::test]
async fn after_a_restart_media_says_again_what_it_had_said_and_goes_on_as_it_was_told() {
    let world = World::new().await;
    let people = three_inside(&world).await;
    let legs = [0, 1, 2].map(|number| last_leg(&world, seat(number)).2);
    let visit: VisitId = people[0].visit.parse().unwrap();
    let snapshot = |leg: &LegId| {
        Some(LegSnapshot { leg: *leg, state: LegState::Connected, sources: Sources { screen: false, ..Sources::default() } })
    };
    let found = VisitSnapshot { visit, seats: [snapshot(&legs[0]), snapshot(&legs[1]), snapshot(&legs[2]), None] };
    world.media.commands.lock().unwrap().clear();
    let registry: Registry = world.reopened().await;
    registry.resume(0, &found).await;
    let commands = std::mem::take(&mut *world.media.commands.lock().unwrap());
    assert_eq!(commands, [(0, Command::Measure { visit })], "media goes on with what pages told the control before");

    let downlink = Downlink { paused: [true, false, false, false], ..Downlink::default() };
    let one = LegFacts { downlink, wanted: [true, true, false], ..facts(legs[1]) };
    let seats = Box::new([None, Some(one), None, None]);
    registry.handle_event(0, Event::Measured { visit, speaker: Some(seat(2)), seats }).await;
    let who = |person: usize| people[person].participant.parse().unwrap();
    let view = registry.view(visit, Viewer::Participant(who(1))).await.unwrap();
    assert_eq!(view.speaker, Some(who(2)));
    let you = view.you.unwrap();
    assert_eq!((you.layers, you.paused), (vec!["q", "h"], vec![who(0)]));

    registry.leave(visit, who(2), seat(2)).await.unwrap();
    let commands = std::mem::take(&mut *world.media.commands.lock().unwrap());
    let everything =
        |number: u8| Command::Watch { visit, seat: seat(number), leg: legs[usize::from(number)], watching: Watching::default() };
    assert_eq!(
        commands.into_iter().map(|(_, command)| command).collect::<Vec<_>>(),
        [Command::Disconnect { visit, seat: seat(2), leg: legs[2] }, everything(0), everything(1)],
        "what was said of a seat is not meant of whoever comes next"
    );
}
