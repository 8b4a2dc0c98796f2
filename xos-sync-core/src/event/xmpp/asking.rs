//! Requests to a node that may not be there yet.

use tokio_xmpp::parsers::{iq::Iq, stanza_error::DefinedCondition};

use super::{XmppUrl, lost::Lost, session::Session};

/// Asks for something at the node, and creates the node first where there is none.
pub(super) async fn ask_node(
    session: &mut Session,
    url: &XmppUrl,
    what: &'static str,
    request: impl Fn(String) -> Iq,
) -> Result<(), Lost> {
    let asked = session.ask(what, &request).await;
    if !is(&asked, &DefinedCondition::ItemNotFound) {
        return asked;
    }
    let created = session.ask("create the node", |id| url.create(id)).await;
    // In a conflict another one was faster.
    if !is(&created, &DefinedCondition::Conflict) {
        created?;
    }
    session.ask(what, &request).await
}

fn is(answer: &Result<(), Lost>, condition: &DefinedCondition) -> bool {
    matches!(answer, Err(Lost::Declined { error, .. }) if error.defined_condition == *condition)
}
