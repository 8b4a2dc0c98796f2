//! Nova: connecting servers that run, and taking them off.

use serde_json::json;

use super::call::Call;
use super::{Attachment, Cloud, CloudError, Service};

impl Cloud {
    /// Connects a server once more. Returns when it is done, or has failed. A port that Nova makes for
    /// it goes with the server.
    ///
    /// # Errors
    /// Those of the call; `Conflict` when the server's state does not allow that now, `Invalid` when the
    /// port is in use.
    pub async fn attach(&self, server: &str, to: &Attachment) -> Result<(), CloudError> {
        let fields = match to {
            Attachment::Port(id) => json!({"port_id": id}),
            Attachment::Network(id) => json!({"net_id": id}),
            Attachment::Address { network, address } => {
                json!({"net_id": network, "fixed_ips": [{"ip_address": address}]})
            }
        };
        let asked = format!("connect server {server}");
        let call = Call::post(Service::Compute, ["servers", server, "os-interface"], asked);
        self.act(call.body(json!({"interfaceAttachment": fields}))).await
    }

    /// Begins to take a port off a server. One that Nova made is deleted then, others stay.
    ///
    /// # Errors
    /// Those of the call; `NotFound` when the server has no such port, `Conflict` when its state does not
    /// allow that now.
    pub async fn detach(&self, server: &str, port: &str) -> Result<(), CloudError> {
        let asked = format!("take port {port} off server {server}");
        let path = ["servers", server, "os-interface", port];
        self.act(Call::delete(Service::Compute, path, asked)).await
    }
}
