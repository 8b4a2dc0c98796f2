//! The HTTP client, on the TLS stack of the whole workspace (rustls with ring).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::ConfigError;
use super::transport::chain;

/// How long an unused connection is kept: less than the time after which the servers in front of
/// OpenStack close it.
const IDLE: Duration = Duration::from_secs(4);

/// The client for the cloud whose Keystone is at `keystone`. One on this machine is reached without a
/// proxy.
pub(super) fn client(
    keystone: &Url,
    ca_file: Option<&Path>,
    connect_timeout: Duration,
) -> Result<reqwest::Client, ConfigError> {
    let tls = match ca_file {
        Some(file) => trusting(roots(file)?),
        // An unencrypted address needs no CA certificates, and small test machines have none.
        None => encrypted().or_else(|error| match keystone.scheme() {
            "http" => trusting(RootCertStore::empty()),
            _ => Err(error),
        }),
    };
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.map_err(tls_error)?)
        .user_agent(concat!("xos-sync-openstack/", env!("CARGO_PKG_VERSION")))
        .http1_only()
        .tcp_nodelay(true)
        // A token is sent to the hosts of the catalogue only.
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(connect_timeout)
        .pool_idle_timeout(IDLE);
    if is_local(keystone) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(tls_error)
}

fn tls_error(error: impl std::error::Error) -> ConfigError {
    ConfigError::Tls { why: chain(&error) }
}

fn roots(file: &Path) -> Result<RootCertStore, ConfigError> {
    let wrong = |why: String| ConfigError::CaFile { file: file.to_owned(), why };
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate".to_owned()));
    }
    Ok(roots)
}

fn encrypted() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_hosts_are_known() {
        let local = |url| is_local(&Url::parse(url).unwrap());
        assert!(
            local("http://127.0.0.1:5000/v3")
                && local("http://[::1]/")
                && local("http://localhost")
        );
        assert!(!local("https://keystone.example.org/v3") && !local("http://10.0.0.1"));
    }

    #[test]
    fn an_unencrypted_address_needs_no_certificates() {
        client(&Url::parse("http://127.0.0.1:1").unwrap(), None, IDLE).unwrap();
    }

    #[test]
    fn a_ca_file_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let https = Url::parse("https://127.0.0.1:1").unwrap();
        let said = |file: &Path| client(&https, Some(file), IDLE).unwrap_err().to_string();
        assert!(said(&file).contains("ca.pem"), "{}", said(&file));
        std::fs::write(&file, "nothing").unwrap();
        assert!(said(&file).contains("holds no certificate"), "{}", said(&file));
    }
}
