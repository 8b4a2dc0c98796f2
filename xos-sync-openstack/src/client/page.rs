//! Listings that services answer page by page.

use std::collections::HashSet;

use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::call::Call;
use super::send::value_of;
use super::{Cloud, CloudError};

/// A listing, of which nothing is asked for before the first [`next`](Self::next), and of which one page
/// at a time is in memory.
#[must_use = "nothing is listed before `next` or `all` is called"]
pub struct Pages<T> {
    cloud: Cloud,
    call: Call,
    key: &'static str,
    state: State,
    /// All pages so far: one that comes again would lead round in a circle.
    seen: HashSet<Vec<(String, String)>>,
    item: std::marker::PhantomData<fn() -> T>,
}

enum State {
    Start,
    More(Vec<(String, String)>),
    End,
}

impl<T: DeserializeOwned> Pages<T> {
    /// Of answers that have a list `key`.
    pub(super) fn new(cloud: &Cloud, call: Call, key: &'static str) -> Self {
        let (state, seen) = (State::Start, HashSet::new());
        Self { cloud: cloud.clone(), call, key, state, seen, item: std::marker::PhantomData }
    }

    /// The next page, which may be empty though others follow; `None` after the last one.
    ///
    /// After an error the same page can be asked for again. Dropping the future is harmless.
    ///
    /// # Errors
    /// Those of the call; `Garbled` when the service repeats a page, after which the listing has ended.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, CloudError> {
        let call = match &self.state {
            State::Start => self.call.clone(),
            State::More(query) => {
                query.iter().fold(self.call.clone(), |call, (name, value)| call.set(name, value))
            }
            State::End => return Ok(None),
        };
        let reply = self.cloud.answer(&call).await?;
        let mut body = reply.read::<Map<String, Value>>(&call)?;
        let next = next_page(&body, self.key);
        let Some(items) = body.remove(self.key) else {
            return Err(reply.unexpected(&call, &format!("the answer lacks {}", self.key)));
        };
        let items: Vec<T> = value_of(&call, &reply, items)?;
        self.state = match next {
            None => State::End,
            Some(query) if self.seen.insert(query.clone()) => State::More(query),
            Some(_) => {
                self.state = State::End;
                let why = "the listing does not end: it leads back to a page that was there before";
                return Err(reply.unexpected(&call, why));
            }
        };
        Ok(Some(items))
    }

    /// All pages in one. For listings whose filters keep them short.
    ///
    /// # Errors
    /// As of [`next`](Self::next).
    pub async fn all(mut self) -> Result<Vec<T>, CloudError> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }
}

/// What the link to the next page adds to the query. Its host and path are not followed: behind a proxy
/// they are often wrong.
///
/// Keystone: `{"links": {"next": …}}`; Glance: `{"next": …}`; Nova and Neutron:
/// `{"servers_links": [{"rel": "next", "href": …}]}`.
fn next_page(body: &Map<String, Value>, key: &str) -> Option<Vec<(String, String)>> {
    let of_links = |links: &Value| {
        links.as_array()?.iter().find(|link| link["rel"] == "next")?["href"]
            .as_str()
            .map(str::to_owned)
    };
    let link = body
        .get(&format!("{key}_links"))
        .and_then(of_links)
        .or_else(|| body.get("links")?.get("next")?.as_str().map(str::to_owned))
        .or_else(|| body.get("next")?.as_str().map(str::to_owned))?;
    let root = Url::parse("http://service").ok()?;
    let query: Vec<_> = root.join(&link).ok()?.query_pairs().into_owned().collect();
    // Only where it goes on: the call has the filters already, which may repeat a name.
    let query: Vec<_> = query
        .into_iter()
        .filter(|(name, _)| matches!(name.as_str(), "marker" | "limit" | "page"))
        .collect();
    (!query.is_empty()).then_some(query)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_services_link_is_found() {
        let marker =
            Some(vec![("limit".to_owned(), "2".to_owned()), ("marker".to_owned(), "b".to_owned())]);
        for body in [
            json!({"servers_links": [{"rel": "next", "href": "http://other/x?limit=2&marker=b&tags=a"}]}),
            json!({"servers": [], "next": "/v2/images?limit=2&marker=b"}),
            json!({"links": {"self": "http://h/v3/users", "next": "http://h/v3/users?limit=2&marker=b"}}),
        ] {
            assert_eq!(next_page(body.as_object().unwrap(), "servers"), marker, "{body}");
        }
        for body in [
            json!({"servers_links": [{"rel": "previous", "href": "http://h?marker=b"}]}),
            json!({"links": {"next": null, "self": "http://h/v3/users"}}),
            json!({"servers": []}),
        ] {
            assert_eq!(next_page(body.as_object().unwrap(), "servers"), None, "{body}");
        }
    }
}
