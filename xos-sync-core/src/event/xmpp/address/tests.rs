//! Addresses, good and bad.

use super::*;

fn parse(text: &str) -> Result<XmppUrl, XmppUrlError> {
    text.parse()
}

#[test]
fn an_address_says_all_that_is_needed() {
    let url = parse("xmpp://b%40t:p%3A%2F%40@127.0.0.1:7/ps.local?node=a+b&domain=local&tls=off");
    assert!(url.is_err(), "@ is in no user's name");
    let url = parse("xmpp://bot:p%3A%2F%40@127.0.0.1:7/ps.local?node=a+b&domain=local&tls=off");
    let url = url.unwrap();
    assert_eq!((url.account.as_str(), url.password.reveal()), ("bot@local", "p:/@"));
    assert_eq!((url.host.as_str(), url.port), ("127.0.0.1", 7));
    assert_eq!((url.service.as_str(), url.node.as_str()), ("ps.local", "a b"));
    assert_eq!(url.tls, XmppTls::Off);
}

#[test]
fn what_is_not_said_is_usual() {
    let url = parse("xmpp://bot:x@example.org?node=n").unwrap();
    assert_eq!(url.to_string(), "xmpp://bot@example.org:5222/pubsub.example.org?node=n");
    let url = parse("xmpp://bot:x@example.org?node=n&tls=direct").unwrap();
    assert_eq!(url.port, 5223);
    let url = parse("xmpp://bot:x@[::1]?node=n&tls=off&domain=d").unwrap();
    assert_eq!(url.to_string(), "xmpp://bot@[::1]:5222/pubsub.d?node=n&domain=d&tls=off");
}

#[test]
fn a_bad_address_gets_one_clear_error_without_its_password() {
    for (address, problem) in [
        ("hunter2", "is not a URL (relative URL without a base)"),
        ("http://bot:hunter2@h/s?node=n", "begins with http:"),
        ("xmpp://bot:a/hunter2@h/s?node=n", "is not a URL (invalid port number)"),
        ("xmpp://bot:a#hunter2@h/s?node=n", "is not a URL (invalid port number)"),
        ("xmpp:bot", "names no host"),
        ("xmpp://bot@h/s?node=n", "lacks the user or the password"),
        ("xmpp://:hunter2@h/s?node=n", "lacks the user or the password"),
        ("xmpp://bot:hunter2@h/s", "names no node"),
        ("xmpp://bot:hunter2@h/s?node=", "names no node"),
        ("xmpp://bot:hunter2@h/s?node=n#x", "has a part after #"),
        ("xmpp://bot:hunter2@h/s?node=n&tls=maybe", "has tls=maybe"),
        ("xmpp://bot:hunter2@h/s?node=n&key=hunter2", "has a parameter `key`, which is none"),
        ("xmpp://bot:hunter2@h/s?node=n&tls=off", "has tls=off, but h is another machine"),
        ("xmpp://bot:hunter2%ff@h/s?node=n", "has a password that is no UTF-8"),
    ] {
        let error = parse(address).unwrap_err().to_string();
        assert!(error.starts_with(&format!("the XMPP address {problem}; write")), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let url = parse("xmpp://bot:hunter2@h/s?node=n").unwrap();
    assert!(!format!("{url} {url:?} {url:#?}").contains("hunter2"));
}
