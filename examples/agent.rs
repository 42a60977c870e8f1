//! Agents without a browser: each logs in, goes online, accepts whatever is offered,
//! and finishes it at once. What became of each offer is a JSON line on stdout.
//!
//! ```sh
//! cargo run --example agent -- http://127.0.0.1:8080 ana@shop.example:secret ben@shop.example:secret
//! ```
//!
//! Two of these processes with the same agents race for every offer: the test `race`
//! does that and counts the winners.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "an example")]

use anyhow::{Context, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio_tungstenite::tungstenite::Message;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().context("usage: agent URL EMAIL:PASSWORD…")?;
    let mut agents = Vec::new();
    for agent in arguments {
        let (email, password) = agent.split_once(':').context("an agent is EMAIL:PASSWORD")?;
        let (url, email, password) = (url.clone(), email.to_owned(), password.to_owned());
        agents.push(tokio::spawn(async move { work(&url, &email, &password).await }));
    }
    for agent in agents {
        agent.await??;
    }
    Ok(())
}

async fn post(
    http: &reqwest::Client,
    url: &str,
    cookie: &str,
    body: &Value,
) -> anyhow::Result<(String, Value)> {
    let origin = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let answer = http
        .post(url)
        .header("origin", origin)
        .header("x-baton-csrf", "1")
        .header("cookie", cookie)
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await?;
    let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{url}: {status} {text}");
    }
    Ok((cookie, serde_json::from_str(&text)?))
}

/// One agent's working day.
async fn work(url: &str, email: &str, password: &str) -> anyhow::Result<()> {
    let http = reqwest::Client::new();
    let login = json!({ "email": email, "password": password });
    let (cookie, _) = post(&http, &format!("{url}/api/v1/login"), "", &login).await?;
    let (_, ticket) = post(&http, &format!("{url}/api/v1/tickets"), &cookie, &json!({})).await?;
    let ticket = ticket["ticket"].as_str().ok_or_else(|| anyhow!("no ticket"))?;
    let socket = format!("{}/ws/agent?ticket={ticket}", url.replacen("http", "ws", 1));
    let (mut socket, _) = tokio_tungstenite::connect_async(socket).await?;
    let mut next_id = 0_u64;
    let process = std::process::id();
    let mut id = || {
        next_id += 1;
        format!("{process}-{next_id}")
    };
    let online = json!({ "type": "presence.set", "client_id": id(), "presence": "online" });
    socket.send(Message::text(online.to_string())).await?;
    // What each command that is under way was for.
    let mut tried: HashMap<String, (String, String)> = HashMap::new();
    while let Some(frame) = socket.next().await {
        let Message::Text(frame) = frame? else { continue };
        let frame: Value = serde_json::from_str(&frame)?;
        let word = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        match frame["type"].as_str() {
            Some("hello") => println!("{}", json!({ "online": email })),
            Some("offer") => {
                let client_id = id();
                let (conversation, offer) = (word("conversation"), word("offer"));
                let accept = json!({ "type": "offer.accept", "client_id": client_id,
                                     "conversation": conversation, "offer": offer });
                tried.insert(client_id, (conversation, offer));
                socket.send(Message::text(accept.to_string())).await?;
            }
            Some("ack") => {
                let Some((conversation, offer)) = tried.remove(&word("client_id")) else { continue };
                println!("{}", json!({ "offer": offer, "won": true }));
                for kind in ["conversation.resolve", "conversation.wrap_up"] {
                    let command = json!({ "type": kind, "client_id": id(), "conversation": conversation,
                                          "disposition": "solved", "label": null });
                    socket.send(Message::text(command.to_string())).await?;
                }
            }
            Some("error") => match tried.remove(&word("client_id")) {
                Some((_, offer)) => {
                    println!("{}", json!({ "offer": offer, "won": false, "code": frame["code"] }))
                }
                None => eprintln!("{email}: {frame}"),
            },
            _ => {}
        }
    }
    eprintln!("{email}: the service closed the connection");
    Ok(())
}
