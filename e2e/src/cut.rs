//! A way to bgpd that is cut off after a number of bytes, in the midst of a line or between two: what bgpd has seen of a
//! client that was killed.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::symlink;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use frrk8s_testkit::lab::{Daemon, Router};
use tempfile::TempDir;

/// With this line a client begins to change things. Before, it only looks.
const BEGIN: &[u8] = b"configure terminal\0";

/// A directory of sockets as FRR's, in which bgpd's is one of ours.
#[derive(Debug)]
pub struct Cut {
    directory: TempDir,
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// How many bytes may yet pass from `configure terminal` on; `None` for all.
    left: Option<usize>,
    /// How many have passed.
    passed: usize,
    is_cut: bool,
}

impl Cut {
    /// Before a router. Everything passes.
    pub fn new(router: &Router) -> Self {
        let directory = TempDir::new().unwrap();
        let bgpd = router.socket(Daemon::Bgpd);
        for entry in fs::read_dir(router.run_directory()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "vty") && path != bgpd {
                symlink(&path, directory.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let listener = UnixListener::bind(directory.path().join(bgpd.file_name().unwrap())).unwrap();
        let state = Arc::<Mutex<State>>::default();
        // It ends with the process: nothing tells a listener that its socket is gone.
        thread::spawn({
            let state = Arc::clone(&state);
            move || serve(&listener, &bgpd, &state)
        });
        Self { directory, state }
    }

    /// The directory, for `Sockets`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Lets so many bytes pass of what changes things, counted from `configure terminal`, and cuts both ways then.
    pub fn after(&self, bytes: usize) {
        *self.state.lock().unwrap() = State { left: Some(bytes), ..State::default() };
    }

    /// How many bytes have passed, and whether it was cut.
    pub fn came_to(&self) -> (usize, bool) {
        let state = self.state.lock().unwrap();
        (state.passed, state.is_cut)
    }
}

fn serve(listener: &UnixListener, bgpd: &PathBuf, state: &Arc<Mutex<State>>) {
    for client in listener.incoming() {
        // Who cannot be served sees a connection that ends.
        let (Ok(client), Ok(bgpd)) = (client, UnixStream::connect(bgpd)) else { continue };
        let (Ok(to_client), Ok(from_bgpd)) = (client.try_clone(), bgpd.try_clone()) else { continue };
        thread::spawn(move || copy(from_bgpd, to_client));
        let state = Arc::clone(state);
        thread::spawn(move || forward(client, bgpd, &state));
    }
}

/// All that bgpd says.
fn copy(mut from: UnixStream, mut to: UnixStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

/// What the client says, as far as it may.
fn forward(mut client: UnixStream, mut bgpd: UnixStream, state: &Mutex<State>) {
    let mut chunk = [0; 4096];
    let mut changes = false;
    while let Ok(count @ 1..) = client.read(&mut chunk) {
        // The client waits for the answer to each line outside of a batch: this one begins a chunk.
        changes |= chunk[..count].starts_with(BEGIN);
        let allowed = if changes { state.lock().unwrap().take(count) } else { count };
        if bgpd.write_all(&chunk[..allowed]).is_err() || allowed < count {
            break;
        }
    }
    let _ = bgpd.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
}

impl State {
    /// How many of so many bytes may pass.
    fn take(&mut self, count: usize) -> usize {
        let allowed = self.left.map_or(count, |left| left.min(count));
        self.left = self.left.map(|left| left - allowed);
        self.is_cut |= allowed < count;
        self.passed += allowed;
        allowed
    }
}
