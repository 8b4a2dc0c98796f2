//! Keeps credentials out of what people read.

/// Replaces the password in every `scheme://user:password@host` and `password=…` by `***`.
pub(crate) fn redact(text: String) -> String {
    parameters(authorities(text))
}

fn parameters(text: String) -> String {
    let name = "password=";
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(name) {
        let (before, after) = rest.split_at(at + name.len());
        out.push_str(before);
        out.push_str("***");
        let end = after.find(|c: char| c == '&' || c.is_whitespace()).unwrap_or(after.len());
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

fn authorities(text: String) -> String {
    if !text.contains("://") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c == '/' || c == '?' || c == '#' || c == '"' || c.is_whitespace())
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((user, host)) => {
                out.push_str(user.split(':').next().unwrap_or_default());
                if user.contains(':') {
                    out.push_str(":***");
                }
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn passwords_in_urls_are_hidden() {
        for (given, shown) in [
            ("no url", "no url"),
            ("see http://host/a@b", "see http://host/a@b"),
            (
                "get https://bob:s3:cr@t@host:80/x and http://al@h",
                "get https://bob:***@host:80/x and http://al@h",
            ),
            ("://", "://"),
            ("host=h password=s3cret user=u", "host=h password=*** user=u"),
            ("postgres://h/d?password=s3cret&x=1", "postgres://h/d?password=***&x=1"),
        ] {
            assert_eq!(redact(given.to_owned()), shown);
        }
    }
}
