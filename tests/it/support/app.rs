//! The real server on a port of its own, in a folder of its own, and people who call it.

use std::sync::Arc;

use baton::app::{App, Replacements};
use baton::config::{Layers, load};
use baton::domain::agent::Role;
use baton::domain::time::Timestamp;
use baton::flow::ports::{Analyzer, Bot, Bus, Clock};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::TestClock;
use super::postgres::Database;
use super::wire::PATIENCE;

/// The password of everybody in these tests.
pub const PASSWORD: &str = "a few plain words";

/// A socket of a client.
pub type ClientSocket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// How a test's server differs from the usual one.
#[derive(Default)]
pub struct Options {
    settings: Vec<(String, String)>,
    database: Option<Arc<Database>>,
    replacements: Replacements,
}

impl Options {
    /// Sets a key of the configuration, as `("server.demo", "false")`.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let name = format!("BATON_{}", key.replacen('.', "__", 1).to_uppercase());
        self.settings.push((name, value.to_owned()));
        self
    }

    /// Works on a database of PostgreSQL, which lives as long as the server.
    pub fn postgres(mut self, database: Arc<Database>) -> Self {
        self.settings.push(("BATON_STORE__URL".to_owned(), database.url()));
        self.settings.push(("BATON_STORE__WRITERS".to_owned(), "4".to_owned()));
        self.database = Some(database);
        self
    }

    /// Another bot than the configured one.
    pub fn bot(mut self, bot: Arc<dyn Bot>) -> Self {
        self.replacements.bot = Some(bot);
        self
    }

    /// Another bus than the configured one.
    pub fn bus(mut self, bus: Arc<dyn Bus>) -> Self {
        self.replacements.bus = Some(bus);
        self
    }

    /// Another analyzer than the configured one.
    pub fn analyzer(mut self, analyzer: Arc<dyn Analyzer>) -> Self {
        self.replacements.analyzer = Some(analyzer);
        self
    }

    /// Lets a test hold the clock.
    pub fn clock(mut self, clock: Arc<TestClock>) -> Self {
        self.replacements.clock = Some(clock);
        self
    }
}

/// The running service.
pub struct TestApp {
    /// Its address, as browsers on this machine write it.
    pub url: String,
    /// Its folder, gone with the test.
    pub data: tempfile::TempDir,
    /// What it is made of.
    pub app: App,
    client: reqwest::Client,
    _database: Option<Arc<Database>>,
}

impl TestApp {
    /// Starts the demonstration with word lists as the analyzer.
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// Starts a server that differs from the usual one.
    pub async fn start_with(options: Options) -> Self {
        let data = tempfile::tempdir().unwrap();
        Self::start_in(data, options).await
    }

    /// Starts in a folder where a server may have run before.
    pub async fn start_in(data: tempfile::TempDir, options: Options) -> Self {
        let mut environment: Vec<(String, String)> = [
            ("BATON_SERVER__LISTEN", "127.0.0.1:0"),
            ("BATON_SERVER__DATA", data.path().to_str().unwrap()),
            ("BATON_SERVER__DEMO", "true"),
            ("BATON_NLP__BACKEND", "lexicon"),
            ("BATON_AUTH__HASH_MEMORY", "8192"),
            ("BATON_AUTH__HASH_PASSES", "1"),
            // A test that does something else for a while answers no ping, and is not gone.
            ("BATON_GATEWAY__PONG_TIMEOUT", "60s"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
        environment.extend(options.settings);
        let config = load(&Layers { environment, ..Layers::default() }).unwrap();
        let app = App::start(config, options.replacements).await.unwrap();
        let url = format!("http://{}", app.local);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { url, data, app, client, _database: options.database }
    }

    /// What time it is for the server.
    pub fn now(&self) -> Timestamp {
        let clock: &Arc<dyn Clock> = &self.app.http.flow.ports().clock;
        clock.now()
    }

    /// Ends the server as a signal does, and gives back its folder.
    pub async fn finish(self) -> tempfile::TempDir {
        let Self { data, app, client, .. } = self;
        drop(client);
        app.stop().await.unwrap();
        data
    }

    /// Somebody who has not logged in.
    pub fn stranger(&self) -> Person {
        Person {
            url: self.url.clone(),
            client: self.client.clone(),
            headers: HeaderMap::new(),
            id: String::new(),
            email: String::new(),
        }
    }

    /// The first admin, by the link that the server prints.
    pub async fn admin(&self) -> Person {
        let token = self.setup_token();
        let mut person = self.stranger();
        let body =
            json!({ "token": token, "name": "Ada", "email": "ada@shop.example", "password": PASSWORD });
        let answer = person.post("/api/v1/setup", body).await;
        person.take_cookie(&answer);
        person
    }

    /// The token of the setup link.
    pub fn setup_token(&self) -> String {
        self.app.setup_url.as_deref().unwrap().split("token=").nth(1).unwrap().to_owned()
    }

    /// Somebody with an account, invited by an admin and accepted.
    pub async fn person(&self, admin: &Person, name: &str, role: Role) -> Person {
        let email = format!("{}@shop.example", name.to_lowercase());
        let body = json!({ "email": email, "name": name, "role": role.as_str() });
        let invited = admin.post("/api/v1/accounts", body).await;
        assert_eq!(invited.status, 201, "{:?}", invited.body);
        let link = invited.body["invite_url"].as_str().unwrap();
        let mut person = self.stranger();
        let token = link.split("token=").nth(1).unwrap();
        let answer =
            person.post("/api/v1/invites/accept", json!({ "token": token, "password": PASSWORD })).await;
        person.take_cookie(&answer);
        person
    }

    /// Logs in from a browser of its own.
    pub async fn login(&self, email: &str) -> Person {
        let mut person = self.stranger();
        let answer = person.post("/api/v1/login", json!({ "email": email, "password": PASSWORD })).await;
        person.take_cookie(&answer);
        person
    }

    /// Boots a visitor on a page of the demonstration: their secret and a ticket.
    pub async fn boot(&self) -> (String, String) {
        let answer = self.stranger().post("/api/v1/widget/boot", json!({ "key": "wk_demo" })).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        (text("visitor"), text("ticket"))
    }

    /// Opens a socket, as `("visitor", ticket)`.
    pub async fn socket(&self, kind: &str, ticket: &str) -> ClientSocket {
        let url = format!("ws://{}/ws/{kind}?ticket={ticket}", self.app.local);
        tokio_tungstenite::connect_async(url).await.unwrap().0
    }
}

/// The next frame of a socket as JSON, or the code it was closed with.
pub async fn next_frame(socket: &mut ClientSocket) -> Result<Value, u16> {
    use futures_util::StreamExt as _;
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(1006),
        }
    }
}

/// Somebody who calls the API from our own pages, logged in or not.
#[derive(Clone)]
pub struct Person {
    url: String,
    client: reqwest::Client,
    /// What their browser sends along: the cookie.
    pub headers: HeaderMap,
    /// Their account.
    pub id: String,
    /// Their address.
    pub email: String,
}

/// What the server said.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON, or as text when it is none.
    pub body: Value,
}

impl Answer {
    /// The stable word of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Person {
    fn take_cookie(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        self.headers.insert("cookie", HeaderValue::from_str(&cookie).unwrap());
        self.id = answer.body["account"]["id"].as_str().unwrap().to_owned();
        self.email = answer.body["account"]["email"].as_str().unwrap().to_owned();
    }

    /// Calls with exactly these headers besides the cookie.
    pub async fn call_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request =
            self.client.request(method, format!("{}{path}", self.url)).headers(self.headers.clone());
        for (name, value) in headers {
            request = request.header(HeaderName::try_from(*name).unwrap(), *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, headers, body }
    }

    /// Calls as our own pages do.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let own: &[(&str, &str)] = &[("origin", &self.url), ("x-baton-csrf", "1")];
        let headers = if method == Method::GET { &[] } else { own };
        self.call_with(method, path, headers, body).await
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    /// Sends something new.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Changes something.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    /// Removes something.
    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// A ticket for the agents' socket.
    pub async fn ticket(&self) -> String {
        let answer = self.post("/api/v1/tickets", json!({})).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.body["ticket"].as_str().unwrap().to_owned()
    }
}
