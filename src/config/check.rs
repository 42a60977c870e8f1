//! Rules between keys: what cannot work together is a mistake, what is legal but
//! risky is a warning. Rules of a single value live in its type.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::{BotKind, Config, Problem};

/// Every rule that does not hold.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |key: &str, message: String| {
        problems.push(Problem { key: key.to_owned(), message, source: String::new() });
    };

    if config.server.public_url.is_none() && !config.server.listen.ip().is_loopback() {
        say(
            "server.public_url",
            format!(
                "must be set (https) when listening on {}: plain http is served to this machine only",
                config.server.listen
            ),
        );
    }
    if config.bot.kind == BotKind::Webhook {
        match &config.bot.url {
            None => say("bot.url", "must be set for kind = \"webhook\"".into()),
            Some(url) if !(url.starts_with("https://") || url.starts_with("http://")) => {
                say("bot.url", format!("`{url}` does not begin with https:// or http://"));
            }
            Some(_) => {}
        }
        if config.bot.secret.as_ref().is_none_or(|secret| secret.expose_secret().len() < 16) {
            say("bot.secret", "must have at least 16 characters for kind = \"webhook\"".into());
        }
    }
    if let Some(url) = &config.store.url {
        let url = url.expose_secret();
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            // What stands there may hold a password, so it is not repeated.
            say("store.url", "does not begin with postgres://".into());
        }
        if config.store.path.is_some() {
            say("store.path", "is a file of SQLite: with store.url there is none".into());
        }
    }
    for (key, value) in [
        ("store.timeout", config.store.timeout),
        ("server.header_timeout", config.server.header_timeout),
        ("server.request_timeout", config.server.request_timeout),
        ("gateway.first_byte_timeout", config.gateway.first_byte_timeout),
        ("gateway.ping_interval", config.gateway.ping_interval),
        ("gateway.pong_timeout", config.gateway.pong_timeout),
        ("gateway.rate_interval", config.gateway.rate_interval),
        ("nlp.budget", config.nlp.budget),
        ("bot.deadline", config.bot.deadline),
        ("nodes.lease", config.nodes.lease),
        ("nodes.renewal", config.nodes.renewal),
        ("auth.login_idle_timeout", config.auth.login_idle_timeout),
        ("auth.login_lifetime", config.auth.login_lifetime),
        ("auth.ticket_lifetime", config.auth.ticket_lifetime),
        ("auth.attempt_interval", config.auth.attempt_interval),
    ] {
        if value.is_zero() {
            say(key, "must be longer than zero".into());
        }
    }
    let day = Duration::from_secs(86_400);
    for (key, value) in [
        ("store.keep_closed", config.store.keep_closed),
        ("store.keep_commands", Some(config.store.keep_commands)),
    ] {
        if value.is_some_and(|value| value < day) {
            say(key, "must be at least 1d: figures of today and retries look back that far".into());
        }
    }
    let gateway = &config.gateway;
    if gateway.max_frame_bytes < gateway.max_message_bytes {
        say(
            "gateway.max_frame_bytes",
            format!(
                "must be at least gateway.max_message_bytes ({}), or no such message fits",
                gateway.max_message_bytes
            ),
        );
    }
    if gateway.max_message_bytes < gateway.max_message_chars {
        say(
            "gateway.max_message_bytes",
            format!("must be at least gateway.max_message_chars ({})", gateway.max_message_chars),
        );
    }
    if config.nodes.lease < config.nodes.renewal * 2 {
        say("nodes.lease", "must be at least twice nodes.renewal, or one slow write loses it".into());
    }
    if let Some(url) = &config.broker.url
        && !url.expose_secret().split(',').all(|url| url.starts_with("nats://") || url.starts_with("tls://"))
    {
        say("broker.url", "each address must begin with nats:// or tls://".into());
    }
    if config.auth.hash_memory.get() < 8192 {
        say("auth.hash_memory", "must be at least 8192 (KiB)".into());
    }
    if config.auth.min_password_chars.get() < 8 {
        say("auth.min_password_chars", "must be at least 8".into());
    }
    problems
}

/// What is legal, but probably not meant.
#[must_use]
pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    if config.server.demo && config.server.public_url.as_ref().is_some_and(super::PublicUrl::is_https) {
        warnings
            .push("server.demo is on at a public address: anybody can open conversations at /demo".into());
    }
    if config.gateway.pong_timeout < Duration::from_secs(6) {
        warnings.push(
            "gateway.pong_timeout is below 6s: a page that reloads looks like an agent who left".into(),
        );
    }
    if config.nlp.budget > Duration::from_secs(3) {
        warnings.push(
            "nlp.budget is above 3s: visitors wait that long for an answer when the model is slow".into(),
        );
    }
    if config.bot.deadline > Duration::from_secs(20) {
        warnings.push("bot.deadline is above 20s: visitors look at a silent bot for that long".into());
    }
    if config.bot.url.as_ref().is_some_and(|url| {
        url.starts_with("http://") && !url.contains("127.0.0.1") && !url.contains("localhost")
    }) {
        warnings.push("bot.url is plain http: visitors' messages travel to your chatbot in the clear".into());
    }
    if config.store.url.as_ref().is_some_and(|url| sends_in_the_clear(url.expose_secret())) {
        warnings.push(
            "store.url says sslmode=disable: what visitors write travels to the database in the clear".into(),
        );
    }
    warnings
}

/// Whether a database on another machine is spoken to without encryption.
fn sends_in_the_clear(url: &str) -> bool {
    url.contains("sslmode=disable")
        && !["@127.0.0.1", "@localhost", "@[::1]", "@%2F", "@/", ":///"].iter().any(|here| url.contains(here))
}

#[cfg(test)]
mod tests {
    use super::super::{Layers, load};

    fn problems(text: &str) -> String {
        load(&Layers { file: Some(("f".into(), text.into())), ..Layers::default() }).unwrap_err().to_string()
    }

    #[test]
    fn listening_beyond_this_machine_needs_a_public_address() {
        assert!(
            problems("[server]\nlisten = \"0.0.0.0:8080\"")
                .contains("server.public_url: must be set (https)")
        );
        let fine = "[server]\nlisten = \"0.0.0.0:8080\"\npublic_url = \"https://help.example\"";
        assert!(load(&Layers { file: Some(("f".into(), fine.into())), ..Layers::default() }).is_ok());
    }

    #[test]
    fn a_webhook_needs_an_address_and_a_key() {
        let text = problems("[bot]\nkind = \"webhook\"\nsecret = \"short\"");
        assert!(
            text.contains("bot.url") && text.contains("bot.secret") && !text.contains("short\""),
            "{text}"
        );
    }

    #[test]
    fn an_address_of_a_database_is_one_and_is_never_repeated() {
        let text = problems("[store]\nurl = \"mysql://baton:geheim@db/x\"\npath = \"x.db\"");
        assert!(text.contains("store.url: does not begin with postgres://"), "{text}");
        assert!(text.contains("store.path") && !text.contains("geheim"), "{text}");
        let warned = |url: &str| {
            let file = format!("[store]\nurl = \"{url}\"");
            let config = load(&Layers { file: Some(("f".into(), file)), ..Layers::default() }).unwrap();
            assert!(!format!("{config:?}").contains("geheim"));
            super::warnings(&config).iter().any(|warning| warning.contains("store.url"))
        };
        assert!(warned("postgres://baton:geheim@db.example/x?sslmode=disable"));
        assert!(!warned("postgres://baton:geheim@127.0.0.1:5432/x?sslmode=disable"));
        assert!(!warned("postgres://baton:geheim@db.example/x?sslmode=require"));
    }

    #[test]
    fn a_message_must_fit_into_a_frame() {
        assert!(problems("[gateway]\nmax_frame_bytes = 100").contains("gateway.max_frame_bytes"));
    }
}
