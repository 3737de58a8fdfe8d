//! All that is said to FRR's daemons, overheard: also what is no configuration, such as a `clear`.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use frrk8s_testkit::lab::{Daemon, Router};
use tempfile::TempDir;

use crate::proxy::{Act, Proxy};

/// A directory of sockets that lead to all daemons of a router.
#[derive(Debug)]
pub struct Overheard {
    directory: TempDir,
    said: Arc<Mutex<Vec<String>>>,
    _proxies: Vec<Proxy>,
}

impl Overheard {
    /// Of a router.
    pub fn of(router: &Router) -> Self {
        let (directory, said) = (TempDir::new().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let there = Daemon::ALL.into_iter().filter(|daemon| router.socket(*daemon).exists());
        let proxy = |daemon: Daemon| {
            let heard = Arc::clone(&said);
            let proxy = Proxy::new(router, daemon, move |line| {
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{daemon}: {line}"));
                Act::HandOn
            });
            let socket = format!("{daemon}.vty");
            symlink(proxy.directory().join(&socket), directory.path().join(socket)).unwrap();
            proxy
        };
        let proxies = there.map(proxy).collect();
        Self { directory, said, _proxies: proxies }
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What was said since it was asked last, in order: `bgpd: show version`.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
