//! The services of a cloud.

use std::fmt;

/// A service that this client calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// Keystone: projects, users, roles.
    Identity,
    /// Glance.
    Image,
    /// Nova.
    Compute,
    /// Neutron.
    Network,
}

/// Nova's microversion for all calls: that of the release Train (2019), the first in which a server is
/// created with its tags and description on a given host, and which still takes a key pair's type from
/// its key. A cloud that is older answers with what it knows instead.
const COMPUTE_MICROVERSION: &str = "2.79";

impl Service {
    /// Its type in the catalogue and in settings.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Image => "image",
            Self::Compute => "compute",
            Self::Network => "network",
        }
    }

    /// The version that is spoken with it, as the last part of its address.
    pub(super) const fn version(self) -> &'static str {
        match self {
            Self::Identity => "v3",
            Self::Image => "v2",
            Self::Compute => "v2.1",
            Self::Network => "v2.0",
        }
    }

    /// The header that asks for a microversion.
    pub(super) const fn microversion(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Compute => Some(("X-OpenStack-Nova-API-Version", COMPUTE_MICROVERSION)),
            Self::Identity | Self::Image | Self::Network => None,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "Keystone",
            Self::Image => "Glance",
            Self::Compute => "Nova",
            Self::Network => "Neutron",
        })
    }
}
