//! PURE: what is said to a PubSub node, and what is heard from it.

use tokio_xmpp::{
    jid::{BareJid, Jid},
    minidom::Element,
    parsers::{
        iq::Iq,
        message::Message,
        ns,
        pubsub::{
            ItemId, NodeName,
            pubsub::{Create, Item, PubSub, Publish, Subscribe},
        },
    },
};

use super::XmppUrl;
use crate::event::Change;

/// The namespace of a change.
const CHANGE: &str = "urn:xos-sync:change:1";

/// What a message is to us.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The texts of published items; empty for one that holds no change.
    Items(Vec<String>),
    /// About the node itself, or about another one.
    Nothing,
    /// The node, or our subscription to it, has ended.
    Gone(&'static str),
    /// Not from the service, or nothing that a service says.
    Foreign,
}

impl XmppUrl {
    pub(super) fn subscribe(&self, id: String) -> Iq {
        // By the bare address: it outlives the connection, and there is never more than one.
        let jid = Jid::from(self.account.clone());
        let subscribe = Some(Subscribe { jid, node: Some(self.node_name()) });
        self.to_service(id, PubSub::Subscribe { subscribe, options: None })
    }

    pub(super) fn create(&self, id: String) -> Iq {
        let create = Create { node: Some(self.node_name()) };
        self.to_service(id, PubSub::Create { create, configure: None })
    }

    /// A row has one item, which its next change replaces where the node keeps items.
    pub(super) fn publish(&self, id: String, change: &Change) -> Iq {
        let item = match &change.uid {
            Some(uid) => format!("{}.{uid}", change.model),
            None => change.model.clone(),
        };
        let payload = Element::builder("change", CHANGE).append(change.to_json()).build();
        let item = Item { id: Some(ItemId(item)), publisher: None, payload: Some(payload) };
        let publish = Publish { node: self.node_name(), items: vec![item] };
        self.to_service(id, PubSub::Publish { publish, publish_options: None })
    }

    /// What a message says.
    pub(super) fn news(&self, message: &Message) -> News {
        let from = message.from.as_ref().map(Jid::to_bare);
        if from.as_ref() != Some(&self.service) {
            return News::Foreign;
        }
        let mut events = message.payloads.iter().filter(|it| it.is("event", ns::PUBSUB_EVENT));
        let Some(event) = events.next() else { return News::Foreign };
        let mut about = event.children().filter(|it| it.attr("node") == Some(&self.node));
        let Some(about) = about.next() else { return News::Nothing };
        match about.name() {
            "items" => News::Items(texts(about)),
            "delete" => News::Gone("it was deleted"),
            "subscription" if !self.is_subscribed(about) => News::Gone("we may no longer listen"),
            _ => News::Nothing,
        }
    }

    fn is_subscribed(&self, about: &Element) -> bool {
        let jid = about.attr("jid").and_then(|jid| BareJid::new(jid).ok());
        let ours = jid.is_none_or(|jid| jid == self.account);
        !ours || about.attr("subscription") == Some("subscribed")
    }

    fn node_name(&self) -> NodeName {
        NodeName(self.node.clone())
    }

    fn to_service(&self, id: String, what: PubSub) -> Iq {
        Iq::from_set(id, what).with_to(self.service.clone().into())
    }
}

fn texts(items: &Element) -> Vec<String> {
    let published = items.children().filter(|child| child.name() == "item");
    published
        .map(|item| item.get_child("change", CHANGE).map(Element::text).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> XmppUrl {
        "xmpp://bot:x@h/ps.h?node=n".parse().unwrap()
    }

    fn news(from: &str, event: &str) -> News {
        let xml = format!(
            "<message xmlns='jabber:client' from='{from}'>\
             <event xmlns='http://jabber.org/protocol/pubsub#event'>{event}</event></message>"
        );
        let element: Element = xml.parse().unwrap();
        url().news(&Message::try_from(element).unwrap())
    }

    #[test]
    fn published_items_are_heard_and_hostile_ones_are_empty() {
        let change = "<change xmlns='urn:xos-sync:change:1'>{}</change>";
        let foreign = "<change xmlns='urn:other'>{}</change>";
        let items = format!(
            "<items node='n'><item id='1'>{change}</item><item/><item>{foreign}</item>\
             <item>text</item><item>{foreign}{change}</item><retract id='1'/></items>"
        );
        let texts = ["{}", "", "", "", "{}"].map(str::to_owned).to_vec();
        assert_eq!(news("ps.h", &items), News::Items(texts));
    }

    #[test]
    fn only_the_service_speaks_for_the_node() {
        let items = "<items node='n'><item/></items>";
        assert_eq!(news("mallory@h/x", items), News::Foreign);
        assert_eq!(news("ps.h", "<items node='other'><item/></items>"), News::Nothing);
        assert_eq!(news("ps.h", ""), News::Nothing);
        let bare: Element = "<message xmlns='jabber:client' from='ps.h'/>".parse().unwrap();
        assert_eq!(url().news(&Message::try_from(bare).unwrap()), News::Foreign);
    }

    #[test]
    fn the_end_of_a_node_or_a_subscription_is_heard() {
        assert_eq!(news("ps.h", "<delete node='n'/>"), News::Gone("it was deleted"));
        assert_eq!(news("ps.h", "<purge node='n'/>"), News::Nothing);
        for (jid, state, end) in
            [("bot@h", "none", true), ("bot@h", "subscribed", false), ("other@h", "none", false)]
        {
            let event = format!("<subscription node='n' jid='{jid}' subscription='{state}'/>");
            assert_eq!(matches!(news("ps.h", &event), News::Gone(_)), end, "{event}");
        }
    }

    #[test]
    fn a_row_has_one_item() {
        let change = Change { model: "farms".into(), uid: Some("a1".into()), updated: Some(7) };
        let Iq::Set { payload, to, .. } = url().publish("id".into(), &change) else { panic!() };
        assert_eq!(to, Some(Jid::new("ps.h").unwrap()));
        let expected: Element = "<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <publish node='n'><item id='farms.a1'><change xmlns='urn:xos-sync:change:1'>\
             {\"model\":\"farms\",\"uid\":\"a1\",\"updated\":7}</change></item></publish></pubsub>"
            .parse()
            .unwrap();
        assert_eq!(payload, expected);
    }
}
