//! What lets nobody in again: other times, an end, a clock that goes back; and what is asked in the wrong order.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Booked, OFFER, START, World, refused};
use crate::base::Seat;

async fn tag(world: &World, booked: &Booked) -> String {
    let read = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await;
    read.headers()["etag"].to_str().unwrap().to_owned()
}

async fn change(world: &World, booked: &Booked, known: &str, body: Value) -> reqwest::Response {
    let request = world.api(Method::PATCH, &format!("/appointments/{}", booked.id()), &world.scheduler);
    request.header("if-match", known).json(&body).send().await.unwrap()
}

async fn verify(world: &World, link: &str) -> reqwest::Response {
    world.verify(&json!({"link": link, "birth_date": "1948-02-29", "terms": true})).await
}

#[tokio::test]
async fn an_appointment_moves_with_its_links_for_who_knows_what_it_is_now() {
    let world = World::new().await;
    let booked = world.booked().await;
    let path = format!("/appointments/{}", booked.id());
    let body = json!({"start": "2027-01-15T12:00:00+00:00", "duration_minutes": 45});
    let blind = world.api(Method::PATCH, &path, &world.scheduler).json(&body).send().await.unwrap();
    refused(blind, 428, "if_match_required").await;
    let first = tag(&world, &booked).await;
    let moved = change(&world, &booked, &first, body.clone()).await;
    assert_eq!(moved.status(), StatusCode::OK);
    let second = moved.headers()["etag"].to_str().unwrap().to_owned();
    let moved: Value = moved.json().await.unwrap();
    assert_eq!(
        (&moved["opens_at"], &moved["closes_at"]),
        (&json!("2027-01-15T11:30:00.000Z"), &json!("2027-01-15T14:45:00.000Z"))
    );
    assert_eq!(second, tag(&world, &booked).await);
    refused(change(&world, &booked, &first, body).await, 412, "precondition_failed").await;
    let problem = refused(change(&world, &booked, &second, json!({"duration_minutes": 4})).await, 422, "invalid").await;
    assert_eq!(problem["errors"][0]["pointer"], "/duration_minutes");

    let early = refused(verify(&world, &booked.links[1]).await, 403, "too_early").await;
    assert_eq!((&early["opens_at"], &early["now"]), (&moved["opens_at"], &json!("2027-01-15T08:00:00.000Z")));
    world.clock.step_to("2027-01-15T11:30:00Z".parse().unwrap());
    assert_eq!(verify(&world, &booked.links[1]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_appointment_is_not_moved_under_who_sits_in_it_nor_when_it_is_over() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    assert_eq!(world.sit(&people[0]).await.status(), StatusCode::CREATED);
    let known = tag(&world, &booked).await;
    let body = json!({"start": "2027-01-16T12:00:00+00:00"});
    refused(change(&world, &booked, &known, body.clone()).await, 409, "occupied").await;
    let path = format!("/visits/{}/seats/{}", people[0].visit, Seat::PROVIDER);
    assert_eq!(world.api(Method::DELETE, &path, &people[0].session).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(change(&world, &booked, "*", body.clone()).await.status(), StatusCode::OK);
    let view = world.view(&people[1]).await;
    assert_eq!(view["opens_at"], "2027-01-16T11:30:00.000Z", "who waits sees the new time");
    let cancelled = world.api(Method::DELETE, &format!("/appointments/{}", booked.id()), &world.scheduler).send().await.unwrap();
    assert_eq!(cancelled.status(), StatusCode::NO_CONTENT);
    refused(change(&world, &booked, "*", body).await, 409, "already_over").await;
}

#[tokio::test]
async fn what_opened_nothing_once_opens_nothing_when_the_clock_goes_back() {
    for end in ["close", "end", "cancel", "revoke"] {
        let world = World::new().await;
        let (booked, people) = world.four().await;
        let links = booked.appointment["links"].as_array().unwrap();
        let (method, path) = match end {
            "close" => {
                world.clock.step_to("2027-01-15T10:30:00Z".parse().unwrap());
                refused(verify(&world, &booked.links[1]).await, 403, "verification_failed").await;
                (Method::GET, "/appointments".to_owned())
            }
            "end" => (Method::POST, format!("/visits/{}/end", people[0].visit)),
            "cancel" => (Method::DELETE, format!("/appointments/{}", booked.id())),
            _ => (Method::DELETE, format!("/appointments/{}/links/{}", booked.id(), links[1]["id"].as_str().unwrap())),
        };
        assert!(world.api(method, &path, &world.admin).send().await.unwrap().status().is_success(), "{end}");
        for at in [START, "2027-01-15T09:59:00Z", "2027-01-15T06:00:00Z"] {
            world.clock.step_to(at.parse().unwrap());
            refused(verify(&world, &booked.links[1]).await, 403, "verification_failed").await;
        }
    }
}

#[tokio::test]
async fn a_session_lasts_twelve_hours_at_most_however_busy() {
    let world = World::new().await;
    let booked = world.booked().await;
    let person = world.enter(&booked.links[1], Some("1948-02-29")).await;
    let path = format!("/visits/{}", person.visit);
    for _ in 0..35 {
        world.clock.advance(Duration::from_secs(20 * 60));
        assert_eq!(world.get(&path, &person.session).await.status(), StatusCode::OK);
    }
    world.clock.advance(Duration::from_secs(20 * 60));
    refused(world.get(&path, &person.session).await, 401, "unauthorized").await;
    let records = world.registry.store().audit(0, 1_000).await.unwrap();
    assert_eq!(records.iter().filter(|record| record.action == "session.end").count(), 1);
}

#[tokio::test]
async fn each_verification_makes_a_session_of_its_own_and_takes_none_that_was_brought() {
    let world = World::new().await;
    let booked = world.booked().await;
    let body = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": true});
    let brought = world.ask(Method::POST, "/api/v1/verify").header("cookie", "quartet_0000000000000=qs_brought").json(&body);
    let first: Value = brought.send().await.unwrap().json().await.unwrap();
    let second: Value = world.verify(&body).await.json().await.unwrap();
    assert_ne!(first["session"], second["session"]);
    assert_ne!(first["session"], "qs_brought");
    assert_ne!(first["participant"], second["participant"]);
}

#[tokio::test]
async fn tokens_are_on_record_as_hashes_alone() {
    let world = World::new().await;
    let booked = world.booked().await;
    let person = world.enter(&booked.links[1], Some("1948-02-29")).await;
    let bytes = world.bytes();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for token in [&booked.links[0], &booked.links[1], &person.session, &world.admin, &world.scheduler] {
        assert!(!holds(token));
        assert!(holds(&crate::control::words::Digest::of(token.as_bytes()).hex()), "what is kept is found this way");
    }
}

#[tokio::test]
async fn whoever_only_looks_at_a_link_uses_nothing_up() {
    let world = World::new().await;
    let booked = world.booked().await;
    let before = world.registry.store().audit_head().await.unwrap();
    for _ in 0..100 {
        for method in [Method::GET, Method::HEAD] {
            assert_eq!(world.ask(method, "/join").send().await.unwrap().status(), StatusCode::OK);
        }
    }
    assert_eq!(world.registry.store().audit_head().await.unwrap(), before, "a page is not even on record");
    for _ in 0..100 {
        for method in [Method::GET, Method::HEAD] {
            let answer = world.ask(method, &format!("/api/v1/verify?link={}", booked.links[1])).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        }
    }
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    assert!(read["links"].as_array().unwrap().iter().all(|link| link["wrong_dates"] == 0 && link["state"] == "open"));
    assert_eq!(verify(&world, &booked.links[1]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_date_that_is_none_is_named_and_counts_nothing() {
    let world = World::new().await;
    let booked = world.booked().await;
    for birth_date in [
        "1900-02-29",
        "1948-2-29",
        "29.02.1948",
        "02/29/1948",
        "29-02-1948",
        "1948-02-30",
        "١٩٤٨-٠٢-٢٩",
        "1948-02-29T00:00:00Z",
        "2027-01-17",
        "0048-02-29",
        "",
        " 1948-02-29",
    ] {
        let body = json!({"link": booked.links[1], "birth_date": birth_date, "terms": true});
        let problem = refused(world.verify(&body).await, 422, "invalid").await;
        assert_eq!(problem["errors"][0]["pointer"], "/birth_date", "{birth_date}");
    }
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    assert_eq!(read["links"][1]["wrong_dates"], 0);
    assert_eq!(verify(&world, &booked.links[1]).await.status(), StatusCode::OK, "born on a leap day");
}

#[tokio::test]
async fn nothing_is_given_out_of_order() {
    let world = World::new().await;
    let (booked, people) = world.four().await;
    let visit = &people[0].visit;
    let seats = format!("/visits/{visit}/seats");
    let offer = |token: &str| {
        let request = world.api(Method::POST, &seats, token).header("content-type", "application/sdp");
        request.body(OFFER).send()
    };
    let unknown = world.ask(Method::POST, &format!("/api/v1{seats}")).header("content-type", "application/sdp").body(OFFER);
    refused(unknown.send().await.unwrap(), 401, "unauthorized").await;
    refused(offer("qs_nobody").await.unwrap(), 401, "unauthorized").await;
    refused(offer(&world.admin).await.unwrap(), 403, "forbidden").await;
    refused(offer(&people[1].session).await.unwrap(), 403, "not_admitted").await;
    let patient = &*people[1].session;
    for (path, body) in [
        (format!("/visits/{visit}/admit"), json!({"all": true})),
        (format!("/visits/{visit}/end"), json!({})),
        (format!("/visits/{visit}/message"), json!({"text": "x"})),
        (format!("/visits/{visit}/participants/{}/remove", people[2].participant), json!({"may_return": false})),
        ("/patients".to_owned(), json!({"name": "x", "birth_date": "2000-01-01"})),
    ] {
        refused(world.post(&path, patient, &body).await, 403, "forbidden").await;
    }
    // A guest makes five; of five who sit down at once, four find a seat.
    let guest = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": true,
        "who": "other", "name": "Cleo", "relationship": "daughter"});
    let guest: Value = world.verify(&guest).await.json().await.unwrap();
    let guest = guest["session"].as_str().unwrap();
    let ready = world.api(Method::POST, &format!("/visits/{visit}/ready"), guest).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::NO_CONTENT);
    world.post(&format!("/visits/{visit}/admit"), &people[0].session, &json!({"all": true})).await;
    let sessions = [&*people[0].session, patient, &people[2].session, &people[3].session, guest];
    let mut seated = 0;
    let (a, b, c, d, e) =
        tokio::join!(offer(sessions[0]), offer(sessions[1]), offer(sessions[2]), offer(sessions[3]), offer(sessions[4]));
    for answer in [a, b, c, d, e] {
        seated += usize::from(answer.unwrap().status() == StatusCode::CREATED);
    }
    assert_eq!(seated, 4);
    // A second device with the same link takes the place of the first.
    let again = world.enter(&booked.links[1], Some("1948-02-29")).await;
    refused(offer(patient).await.unwrap(), 401, "unauthorized").await;
    assert_eq!(world.api(Method::POST, &format!("/visits/{visit}/end"), &people[0].session).send().await.unwrap().status(), 204);
    refused(offer(&again.session).await.unwrap(), 409, "visit_ended").await;
    let ready = world.api(Method::POST, &format!("/visits/{visit}/ready"), &again.session).send().await.unwrap();
    refused(ready, 409, "visit_ended").await;
}
