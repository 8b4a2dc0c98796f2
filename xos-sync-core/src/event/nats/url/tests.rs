use super::*;

#[test]
fn a_url_is_read_and_shown_without_its_secrets() {
    for (given, shown, login) in [
        (
            "nats://me:s3c%40ret@h:5?stream=cloud&consumer=ec2-1",
            "nats://h:5?stream=cloud&consumer=ec2-1",
            Login::User { name: "me".into(), password: "s3c@ret".into() },
        ),
        (
            "tls://s3cret@bus.example.org/?stream=a",
            "tls://bus.example.org:4222?stream=a",
            Login::Token("s3cret".into()),
        ),
        (" nats://[::1]?stream=a_b-C", "nats://[::1]:4222?stream=a_b-C", Login::Nobody),
    ] {
        let url = NatsUrl::parse(given).unwrap();
        assert_eq!((url.to_string(), format!("{url:?}")), (shown.into(), shown.into()));
        assert!(!url.server.as_url_str().contains("s3c"), "{:?}", url.server);
        assert!(url.login == login, "{given}");
    }
}

#[test]
fn what_is_no_bus_is_refused_with_advice_and_without_secrets() {
    for (given, wrong) in [
        ("", "begins with neither nats:// nor tls://"),
        ("xmpp://me:s3cret@h", "begins with neither nats:// nor tls://"),
        (
            "nats://me:s3cret/x@h?stream=a",
            "cannot be read (NATS server URL is invalid: invalid port number); in a password, @ is \
             %40, / is %2F, ? is %3F",
        ),
        (
            "nats://me:s3cret@?stream=a",
            "cannot be read (NATS server URL is invalid: empty host); in a password, @ is %40, / is \
             %2F, ? is %3F",
        ),
        ("nats:///?stream=a", "names no host"),
        ("nats://:s3cret@h?stream=a", "has a password and no user"),
        ("nats://me:s3cret%ff@h?stream=a", "has a user or password that is not UTF-8"),
        ("nats://h/s3cret?stream=a", "has more after the host than parameters"),
        ("nats://h?stream=a#s3cret", "has more after the host than parameters"),
        ("nats://h", "lacks `stream`"),
        ("nats://h?stream=a&stream=b", "has `stream` twice"),
        ("nats://h?stream=a&password=s3cret", "has a parameter other than `stream` and `consumer`"),
        (
            "nats://h?stream=a.b",
            "has a `stream` that is no name: 1 to 64 letters, digits, `-` and `_`",
        ),
        (
            "nats://h?stream=a&consumer=",
            "has a `consumer` that is no name: 1 to 64 letters, digits, `-` and `_`",
        ),
    ] {
        let error = NatsUrl::parse(given).unwrap_err().to_string();
        assert_eq!(error, format!("the NATS URL {wrong}; {FORM}"), "{given}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
