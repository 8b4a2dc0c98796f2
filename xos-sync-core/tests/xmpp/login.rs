//! Who is let in, and by which way.

use std::{env, process::Command};

use xos_sync_core::event::{Change, Publisher, XmppPublisher};

use crate::{
    listener::Listener,
    server::{Server, password, shared, with_node},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_gets_a_clear_error_without_it() {
    let url = with_node(&shared()).replace(password(&shared()), "hunter2");
    let listener = Listener::start(&url).await;
    let refused = |message: &Option<String>| message.iter().any(|it| it.contains("refuses"));
    let status = listener.until("the refusal", |status| refused(&status.message)).await;
    let message = status.message.unwrap();
    assert!(message.contains("refuses bot@localhost: failure from the server: NotAuthorized"));
    assert!(message.ends_with("correct the user or the password in the address"), "{message}");
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    let error = publisher.publish(&Change::of_model("farms")).await.unwrap_err();
    assert_eq!(error.to_string(), message);
    assert!(!format!("{error:?} {message}").contains("hunter2"), "{error:?}");
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_there() {
    let url = "xmpp://bot:hunter2@127.0.0.1:1/pubsub.localhost?node=n&tls=off";
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    let error = publisher.publish(&Change::of_model("farms")).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot reach the XMPP server 127.0.0.1:1: "), "{error}");
}

/// Says in which process we are: what is trusted is said to a process when it begins.
const TRUSTING: &str = "XOS_TEST_XMPP_TRUSTING";

#[tokio::test(flavor = "multi_thread")]
async fn over_tls() {
    if let Ok(url) = env::var(TRUSTING) {
        return deliver(&url).await;
    }
    let server = Server::new().tls_only();
    let clear = with_node(&server.start());
    let starttls = clear.replace("&tls=off", "&tls=starttls");
    for (url, expected) in [
        (&clear, "if it wants TLS first, leave out tls=off"),
        (&starttls, "for the domain localhost: invalid peer certificate: UnknownIssuer"),
    ] {
        let mut publisher = XmppPublisher::new(url.parse().unwrap());
        let error = publisher.publish(&Change::of_model("farms")).await.unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "login::over_tls"])
        .env(TRUSTING, &starttls)
        .env("SSL_CERT_FILE", server.path("ca.pem"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

async fn deliver(url: &str) {
    let listener = Listener::start(url).await;
    listener.until("the connection", |status| status.up).await;
    let mut publisher = XmppPublisher::new(url.parse().unwrap());
    publisher.publish(&Change::of_model("farms")).await.unwrap();
    listener.until("the event", |status| status.received == 1).await;
    listener.stop().await;
}
