//! Nova: making servers and changing them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Call;
use super::{Cloud, CloudError, Secret, Server, Service};

/// How a server is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// By a port that exists.
    Port(String),
    /// By a new port in the network with this id, which goes with the server.
    Network(String),
    /// By a new port at this address.
    Address {
        /// The network's id.
        network: String,
        /// The address.
        address: String,
    },
}

/// A server to make.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewServer {
    /// Its name.
    pub name: String,
    /// The id of its image.
    #[serde(rename = "imageRef")]
    pub image_id: String,
    /// The id of its flavor.
    #[serde(rename = "flavorRef")]
    pub flavor_id: String,
    /// How it is connected; not at all if empty.
    #[serde(skip)]
    pub networks: Vec<Attachment>,
    /// The name of a key pair of the caller's.
    pub key_name: Option<String>,
    /// What its first start is given.
    #[serde(skip)]
    pub user_data: Option<Secret>,
    /// The zone that it shall be in; Nova chooses one if not set.
    pub availability_zone: Option<String>,
    /// The host that it shall be on, which only administrators may choose.
    pub host: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its metadata: keys and values of at most 255 characters. It can read them itself.
    pub metadata: BTreeMap<String, String>,
    /// Its tags, of at most 60 characters, without `/` and `,`. Listings find it by them.
    pub tags: Vec<String>,
}

/// What to change of a server. What is not set stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServerChange {
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

impl Attachment {
    fn json(&self) -> Value {
        match self {
            Self::Port(id) => json!({"port": id}),
            Self::Network(id) => json!({"uuid": id}),
            Self::Address { network, address } => json!({"uuid": network, "fixed_ip": address}),
        }
    }
}

impl NewServer {
    fn call(&self) -> Call {
        let call =
            Call::post(Service::Compute, ["servers"], format!("create server {}", self.name));
        let mut call = call.fields("server", self);
        let networks = match self.networks.as_slice() {
            [] => json!("none"),
            networks => networks.iter().map(Attachment::json).collect(),
        };
        if let Some(body) = &mut call.body {
            body["server"]["networks"] = networks;
            if let Some(data) = &self.user_data {
                let encoded = Secret::new(BASE64.encode(data.reveal()));
                body["server"]["user_data"] = json!(encoded.reveal());
                return call.secret([data, &encoded]);
            }
        }
        call
    }
}

impl Cloud {
    /// Begins to make a server, and answers its id. Nova knows no token by which it would recognise a
    /// request that comes again: mark the server with a tag, and look for that before asking again.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn create_server(&self, server: &NewServer) -> Result<String, CloudError> {
        self.read::<Made>(server.call(), "server").await.map(|made| made.id)
    }

    /// Changes a server's name or description.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn update_server(
        &self,
        id: &str,
        change: &ServerChange,
    ) -> Result<Server, CloudError> {
        let call = Call::put(Service::Compute, ["servers", id], format!("change server {id}"));
        self.read(call.fields("server", change), "server").await
    }

    /// Sets parts of a server's metadata. The others stay.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn set_server_metadata(
        &self,
        id: &str,
        metadata: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        let path = ["servers", id, "metadata"];
        let call = Call::post(Service::Compute, path, format!("set metadata of server {id}"));
        self.act(call.body(json!({"metadata": metadata}))).await
    }

    /// Gives a server exactly these tags.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn set_server_tags(&self, id: &str, tags: &[&str]) -> Result<(), CloudError> {
        let call = Call::put(Service::Compute, ["servers", id, "tags"], format!("tag server {id}"));
        self.act(call.body(json!({"tags": tags}))).await
    }

    /// Begins to give a server another flavor. When it is `VerifyResize`, confirm or revert.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when its state does not allow that now, `Invalid` when it has the
    /// flavor already.
    pub async fn resize_server(&self, id: &str, flavor_id: &str) -> Result<(), CloudError> {
        let asked = format!("resize server {id}");
        self.server_action(id, asked, json!({"resize": {"flavorRef": flavor_id}})).await
    }

    /// Keeps the flavor that a server was resized to.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when it is not `VerifyResize`.
    pub async fn confirm_resize(&self, id: &str) -> Result<(), CloudError> {
        self.server_action(
            id,
            format!("confirm resize of server {id}"),
            json!({"confirmResize": null}),
        )
        .await
    }

    /// Begins to give a server its old flavor again.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when it is not `VerifyResize`.
    pub async fn revert_resize(&self, id: &str) -> Result<(), CloudError> {
        self.server_action(
            id,
            format!("revert resize of server {id}"),
            json!({"revertResize": null}),
        )
        .await
    }

    /// Begins to make a server anew of an image. Its disk is lost; id, name and addresses stay.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when its state does not allow that now.
    pub async fn rebuild_server(&self, id: &str, image_id: &str) -> Result<(), CloudError> {
        let asked = format!("rebuild server {id}");
        self.server_action(id, asked, json!({"rebuild": {"imageRef": image_id}})).await
    }

    /// Begins to switch a server on.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when it is not off.
    pub async fn start_server(&self, id: &str) -> Result<(), CloudError> {
        self.server_action(id, format!("start server {id}"), json!({"os-start": null})).await
    }

    /// Begins to switch a server off.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when it is off.
    pub async fn stop_server(&self, id: &str) -> Result<(), CloudError> {
        self.server_action(id, format!("stop server {id}"), json!({"os-stop": null})).await
    }

    /// Begins to delete a server. It is gone when it is not found any more.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when it is gone.
    pub async fn delete_server(&self, id: &str) -> Result<(), CloudError> {
        let asked = format!("delete server {id}");
        self.act(Call::delete(Service::Compute, ["servers", id], asked)).await
    }

    async fn server_action(&self, id: &str, asked: String, body: Value) -> Result<(), CloudError> {
        let call = Call::post(Service::Compute, ["servers", id, "action"], asked);
        self.act(call.body(body)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_described() {
        let server = NewServer {
            name: "web".to_owned(),
            image_id: "i".to_owned(),
            flavor_id: "f".to_owned(),
            networks: vec![
                Attachment::Network("n".to_owned()),
                Attachment::Address { network: "n".to_owned(), address: "10.0.0.9".to_owned() },
                Attachment::Port("p".to_owned()),
            ],
            user_data: Some("hush".into()),
            tags: vec!["t".to_owned()],
            ..NewServer::default()
        };
        let call = server.call();
        assert_eq!(
            call.body.unwrap(),
            json!({"server": {"name": "web", "imageRef": "i", "flavorRef": "f", "metadata": {}, "tags": ["t"],
                "networks": [{"uuid": "n"}, {"uuid": "n", "fixed_ip": "10.0.0.9"}, {"port": "p"}],
                "user_data": "aHVzaA=="}})
        );
        assert_eq!(call.secrets, ["hush".into(), "aHVzaA==".into()]);
        assert!(!format!("{server:?}").contains("hush"));
        let alone = NewServer { networks: Vec::new(), ..server };
        assert_eq!(alone.call().body.unwrap()["server"]["networks"], "none");
    }
}
