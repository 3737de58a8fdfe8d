//! A proxy before the daemons' sockets, which sees each line before the daemon does, and can do something about it.
//!
//! It hands on one line after the other, each when the one before it is answered: a daemon that it kills at a line has
//! answered all before it.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use frrk8s_testkit::lab::{Daemon, Router};
use tempfile::TempDir;

/// What is done about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The daemon gets it.
    HandOn,
    /// The daemon is killed instead.
    Kill,
    /// Nobody gets it, and nobody answers.
    Swallow,
}

type Rule = dyn Fn(Daemon, &str) -> Act + Send + Sync;

/// A directory of sockets that lead to a router's. Those that are not proxied are the router's own.
#[derive(Debug)]
pub struct Proxy {
    directory: TempDir,
    told: Arc<Mutex<Vec<String>>>,
    said: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
}

impl Proxy {
    /// A proxy before one daemon of a router.
    pub fn new(router: &Router, daemon: Daemon, rule: impl Fn(&str) -> Act + Send + Sync + 'static) -> Self {
        Self::before(router, &[daemon], move |_, line| rule(line))
    }

    /// A proxy before some daemons of a router.
    pub fn before(
        router: &Router,
        daemons: &[Daemon],
        rule: impl Fn(Daemon, &str) -> Act + Send + Sync + 'static,
    ) -> Self {
        let (told, said, is_over) = (Arc::default(), Arc::default(), Arc::default());
        let proxy = Self { directory: TempDir::new().unwrap(), told, said, is_over };
        let rule: Arc<Rule> = Arc::new(rule);
        for daemon in Daemon::ALL {
            let socket = proxy.directory().join(format!("{daemon}.vty"));
            if daemons.contains(&daemon) && router.socket(daemon).exists() {
                let way = Way {
                    daemon,
                    socket: router.socket(daemon),
                    pid_file: router.run_directory().join(format!("{daemon}.pid")),
                    rule: Arc::clone(&rule),
                    told: Arc::clone(&proxy.told),
                    said: Arc::clone(&proxy.said),
                };
                way.listen(UnixListener::bind(socket).unwrap(), Arc::clone(&proxy.is_over));
            } else {
                symlink(router.socket(daemon), socket).unwrap();
            }
        }
        proxy
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The lines of configuration that the daemons were told, in order.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All that was said to the daemons since it was asked last, in order, also what is no configuration: `bgpd: show
    /// version`.
    pub fn take_said(&self) -> Vec<String> {
        std::mem::take(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets what was told.
    pub fn forget(&self) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for somebody.
        for entry in std::fs::read_dir(self.directory.path()).into_iter().flatten().flatten() {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if !is_link {
                let _ = UnixStream::connect(entry.path());
            }
        }
    }
}

#[derive(Clone)]
struct Way {
    daemon: Daemon,
    socket: PathBuf,
    pid_file: PathBuf,
    rule: Arc<Rule>,
    told: Arc<Mutex<Vec<String>>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Way {
    fn listen(self, listener: UnixListener, ends: Arc<AtomicBool>) {
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let way = self.clone();
                // Either end may go at any time; then so does the other.
                thread::spawn(move || way.serve(stream));
            }
        });
    }

    fn serve(&self, mut client: UnixStream) -> io::Result<()> {
        let mut daemon = UnixStream::connect(&self.socket)?;
        let mut is_configuring = false;
        loop {
            let line = read_until_nul(&mut client)?;
            let text = String::from_utf8_lossy(&line).into_owned();
            let act = (self.rule)(self.daemon, &text);
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push(format!("{}: {text}", self.daemon));
            drop(said);
            match text.as_str() {
                "XFRR_start_configuration" => is_configuring = true,
                "XFRR_end_configuration" => is_configuring = false,
                _ if is_configuring => self.told.lock().unwrap_or_else(PoisonError::into_inner).push(text),
                _ => {}
            }
            match act {
                Act::HandOn => {}
                Act::Kill => {
                    kill(&self.pid_file, "KILL");
                    // The kernel closes the daemon's end when it is gone.
                    while daemon.read(&mut [0; 64])? > 0 {}
                    return Ok(());
                }
                Act::Swallow => loop {
                    read_until_nul(&mut client)?;
                },
            }
            daemon.write_all(&[&line[..], &[0]].concat())?;
            let reply = read_reply(&mut daemon)?;
            client.write_all(&reply)?;
        }
    }
}

/// Sends a signal to the daemon whose number a file has.
pub fn kill(pid_file: &Path, signal: &str) {
    let pid = std::fs::read_to_string(pid_file).unwrap();
    let script = format!("kill -s {signal} {}", pid.trim());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success(), "{script}");
}

fn read_until_nul(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        stream.read_exact(&mut byte)?;
        match byte {
            [0] => return Ok(line),
            [byte] => line.push(byte),
        }
    }
}

/// A reply is text, three NULs, and the status in one byte. Nothing follows it before the next line is told.
fn read_reply(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let (mut reply, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        reply.extend_from_slice(&chunk[..count]);
        if matches!(reply.as_slice(), [.., 0, 0, 0, _]) {
            return Ok(reply);
        }
    }
}

/// A rule that kills at a line, so many times.
pub fn kill_at(line: &'static str, times: usize) -> impl Fn(&str) -> Act + Send + Sync {
    let left = AtomicUsize::new(times);
    let less = |left: usize| left.checked_sub(1);
    move |told| {
        let kills = told == line && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if kills { Act::Kill } else { Act::HandOn }
    }
}
