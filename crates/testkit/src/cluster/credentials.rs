//! The files that an API server and its clients know each other by.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::lab::LabError;

/// The token of the administrator, a member of `system:masters`. It opens a cluster on this machine's loopback only.
pub(super) const ADMIN_TOKEN: &str = "admin";

/// Paths below one directory.
#[derive(Debug)]
pub(super) struct Credentials {
    directory: PathBuf,
}

impl Credentials {
    /// Writes a new set for an API server at an address.
    pub(super) fn make(directory: PathBuf, address: Ipv4Addr) -> Result<Self, LabError> {
        let credentials = Self { directory };
        fs::create_dir_all(&credentials.directory)
            .map_err(LabError::io("cannot make a directory for credentials"))?;
        write(&credentials.tokens(), &format!("{ADMIN_TOKEN},admin,admin,system:masters\n"))?;
        let (ca, certificate, key) = certificates(address).map_err(failed)?;
        write(&credentials.ca(), &ca)?;
        write(&credentials.certificate(), &certificate)?;
        write(&credentials.key(), &key)?;
        let service_accounts = KeyPair::generate().map_err(failed)?;
        write(&credentials.service_account_key(), &service_accounts.serialize_pem())?;
        write(&credentials.service_account_public_key(), &service_accounts.public_key_pem())?;
        Ok(credentials)
    }

    /// The certificate that signed the API server's.
    pub(super) fn ca(&self) -> PathBuf {
        self.directory.join("ca.crt")
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.directory.join("apiserver.crt")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.directory.join("apiserver.key")
    }

    /// The key that signs the tokens of service accounts.
    pub(super) fn service_account_key(&self) -> PathBuf {
        self.directory.join("service-accounts.key")
    }

    /// Its public half: the API server does not find it in a private key in PKCS #8.
    pub(super) fn service_account_public_key(&self) -> PathBuf {
        self.directory.join("service-accounts.pub")
    }

    pub(super) fn tokens(&self) -> PathBuf {
        self.directory.join("tokens.csv")
    }

    /// Writes a kubeconfig named `label` whose user has a token. The token lies in a file of its own, so that doing
    /// it again under the same name renews it for a client that is running.
    pub(super) fn kubeconfig(&self, label: &str, token: &str, server: &str) -> Result<PathBuf, LabError> {
        let token_file = self.directory.join(format!("{label}.token"));
        write(&token_file, token)?;
        let kubeconfig = self.directory.join(format!("{label}.kubeconfig"));
        let text = format!(
            "apiVersion: v1
kind: Config
current-context: test
contexts:
- name: test
  context: {{cluster: test, user: {label}}}
clusters:
- name: test
  cluster:
    server: {server}
    certificate-authority: {}
users:
- name: {label}
  user:
    tokenFile: {}
",
            self.ca().display(),
            token_file.display()
        );
        write(&kubeconfig, &text)?;
        Ok(kubeconfig)
    }
}

/// A certificate authority's certificate, and a server's with its key, in PEM.
fn certificates(address: Ipv4Addr) -> Result<(String, String, String), rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "frrk8s tests");
    let authority_key = KeyPair::generate()?;
    let ca = authority.self_signed(&authority_key)?;

    let mut server = CertificateParams::new(vec![address.to_string(), "kubernetes.default.svc".to_owned()])?;
    server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let server_key = KeyPair::generate()?;
    let signed = server.signed_by(&server_key, &Issuer::new(authority, authority_key))?;
    Ok((ca.pem(), signed.pem(), server_key.serialize_pem()))
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    fs::write(path, text).map_err(LabError::io(format!("cannot write {}", path.display())))
}

fn failed(error: rcgen::Error) -> LabError {
    LabError::Io { act: "cannot make a certificate".to_owned(), source: std::io::Error::other(error) }
}
