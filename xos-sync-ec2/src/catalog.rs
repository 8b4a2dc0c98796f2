//! Which of EC2's many images and instance types become rows.

use std::env::{self, VarError};

/// Owner of the official Ubuntu images.
const CANONICAL: &str = "099720109477";

/// The images that [`SyncImages`](crate::steps::SyncImages) lists: all of the account's own, if wanted,
/// and of other owners the newest of each series whose name fits. EC2 has tens of thousands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageCatalog {
    /// Account numbers, `self`, `amazon` or `aws-marketplace`. None: no images are listed.
    pub owners: Vec<String>,
    /// Patterns for the names of others' images, with `*` and `?`. Own images may have any name.
    pub names: Vec<String>,
}

impl ImageCatalog {
    /// Images of these owners; those of others than `self` only if their name fits one of the patterns.
    #[must_use]
    pub fn new(
        owners: impl IntoIterator<Item = impl Into<String>>,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            owners: owners.into_iter().map(Into::into).collect(),
            names: names.into_iter().map(Into::into).collect(),
        }
    }

    /// From `XOS_EC2_IMAGE_OWNERS` and `XOS_EC2_IMAGE_NAMES`, each with commas between; else the
    /// [default](Self::default).
    ///
    /// # Errors
    /// When one of them is not Unicode.
    pub async fn from_env() -> Result<Self, VarError> {
        let default = Self::default();
        Ok(Self {
            owners: list("XOS_EC2_IMAGE_OWNERS")?.unwrap_or(default.owners),
            names: list("XOS_EC2_IMAGE_NAMES")?.unwrap_or(default.names),
        })
    }
}

impl Default for ImageCatalog {
    /// Own images, and Ubuntu's long-term releases for servers.
    fn default() -> Self {
        let names = [14, 16, 18, 20, 22, 24, 26]
            .map(|year| format!("ubuntu/images/*/ubuntu-*-{year}.04-amd64-server-*"));
        Self::new(["self", CANONICAL], names)
    }
}

/// The instance types for which [`SyncNodes`](crate::steps::SyncNodes) adds nodes in each zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeCatalog {
    /// Types or patterns with `*` and `?`, for example `t3.*`. None: no nodes are added.
    pub types: Vec<String>,
}

impl NodeCatalog {
    /// These types.
    #[must_use]
    pub fn new(types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let types = types.into_iter().map(Into::into).collect();
        Self { types }
    }

    /// From `XOS_EC2_INSTANCE_TYPES`, with commas between; else the [default](Self::default).
    ///
    /// # Errors
    /// When it is not Unicode.
    pub async fn from_env() -> Result<Self, VarError> {
        Ok(list("XOS_EC2_INSTANCE_TYPES")?.map_or_else(Self::default, Self::new))
    }
}

impl Default for NodeCatalog {
    /// A few common sizes.
    fn default() -> Self {
        Self::new(["t3.micro", "t3.small", "t3.medium", "m5.large", "m5.xlarge"])
    }
}

fn list(variable: &str) -> Result<Option<Vec<String>>, VarError> {
    match env::var(variable) {
        Ok(text) => Ok(Some(parse(&text))),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> Vec<String> {
    let words = text.split(',').map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_commas_between() {
        assert_eq!(parse(" a, b ,,c"), ["a", "b", "c"]);
        assert_eq!(parse(""), [""; 0]);
    }
}
