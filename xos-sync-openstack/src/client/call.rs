//! One request, as data.

use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::{Map, Value};
use xos_sync_core::{Secret, http::Effect};

use super::error::Detail;
use super::{CloudError, ErrorKind, Service};

/// A request to a service.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) method: Method,
    pub(super) effect: Effect,
    /// What it does, in the user's words, to follow "cannot".
    asked: String,
    path: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) secrets: Vec<Secret>,
}

impl Call {
    fn new<const N: usize>(
        method: Method,
        service: Service,
        path: [&str; N],
        asked: impl Into<String>,
    ) -> Self {
        let effect = if method == Method::GET { Effect::Reads } else { Effect::Changes };
        let path = path.into_iter().map(str::to_owned).collect();
        let (query, secrets) = (Vec::new(), Vec::new());
        Self { service, method, effect, asked: asked.into(), path, query, body: None, secrets }
    }

    pub(super) fn get<const N: usize>(
        service: Service,
        path: [&str; N],
        asked: impl Into<String>,
    ) -> Self {
        Self::new(Method::GET, service, path, asked)
    }

    pub(super) fn post<const N: usize>(
        service: Service,
        path: [&str; N],
        asked: impl Into<String>,
    ) -> Self {
        Self::new(Method::POST, service, path, asked)
    }

    pub(super) fn put<const N: usize>(
        service: Service,
        path: [&str; N],
        asked: impl Into<String>,
    ) -> Self {
        Self::new(Method::PUT, service, path, asked)
    }

    pub(super) fn patch<const N: usize>(
        service: Service,
        path: [&str; N],
        asked: impl Into<String>,
    ) -> Self {
        Self::new(Method::PATCH, service, path, asked)
    }

    pub(super) fn delete<const N: usize>(
        service: Service,
        path: [&str; N],
        asked: impl Into<String>,
    ) -> Self {
        Self::new(Method::DELETE, service, path, asked)
    }

    /// With the body `{"key": {…}}` that a structure's fields say; a field that is not set is left out.
    pub(super) fn fields(self, key: &str, fields: &impl Serialize) -> Self {
        self.body(Value::Object(Map::from_iter([(key.to_owned(), set(fields))])))
    }

    /// The same without a key around them.
    pub(super) fn whole(self, fields: &impl Serialize) -> Self {
        self.body(set(fields))
    }

    /// With a JSON body.
    pub(super) fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With what must not be shown even when the service repeats it.
    pub(super) fn secret<'a>(mut self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.secrets.extend(secrets.into_iter().cloned());
        self
    }

    /// For a request that changes nothing though its method says otherwise.
    pub(super) fn reading(self) -> Self {
        Self { effect: Effect::Reads, ..self }
    }

    /// With the query that a structure's fields say: a list repeats its name, a field that is not set is
    /// left out.
    pub(super) fn query(mut self, fields: &impl Serialize) -> Self {
        let Ok(Value::Object(fields)) = serde_json::to_value(fields) else { return self };
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::Array(values) => {
                    self.query.extend(values.iter().map(|value| (name.clone(), text(value))));
                }
                value => self.query.push((name, text(&value))),
            }
        }
        self
    }

    /// With one more part of the query, instead of one of that name.
    pub(super) fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.retain(|(known, _)| known != name);
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// The address below the service's own.
    ///
    /// # Errors
    /// When a part of the path is empty or would lead elsewhere: it is an id that is none.
    pub(super) fn url(&self, base: &Url) -> Result<Url, CloudError> {
        let mut url = base.clone();
        for part in &self.path {
            if part.is_empty() || part == "." || part == ".." {
                let message = format!("{part:?} is not an id");
                return Err(self.error(ErrorKind::Invalid, message).into());
            }
        }
        match url.path_segments_mut() {
            Ok(mut parts) => parts.pop_if_empty().extend(&self.path),
            Err(()) => {
                let message = format!("{base} is not the address of a service");
                return Err(self.error(ErrorKind::Invalid, message).into());
            }
        };
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    pub(super) fn error(&self, kind: ErrorKind, message: String) -> Detail {
        Detail {
            kind,
            service: self.service,
            action: self.action(),
            asked: self.asked.clone(),
            message,
            code: None,
            request_id: None,
            status: None,
            retry_after: None,
            outcome_unknown: false,
        }
    }

    /// Method and path.
    pub(super) fn action(&self) -> String {
        format!("{} /{}", self.method, self.path.join("/"))
    }
}

/// The fields of a structure that are set.
fn set(fields: &impl Serialize) -> Value {
    without_nulls(serde_json::to_value(fields).unwrap_or_default())
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        other => other,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn url(path: &str, base: &str) -> Result<String, CloudError> {
        let call = Call::get(Service::Compute, ["servers", path], "list servers");
        call.url(&Url::parse(base).unwrap()).map(|url| url.to_string())
    }

    #[test]
    fn ids_cannot_lead_elsewhere() {
        assert_eq!(
            url("a/../b?c#d", "http://h/v2.1").unwrap(),
            "http://h/v2.1/servers/a%2F..%2Fb%3Fc%23d"
        );
        for id in ["", ".", ".."] {
            let error = url(id, "http://h/v2.1").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains("is not an id"), "{error}");
        }
    }

    #[test]
    fn fields_become_a_body() {
        let fields = json!({"name": "a", "description": null, "link": {"id": 1, "to": null}});
        let call = Call::post(Service::Network, ["networks"], "create").fields("network", &fields);
        assert_eq!(call.body.unwrap(), json!({"network": {"name": "a", "link": {"id": 1}}}));
    }

    #[test]
    fn fields_become_a_query() {
        let fields = json!({"name": "a b", "tags": ["x", "y"], "project_id": null, "limit": 5});
        let call = Call::get(Service::Network, ["networks"], "list networks").query(&fields);
        let url = call.set("limit", "7").url(&Url::parse("http://h/v2.0/").unwrap()).unwrap();
        assert_eq!(url.as_str(), "http://h/v2.0/networks?name=a+b&tags=x&tags=y&limit=7");
    }
}
