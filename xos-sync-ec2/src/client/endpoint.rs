//! Where requests go: a URL that was given, or the service's address in a region.

use reqwest::Url;

use super::ConfigError;

/// A checked URL, and its text for messages.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    url: Url,
    text: String,
}

impl Endpoint {
    /// Checks a URL that a user gave.
    pub(super) fn parse(given: &str) -> Result<Self, ConfigError> {
        // The text of a URL with a password in it is not repeated in the error.
        let wrong = |why| Err(ConfigError::Endpoint { why });
        let Ok(url) = Url::parse(given.trim()) else {
            return wrong("it is not a URL such as https://ec2.eu-west-1.amazonaws.com");
        };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return wrong("it must begin with http:// or https:// and name a host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("a user name or password in it is not supported");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("it must end with the path");
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').to_owned(), url })
    }

    /// The service's own address in `region`.
    pub(super) fn of_region(
        region: &str,
        fips: bool,
        dual_stack: bool,
    ) -> Result<Self, ConfigError> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if region.is_empty() || !region.chars().all(known) {
            return Err(ConfigError::Region { region: region.to_owned() });
        }
        let service = if fips { "ec2-fips" } else { "ec2" };
        let suffix = suffix(region, dual_stack);
        Self::parse(&format!("https://{service}.{region}.{suffix}"))
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// The domain of the partition that a region belongs to.
fn suffix(region: &str, dual_stack: bool) -> &'static str {
    let partitions = [
        ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
        ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
        ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ];
    partitions.into_iter().find(|(prefix, ..)| region.starts_with(prefix)).map_or(
        if dual_stack { "api.aws" } else { "amazonaws.com" },
        |(_, v4, both)| {
            if dual_stack { both } else { v4 }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_their_partitions_address() {
        let url =
            |region, fips, both| Endpoint::of_region(region, fips, both).unwrap().text().to_owned();
        assert_eq!(url("eu-west-1", false, false), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(
            url("us-gov-west-1", true, false),
            "https://ec2-fips.us-gov-west-1.amazonaws.com"
        );
        assert_eq!(url("eu-west-1", false, true), "https://ec2.eu-west-1.api.aws");
        assert_eq!(url("cn-north-1", false, false), "https://ec2.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn a_region_cannot_redirect_requests() {
        for region in ["", "x.evil.org/", "eu west", "EU"] {
            assert!(Endpoint::of_region(region, false, false).is_err(), "{region}");
        }
    }

    #[test]
    fn bad_endpoints_are_refused_without_repeating_a_password() {
        for given in ["", "localhost:5000", "ftp://x", "http://u:secret@x", "http://x/?a=b"] {
            let error = Endpoint::parse(given).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
