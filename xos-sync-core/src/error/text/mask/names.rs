//! PURE: which names stand before a secret.

/// What stands behind a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A secret.
    Secret,
    /// A secret if the name is a parameter of a URL.
    Parameter,
    /// The rest of a header: a scheme and credentials, or cookies.
    Header,
}

/// A longer run of letters is no name.
const LONGEST: usize = 200;

const PARTS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "secret",
    "privatekey",
    "apikey",
    "accesskey",
    "sessionkey",
];

const ENDS: [&str; 13] = [
    "signature",
    "token",
    "pwd",
    "pass",
    "authkey",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "sharedkey",
    "accountkey",
    "sessionid",
    "bearer",
    "jwt",
];

const PARAMETERS: [&str; 9] = ["key", "sig", "sid", "auth", "code", "pin", "otp", "pw", "hmac"];

/// Words that end like a name of a secret, and codes of errors before whose message they stand.
const OTHERS: [&str; 6] =
    ["bypass", "compass", "trespass", "expiredtoken", "invalidtoken", "missingauthenticationtoken"];

/// The kind of a name, whatever its case and its separators: `DB_PASSWORD`, `adminPass`,
/// `X-Auth-Token`.
pub(super) fn kind(name: &str) -> Option<Kind> {
    if !(2..=LONGEST).contains(&name.len()) {
        return None;
    }
    let plain: String =
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let plain = plain.as_str();
    let ends = |ends: &[&str]| ends.iter().any(|end| plain.ends_with(end));
    match () {
        () if ends(&OTHERS) => None,
        () if ends(&["authorization", "cookie"]) => Some(Kind::Header),
        () if PARTS.iter().any(|part| plain.contains(part)) || ends(&ENDS) => Some(Kind::Secret),
        () if PARAMETERS.contains(&plain) => Some(Kind::Parameter),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_kinds() {
        for name in ["password", "DB_PASSWORD", "adminPass", "X-Auth-Token", "pass\u{200b}word"] {
            assert_eq!(kind(name), Some(Kind::Secret), "{name}");
        }
        assert_eq!(kind("Proxy-Authorization"), Some(Kind::Header));
        assert_eq!(kind("sig"), Some(Kind::Parameter));
        for name in
            ["bypass", "tokens", "host", "keyboard", "SignatureDoesNotMatch", "ExpiredToken", ""]
        {
            assert_eq!(kind(name), None, "{name}");
        }
    }
}
