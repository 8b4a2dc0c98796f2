//! Listings that AWS answers page by page.

use std::collections::HashSet;

use super::call::Call;
use super::xml::{Element, Missing};
use super::{Ec2, Ec2Error};

/// A listing, of which nothing is asked for before the first [`next`](Self::next), and of which one page
/// at a time is in memory.
#[must_use = "nothing is listed before `next` or `all` is called"]
pub struct Pages<T> {
    ec2: Ec2,
    call: Call,
    read: fn(&Element) -> Result<Vec<T>, Missing>,
    state: State,
    /// All tokens so far: one that comes again would lead round in a circle.
    seen: HashSet<String>,
}

enum State {
    Start,
    More(String),
    End,
}

impl<T> Pages<T> {
    pub(super) fn new(
        ec2: &Ec2,
        call: Call,
        read: fn(&Element) -> Result<Vec<T>, Missing>,
    ) -> Self {
        Self { ec2: ec2.clone(), call, read, state: State::Start, seen: HashSet::new() }
    }

    /// A listing of nothing, which makes no call.
    pub(super) fn none(self) -> Self {
        Self { state: State::End, ..self }
    }

    /// The next page, which may be empty though others follow; `None` after the last one.
    ///
    /// After an error the same page can be asked for again. Dropping the future is harmless.
    ///
    /// # Errors
    /// Those of the call; `Garbled` when AWS repeats a page token, after which the listing has ended.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Ec2Error> {
        let call = match &self.state {
            State::Start => self.call.clone(),
            State::More(token) => self.call.clone().at(token),
            State::End => return Ok(None),
        };
        let read = self.read;
        let page = self.ec2.call(&call, |root| Ok((read(root)?, root.text("nextToken")))).await;
        let (items, token) = page?;
        self.state = match token {
            None => State::End,
            Some(token) if self.seen.insert(token.clone()) => State::More(token),
            Some(_) => {
                self.state = State::End;
                return Err(self.call.circle());
            }
        };
        Ok(Some(items))
    }

    /// All pages in one. For listings whose filters keep them short.
    ///
    /// # Errors
    /// As of [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<T>, Ec2Error> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}
