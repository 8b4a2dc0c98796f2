//! Users.

use super::Site;
use crate::{Id, Secret, model};

/// A person who uses slices. The user stays until what they created is gone.
#[model(table = users)]
pub struct User {
    /// Its key.
    pub id: Id<User>,
    /// The address, which is also the name at log-in.
    #[unique]
    #[label]
    pub email: String,
    /// The first name.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
    /// The telephone number.
    pub phone: Option<String>,
    /// The page on the web.
    pub user_url: Option<String>,
    /// Where the user belongs.
    #[references(Site)]
    pub site_id: Id<Site>,
    /// The SSH key that opens the user's instances.
    pub public_key: Option<String>,
    /// The password of the accounts that Synchronizers make for the user.
    pub password: Option<Secret>,
    /// Whether the user may do anything at all.
    #[default(true)]
    pub is_active: bool,
    /// Whether the user may do everything.
    #[default(false)]
    pub is_admin: bool,
    /// Whether the user may only look.
    #[default(false)]
    pub is_readonly: bool,
    /// The name of the key pair at the backend, where it keeps key pairs (EC2).
    #[backend]
    pub key_name: Option<String>,
    /// The backend's fingerprint of that key pair.
    #[backend]
    pub key_fingerprint: Option<String>,
}
