//! A connection that is logged in, in the hands of one task. Dropping it ends it.

use std::{io, time::Duration};

use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_xmpp::{
    Stanza,
    jid::{BareJid, DomainPart, Jid},
    minidom::Element,
    parsers::{
        iq::Iq,
        ns,
        ping::Ping,
        stanza_error::{DefinedCondition, ErrorType, StanzaError},
    },
    xmlstream::{FallibleStreamElement, ReadError, XmppStreamElement},
};

use super::{
    connect::{SILENCE, Stanzas},
    lost::Lost,
};

/// How long an answer takes at most.
const ANSWER: Duration = Duration::from_secs(15);

pub(super) struct Session {
    stream: Stanzas,
    domain: Jid,
    asked: u64,
}

impl Session {
    pub(super) fn new(stream: Stanzas, domain: DomainPart) -> Self {
        Self { stream, domain: BareJid::from_parts(None, &domain).into(), asked: 0 }
    }

    /// Waits for what comes next; `None` for XML that is no stanza. Keeps the connection alive,
    /// and answers what anybody may ask. Cancel safe.
    pub(super) async fn hear(&mut self) -> Result<Option<Stanza>, Lost> {
        loop {
            let element = match self.stream.next().await {
                Some(Ok(element)) => element,
                Some(Err(ReadError::ParseError(_))) => return Ok(None),
                Some(Err(ReadError::SoftTimeout)) => {
                    self.ping().await?;
                    continue;
                }
                Some(Err(ReadError::HardError(error))) => return Err(broken(error)),
                Some(Err(ReadError::StreamFooterReceived)) | None => return Err(Lost::Closed),
            };
            match element {
                FallibleStreamElement::Ok(XmppStreamElement::Stanza(Stanza::Iq(
                    Iq::Get { from, id, payload, .. } | Iq::Set { from, id, payload, .. },
                ))) => self.answer(from, id, &payload).await?,
                FallibleStreamElement::Ok(XmppStreamElement::Stanza(stanza)) => {
                    return Ok(Some(stanza));
                }
                FallibleStreamElement::Ok(XmppStreamElement::StreamError(error)) => {
                    return Err(Lost::Ended(error));
                }
                _ => return Ok(None),
            }
        }
    }

    /// Sends a stanza.
    pub(super) async fn tell(&mut self, stanza: impl Into<Stanza>) -> Result<(), Lost> {
        let element = XmppStreamElement::Stanza(stanza.into());
        match timeout(SILENCE, self.stream.send(&element)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Lost::Silent(SILENCE)),
        }
    }

    /// Sends a request under an id of its own, and waits for the answer. What else comes in the
    /// meantime is forgotten.
    pub(super) async fn ask(
        &mut self,
        what: &'static str,
        request: impl FnOnce(String) -> Iq,
    ) -> Result<(), Lost> {
        let id = self.id();
        let request = request(id.clone());
        let asked = request.to().unwrap_or(&self.domain).clone();
        self.tell(request).await?;
        let deadline = Instant::now() + ANSWER;
        loop {
            let heard = timeout_at(deadline, self.hear()).await;
            let heard = heard.unwrap_or(Err(Lost::Silent(ANSWER)))?;
            let Some(Stanza::Iq(answer)) = heard else { continue };
            // Only from whom was asked; the server itself may leave that out.
            let theirs = answer.from().is_none_or(|from| *from == asked) || asked == self.domain;
            match answer {
                _ if *answer.id() != id || !theirs => {}
                Iq::Error { error, .. } => {
                    let service = asked.to_string();
                    return Err(Lost::Declined { service, what, error: Box::new(error) });
                }
                _ => return Ok(()),
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Lost> {
        let ping = Iq::from_get(self.id(), Ping).with_to(self.domain.clone());
        self.tell(ping).await
    }

    async fn answer(&mut self, to: Option<Jid>, id: String, request: &Element) -> Result<(), Lost> {
        if request.is("ping", ns::PING) {
            let payload = None;
            return self.tell(Iq::Result { from: None, to, id, payload }).await;
        }
        let error = StanzaError::new(
            ErrorType::Cancel,
            DefinedCondition::ServiceUnavailable,
            "en",
            "there is nothing to ask for here",
        );
        self.tell(Iq::Error { from: None, to, id, error, payload: None }).await
    }

    fn id(&mut self) -> String {
        self.asked += 1;
        format!("xos-sync-{}", self.asked)
    }
}

fn broken(error: io::Error) -> Lost {
    match error.kind() {
        io::ErrorKind::TimedOut => Lost::Silent(SILENCE * 2),
        io::ErrorKind::UnexpectedEof => Lost::Closed,
        io::ErrorKind::InvalidData => Lost::Unreadable(error),
        _ => Lost::Broken(error),
    }
}

#[cfg(test)]
mod tests;
