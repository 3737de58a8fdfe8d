//! The way to the Kubernetes API.

use std::path::PathBuf;

use kube::config::{InferConfigError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

/// Where the API is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiAccess {
    /// As a pod is told, or as kubectl finds it.
    Usual,
    /// What a file says.
    Kubeconfig(PathBuf),
}

/// Why there is no way to the API.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody says where it is.
    #[error("nobody says where the Kubernetes API is")]
    Unknown(#[from] InferConfigError),
    /// The file.
    #[error("{} is no kubeconfig", .path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KubeconfigError,
    },
    /// What was found does not make a client.
    #[error("the Kubernetes API cannot be talked to as it is configured")]
    Client(#[from] kube::Error),
}

impl ApiAccess {
    /// A client. It does not connect yet.
    pub async fn client(&self) -> Result<Client, AccessError> {
        let config = match self {
            Self::Usual => Config::infer().await?,
            Self::Kubeconfig(path) => {
                let failed = |source| AccessError::Kubeconfig { path: path.clone(), source };
                let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
                Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                    .await
                    .map_err(failed)?
            }
        };
        Ok(Client::try_from(config)?)
    }
}
