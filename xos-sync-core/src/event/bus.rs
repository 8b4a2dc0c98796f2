//! Message buses by URL.

use super::{Feed, Publisher};
use crate::error::{Error, Result, redact};

/// The feed of the bus at this URL: `xmpp://…` or `nats://…`, as far as they are built in.
///
/// # Errors
/// [`Error::Url`], or what is wrong with the URL.
pub fn feed_at(url: &str) -> Result<Box<dyn Feed>> {
    match scheme(url) {
        #[cfg(feature = "xmpp")]
        "xmpp" => Ok(Box::new(super::XmppFeed::new(xmpp(url)?))),
        #[cfg(feature = "nats")]
        "nats" | "tls" => Ok(Box::new(super::NatsFeed::new(url)?)),
        _ => Err(no_bus(url)),
    }
}

/// What publishes on the bus at this URL.
///
/// # Errors
/// As [`feed_at`].
pub fn publisher_at(url: &str) -> Result<Box<dyn Publisher>> {
    match scheme(url) {
        #[cfg(feature = "xmpp")]
        "xmpp" => Ok(Box::new(super::XmppPublisher::new(xmpp(url)?))),
        #[cfg(feature = "nats")]
        "nats" | "tls" => Ok(Box::new(super::NatsPublisher::new(url)?)),
        _ => Err(no_bus(url)),
    }
}

#[cfg(feature = "xmpp")]
fn xmpp(url: &str) -> Result<super::XmppUrl> {
    url.parse().map_err(|error: super::XmppUrlError| Error::Usage(error.to_string()))
}

fn scheme(url: &str) -> &str {
    url.split_once("://").map_or("", |(scheme, _)| scheme)
}

fn no_bus(url: &str) -> Error {
    let known = [("xmpp", cfg!(feature = "xmpp")), ("nats", cfg!(feature = "nats"))];
    let built_in = known.iter().filter(|(_, built_in)| *built_in).map(|(name, _)| *name);
    let built_in: Vec<_> = built_in.collect();
    let advice = if built_in.is_empty() {
        "turn on the feature `xmpp` or `nats` of xos-sync-core".to_owned()
    } else {
        format!("built in are: {}", built_in.join(", "))
    };
    let url = redact(url.to_owned());
    Error::Usage(format!("`{url}` is no message bus that this build knows: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_bus_is_refused_without_its_password() {
        for url in ["amqp://me:s3cret@host", "host", ""] {
            let error = feed_at(url).err().unwrap().to_string();
            assert!(error.contains("is no message bus that this build knows: "), "{error}");
            assert!(!error.contains("s3cret"));
            assert!(publisher_at(url).is_err());
        }
    }
}
