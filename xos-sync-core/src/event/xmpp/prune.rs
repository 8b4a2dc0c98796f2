//! PURE: cuts out of XML what lies too deep in it, before the parser sees it.
//!
//! The parser calls itself for every level: an item of a few kilobytes, a thousand elements in
//! each other, overflows the stack and ends the whole process. Nothing that we read is deep, so
//! what is deeper is as good as not there.

use std::io;

/// Elements in each other that are let through. A change lies 7 deep.
const DEEPEST: usize = 16;

/// Elements in each other between two stanzas: a stream before, and one after the login.
const STREAMS: usize = 2;

/// A longer stanza ends the connection.
const LONGEST: usize = 4 << 20;

/// Follows the brackets of XML, whatever pieces it comes in.
#[derive(Debug, Default)]
pub(super) struct Pruner {
    place: Place,
    /// Elements that are open.
    depth: usize,
    /// Bytes of the stanza so far.
    length: usize,
}

#[derive(Debug, Default, Clone, Copy)]
enum Place {
    #[default]
    Text,
    /// After `<`, which has not been passed on yet.
    Bracket,
    Tag {
        kind: Tag,
        quote: Option<u8>,
        /// Whether the last byte was `/`.
        slash: bool,
    },
    /// `<![CDATA[…]]>`, after so many `]`.
    Data(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Open,
    Close,
    Declaration,
}

impl Pruner {
    /// Passes on what is not too deep; an error for a stanza that is too long.
    pub(super) fn prune(&mut self, input: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        for &byte in input {
            self.step(byte, output);
            self.length += 1;
            if self.length > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "an endless stanza"));
            }
        }
        Ok(())
    }

    fn step(&mut self, byte: u8, output: &mut Vec<u8>) {
        let mut shown = self.depth <= DEEPEST;
        self.place = match self.place {
            Place::Text if byte == b'<' => {
                self.place = Place::Bracket;
                return;
            }
            Place::Text => Place::Text,
            Place::Bracket => {
                let kind = match byte {
                    b'/' => Tag::Close,
                    b'!' | b'?' => Tag::Declaration,
                    _ => Tag::Open,
                };
                shown = self.shows(kind);
                if shown {
                    output.push(b'<');
                }
                match byte {
                    b'!' => Place::Data(0),
                    b'/' => Place::Tag { kind, quote: None, slash: false },
                    _ => self.in_tag(kind, None, false, byte),
                }
            }
            Place::Tag { kind, quote, slash } => {
                shown = self.shows(kind);
                self.in_tag(kind, quote, slash, byte)
            }
            Place::Data(brackets) => match byte {
                b']' => Place::Data(brackets.saturating_add(1)),
                b'>' if brackets >= 2 => Place::Text,
                _ => Place::Data(0),
            },
        };
        if shown {
            output.push(byte);
        }
    }

    fn in_tag(&mut self, kind: Tag, quote: Option<u8>, slash: bool, byte: u8) -> Place {
        let quote = match (quote, byte) {
            (None, b'>') => {
                self.end_tag(kind, slash);
                return Place::Text;
            }
            (None, b'"' | b'\'') => Some(byte),
            (Some(quote), _) if quote == byte => None,
            (quote, _) => quote,
        };
        Place::Tag { kind, quote, slash: byte == b'/' && quote.is_none() }
    }

    fn end_tag(&mut self, kind: Tag, slash: bool) {
        match kind {
            Tag::Open if !slash => self.depth += 1,
            Tag::Close => self.depth = self.depth.saturating_sub(1),
            Tag::Open | Tag::Declaration => {}
        }
        if self.depth <= STREAMS {
            self.length = 0;
        }
    }

    fn shows(&self, kind: Tag) -> bool {
        match kind {
            Tag::Open => self.depth < DEEPEST,
            Tag::Close | Tag::Declaration => self.depth <= DEEPEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In pieces of this many bytes.
    fn pruned(xml: &str, pieces: usize) -> String {
        let (mut pruner, mut output) = (Pruner::default(), Vec::new());
        for piece in xml.as_bytes().chunks(pieces) {
            pruner.prune(piece, &mut output).unwrap();
        }
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn what_is_not_deep_is_untouched() {
        let xml = "<?xml version='1.0'?><s:s a='>' b=\"/>'\"><x/><y a='/'>t<![CDATA[</z><q>]>]]]>é\
                   </y ><z\n/> ]]&gt;</s:s>";
        for pieces in [1, 2, 3, 7, 1000] {
            assert_eq!(pruned(xml, pieces), xml);
        }
    }

    #[test]
    fn what_is_too_deep_is_cut_out_and_the_rest_stays_whole() {
        let (open, close) = ("<a>".repeat(DEEPEST), "</a>".repeat(DEEPEST));
        for deep in [
            "<b/>",
            "<b>text</b>",
            "<b c='>'><![CDATA[</a>]]><b c='/'></b></b>",
            &format!("{}{}", "<b>".repeat(100_000), "</b>".repeat(100_000)),
        ] {
            let xml = format!("{open}before{deep}after{close}<next/>");
            let expected = format!("{open}beforeafter{close}<next/>");
            for pieces in [1, 2, 1000] {
                assert_eq!(pruned(&xml, pieces), expected);
            }
        }
    }

    #[test]
    fn an_endless_stanza_ends_the_connection_and_many_stanzas_do_not() {
        let mut pruner = Pruner::default();
        let piece = "x".repeat(LONGEST / 2);
        pruner.prune(b"<stream><stream>", &mut Vec::new()).unwrap();
        for _ in 0..3 {
            let stanza = format!("<message>{piece}</message>");
            pruner.prune(stanza.as_bytes(), &mut Vec::new()).unwrap();
        }
        pruner.prune(format!("<message>{piece}").as_bytes(), &mut Vec::new()).unwrap();
        pruner.prune(piece.as_bytes(), &mut Vec::new()).unwrap_err();
    }
}
