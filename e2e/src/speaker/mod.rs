//! Neighbors that take what they are sent and say when: each listens on an address of its own, answers, and keeps no
//! table. What they are sent can be seen message by message, which a daemon's table does not show.
//!
//! They speak BGP as far as that takes: OPEN, KEEPALIVE, UPDATE as read by [`message`], and ROUTE-REFRESH with its
//! beginning (RFC 7313), by which a test makes a router say now what its policy comes to.

pub mod message;
pub mod wire;

use std::fmt;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{fs, thread};

use frrk8s_model::{Family, IpNet};
use frrk8s_testkit::lab::{LabError, Namespace};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::oracle::Route;
use message::{Kind, Message, open, read, refresh};

const PORT: u16 = 179;
/// How long a listener waits before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// What a speaker saw of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The session came up.
    Up,
    /// It dropped.
    Down,
    /// A route, or another one to the same prefix.
    Announced(IpNet, Route),
    /// The end of a route.
    Withdrawn(IpNet),
    /// From here on all routes of a family are sent again, as was asked.
    SendsAgain(Family),
    /// Something that is not BGP as it is read here.
    Garbled(String),
}

/// Who is told what a speaker sees, and when it was.
pub type Witness = Arc<dyn Fn(Instant, Seen) + Send + Sync>;

/// A neighbor. Dropped, it ends its session.
pub struct Speaker {
    address: IpAddr,
    shared: Arc<Shared>,
    listens: Option<thread::JoinHandle<()>>,
}

struct Shared {
    asn: u32,
    id: Ipv4Addr,
    /// Nobody wants to know what comes.
    witness: Option<Witness>,
    /// The session that is up, to be written to.
    session: Mutex<Option<TcpStream>>,
    ended: Mutex<bool>,
}

impl fmt::Debug for Speaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A listener inside a namespace. A socket stays in the namespace in which it was made, whoever uses it.
fn listen(namespace: &Namespace, address: IpAddr) -> Result<TcpListener, LabError> {
    let path = namespace.path();
    let bind = move || -> io::Result<TcpListener> {
        let namespace = fs::File::open(path)?;
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        let listener = TcpListener::bind(SocketAddr::new(address, PORT))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    // The thread is in the namespace for good.
    let bound = thread::spawn(bind).join().unwrap_or_else(|_| Err(io::Error::other("the thread panicked")));
    bound.map_err(LabError::io(format!("cannot listen on {address}")))
}

impl Speaker {
    /// A neighbor of this AS, at an address of a namespace. Without a witness, what comes is thrown away unread.
    pub fn start(
        namespace: &Namespace,
        (address, asn): (IpAddr, u32),
        witness: Option<Witness>,
    ) -> Result<Self, LabError> {
        let listener = listen(namespace, address)?;
        let id = match address {
            IpAddr::V4(address) => address,
            IpAddr::V6(address) => address.octets().last_chunk::<4>().copied().unwrap_or_default().into(),
        };
        let shared =
            Arc::new(Shared { asn, id, witness, session: Mutex::default(), ended: Mutex::default() });
        let listens = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.serve(&listener)
        });
        Ok(Self { address, shared, listens: Some(listens) })
    }

    /// Asks for all routes of a family again. Whether there was a session to ask over.
    pub fn refresh(&self, family: Family) -> bool {
        let session = self.shared.session.lock().unwrap();
        session.as_ref().is_some_and(|mut session| session.write_all(&refresh(family)).is_ok())
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        *self.shared.ended.lock().unwrap() = true;
        if let Some(session) = &*self.shared.session.lock().unwrap() {
            let _ = session.shutdown(std::net::Shutdown::Both);
        }
        if let Some(listens) = self.listens.take() {
            let _ = listens.join();
        }
    }
}

impl Shared {
    /// One session after the other, until the end.
    fn serve(&self, listener: &TcpListener) {
        while !*self.ended.lock().unwrap() {
            match listener.accept() {
                Ok((stream, _)) => {
                    let is_up = self.session(stream).unwrap_or_default();
                    *self.session.lock().unwrap() = None;
                    if is_up && !*self.ended.lock().unwrap() {
                        self.tell(Seen::Down);
                    }
                }
                Err(_) => thread::sleep(LOOK),
            }
        }
    }

    fn tell(&self, seen: Seen) {
        if let Some(witness) = &self.witness {
            witness(Instant::now(), seen);
        }
    }

    /// One session to its end. Whether it was up.
    fn session(&self, mut stream: TcpStream) -> io::Result<bool> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let (mut is_up, mut families) = (false, Vec::new());
        loop {
            let Ok(Message { kind, body }) = read(&mut stream) else { return Ok(is_up) };
            match kind {
                Kind::Open => {
                    families = message::families(&body);
                    stream.write_all(&open((self.asn, self.id), &families))?;
                    stream.write_all(&message::keepalive())?;
                }
                Kind::Keepalive if is_up => stream.write_all(&message::keepalive())?,
                Kind::Keepalive => {
                    is_up = true;
                    for family in &families {
                        stream.write_all(&message::end_of_routes(*family))?;
                    }
                    *self.session.lock().unwrap() = Some(stream.try_clone()?);
                    self.tell(Seen::Up);
                }
                _ if self.witness.is_none() => {}
                kind => message::seen(kind, &body).into_iter().for_each(|seen| self.tell(seen)),
            }
        }
    }
}
