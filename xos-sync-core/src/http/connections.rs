//! How connections are made: TLS, proxies, redirects.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Client, Url, redirect::Policy};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{error::chain, tls};

/// How connections to a backend are made. HTTP/1.1, on rustls. No redirect is followed, since what
/// authenticates a request is for one host only.
#[derive(Debug, Clone)]
pub struct Connections {
    user_agent: String,
    trust: Trust,
    proxied: bool,
    connect_timeout: Duration,
    idle: Duration,
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Those that the system trusts.
    System,
    /// The same; on a system that has none, no encrypted connection comes about, and others do.
    SystemIfAny,
    /// Those in this file, in PEM form, and no others.
    File(PathBuf),
}

/// Why no connections can be made. Nothing was sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The file with the CA's certificate cannot be used.
    #[error("the CA file {} cannot be used: {why}", .file.display())]
    CaFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Encrypted connections cannot be set up, for example because no CA certificates are installed.
    #[error(
        "encrypted connections cannot be set up: {why} (are the system's CA certificates installed?)"
    )]
    Tls {
        /// What is missing.
        why: String,
    },
}

impl Connections {
    /// Connections to this address: one on this machine is reached without a proxy, and an unencrypted
    /// one without certificates. `user_agent` names the program in the backend's logs.
    #[must_use]
    pub fn to(url: &Url, user_agent: impl Into<String>) -> Self {
        let trust = if url.scheme() == "https" { Trust::System } else { Trust::SystemIfAny };
        let connections = Self::anywhere(user_agent).trust(trust);
        if is_local(url) { connections.direct() } else { connections }
    }

    /// Connections to wherever requests go, by the proxy that the environment names (`HTTPS_PROXY` and
    /// the like).
    #[must_use]
    pub fn anywhere(user_agent: impl Into<String>) -> Self {
        tls::provide();
        Self {
            user_agent: user_agent.into(),
            trust: Trust::SystemIfAny,
            proxied: true,
            connect_timeout: Duration::from_secs(5),
            idle: Duration::from_secs(4),
        }
    }

    /// Without a proxy, whatever the environment says.
    #[must_use]
    pub fn direct(mut self) -> Self {
        self.proxied = false;
        self
    }

    /// Whose certificates are trusted; the system's if not set.
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// How long to wait for a connection; 5 seconds if not set.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// How long an unused connection is kept; 4 seconds if not set. To be less than the time after which
    /// the backend closes it, since a request that meets the end of its connection is lost.
    #[must_use]
    pub fn idle(mut self, limit: Duration) -> Self {
        self.idle = limit;
        self
    }

    /// A client that makes such connections, as they are needed.
    ///
    /// # Errors
    /// When there are no certificates to trust.
    pub fn client(&self) -> Result<Client, SetupError> {
        let tls = match &self.trust {
            Trust::System => tls::trusting_system(),
            Trust::SystemIfAny => {
                tls::trusting_system().or_else(|_| tls::trusting(RootCertStore::empty()))
            }
            Trust::File(file) => tls::trusting(roots(file)?),
        };
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| no_tls(&error))?)
            .user_agent(&self.user_agent)
            .http1_only()
            .tcp_nodelay(true)
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.idle);
        if !self.proxied {
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| no_tls(&error))
    }
}

fn no_tls(error: &dyn std::error::Error) -> SetupError {
    SetupError::Tls { why: chain(error) }
}

fn roots(file: &Path) -> Result<RootCertStore, SetupError> {
    let wrong = |why: String| SetupError::CaFile { file: file.to_owned(), why };
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

/// Whether an address is on this machine or its own link, where no proxy can reach it.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn local_addresses_are_known() {
        for local in [
            "http://127.0.0.1:5000/v3",
            "http://[::1]/",
            "http://localhost",
            "http://169.254.169.254",
            "http://[fe80::1]",
        ] {
            assert!(is_local(&url(local)), "{local}");
        }
        for other in ["https://api.example.org/v3", "http://10.0.0.1", "http://[fd00::1]"] {
            assert!(!is_local(&url(other)), "{other}");
        }
    }

    #[test]
    fn an_unencrypted_address_needs_no_certificates() {
        Connections::to(&url("http://127.0.0.1:1"), "test").client().unwrap();
    }

    #[test]
    fn a_ca_file_must_hold_certificates() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let connections = Connections::to(&url("https://127.0.0.1:1"), "test");
        let connections = connections.trust(Trust::File(file.clone()));
        let said = || connections.client().unwrap_err().to_string();
        assert!(said().contains("ca.pem"), "{}", said());
        std::fs::write(&file, "nothing").unwrap();
        assert!(said().contains("holds no certificate"), "{}", said());
    }
}
