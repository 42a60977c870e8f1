//! `/ws/visitor` and `/ws/agent`: who may come in, and the life of one socket.

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, FromRequestParts, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use futures_util::SinkExt as _;
use serde::Deserialize;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tracing::debug;

use super::protocol::Close;
use super::pump;
use super::registry::Place;
use super::session::{AgentSession, VisitorSession};
use super::state::{Departure, Gateway, Who};
use super::upgrade::{Address, Socket, Upgrade, drain};
use crate::auth::Holder;
use crate::domain::agent::Role;
use crate::domain::id::{AgentId, VisitorId, WidgetKey};

/// How long a peer that was told good-bye may take to hang up.
const HANG_UP: Duration = Duration::from_secs(2);

/// The sockets. The state they need comes by `FromRef`.
pub fn routes<S>() -> Router<S>
where
    Gateway: FromRef<S>,
    S: Clone + Send + Sync + 'static,
{
    Router::new().route("/ws/visitor", get(visitor::<S>)).route("/ws/agent", get(agent::<S>))
}

/// Who asks for a socket: whom the ticket lets in, or why nobody is.
///
/// A browser that is refused with HTTP learns nothing but that it failed. So the socket is opened in any case, and
/// closed with the code that says why.
#[derive(Debug)]
struct Caller(Result<(Holder, Place), Close>);

#[derive(Debug, Deserialize)]
struct Credentials {
    #[serde(default)]
    ticket: String,
}

impl<S> FromRequestParts<S> for Caller
where
    Gateway: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let gateway = Gateway::from_ref(state);
        let Address(address) = Address::of(parts, |peer| gateway.server().trusts(peer));
        // The place first: who is over the limit cannot try tickets.
        let Some(place) = gateway.registry().admit(address, gateway.config().sockets_per_address.get())
        else {
            return Ok(Self(Err(Close::TooMany)));
        };
        let ticket = Query::<Credentials>::try_from_uri(&parts.uri).map(|Query(asked)| asked.ticket);
        let now = gateway.flow().ports().clock.now();
        let Ok(ticket) = ticket else { return Ok(Self(Err(Close::TicketInvalid))) };
        Ok(Self(match gateway.tickets().redeem(&ticket, now).await {
            Ok(Some(holder)) => Ok((holder, place)),
            Ok(None) => Err(Close::TicketInvalid),
            Err(_) => Err(Close::Internal),
        }))
    }
}

async fn visitor<S>(upgrade: Upgrade, caller: Caller, State(state): State<S>) -> Response
where
    Gateway: FromRef<S>,
{
    let gateway = Gateway::from_ref(&state);
    let (response, socket) = upgrade.accept(gateway.config());
    let running = gateway.clone();
    gateway.tracker().spawn("gateway.visitor", async move {
        let Some(mut socket) = socket.await else { return };
        let why = match caller.0 {
            Ok((Holder::Visitor { visitor, widget }, place)) => {
                let why = serve_visitor(&running, &mut socket, visitor, widget).await;
                drop(place);
                why
            }
            Ok((Holder::Agent { .. }, _)) => refuse(&mut socket, Close::NotAllowed).await,
            Err(why) => refuse(&mut socket, why).await,
        };
        ended(&running, "visitor", why);
        Box::pin(part(&mut socket, why)).await;
    });
    response
}

async fn agent<S>(upgrade: Upgrade, caller: Caller, State(state): State<S>) -> Response
where
    Gateway: FromRef<S>,
{
    let gateway = Gateway::from_ref(&state);
    let (response, socket) = upgrade.accept(gateway.config());
    let running = gateway.clone();
    gateway.tracker().spawn("gateway.agent", async move {
        let Some(mut socket) = socket.await else { return };
        let why = match caller.0 {
            Ok((Holder::Agent { agent, role }, place)) => {
                let why = serve_agent(&running, &mut socket, agent, role).await;
                drop(place);
                why
            }
            Ok((Holder::Visitor { .. }, _)) => refuse(&mut socket, Close::NotAllowed).await,
            Err(why) => refuse(&mut socket, why).await,
        };
        ended(&running, "agent", why);
        Box::pin(part(&mut socket, why)).await;
    });
    response
}

fn ended(gateway: &Gateway, kind: &'static str, why: Close) {
    gateway.metrics().socket_closed(kind, why.code());
    debug!(socket.kind = kind, close.code = why.code(), "A socket was closed: {}", why.name());
}

async fn serve_visitor(
    gateway: &Gateway,
    socket: &mut Socket,
    visitor: VisitorId,
    widget: WidgetKey,
) -> Close {
    let _counted = gateway.metrics().socket_opened("visitor");
    let registered = gateway.registry().add_visitor(&visitor);
    let who = Who::Visitor(visitor.clone());
    let departure = Departure::new(gateway, who.clone());
    Box::pin(gateway.settle(&who, Duration::ZERO)).await;
    let connection = registered.connection().clone();
    let mut session = VisitorSession::new(gateway.clone(), visitor, widget, connection.clone());
    let why =
        pump::run(socket, &mut session, &connection, gateway.config().into(), &gateway.tracker().token())
            .await;
    drop(registered);
    Box::pin(departure.settle(silence(gateway, why))).await;
    why
}

async fn serve_agent(gateway: &Gateway, socket: &mut Socket, agent: AgentId, role: Role) -> Close {
    let _counted = gateway.metrics().socket_opened("agent");
    let registered = gateway.registry().add_agent(&agent);
    let who = Who::Agent(agent.clone());
    let departure = Departure::new(gateway, who.clone());
    Box::pin(gateway.settle(&who, Duration::ZERO)).await;
    let connection = registered.connection().clone();
    let mut session = AgentSession::new(gateway.clone(), agent, role, connection.clone());
    let why =
        pump::run(socket, &mut session, &connection, gateway.config().into(), &gateway.tracker().token())
            .await;
    drop(session);
    drop(registered);
    Box::pin(departure.settle(silence(gateway, why))).await;
    why
}

/// The peer that said good-bye first has heard our answer; the other is given the time to hear us.
async fn part(socket: &mut Socket, why: Close) {
    if why != Close::Normal {
        drain(socket, HANG_UP).await;
    }
}

/// How long before its end nothing was heard of a peer. The grace of an agent who fell silent has begun by then.
fn silence(gateway: &Gateway, why: Close) -> Duration {
    if why == Close::HeartbeatLost { gateway.config().pong_timeout } else { Duration::ZERO }
}

/// Sends nothing but the close frame.
async fn refuse(socket: &mut Socket, why: Close) -> Close {
    let frame = CloseFrame { code: why.code().into(), reason: why.name().into() };
    let _ = tokio::time::timeout(HANG_UP, socket.send(Message::Close(Some(frame)))).await;
    why
}
