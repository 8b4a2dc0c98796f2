//! PURE: text from outside, made safe. The one home of this.
//!
//! A backend's answer, a row's label, a panic's message and a database's error are hostile text:
//! they may hold secrets, control characters, NUL (which PostgreSQL refuses in text), marks that turn
//! the direction of writing, or megabytes.
//!
//! | where the text goes | function |
//! |---|---|
//! | into the database, and into `StepError` | [`sanitize`] |
//! | on a terminal or into a log, whole | [`one_line`] |
//! | into a table of the status | [`cell`] |
//! | to people as JSON | [`escape_json`] |

mod escape;
mod known;
mod mask;
// Public, and whole, for clients of HTTP backends alone.
#[cfg_attr(not(feature = "http"), allow(dead_code, unreachable_pub))]
mod secrets;

pub(crate) use escape::cell;
#[cfg(any(feature = "manage", test))]
pub(crate) use escape::escape_json;
pub use escape::one_line;
pub(crate) use known::Known;
pub(crate) use mask::redact;
#[cfg(feature = "http")]
pub use secrets::Secrets;
#[cfg(not(feature = "http"))]
use secrets::Secrets;

/// Bytes that are kept of a message. Longer ones say that they were cut.
pub(crate) const LONGEST: usize = 64 << 10;

/// Bytes at the end of what was read that are not shown, because a secret may begin there whose end
/// was not read.
const UNSURE: usize = 4 << 10;

/// Bytes of a message that are read: time and memory are bounded before anything else.
const MOST_READ: usize = LONGEST + 2 * UNSURE;

/// A text that can be stored, logged and shown: without secrets and control characters, and of
/// bounded length. Line breaks and tabs stay.
///
/// # Guarantees
/// The result is at most 64 KiB long, and says if it was cut. A result that was not cut is unchanged when it
/// is sanitized again.
pub(crate) fn sanitize(text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    let read = &text[..escape::boundary(text, MOST_READ)];
    // Control characters may stand within a name, and written out they may be part of one.
    let redacted = redact(known::hide(read));
    let mut written_out = escape::controls(&redacted);
    let is_read = read.len() == text.len() && written_out.len() <= MOST_READ;
    written_out.truncate(escape::boundary(&written_out, MOST_READ));
    let clean = if written_out == redacted { redacted } else { redact(written_out) };
    if is_read && clean.len() <= LONGEST {
        return clean;
    }
    let note = format!("\n(cut: it had {} bytes)", text.len());
    let sure = if is_read { clean.len() } else { clean.len().saturating_sub(UNSURE) };
    let end = escape::boundary(&clean, sure.min(LONGEST - note.len()));
    let mut cut = redact(clean[..end].to_owned());
    cut.truncate(escape::boundary(&cut, LONGEST - note.len()));
    cut.push_str(&note);
    cut
}

#[cfg(test)]
mod tests;
