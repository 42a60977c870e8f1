//! Who is asking: passwords, logins, one-use tickets, visitors and their secrets.
//!
//! What somebody may do is decided in `domain::agent::role`; where it is asked is
//! `http` and `gateway`.

mod attempts;
mod cookie;
mod identity;
mod logins;
mod password;
mod tickets;
mod token;
mod visitors;

pub use attempts::{Attempts, Limit};
pub use cookie::LoginCookie;
pub use identity::{Claims, IdentityError, read_identity, sign_identity};
pub use logins::{AuthError, Caller, Logins};
pub use password::{InvalidCost, Passwords, WeakPassword};
pub use tickets::{Holder, NoTicket, Tickets};
pub use token::Secret;
pub use visitors::{BootError, Booted, Visitors};
