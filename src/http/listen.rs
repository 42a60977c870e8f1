//! The listener: takes connections, keeps their deadlines, and lets them end in peace.
//!
//! Our own loop rather than the framework's, because a client that opens a connection
//! and sends nothing, or a head without an end, must not hold it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::config::{GatewayConfig, ServerConfig};
use crate::shutdown::Tracker;

/// How long to rest when the system gives no more connections.
const REST: Duration = Duration::from_millis(100);

/// Largest head of a request.
const MAX_HEAD: usize = 32 * 1024;

/// A listener that is bound, with the limits of its connections.
pub struct Listener {
    listener: TcpListener,
    local: SocketAddr,
    server: ServerConfig,
    first_byte_timeout: Duration,
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct Refused {
    address: SocketAddr,
    source: std::io::Error,
}

/// How many connections each address has open.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One place among the connections of an address.
struct Place {
    open: Open,
    address: IpAddr,
}

impl Open {
    fn take(&self, address: IpAddr, most: usize) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { open: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

impl Listener {
    /// Binds the configured address.
    ///
    /// # Errors
    ///
    /// [`Refused`] when it is taken or not ours.
    pub async fn bind(server: &ServerConfig, gateway: &GatewayConfig) -> Result<Self, Refused> {
        let address = server.listen;
        let refused = |source| Refused { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let local = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, local, server: server.clone(), first_byte_timeout: gateway.first_byte_timeout })
    }

    /// The address that was bound.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Serves until the tracker says stop. Connections under way end by themselves; the
    /// tracker waits for them.
    pub async fn serve(self, router: Router, tracker: Tracker) {
        let open = Open::default();
        loop {
            let accepted = tokio::select! {
                () = tracker.stopping() => return,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file handles, or the peer was gone already: the next may do.
                    tracing::warn!(error = %error, "A connection was not taken: {error}");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            let address = peer.ip().to_canonical();
            let most = if self.server.trusts(address) {
                usize::MAX
            } else {
                self.server.connections_per_address.get()
            };
            let Some(place) = open.take(address, most) else {
                tracing::debug!("A connection was refused: its address has {most} open");
                continue;
            };
            let connection = Connection {
                stream,
                peer,
                router: router.clone(),
                first_byte_timeout: self.first_byte_timeout,
                header_timeout: self.server.header_timeout,
                tracker: tracker.clone(),
            };
            tracker.spawn("http.connection", async move {
                connection.serve().await;
                drop(place);
            });
            // When thousands come at once, those who are here already have their turn between any two of them.
            tokio::task::yield_now().await;
        }
    }
}

struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    first_byte_timeout: Duration,
    header_timeout: Duration,
    tracker: Tracker,
}

impl Connection {
    async fn serve(self) {
        let mut byte = [0; 1];
        let first_byte = tokio::select! {
            () = self.tracker.stopping() => return,
            first_byte = tokio::time::timeout(self.first_byte_timeout, self.stream.peek(&mut byte)) => first_byte,
        };
        if !matches!(first_byte, Ok(Ok(1..))) {
            return;
        }
        // Small frames should not wait for more of them.
        let _ = self.stream.set_nodelay(true);
        let (router, peer) = (self.router, self.peer);
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let router = router.clone();
            async move {
                Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(self.stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.tracker.stopping() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::trace!(error = %error, "A connection ended early: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let open = Open::default();
        let address = IpAddr::from([127, 0, 0, 1]);
        let first = open.take(address, 1);
        assert!(first.is_some());
        assert!(open.take(address, 1).is_none());
        drop(first);
        assert!(open.take(address, 1).is_some());
        assert!(open.0.lock().unwrap().is_empty());
    }
}
