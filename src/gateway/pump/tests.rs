//! The loop over a stream in memory, with a session that answers what the test wants.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::domain::id::VisitorId;
use crate::gateway::registry::{Registered, Registry};
use crate::gateway::upgrade::{Counted, limits};

/// Says so many frames at once for each text that comes.
struct Talker {
    frames: usize,
}

impl Session for Talker {
    async fn open(&mut self, out: &mut Outbox) -> Result<(), Close> {
        out.push(&"hello")
    }

    async fn receive(&mut self, text: &str, out: &mut Outbox) -> Result<(), Close> {
        (0..self.frames).try_for_each(|n| out.push(&format!("{n} {text}")))
    }

    async fn refresh(&mut self, news: News, out: &mut Outbox) -> Result<(), Close> {
        if news.queues { out.push(&"news") } else { Ok(()) }
    }

    fn is_behind(&self) -> bool {
        false
    }

    fn due_at(&self) -> Option<Instant> {
        None
    }
}

struct Talk {
    client: WebSocketStream<DuplexStream>,
    registry: Registry,
    stopping: CancellationToken,
    ended: tokio::sync::oneshot::Receiver<Close>,
}

impl Talk {
    async fn begin(frames: usize, manners: Manners) -> Self {
        let (near, far) = tokio::io::duplex(4096);
        let registry = Registry::new();
        let registered: Registered<VisitorId> = registry.add_visitor(&VisitorId::from_suffix("mara"));
        registered.connection().hear_queues_if(true);
        let stopping = CancellationToken::new();
        let token = stopping.clone();
        let stream = Counted::new(near, 16);
        let running = async move {
            let mut socket =
                WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits(65_536))).await;
            let connection = registered.connection().clone();
            run(&mut socket, &mut Talker { frames }, &connection, manners, &token).await
        };
        let (tx, ended) = tokio::sync::oneshot::channel();
        crate::shutdown::Tracker::new().spawn("pump", async move {
            let _ = tx.send(running.await);
        });
        let client = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        Self { client, registry, stopping, ended }
    }

    /// Reads texts until the close frame, and gives both.
    async fn read_to_the_end(&mut self) -> (Vec<String>, Option<u16>) {
        let mut texts = Vec::new();
        while let Some(item) = self.client.next().await {
            match item {
                Ok(Message::Text(text)) => texts.push(text.as_str().to_owned()),
                Ok(Message::Close(frame)) => return (texts, frame.map(|frame| frame.code.into())),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        (texts, None)
    }
}

fn patient() -> Manners {
    let hour = Duration::from_secs(3600);
    Manners { outbox: 16, ping_interval: hour, pong_timeout: hour }
}

#[tokio::test]
async fn what_is_said_goes_out_in_order_and_news_are_asked_for() {
    let mut talk = Talk::begin(3, patient()).await;
    talk.client.send(Message::text("x")).await.unwrap();
    for wanted in ["\"hello\"", "\"0 x\"", "\"1 x\"", "\"2 x\""] {
        assert_eq!(talk.client.next().await.unwrap().unwrap(), Message::text(wanted));
    }
    talk.registry.pass(&crate::flow::ports::Hint::Queues);
    assert_eq!(talk.client.next().await.unwrap().unwrap(), Message::text("\"news\""));
    talk.client.close(None).await.unwrap();
    assert_eq!(talk.ended.await.unwrap(), Close::Normal);
    assert_eq!(talk.registry.sockets().visitors, 0);
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_and_told_so() {
    let mut talk = Talk::begin(1000, patient()).await;
    talk.client.send(Message::text("a".repeat(1000))).await.unwrap();
    // It has not read yet: the outbox of 16 is full long before the 1000th frame.
    let (texts, code) = talk.read_to_the_end().await;
    assert_eq!(code, Some(1013));
    assert!(texts.len() < 100, "{}", texts.len());
    assert_eq!(talk.ended.await.unwrap(), Close::TooSlow);
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_gone() {
    let manners = Manners {
        ping_interval: Duration::from_millis(5),
        pong_timeout: Duration::from_millis(50),
        ..patient()
    };
    // This peer holds the connection open and never reads, so it never answers.
    let talk = Talk::begin(0, manners).await;
    assert_eq!(talk.ended.await.unwrap(), Close::HeartbeatLost);
    drop(talk.client);
}

#[tokio::test]
async fn a_peer_that_answers_pings_stays() {
    let manners = Manners {
        ping_interval: Duration::from_millis(50),
        pong_timeout: Duration::from_millis(2_000),
        ..patient()
    };
    let mut talk = Talk::begin(0, manners).await;
    let mut pings = 0;
    // For longer than silence is borne, and that is longer than this machine may stand still.
    while pings < 50 {
        // Reading is what makes the library answer.
        if let Message::Ping(_) = talk.client.next().await.unwrap().unwrap() {
            pings += 1;
        }
    }
    assert!(talk.ended.try_recv().is_err());
}

#[tokio::test]
async fn a_server_that_stops_says_so_after_what_was_under_way() {
    let mut talk = Talk::begin(2, patient()).await;
    talk.client.send(Message::text("x")).await.unwrap();
    assert_eq!(talk.client.next().await.unwrap().unwrap(), Message::text("\"hello\""));
    assert_eq!(talk.client.next().await.unwrap().unwrap(), Message::text("\"0 x\""));
    talk.stopping.cancel();
    let (texts, code) = talk.read_to_the_end().await;
    assert_eq!((texts, code), (vec!["\"1 x\"".to_owned()], Some(1001)));
}

#[tokio::test]
async fn what_is_no_text_of_allowed_size_ends_it_with_its_code() {
    let mut binary = Talk::begin(0, patient()).await;
    binary.client.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(binary.read_to_the_end().await.1, Some(4400));

    let large = Talk::begin(0, patient()).await;
    // The pipe is short: the frame cannot be written whole unless somebody reads, and nobody does.
    let text = Message::text("x".repeat(65_537));
    let (mut sink, mut stream) = large.client.split();
    let (_, code) = tokio::join!(timeout(Duration::from_secs(1), sink.send(text)), async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    });
    assert_eq!(code, Some(4413));

    let mut fragments = Talk::begin(0, patient()).await;
    let raw = fragments.client.get_mut();
    // Masked frames of one byte: the first text, then continuations, none of them final.
    raw.write_all(&[0x01, 0x81, 0, 0, 0, 0, b'x']).await.unwrap();
    for _ in 0..16 {
        raw.write_all(&[0x00, 0x81, 0, 0, 0, 0, b'x']).await.unwrap();
    }
    assert_eq!(fragments.read_to_the_end().await.1, Some(4413));
}
