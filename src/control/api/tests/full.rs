//! Where a visit goes, and what people are told when there is no more room on any worker.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::visits::{admit, connected, last_leg};
use super::world::{OFFER, Person, World, refused};
use crate::base::Seat;
use crate::link::{Event, LegEnd, Load};

/// All workers say that they are so busy, long enough to be believed.
async fn busy(world: &World, permille: [u16; 2]) {
    for _ in 0..12 {
        for (worker, busy_permille) in (0..).zip(permille) {
            let load = Load { busy_permille, ..Load::default() };
            world.registry.handle_event(worker, Event::Load { load, legs: 600 }).await;
        }
    }
}

fn commands(world: &World) -> usize {
    world.media.commands.lock().unwrap().len()
}

/// They are refused for load, and told when to try again.
async fn full(world: &World, person: &Person) {
    let before = commands(world);
    let answer = world.sit(person).await;
    assert_eq!(answer.headers()["retry-after"], "5");
    refused(answer, 503, "server_full").await;
    assert_eq!(commands(world), before, "media hears nothing of it");
}

async fn metric(world: &World, name: &str) -> String {
    let text = world.get("/metrics", &world.monitor).await.text().await.unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_visit_goes_to_the_worker_that_is_least_busy() {
    let world = World::new().await;
    busy(&world, [700, 300]).await;
    for _ in 0..3 {
        let (_, people) = world.four().await;
        assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
        assert_eq!(last_leg(&world, Seat::PROVIDER).0, 1);
    }
    busy(&world, [100, 300]).await;
    let (_, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    assert_eq!(last_leg(&world, Seat::PROVIDER).0, 0);
}

#[tokio::test]
async fn a_full_server_opens_no_visit_says_when_to_try_again_and_opens_it_when_there_is_room() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    busy(&world, [870, 860]).await;
    let before = world.view(&people[0]).await;
    full(&world, &people[0]).await;
    assert_eq!(world.view(&people[0]).await, before, "nothing is half opened");
    assert_eq!(metric(&world, "quartet_refused_for_load_total{what=\"visit\"}").await, "1");
    assert_eq!(metric(&world, "quartet_refused_for_load_total{what=\"seat\"}").await, "0");
    let audit: Value = world.get("/audit?limit=500", &world.admin).await.json().await.unwrap();
    let refusals = audit["items"].as_array().unwrap().iter().filter(|one| one["outcome"] == "server_full").count();
    assert_eq!(refusals, 1);

    busy(&world, [870, 800]).await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    assert_eq!(last_leg(&world, Seat::PROVIDER).0, 1);
}

#[tokio::test]
async fn who_comes_to_a_visit_that_runs_is_let_in_up_to_a_higher_bound_and_who_was_inside_always() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::PROVIDER).await;
    admit(&world, &people[0], json!({"all": true})).await;
    busy(&world, [900, 900]).await;
    assert_eq!(world.sit(&people[1]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::ALL[1]).await;
    busy(&world, [1_000, 1_000]).await;
    full(&world, &people[2]).await;
    assert_eq!(metric(&world, "quartet_refused_for_load_total{what=\"seat\"}").await, "1");

    // A newer connection in place of one that lives, and one in place of one that was lost.
    assert_eq!(world.sit(&people[1]).await.status(), StatusCode::CREATED);
    let (worker, visit, leg) = last_leg(&world, Seat::ALL[1]);
    let lost = Event::LegEnded { visit, seat: Seat::ALL[1], leg, why: LegEnd::Silent };
    world.registry.handle_event(worker, lost).await;
    assert_eq!(world.view(&people[1]).await["you"]["presence"], "reconnecting");
    assert_eq!(world.sit(&people[1]).await.status(), StatusCode::CREATED);

    // The whole worker is lost, and the other one is as busy as can be.
    let (worker, ..) = last_leg(&world, Seat::PROVIDER);
    world.registry.worker_lost(worker).await;
    busy(&world, [1_000, 1_000]).await;
    full(&world, &people[2]).await;
    for person in &people[..2] {
        assert_eq!(world.sit(person).await.status(), StatusCode::CREATED, "who was inside is not refused");
    }
    full(&world, &people[2]).await;
    busy(&world, [100, 100]).await;
    assert_eq!(world.sit(&people[2]).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn who_was_let_in_keeps_the_place_for_as_long_as_their_page_tries() {
    let world = World::new().await;
    let (_, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    connected(&world, Seat::PROVIDER).await;
    admit(&world, &people[0], json!({"all": true})).await;
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(100));
        busy(&world, [1_000, 1_000]).await;
        full(&world, &people[1]).await;
        world.registry.handle_timeout().await;
        assert_eq!(world.view(&people[1]).await["you"]["presence"], "admitted");
    }
    assert_eq!(world.view(&people[2]).await["you"]["presence"], "left", "whose page does not try has gone");
}

#[tokio::test]
async fn a_storm_that_comes_before_any_load_is_told_fills_no_worker_beyond_its_bound() {
    let world = World::new().await;
    let mut opened = 0;
    let mut refused = 0;
    // Two workers take a hundred and six visits of four at what a seat is assumed to cost.
    for _ in 0..110 {
        let (_, people) = world.four().await;
        match world.sit(&people[0]).await.status() {
            StatusCode::CREATED => opened += 1,
            StatusCode::SERVICE_UNAVAILABLE => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((opened, refused), (106, 4));
}

#[tokio::test]
async fn an_offer_that_cannot_be_taken_keeps_no_room() {
    let world = World::new().await;
    for _ in 0..110 {
        let (_, people) = world.four().await;
        let path = format!("/visits/{}/seats", people[0].visit);
        let request = world.api(Method::POST, &path, &people[0].session).header("content-type", "application/sdp");
        let answer = request.body(OFFER.replace("a=group:BUNDLE", "a=group:OTHER")).send().await.unwrap();
        refused(answer, 422, "offer_rejected").await;
    }
    assert_eq!(commands(&world), 0);
    let (_, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
}
