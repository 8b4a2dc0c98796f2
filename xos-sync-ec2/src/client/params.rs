//! Parameters of a request, flattened the way EC2 wants lists: `Filter.1.Value.2`.

use super::{Filter, Tag};

/// The version of the API that all names here belong to.
const VERSION: &str = "2016-11-15";

/// Named values, some of them secret. No `Debug`, so that none can be printed.
#[derive(Clone, Default)]
pub(super) struct Params {
    pairs: Vec<(String, String)>,
    secrets: Vec<String>,
}

impl Params {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.pairs.push((name.into(), value.into()));
        self
    }

    /// Sets what is there.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }

    /// Sets a value that no message or log may repeat.
    pub(super) fn secret(mut self, name: &str, value: String) -> Self {
        self.secrets.push(value.clone());
        self.set(name, value)
    }

    /// `name.1`, `name.2`, …
    pub(super) fn list(
        self,
        name: &str,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let numbered = values.into_iter().zip(1..);
        numbered.fold(self, |params, (value, n)| params.set(format!("{name}.{n}"), value))
    }

    pub(super) fn filters(mut self, filters: &[Filter]) -> Self {
        for (filter, n) in filters.iter().zip(1..) {
            self = self.set(format!("Filter.{n}.Name"), filter.name());
            self = self.list(&format!("Filter.{n}.Value"), filter.values());
        }
        self
    }

    pub(super) fn tags(mut self, name: &str, tags: &[Tag]) -> Self {
        for (tag, n) in tags.iter().zip(1..) {
            self = self.set(format!("{name}.{n}.Key"), &tag.key);
            self = self.set(format!("{name}.{n}.Value"), &tag.value);
        }
        self
    }

    /// Tags to lay on the things of these types that the call creates.
    pub(super) fn tag_specifications(mut self, types: &[&str], tags: &[Tag]) -> Self {
        if tags.is_empty() {
            return self;
        }
        for (kind, n) in types.iter().zip(1..) {
            self = self.set(format!("TagSpecification.{n}.ResourceType"), *kind);
            self = self.tags(&format!("TagSpecification.{n}.Tag"), tags);
        }
        self
    }

    /// The body of a request.
    pub(super) fn form(&self, action: &str) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", VERSION)
            .extend_pairs(&self.pairs)
            .finish()
    }

    /// The secret values, as they are and as they stand in the body.
    pub(super) fn secrets(&self) -> impl Iterator<Item = String> {
        self.secrets.iter().flat_map(|secret| {
            let encoded = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            [secret.clone(), encoded]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Action=Do&Version=2016-11-15";

    #[test]
    fn lists_are_numbered_from_one() {
        let params = Params::new()
            .list("InstanceId", ["i-1", "i-2"])
            .maybe("A", None::<&str>)
            .maybe("B", Some("b"));
        assert_eq!(params.form("Do"), format!("{HEAD}&InstanceId.1=i-1&InstanceId.2=i-2&B=b"));
        assert_eq!(Params::new().list("X", [""; 0]).form("Do"), HEAD);
    }

    #[test]
    fn filters_nest_their_values() {
        let filters = [Filter::new("zone", ["a", "b"]), Filter::tag("k", "v")];
        assert_eq!(
            Params::new().filters(&filters).form("Do"),
            format!(
                "{HEAD}&Filter.1.Name=zone&Filter.1.Value.1=a&Filter.1.Value.2=b&Filter.2.Name=tag%3Ak&Filter.2.Value.1=v"
            )
        );
    }

    #[test]
    fn each_created_type_gets_all_tags() {
        let tags = [Tag::new("k", "ä &=+")];
        assert_eq!(
            Params::new().tag_specifications(&["instance", "volume"], &tags).form("Do"),
            format!(
                "{HEAD}&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k\
                 &TagSpecification.1.Tag.1.Value=%C3%A4+%26%3D%2B&TagSpecification.2.ResourceType=volume\
                 &TagSpecification.2.Tag.1.Key=k&TagSpecification.2.Tag.1.Value=%C3%A4+%26%3D%2B"
            )
        );
        assert_eq!(Params::new().tag_specifications(&["instance"], &[]).form("Do"), HEAD);
    }

    #[test]
    fn secrets_are_known_in_both_spellings() {
        let params = Params::new().secret("UserData", "a+b=".to_owned());
        assert_eq!(params.secrets().collect::<Vec<_>>(), ["a+b=", "a%2Bb%3D"]);
    }
}
