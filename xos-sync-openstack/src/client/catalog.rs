//! PURE: where the services are.

use std::fmt::Write;

use reqwest::Url;
use serde::Deserialize;

use super::Service;

/// Which of a service's addresses is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// The one for everybody.
    #[default]
    Public,
    /// The one inside the cloud's own network.
    Internal,
    /// The one for operators.
    Admin,
}

impl Interface {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Public, Self::Internal, Self::Admin];
        // Older tools write `publicURL`.
        let name = name.strip_suffix("URL").unwrap_or(name);
        all.into_iter().find(|interface| interface.name() == name)
    }
}

/// A service in the catalogue that comes with a token.
#[derive(Clone, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "type")]
    kind: String,
    endpoints: Vec<Address>,
}

#[derive(Clone, Deserialize)]
struct Address {
    interface: String,
    region: Option<String>,
    url: String,
}

/// The address of a service, with its version.
///
/// # Errors
/// Says what the catalogue has instead.
pub(super) fn address(
    catalog: &[Entry],
    service: Service,
    interface: Interface,
    region: Option<&str>,
) -> Result<Url, String> {
    let of_service = catalog.iter().filter(|entry| entry.kind == service.name());
    let known: Vec<_> = of_service.flat_map(|entry| &entry.endpoints).collect();
    let fits = |known: &&&Address| {
        known.interface == interface.name()
            && region.is_none_or(|region| known.region.as_deref() == Some(region))
    };
    match known.iter().find(fits) {
        Some(found) => versioned(service, &found.url),
        None => {
            let mut why = format!("the catalogue has no {} address of {service}", interface.name());
            let _ = region.map(|region| write!(why, " in region {region}"));
            let others = known.iter().map(|known| {
                format!("{} in {}", known.interface, known.region.as_deref().unwrap_or("no region"))
            });
            let others = others.collect::<Vec<_>>().join(", ");
            let _ = match others.as_str() {
                "" => write!(why, ", nor any other"),
                others => write!(why, "; it has: {others}"),
            };
            Err(why)
        }
    }
}

/// The address with the version that is spoken, which catalogues have or lack.
pub(super) fn versioned(service: Service, given: &str) -> Result<Url, String> {
    let mut url = Url::parse(given)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .ok_or_else(|| format!("the address of {service} is not an http(s) URL with a host"))?;
    url.set_query(None);
    url.set_fragment(None);
    // With a version there may be more: Nova's addresses had the project's id in them for long.
    let version = |part: &str| {
        let digits = part.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    if !url.path_segments().is_some_and(|mut parts| parts.any(version))
        && let Ok(mut parts) = url.path_segments_mut()
    {
        parts.pop_if_empty().push(service.version());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_their_version() {
        for (service, given, expected) in [
            (Service::Identity, "http://h:5000", "http://h:5000/v3"),
            (Service::Identity, "http://h/identity/v3/", "http://h/identity/v3/"),
            (Service::Image, "https://h/image", "https://h/image/v2"),
            (Service::Compute, "http://h/v2.1/0123", "http://h/v2.1/0123"),
            (Service::Network, "http://h:9696/", "http://h:9696/v2.0"),
        ] {
            assert_eq!(versioned(service, given).unwrap().as_str(), expected);
        }
        assert!(versioned(Service::Image, "ftp://h").is_err());
        assert!(versioned(Service::Image, "image").is_err());
    }

    #[test]
    fn the_catalogue_is_searched_by_interface_and_region() {
        let catalog: Vec<Entry> = serde_json::from_str(
            r#"[{"type": "image", "endpoints": [
                {"interface": "public", "region": "one", "url": "http://one"},
                {"interface": "internal", "region": "one", "url": "http://inside"},
                {"interface": "public", "region": "two", "url": "http://two"}]}]"#,
        )
        .unwrap();
        let find = |service, interface, region| {
            address(&catalog, service, interface, region).map(|url| url.to_string())
        };
        assert_eq!(find(Service::Image, Interface::Public, None).unwrap(), "http://one/v2");
        assert_eq!(find(Service::Image, Interface::Public, Some("two")).unwrap(), "http://two/v2");
        assert_eq!(find(Service::Image, Interface::Internal, None).unwrap(), "http://inside/v2");
        assert_eq!(
            find(Service::Image, Interface::Admin, Some("two")).unwrap_err(),
            "the catalogue has no admin address of Glance in region two; it has: public in one, \
             internal in one, public in two"
        );
        assert_eq!(
            find(Service::Network, Interface::Public, None).unwrap_err(),
            "the catalogue has no public address of Neutron, nor any other"
        );
    }

    #[test]
    fn interfaces_have_old_names_too() {
        assert_eq!(Interface::named("internalURL"), Some(Interface::Internal));
        assert_eq!(Interface::named("secret"), None);
    }
}
