//! Nova: key pairs, of which it is given the public half.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::call::Call;
use super::{Cloud, CloudError, Pages, Service};

/// A key pair. It belongs to a user, in all projects, and has no id but its name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct KeyPair {
    /// Its name, unique for its user.
    pub name: String,
    /// The public key, as it was given.
    pub public_key: String,
    /// The key's fingerprint.
    pub fingerprint: String,
}

#[derive(Deserialize)]
struct Item {
    keypair: KeyPair,
}

/// Whose key pair is meant: the caller's unless an administrator names another user.
#[derive(Serialize)]
struct Of<'a> {
    user_id: Option<&'a str>,
}

impl Cloud {
    /// A user's key pairs; the caller's own if no user is named.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn key_pairs(&self, user_id: Option<&str>) -> Result<Vec<KeyPair>, CloudError> {
        let call = Call::get(Service::Compute, ["os-keypairs"], "list key pairs");
        let call = call.query(&Of { user_id });
        let items = Pages::<Item>::new(self, call, "keypairs").all().await?;
        Ok(items.into_iter().map(|item| item.keypair).collect())
    }

    /// A key pair by its name.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when there is none.
    pub async fn key_pair(&self, name: &str, user_id: Option<&str>) -> Result<KeyPair, CloudError> {
        let call =
            Call::get(Service::Compute, ["os-keypairs", name], format!("read key pair {name}"));
        self.read(call.query(&Of { user_id }), "keypair").await
    }

    /// Makes a key pair of a public key, for a user; for the caller if no user is named.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when the user has one of this name, `Invalid` when it is no key.
    pub async fn create_key_pair(
        &self,
        name: &str,
        public_key: &str,
        user_id: Option<&str>,
    ) -> Result<KeyPair, CloudError> {
        let call = Call::post(Service::Compute, ["os-keypairs"], format!("create key pair {name}"));
        let fields = json!({"name": name, "public_key": public_key, "user_id": user_id});
        self.read(call.fields("keypair", &fields), "keypair").await
    }

    /// Deletes a key pair. Servers that were made with it keep the key.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn delete_key_pair(
        &self,
        name: &str,
        user_id: Option<&str>,
    ) -> Result<(), CloudError> {
        let asked = format!("delete key pair {name}");
        let call = Call::delete(Service::Compute, ["os-keypairs", name], asked);
        self.act(call.query(&Of { user_id })).await
    }
}
