//! An FRR that is none: it keeps lines, prints them back, and has no sessions. For many agents on one machine; what real FRR does
//! with lines is not in it.

mod configuration;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use frrk8s_document::{Daemon, Dialect, Version};
use tempfile::TempDir;

use configuration::Configuration;

const VERSION: Version = Version { major: 10, minor: 3 };

/// Daemons that answer in a directory of their own, until the process ends.
#[derive(Debug)]
pub struct FakeFrr {
    directory: TempDir,
    bgpd: Arc<Mutex<Configuration>>,
}

impl FakeFrr {
    /// Starts it.
    pub fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut bgpd = Arc::default();
        for daemon in Dialect::new(VERSION).daemons() {
            let path = directory.path().join(daemon.name()).with_extension("vty");
            let listener = UnixListener::bind(path).unwrap();
            let configuration: Arc<Mutex<Configuration>> = Arc::default();
            if *daemon == Daemon::Bgpd {
                bgpd = Arc::clone(&configuration);
            }
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let configuration = Arc::clone(&configuration);
                    thread::spawn(move || Conversation::new(configuration).hold(stream));
                }
            });
        }
        Self { directory, bgpd }
    }

    /// Where its sockets are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What bgpd keeps.
    pub fn bgpd(&self) -> String {
        self.bgpd.lock().unwrap_or_else(PoisonError::into_inner).print()
    }
}

/// One connection.
struct Conversation {
    configuration: Arc<Mutex<Configuration>>,
    /// The contexts that are open; `None` outside of configuration.
    path: Option<Vec<String>>,
}

impl Conversation {
    fn new(configuration: Arc<Mutex<Configuration>>) -> Self {
        Self { configuration, path: None }
    }

    fn hold(mut self, mut stream: UnixStream) {
        let (mut line, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            for &byte in &buffer[..count] {
                if byte != 0 {
                    line.push(byte);
                    continue;
                }
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                let reply = [self.answer(&text).as_bytes(), &[0, 0, 0, 0]].concat();
                if stream.write_all(&reply).is_err() {
                    return;
                }
            }
        }
    }

    fn answer(&mut self, line: &str) -> String {
        let mut configuration = self.configuration.lock().unwrap_or_else(PoisonError::into_inner);
        match (line, &mut self.path) {
            ("end", path) => {
                *path = None;
                String::new()
            }
            (_, Some(path)) => {
                configuration.take(path, line);
                String::new()
            }
            ("configure terminal" | "configure terminal file-lock", path) => {
                *path = Some(Vec::new());
                String::new()
            }
            ("show version", None) => format!("FRRouting {VERSION} (fake) on Linux.\n"),
            ("show running-config", None) => format!(
                "Building configuration...\n\nCurrent configuration:\n!\nfrr version {VERSION}\nfrr defaults traditional\n\
                 {}!\nend\n",
                configuration.print()
            ),
            (line, None) if line.starts_with("show bfd ") => "[]\n".to_owned(),
            (line, None) if line.ends_with(" json") => "{}\n".to_owned(),
            (_, None) => String::new(),
        }
    }
}
