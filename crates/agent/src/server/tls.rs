//! The server's side of TLS: a certificate from a directory, taken anew when its files change, or one of our own making.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{CertificateParams, DnType, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{Error, ServerConfig};
use tracing::{info, warn};

use crate::report::with_sources;

/// How often the files are looked at, at the most.
const LOOK_APART: Duration = Duration::from_secs(2);

/// The least version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.2.
    V12,
    /// 1.3.
    #[default]
    V13,
}

/// How TLS is spoken.
#[derive(Clone, Debug, Default)]
pub struct TlsOptions {
    /// The directory of `tls.crt` and `tls.key`; without one a certificate is made.
    pub directory: Option<PathBuf>,
    /// The least version.
    pub least: TlsVersion,
    /// Whom a certificate that is made is for.
    pub name: Option<String>,
}

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PemError,
    },
    /// The certificate and the key.
    #[error("the certificate and its key cannot be used")]
    Unusable(#[from] Error),
    /// A certificate of our own.
    #[error("no certificate can be made")]
    Made(#[from] rcgen::Error),
}

/// When a file was changed last, and its length; nothing where it is not there.
type Stamp = Option<(SystemTime, u64)>;

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    stamps: [Stamp; 2],
    looked: Instant,
}

/// A certificate and its key, as they are now.
#[derive(Debug)]
pub struct Tls {
    options: TlsOptions,
    current: Mutex<Current>,
}

impl Tls {
    /// Reads the files. Where they cannot be read, a certificate of our own stands in until they can: an agent must
    /// not fail for its figures.
    pub fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let stamps = options.directory.as_deref().map(stamps).unwrap_or_default();
        let config = match options.directory.as_deref().map(|directory| read(directory, options.least)) {
            Some(Ok(config)) => config,
            Some(Err(error)) => {
                warn!("a certificate of our own stands in: {}", with_sources(&error));
                made(&options)?
            }
            None => made(&options)?,
        };
        let current = Mutex::new(Current { config, stamps, looked: Instant::now() });
        Ok(Self { options, current })
    }

    /// What makes a connection one of TLS, with the certificate as it is now.
    pub fn acceptor(&self) -> TlsAcceptor {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(directory) = &self.options.directory
            && current.looked.elapsed() >= LOOK_APART
        {
            current.looked = Instant::now();
            renew(&mut current, directory, self.options.least);
        }
        TlsAcceptor::from(Arc::clone(&current.config))
    }
}

/// Takes the files anew when they have changed; what cannot be used leaves the old ones in force.
fn renew(current: &mut Current, directory: &Path, least: TlsVersion) {
    let stamps = stamps(directory);
    if stamps == current.stamps {
        return;
    }
    current.stamps = stamps;
    match read(directory, least) {
        Ok(config) => {
            info!(directory = %directory.display(), "the certificate was taken anew");
            current.config = config;
        }
        Err(error) => warn!("the certificate stays as it was: {}", with_sources(&error)),
    }
}

fn files(directory: &Path) -> [PathBuf; 2] {
    [directory.join("tls.crt"), directory.join("tls.key")]
}

fn stamps(directory: &Path) -> [Stamp; 2] {
    files(directory).map(|path| {
        let stamp = |metadata: fs::Metadata| io::Result::Ok((metadata.modified()?, metadata.len()));
        fs::metadata(path).and_then(stamp).ok()
    })
}

fn read(directory: &Path, least: TlsVersion) -> Result<Arc<ServerConfig>, TlsError> {
    let [certificate, key] = files(directory);
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| TlsError::Read { path, source }
    };
    let chain: Result<Vec<_>, PemError> =
        CertificateDer::pem_file_iter(&certificate).and_then(Iterator::collect);
    let chain = chain.map_err(failed(&certificate))?;
    let key = PrivateKeyDer::from_pem_file(&key).map_err(failed(&key))?;
    config(chain, key, least)
}

fn made(options: &TlsOptions) -> Result<Arc<ServerConfig>, TlsError> {
    let name = options.name.clone().unwrap_or_else(|| "localhost".to_owned());
    let mut params = CertificateParams::new(vec![name.clone()])?;
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|why| Error::General(why.to_owned()))?;
    config(vec![certificate.der().clone()], key, options.least)
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    least: TlsVersion,
) -> Result<Arc<ServerConfig>, TlsError> {
    let versions: &[_] = match least {
        TlsVersion::V12 => &[&TLS12, &TLS13],
        TlsVersion::V13 => &[&TLS13],
    };
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn write(directory: &Path, name: &str) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(directory.join("tls.crt"), certificate.pem()).unwrap();
        fs::write(directory.join("tls.key"), key.serialize_pem()).unwrap();
    }

    #[test]
    fn a_certificate_is_taken_anew_when_it_can_be_used() {
        let home = tempfile::tempdir().unwrap();
        let directory = Some(home.path().to_owned());
        // There is none yet: one is made.
        let tls = Tls::new(TlsOptions { directory, ..TlsOptions::default() }).unwrap();
        let config = || Arc::clone(&tls.current.lock().unwrap().config);
        let renew = || renew(&mut tls.current.lock().unwrap(), home.path(), TlsVersion::V13);
        let first = config();
        renew();
        assert!(Arc::ptr_eq(&first, &config()), "nothing has changed");
        write(home.path(), "a");
        renew();
        let second = config();
        assert!(!Arc::ptr_eq(&first, &second));
        fs::write(home.path().join("tls.key"), "half a ke").unwrap();
        renew();
        assert!(Arc::ptr_eq(&second, &config()), "what cannot be used changes nothing");
        write(home.path(), "longer than before");
        renew();
        assert!(!Arc::ptr_eq(&second, &config()));
    }
}
