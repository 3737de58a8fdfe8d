use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::control_plane::Cluster;
use crate::lab::{LabError, output_of};

/// A copy of everything that a cluster stored at one moment.
#[derive(Debug)]
pub struct EtcdSnapshot(TempDir);

impl Cluster {
    /// Kills etcd; the API server stays, and fails whatever it is asked.
    pub fn stop_etcd(&mut self) {
        self.etcd.stop();
    }

    /// Starts etcd again over what it stored. It does not wait: [`Cluster::start_api_server`] does.
    pub fn start_etcd(&mut self) -> Result<(), LabError> {
        self.etcd.start()
    }

    /// Copies what etcd stores. etcd is down for a moment, and afterwards up.
    pub fn snapshot_etcd(&mut self) -> Result<EtcdSnapshot, LabError> {
        self.etcd.stop();
        let copy = TempDir::new_in(self.directory.path()).map_err(LabError::io("cannot make a directory"))?;
        copy_directory(&self.data(), &copy.path().join("data"))?;
        self.etcd.start()?;
        Ok(EtcdSnapshot(copy))
    }

    /// Puts back what etcd stored earlier, as after a disaster: everything stops, etcd's data is replaced, and what ran
    /// before starts again. Resource versions jump back, and will be used for other things than before.
    pub fn restore_etcd(&mut self, snapshot: &EtcdSnapshot) -> Result<(), LabError> {
        self.replace_data(|data| copy_directory(&snapshot.0.path().join("data"), data))
    }

    /// Loses everything that etcd stored, CRDs and service accounts included; otherwise as [`Cluster::restore_etcd`].
    pub fn wipe_etcd(&mut self) -> Result<(), LabError> {
        self.replace_data(|_| Ok(()))
    }

    fn replace_data(&mut self, fill: impl FnOnce(&Path) -> Result<(), LabError>) -> Result<(), LabError> {
        let had_controllers = self.controller_manager.is_started();
        self.controller_manager.stop();
        self.api_server.stop();
        self.etcd.stop();
        fs::remove_dir_all(self.data()).map_err(LabError::io("cannot remove etcd's data"))?;
        fill(&self.data())?;
        self.etcd.start()?;
        self.start_api_server()?;
        if had_controllers {
            self.start_controller_manager()?;
        }
        Ok(())
    }
}

/// As `cp` does it, because etcd's directory must stay closed to others.
fn copy_directory(from: &Path, to: &Path) -> Result<(), LabError> {
    output_of(Command::new("cp").arg("-a").args([from, to])).map(drop)
}
