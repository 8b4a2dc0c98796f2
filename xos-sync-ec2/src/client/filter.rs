//! Conditions for listings.

/// A condition: the property `name` has one of the values. Several filters must all hold; one
/// without values matches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    name: String,
    values: Vec<String>,
}

impl Filter {
    /// A filter by its AWS name, for example `availability-zone`. In the values `*` stands for any
    /// characters and `?` for one; `\` before one of these takes it literally.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }

    /// Has a tag with exactly this value; nothing in it is a wildcard.
    #[must_use]
    pub fn tag(key: &str, value: &str) -> Self {
        Self::tag_in(key, [value])
    }

    /// Has a tag with exactly one of these values, at most 200 of them.
    #[must_use]
    pub fn tag_in(key: &str, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self::new(format!("tag:{key}"), values.into_iter().map(|value| literal(value.as_ref())))
    }

    /// Has a tag with this key, whatever its value; nothing in the key is a wildcard.
    #[must_use]
    pub fn has_tag(key: &str) -> Self {
        Self::new("tag-key", [literal(key)])
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether no object can meet all of them.
    pub(super) fn match_nothing(filters: &[Self]) -> bool {
        filters.iter().any(|filter| filter.values.is_empty())
    }
}

fn literal(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '*' | '?' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_values_are_taken_literally() {
        assert_eq!(Filter::tag("k", r"a*b?\").values, [r"a\*b\?\\"]);
        assert_eq!(Filter::new("k", ["a*"]).values, ["a*"]);
    }

    #[test]
    fn a_filter_without_values_matches_nothing() {
        assert!(Filter::match_nothing(&[Filter::tag("k", "v"), Filter::new("zone", [""; 0])]));
        assert!(!Filter::match_nothing(&[Filter::tag("k", "v")]) && !Filter::match_nothing(&[]));
    }
}
