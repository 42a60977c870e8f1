//! How PostgreSQL is reached: address, encryption, connections, patience.

use super::OpenError;
use secrecy::{ExposeSecret as _, SecretString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where the database is and how much is done at once.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// `postgres://name:password@host:port/database?sslmode=require`.
    pub url: SecretString,
    /// Certificates that the server's is checked against, in PEM; the public authorities where there are none.
    pub authorities: Option<PathBuf>,
    /// Connections for writing.
    pub writers: usize,
    /// Connections for reading.
    pub readers: usize,
    /// Jobs that may wait for either; past it the store says it is not available.
    pub waiting: usize,
    /// The longest that one statement may take.
    pub timeout: Duration,
}

impl PostgresSettings {
    /// The usual settings for a database.
    pub fn new(url: SecretString) -> Self {
        let timeout = Duration::from_secs(5);
        Self { url, authorities: None, writers: 8, readers: 4, waiting: 8_192, timeout }
    }

    /// The parts of the address.
    ///
    /// # Errors
    ///
    /// [`OpenError::Address`], which says what is wrong and not what stands there.
    pub(super) fn parsed(&self) -> Result<Config, OpenError> {
        // What is encrypted is verified in full, so the word for that says the same as `require`.
        let url = self.url.expose_secret().replace("sslmode=verify-full", "sslmode=require");
        let mut config: Config = url.parse().map_err(OpenError::address)?;
        if config.get_application_name().is_none() {
            config.application_name("baton");
        }
        Ok(config)
    }

    /// Where it is, for people: hosts and the database, nothing secret.
    pub fn describe(&self) -> String {
        let Ok(config) = self.parsed() else { return "PostgreSQL".to_owned() };
        let hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
        let database = config.get_dbname().unwrap_or_default();
        format!("PostgreSQL at {}, database {database}", hosts.join(", "))
    }

    /// Connects. The future drives the connection and ends with it.
    pub(super) async fn connect(
        &self,
    ) -> Result<(Client, impl Future<Output = ()> + Send + 'static), OpenError> {
        let config = self.parsed()?;
        let tls = MakeRustlsConnect::new(self.trusting()?);
        let is_plain = config.get_ssl_mode() == tokio_postgres::config::SslMode::Disable;
        let (client, driving): (_, futures_util::future::BoxFuture<'static, ()>) = if is_plain {
            let (client, connection) = config.connect(NoTls).await.map_err(OpenError::unreachable)?;
            (client, Box::pin(async { drop(connection.await) }))
        } else {
            let (client, connection) = config.connect(tls).await.map_err(OpenError::unreachable)?;
            (client, Box::pin(async { drop(connection.await) }))
        };
        Ok((client, driving))
    }

    fn trusting(&self) -> Result<rustls::ClientConfig, OpenError> {
        let mut roots = rustls::RootCertStore::empty();
        match &self.authorities {
            Some(path) => read_authorities(path, &mut roots)?,
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| OpenError::Authorities(error.to_string()))?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

fn read_authorities(path: &Path, roots: &mut rustls::RootCertStore) -> Result<(), OpenError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let wrong = |error: String| OpenError::Authorities(format!("{}: {error}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() { Err(wrong("no certificate in it".to_owned())) } else { Ok(()) }
}

fn host(host: &tokio_postgres::config::Host) -> String {
    match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        tokio_postgres::config::Host::Unix(folder) => folder.display().to_string(),
    }
}
