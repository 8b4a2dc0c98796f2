//! What clients of HTTP backends have in common (feature `http`): connections, time limits, what is
//! sent again, what rests because nobody answers, and what must not be shown.
//!
//! A client of your own for a backend's API is a [`Wire`] and a loop:
//!
//! ```no_run
//! use std::time::Duration;
//! use xos_sync_core::http::{Connections, Effect, Failure, Method, Refusal, Secrets, Url, Wire, pause};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url = Url::parse("https://dns.example.org/v1/zones")?;
//! let http = Connections::to(&url, "our-service/1.0").client()?;
//! let wire = Wire::new(http, Duration::from_secs(60));
//! let hidden = Secrets::new(["the token".to_owned()]);
//!
//! let mut attempt = 1;
//! let zones = loop {
//!     let request = wire.request(Method::GET, url.clone()).header("X-Token", "the token");
//!     let (why, failure, asked) = match wire.send(request).await {
//!         Ok(reply) if reply.status == 200 => break reply.body,
//!         Ok(reply) => {
//!             let refusal = Refusal::of_status(reply.status);
//!             (hidden.excerpt(&reply.body), Failure::Refused(refusal), reply.retry_after())
//!         }
//!         Err(none) => (none.text, none.failure, none.retry_after),
//!     };
//!     match pause(attempt, Effect::Reads, failure, asked) {
//!         Some(pause) => tokio::time::sleep(pause).await,
//!         None => return Err(why.into()),
//!     }
//!     attempt += 1;
//! };
//! # drop(zones);
//! # Ok(())
//! # }
//! ```

mod breaker;
mod connections;
mod reply;
mod retry;
mod wire;

pub use connections::{Connections, SetupError, Trust, is_local};
pub use reply::{NoReply, Reply};
pub use reqwest::{Client, Method, RequestBuilder, Url, header::HeaderMap};
pub use retry::{Effect, Failure, Refusal, pause};
pub use wire::Wire;

pub use crate::error::{Secrets, chain, one_line};

/// Gives this process the provider of TLS that the framework uses (rustls with ring), if it has none
/// yet. Without a provider `reqwest::Client::new()` panics.
///
/// [`manage::main`](crate::manage::main), [`Synchronizer::builder`](crate::Synchronizer::builder) and
/// [`Connections::to`] do this by themselves. Call it where a client is made before any of them.
///
/// ```
/// use xos_sync_core::http::{Client, provide_tls};
///
/// provide_tls();
/// let client = Client::new();
/// # drop(client);
/// ```
pub fn provide_tls() {
    crate::tls::provide();
}
