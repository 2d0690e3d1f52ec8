//! A person who speaks HTTP and nothing of ours: opens a link, verifies, waits, posts an offer.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use super::Problem;

/// A stranger's client: takes the self-signed certificate of the demo, waits ten seconds at most.
pub fn client() -> Client {
    Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client can be made")
}

/// Someone who has verified, with the session that proves it.
pub struct Person {
    http: Client,
    base: String,
    session: String,
    pub participant: String,
    pub visit: String,
}

/// What the server said to an offer.
pub struct Seated {
    pub answer: String,
    /// The seat's own URL path, to be deleted on leaving.
    pub location: String,
}

impl Person {
    /// Opens `link` (`https://host/join#token`) and verifies; a provider's link wants no birth date.
    pub async fn verify(link: &str, birth_date: Option<&str>) -> Result<Person, Problem> {
        Person::verify_with(client(), link, birth_date).await
    }

    /// The same over connections that others use, too.
    pub async fn verify_with(http: Client, link: &str, birth_date: Option<&str>) -> Result<Person, Problem> {
        let claim = birth_date.map_or_else(|| json!({}), |date| json!({ "birth_date": date }));
        Person::claim(http, link, claim).await
    }

    /// Opens a guest's link, with the patient's birth date.
    pub async fn verify_guest(link: &str, birth_date: &str) -> Result<Person, Problem> {
        let claim = json!({ "birth_date": birth_date, "who": "other", "name": "Robin Guest", "relationship": "Sibling" });
        Person::claim(client(), link, claim).await
    }

    async fn claim(http: Client, link: &str, mut body: Value) -> Result<Person, Problem> {
        let (page, token) = link.split_once('#').ok_or("a link has its token after the #")?;
        let base = page.rsplit_once('/').ok_or("a link has a path")?.0.to_owned();
        let terms: Value = http.get(format!("{base}/api/v1/terms")).send().await?.error_for_status()?.json().await?;
        body["link"] = token.into();
        body["terms"] = terms["version"].clone();
        let answer: Value = accepted(http.post(format!("{base}/api/v1/verify")).json(&body).send().await?).await?.json().await?;
        let field = |name: &str| {
            answer[name].as_str().map(str::to_owned).ok_or_else(|| Problem::from(format!("the answer has no {name}")))
        };
        Ok(Person { session: field("session")?, participant: field("participant")?, visit: field("visit")?, http, base })
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/api/v1/visits/{}{rest}", self.base, self.visit)
    }

    /// What a page of this person asks for: the visit's path, and the session that opens it.
    pub fn page(&self) -> (String, &str) {
        (format!("/api/v1/visits/{}", self.visit), &self.session)
    }

    /// "I am ready": the devices are tested, let me wait.
    pub async fn ready(&self) -> Result<(), Problem> {
        accepted(self.http.post(self.url("/ready")).bearer_auth(&self.session).send().await?).await.map(drop)
    }

    /// Lets everyone in who waits (providers only).
    pub async fn admit_all(&self) -> Result<(), Problem> {
        accepted(self.http.post(self.url("/admit")).bearer_auth(&self.session).json(&json!({ "all": true })).send().await?)
            .await
            .map(drop)
    }

    /// The visit as this person may see it.
    pub async fn view(&self) -> Result<Value, Problem> {
        Ok(accepted(self.http.get(self.url("")).bearer_auth(&self.session).send().await?).await?.json().await?)
    }

    /// Asks until `presence` is this person's presence.
    pub async fn wait_for(&self, presence: &str) -> Result<(), Problem> {
        for _ in 0..200 {
            if self.view().await?["you"]["presence"] == presence {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("never became {presence}").into())
    }

    /// Takes a seat with this offer.
    pub async fn take_seat(&self, offer: String) -> Result<Seated, Problem> {
        let request =
            self.http.post(self.url("/seats")).bearer_auth(&self.session).header("Content-Type", "application/sdp").body(offer);
        let response = accepted(request.send().await?).await?;
        if response.status() != StatusCode::CREATED {
            return Err(format!("a seat was answered with {}", response.status()).into());
        }
        let location = response.headers().get("Location").and_then(|value| value.to_str().ok()).ok_or("no Location")?.to_owned();
        Ok(Seated { location, answer: response.text().await? })
    }

    /// Leaves the seat.
    pub async fn leave(&self, seated: &Seated) -> Result<(), Problem> {
        accepted(self.http.delete(format!("{}{}", self.base, seated.location)).bearer_auth(&self.session).send().await?)
            .await
            .map(drop)
    }
}

/// What the server answered instead of doing it.
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    /// The problem document's code.
    pub code: String,
    /// Its Retry-After, in seconds.
    pub retry_after: Option<u64>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.code)
    }
}

impl std::error::Error for Refused {}

/// The response, or what its problem document says.
async fn accepted(response: Response) -> Result<Response, Problem> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = response.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
    let problem: Value = response.json().await.unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or("no problem document").to_owned();
    Err(Box::new(Refused { status, code, retry_after }))
}
