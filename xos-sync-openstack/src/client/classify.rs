//! PURE: from an error answer to what it means for the caller.

use serde_json::{Map, Value};
use xos_sync_core::http::one_line;

use super::ErrorKind;

/// What an error answer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) kind: ErrorKind,
    /// The service's own word for it, when it has one.
    pub(super) code: Option<String>,
    pub(super) message: String,
}

/// Reads an error answer. Each service has a form of its own:
///
/// | service | body |
/// |---|---|
/// | Keystone | `{"error": {"code": 404, "message": …, "title": "Not Found"}}` |
/// | Nova | `{"itemNotFound": {"code": 404, "message": …}}` |
/// | Neutron | `{"NeutronError": {"type": "NetworkInUse", "message": …, "detail": …}}` |
/// | Glance, and what stands before a service | a page, or `{"message": …, "title": …}` |
pub(super) fn refusal(status: u16, body: &str) -> Refusal {
    let (code, message) = match serde_json::from_str::<Map<String, Value>>(body) {
        Ok(body) => said(&body),
        Err(_) => (None, one_line(&without_tags(body))),
    };
    let message = if message.is_empty() { "no reason was given".to_owned() } else { message };
    let kind = kind(status, code.as_deref().unwrap_or_default(), &message);
    Refusal { kind, code, message }
}

fn said(body: &Map<String, Value>) -> (Option<String>, String) {
    let inner = body.iter().find_map(|(name, value)| Some((name, value.as_object()?)));
    let text = |of: &Map<String, Value>, name| of.get(name).and_then(Value::as_str).map(one_line);
    let (name, of) = match inner {
        Some((name, inner)) => (Some(name.as_str()), inner),
        None => (None, body),
    };
    let code = match name {
        // The title of Keystone's says what the status says.
        Some("error") | None => None,
        Some("NeutronError") => text(of, "type"),
        Some(name) => Some(name.to_owned()),
    };
    let message = text(of, "message").or_else(|| text(of, "description")).or_else(|| {
        // Neutron, in some versions: {"NeutronError": "…"}.
        body.values().find_map(Value::as_str).map(one_line)
    });
    (code, message.unwrap_or_default())
}

/// The words of an HTML page.
fn without_tags(page: &str) -> String {
    let mut words = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, tag)) = rest.split_once('<') {
        words.push_str(before);
        words.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    words.push_str(rest);
    words
}

fn kind(status: u16, code: &str, message: &str) -> ErrorKind {
    let message = message.to_ascii_lowercase();
    // Nova answers 403, Neutron 409, Glance 413: "Quota exceeded for …", "Maximum number of … exceeded".
    let of_quota = code == "OverQuota"
        || (message.contains("quota") && message.contains("exceed"))
        || message.contains("exceeds the limit")
        || (message.starts_with("maximum number of") && message.contains("exceeded"));
    match status {
        403 | 409 | 413 if of_quota => ErrorKind::QuotaExceeded,
        // Nova before 2014 throttled with 413 and this code.
        413 if code == "overLimit" => ErrorKind::Throttled,
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        408 | 425 => ErrorKind::Unavailable,
        429 => ErrorKind::Throttled,
        400..500 => ErrorKind::Invalid,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Garbled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> (ErrorKind, Option<String>, String) {
        let refusal = refusal(status, body);
        (refusal.kind, refusal.code, refusal.message)
    }

    #[test]
    fn each_service_is_understood() {
        let keystone = r#"{"error": {"code": 404, "message": "Could not find user: u.", "title": "Not Found"}}"#;
        assert_eq!(
            read(404, keystone),
            (ErrorKind::NotFound, None, "Could not find user: u.".to_owned())
        );
        let nova = r#"{"conflictingRequest": {"code": 409, "message": "Cannot 'stop' while it is building"}}"#;
        assert_eq!(
            read(409, nova),
            (
                ErrorKind::Conflict,
                Some("conflictingRequest".to_owned()),
                "Cannot 'stop' while it is building".to_owned()
            )
        );
        let neutron = r#"{"NeutronError": {"type": "NetworkInUse", "message": "In use.\nYes.", "detail": ""}}"#;
        assert_eq!(
            read(409, neutron),
            (ErrorKind::Conflict, Some("NetworkInUse".to_owned()), "In use. Yes.".to_owned())
        );
        let glance =
            "<html><head><title>409 Conflict</title></head><body>Image in use.</body></html>";
        assert_eq!(
            read(409, glance),
            (ErrorKind::Conflict, None, "409 Conflict Image in use.".to_owned())
        );
        assert_eq!(read(502, "").0, ErrorKind::Unavailable);
        assert_eq!(read(400, "{}").2, "no reason was given");
    }

    #[test]
    fn a_used_up_quota_is_known_whatever_the_status() {
        for (status, body) in [
            (
                403,
                r#"{"forbidden": {"code": 403, "message": "Quota exceeded for instances: Requested 1"}}"#,
            ),
            (403, r#"{"forbidden": {"message": "Maximum number of key pairs exceeded"}}"#),
            (
                409,
                r#"{"NeutronError": {"type": "OverQuota", "message": "for resources: ['network']"}}"#,
            ),
            (413, "<html>Denying attempt to upload image because it exceeds the quota</html>"),
        ] {
            assert_eq!(read(status, body).0, ErrorKind::QuotaExceeded, "{body}");
        }
        let policy =
            r#"{"forbidden": {"message": "Policy doesn't allow quota:show to be performed."}}"#;
        assert_eq!(read(403, policy).0, ErrorKind::Forbidden);
    }

    #[test]
    fn statuses_have_kinds() {
        for (status, kind) in [
            (301, ErrorKind::Garbled),
            (400, ErrorKind::Invalid),
            (401, ErrorKind::Unauthorized),
            (406, ErrorKind::Invalid),
            (429, ErrorKind::Throttled),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
        ] {
            assert_eq!(read(status, "x").0, kind, "{status}");
        }
    }

    #[test]
    fn a_page_is_reduced_to_its_words() {
        let page = "<html><head><title>409 Conflict</title></head><body><br /><br />In use.</body";
        assert_eq!(read(409, page), (ErrorKind::Conflict, None, "409 Conflict In use.".to_owned()));
    }
}
