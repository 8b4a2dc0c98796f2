//! What an instance's change of image means for its server.

use std::env::{self, VarError};

use thiserror::Error;

/// What happens when the image of an instance changes that has a server already. OpenStack can rebuild the
/// server of the new image: its id, name and addresses stay, but what is on its disk is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageChange {
    /// The row says that this cannot be, and what to do instead.
    #[default]
    Refuse,
    /// The server is rebuilt.
    Rebuild,
}

/// The variable says something else than `refuse` or `rebuild`.
#[derive(Debug, Error)]
#[error("XOS_OPENSTACK_IMAGE_CHANGE is {0:?}: set it to `refuse` or `rebuild`")]
pub struct ImageChangeError(String);

impl ImageChange {
    /// The environment variable that says which.
    pub const VARIABLE: &str = "XOS_OPENSTACK_IMAGE_CHANGE";

    /// From [`VARIABLE`](Self::VARIABLE), `refuse` or `rebuild`; else the default, to refuse.
    ///
    /// # Errors
    /// When it says something else.
    pub async fn from_env() -> Result<Self, ImageChangeError> {
        match env::var(Self::VARIABLE) {
            Err(VarError::NotPresent) => Ok(Self::default()),
            Err(VarError::NotUnicode(text)) => {
                Err(ImageChangeError(text.to_string_lossy().into_owned()))
            }
            Ok(text) => Self::parse(&text),
        }
    }

    fn parse(text: &str) -> Result<Self, ImageChangeError> {
        match text.trim() {
            "" | "refuse" => Ok(Self::Refuse),
            "rebuild" => Ok(Self::Rebuild),
            _ => Err(ImageChangeError(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ImageChange;

    #[test]
    fn a_typing_error_is_not_taken_for_consent() {
        assert_eq!(ImageChange::parse(" rebuild ").ok(), Some(ImageChange::Rebuild));
        assert_eq!(ImageChange::parse("").ok(), Some(ImageChange::Refuse));
        let said = ImageChange::parse("Rebuild!").unwrap_err().to_string();
        assert!(said.contains("XOS_OPENSTACK_IMAGE_CHANGE") && said.contains("Rebuild!"), "{said}");
    }
}
