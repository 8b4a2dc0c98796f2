//! Key pairs, of which EC2 is given the public half.

use aws_smithy_types::base64;

use super::call::Call;
use super::params::Params;
use super::xml::{Element, Missing};
use super::{Ec2, Ec2Error, Filter, Tag};

/// Which key pairs to list. All conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct KeyPairQuery {
    names: Option<Vec<String>>,
    filters: Vec<Filter>,
}

impl KeyPairQuery {
    /// All key pairs of the account in this region.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only those of these names. The call fails with `NotFound` if one does not exist; the filter
    /// `key-name` does not.
    #[must_use]
    pub fn names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.names.get_or_insert_default().extend(names.into_iter().map(Into::into));
        self
    }

    /// Only those that meet this condition.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }
}

/// A key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyPair {
    /// Its name, unique in account and region.
    pub key_name: String,
    /// Its id, for example `key-0123456789abcdef0`.
    pub key_pair_id: Option<String>,
    /// A digest of the key, in a form that depends on its type.
    pub fingerprint: Option<String>,
    /// The public key in OpenSSH's form, maybe with another comment. Only in listings.
    pub public_key: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
}

impl KeyPair {
    /// The value of a tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        Tag::value_in(&self.tags, key)
    }

    fn read(item: &Element) -> Result<Self, Missing> {
        Ok(Self {
            key_name: item.required("keyName")?,
            key_pair_id: item.text("keyPairId"),
            fingerprint: item.text("keyFingerprint"),
            public_key: item.text("publicKey"),
            tags: Tag::all(item),
        })
    }
}

impl Ec2 {
    /// Lists key pairs, with their public keys.
    ///
    /// # Errors
    /// `NotFound` when one that is asked for by name does not exist.
    pub async fn describe_key_pairs(&self, query: KeyPairQuery) -> Result<Vec<KeyPair>, Ec2Error> {
        let KeyPairQuery { names, filters } = query;
        if Filter::match_nothing(&filters) || names.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let params = Params::new()
            .list("KeyName", names.unwrap_or_default())
            .filters(&filters)
            .set("IncludePublicKey", "true");
        let call = Call::reading("DescribeKeyPairs", "list key pairs", params);
        self.call(&call, |root| root.items("keySet").map(KeyPair::read).collect()).await
    }

    /// Gives EC2 a public key, in OpenSSH's form.
    ///
    /// # Errors
    /// `Duplicate` when the name is taken, even by the same key; `Invalid` when the key is not understood.
    pub async fn import_key_pair(
        &self,
        name: &str,
        public_key: &str,
        tags: &[Tag],
    ) -> Result<KeyPair, Ec2Error> {
        let params = Params::new()
            .set("KeyName", name)
            .set("PublicKeyMaterial", base64::encode(public_key))
            .tag_specifications(&["key-pair"], tags);
        let call = Call::changing("ImportKeyPair", format!("import key pair {name:?}"), params);
        self.call(&call, KeyPair::read).await
    }

    /// Deletes a key pair. Instances that were started with it keep the key. Succeeds if there is none.
    ///
    /// # Errors
    /// See [`ErrorKind`](super::ErrorKind).
    pub async fn delete_key_pair(&self, name: &str) -> Result<(), Ec2Error> {
        let params = Params::new().set("KeyName", name);
        let call = Call::changing("DeleteKeyPair", format!("delete key pair {name:?}"), params);
        self.call(&call, |_| Ok(())).await
    }
}
