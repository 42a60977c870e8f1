//! Several nodes, real processes, on real PostgreSQL and NATS: any node serves anybody, a
//! node that dies loses nobody, and no network makes two winners.

mod claims;
mod faults;
mod late;
mod story;
mod versions;
