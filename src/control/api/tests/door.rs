use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{World, refused, token_of};
use crate::control::verify::terms;

fn claim(link: &str, birth_date: &str) -> Value {
    json!({"link": link, "birth_date": birth_date, "terms": terms::VERSION, "who": "patient"})
}

#[tokio::test]
async fn the_right_date_opens_and_says_who_it_is() {
    let world = World::new().await;
    let booked = world.booked().await;
    let answer = world.verify(&claim(&booked.links[1], "1948-02-29")).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    let entered: Value = answer.json().await.unwrap();
    assert_eq!((&entered["role"], &entered["name"]), (&json!("patient"), &json!("Bea Blue")));
    assert_eq!(entered["visit"], booked.appointment["visit_id"]);
    assert_eq!(entered["terms"], terms::VERSION);
    let letters = entered["participant"].as_str().unwrap().strip_prefix("par-").unwrap();
    assert!(cookie.starts_with(&format!("quartet_{letters}=qs_")), "{letters}");
    assert!(cookie.ends_with("; Path=/api/v1; Max-Age=43200; Secure; HttpOnly; SameSite=Strict"));
    assert!(entered["session"].as_str().unwrap().starts_with("qs_"));
}

#[tokio::test]
async fn a_page_never_sees_its_session_and_another_site_cannot_sign_anyone_in() {
    let world = World::new().await;
    let booked = world.booked().await;
    let ask = |name: &'static str, value: String| {
        world.ask(Method::POST, "/api/v1/verify").header(name, value).json(&claim(&booked.links[1], "1948-02-29")).send()
    };
    for (name, value) in [("origin", world.origin()), ("sec-fetch-site", "same-origin".to_owned())] {
        let entered: Value = ask(name, value).await.unwrap().json().await.unwrap();
        assert!(entered["participant"].is_string() && entered.get("session").is_none());
    }
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        refused(ask(name, value.to_owned()).await.unwrap(), 403, "cross_site").await;
    }
}

#[tokio::test]
async fn all_refusals_are_the_same() {
    let world = World::new().await;
    let booked = world.booked().await;
    let guest = world.make(&format!("/appointments/{}/links", booked.id()), json!({"role": "guest"})).await;
    let path = format!("/appointments/{}/links/{}", booked.id(), guest["id"].as_str().unwrap());
    assert_eq!(world.api(Method::DELETE, &path, &world.scheduler).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    for _ in 0..5 {
        refused(world.verify(&claim(&booked.links[2], "2000-01-01")).await, 403, "verification_failed").await;
    }
    let mut bodies = Vec::new();
    for (link, date) in [
        (&*booked.links[1], "2000-01-01"),
        ("unknownunknownunknownunknown1234", "1948-02-29"),
        ("not a link at all", "1948-02-29"),
        (&*booked.links[2], "1971-07-01"),
        (&*token_of(&guest), "1948-02-29"),
    ] {
        let answer = world.verify(&claim(link, date)).await;
        let mut headers: Vec<_> = answer
            .headers()
            .iter()
            .filter(|(name, _)| *name != "date")
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        bodies.push((answer.status(), headers, answer.text().await.unwrap()));
    }
    assert!(bodies.iter().all(|one| *one == bodies[0]), "{bodies:?}");
    let without_date = world.verify(&json!({"link": booked.links[1], "terms": terms::VERSION})).await;
    assert_eq!(without_date.text().await.unwrap(), bodies[0].2);
}

#[tokio::test]
async fn guesses_made_at_once_lock_a_link_after_five() {
    let world = World::new().await;
    let booked = world.booked().await;
    let claims: Vec<Value> = (1..=20).map(|day| claim(&booked.links[1], &format!("2000-01-{day:02}"))).collect();
    let mut guesses = tokio::task::JoinSet::new();
    for claim in claims {
        let request = world.ask(Method::POST, "/api/v1/verify").json(&claim);
        guesses.spawn(async move { request.send().await.unwrap().status() });
    }
    while let Some(status) = guesses.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::FORBIDDEN);
    }
    refused(world.verify(&claim(&booked.links[1], "1948-02-29")).await, 403, "verification_failed").await;
    let read: Value = world.get(&format!("/appointments/{}", booked.id()), &world.scheduler).await.json().await.unwrap();
    let states: Vec<_> = read["links"].as_array().unwrap().iter().map(|link| link["state"].clone()).collect();
    assert_eq!(states, ["open", "locked", "open", "open"]);
    let again = json!({"role": "patient", "patient_id": booked.appointment["patient_ids"][0]});
    let fresh = world.make(&format!("/appointments/{}/links", booked.id()), again).await;
    assert_eq!(world.verify(&claim(&token_of(&fresh), "1948-02-29")).await.status(), StatusCode::OK, "staff issue another");
}

#[tokio::test]
async fn terms_come_first_and_mistakes_are_named_before_the_link_is_looked_at() {
    let world = World::new().await;
    let booked = world.booked().await;
    for link in [&*booked.links[1], "unknown"] {
        for terms in [json!(null), json!("other"), json!(false)] {
            let body = json!({"link": link, "birth_date": "1948-02-29", "terms": terms});
            refused(world.verify(&body).await, 422, "terms_required").await;
        }
        let body = json!({"link": link, "birth_date": "1948-02-30", "terms": terms::VERSION, "who": "other"});
        let problem = refused(world.verify(&body).await, 422, "invalid").await;
        assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
    }
    let shown: Value = world.ask(Method::GET, "/api/v1/terms").send().await.unwrap().json().await.unwrap();
    assert_eq!(shown["version"], terms::VERSION);
}

#[tokio::test]
async fn the_window_opens_and_closes_on_the_instant_and_never_opens_again() {
    let world = World::new().await;
    let booked = world.booked().await;
    let right = claim(&booked.links[1], "1948-02-29");
    let step = |text: &str| world.clock.step_to(text.parse().unwrap());
    step("2027-01-15T07:29:59.999999Z");
    let problem = refused(world.verify(&right).await, 403, "too_early").await;
    assert_eq!(problem["opens_at"], "2027-01-15T07:30:00.000Z");
    refused(world.verify(&claim(&booked.links[1], "1948-03-01")).await, 403, "verification_failed").await;
    step("2027-01-15T07:30:00Z");
    assert_eq!(world.verify(&right).await.status(), StatusCode::OK);
    step("2027-01-15T10:29:59.999999Z");
    assert_eq!(world.verify(&right).await.status(), StatusCode::OK);
    step("2027-01-15T10:30:00Z");
    refused(world.verify(&right).await, 403, "verification_failed").await;
    step("2027-01-15T08:30:00Z");
    refused(world.verify(&right).await, 403, "verification_failed").await;
}

#[tokio::test]
async fn others_come_in_with_a_patients_date_and_their_own_name() {
    let world = World::new().await;
    let booked = world.booked().await;
    let daughter = json!({"link": booked.links[1], "birth_date": "1948-02-29", "terms": terms::VERSION,
        "who": "other", "name": "Cleo", "relationship": "daughter"});
    let entered: Value = world.verify(&daughter).await.json().await.unwrap();
    assert_eq!((&entered["role"], &entered["name"]), (&json!("guest"), &json!("Cleo")));
    let links = format!("/appointments/{}/links", booked.id());
    let interpreter = world.make(&links, json!({"role": "interpreter", "name": "Ida"})).await;
    let entered: Value = world.verify(&claim(&token_of(&interpreter), "1990-12-31")).await.json().await.unwrap();
    assert_eq!((&entered["role"], &entered["name"]), (&json!("interpreter"), &json!("Ida")), "any patient's date");
    let guest = world.make(&links, json!({"role": "guest"})).await;
    let problem = refused(world.verify(&claim(&token_of(&guest), "1948-02-29")).await, 422, "invalid").await;
    assert_eq!(problem["errors"][0]["pointer"], "/name");
}

#[tokio::test]
async fn verifying_again_replaces_the_older_session() {
    let world = World::new().await;
    let booked = world.booked().await;
    let first = world.enter(&booked.links[1], Some("1948-02-29")).await;
    let second = world.enter(&booked.links[1], Some("1948-02-29")).await;
    refused(world.get(&format!("/visits/{}", first.visit), &first.session).await, 401, "unauthorized").await;
    assert_eq!(world.view(&second).await["you"]["presence"], "verified");
}

#[tokio::test]
async fn a_session_ends_when_idle_and_does_not_revive() {
    let world = World::new().await;
    let booked = world.booked().await;
    let person = world.enter(&booked.links[1], Some("1948-02-29")).await;
    let path = format!("/visits/{}", person.visit);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(29 * 60));
        assert_eq!(world.get(&path, &person.session).await.status(), StatusCode::OK);
    }
    world.clock.advance(Duration::from_secs(30 * 60));
    refused(world.get(&path, &person.session).await, 401, "unauthorized").await;
    world.clock.step_to("2027-01-15T08:00:00Z".parse().unwrap());
    refused(world.get(&path, &person.session).await, 401, "unauthorized").await;
}

#[tokio::test]
async fn a_cookie_opens_the_visit_for_our_own_pages_alone() {
    let world = World::new().await;
    let booked = world.booked().await;
    let person = world.enter(&booked.links[1], Some("1948-02-29")).await;
    let cookie = format!("other=1; quartet_{}={}", &person.participant[4..], person.session);
    let ask = |method: Method, path: &str| {
        world.ask(method, &format!("/api/v1/visits/{}{path}", person.visit)).header("cookie", &cookie)
    };
    let named = |request: reqwest::RequestBuilder| request.header("quartet-participant", &person.participant).send();
    assert_eq!(named(ask(Method::GET, "")).await.unwrap().status(), StatusCode::OK);
    let by_query = ask(Method::GET, &format!("?participant={}", person.participant)).send().await.unwrap();
    assert_eq!(by_query.status(), StatusCode::OK);
    refused(ask(Method::GET, "").send().await.unwrap(), 401, "unauthorized").await;
    refused(named(ask(Method::POST, "/ready")).await.unwrap(), 403, "cross_site").await;
    let own = named(ask(Method::POST, "/ready").header("sec-fetch-site", "same-origin")).await.unwrap();
    assert_eq!(own.status(), StatusCode::NO_CONTENT);
    let own = named(ask(Method::POST, "/ready").header("origin", world.origin())).await.unwrap();
    assert_eq!(own.status(), StatusCode::NO_CONTENT);
}
