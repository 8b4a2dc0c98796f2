//! Replies as a tree of elements.
//!
//! Not by serde: that trims the white space around values, and tags may begin or end with a blank.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// No reply of EC2 nests nearly as deep.
const DEEPEST: usize = 64;

/// An element: its children, or its text.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

/// A reply lacks this element.
#[derive(Debug)]
pub(super) struct Missing(pub(super) &'static str);

impl Element {
    /// The name without its namespace.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The first child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first descendant of this name, itself included.
    pub(super) fn find(&self, name: &str) -> Option<&Self> {
        if self.name == name {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(name))
    }

    /// The text of the child of this name; an empty one counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.child(name).map(|child| child.text.clone()).filter(|text| !text.is_empty())
    }

    /// The text of a child that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<String, Missing> {
        self.text(name).ok_or(Missing(name))
    }

    /// The text of the child of this name, or of none, exactly as sent.
    pub(super) fn raw(&self, name: &str) -> String {
        self.child(name).map(|child| child.text.clone()).unwrap_or_default()
    }

    /// Whether the child of this name says `true`.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.child(name).is_some_and(|child| child.text == "true")
    }

    /// The members of the list of this name.
    pub(super) fn items(&self, list: &str) -> impl Iterator<Item = &Self> {
        let children = self.child(list).map(|list| list.children.as_slice()).unwrap_or_default();
        children.iter().filter(|child| child.name == "item")
    }

    /// The text of the element itself.
    pub(super) fn own_text(&self) -> &str {
        &self.text
    }
}

/// The root element of a document.
pub(super) fn parse(document: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(document);
    // The elements that are open, outermost first, below a nameless one that takes the root.
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return Err("it is nested too deep".to_owned());
                }
                open.push(named(&start));
            }
            Event::Empty(empty) => {
                let element = named(&empty);
                innermost(&mut open)?.children.push(element);
            }
            // The reader has checked that the names match.
            Event::End(_) => {
                let element = open.pop().ok_or("an element ends that never began")?;
                innermost(&mut open)?.children.push(element);
            }
            Event::Text(text) => innermost(&mut open)?.text.push_str(&text.xml10_content()),
            Event::CData(data) => innermost(&mut open)?.text.push_str(&data.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = &mut innermost(&mut open)?.text;
                let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                match (character, resolve_predefined_entity(&reference)) {
                    (Some(character), _) => text.push(character),
                    (None, Some(entity)) => text.push_str(entity),
                    (None, None) => return Err("it names an unknown entity".to_owned()),
                }
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(mut top), true) if top.children.len() == 1 => {
            top.children.pop().ok_or_else(String::new)
        }
        (_, true) => Err("it is not one XML document".to_owned()),
        _ => Err("it ends in the middle".to_owned()),
    }
}

fn named(start: &BytesStart<'_>) -> Element {
    Element { name: start.local_name().as_ref().to_owned(), ..Element::default() }
}

fn innermost(open: &mut [Element]) -> Result<&mut Element, String> {
    open.last_mut().ok_or_else(|| "an element ends that never began".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_through_exactly() {
        let root = parse(
            "<?xml version=\"1.0\"?>\n<R xmlns=\"http://x/\"><tagSet><item><key> a </key>\
             <value>&lt;x&gt; &amp;&#228;&#x1F600; <![CDATA[<&]]></value></item>\n<item/></tagSet><none/><b>true</b></R>",
        )
        .unwrap();
        assert_eq!(root.name(), "R");
        let items: Vec<_> = root.items("tagSet").collect();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].raw("key"), " a ");
        assert_eq!(items[0].raw("value"), "<x> &ä😀 <&");
        assert_eq!(root.text("none"), None);
        assert!(root.flag("b") && !root.flag("c"));
        assert_eq!(root.find("value").unwrap().own_text(), "<x> &ä😀 <&");
        assert!(root.required("none").is_err());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in [
            "",
            "hello",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a>&what;</a>",
            "<a>&#xD800;</a>",
            "{}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"<a>".repeat(100_000)).is_err());
    }
}
