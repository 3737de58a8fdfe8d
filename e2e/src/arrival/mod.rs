//! How long a change takes until it is seen in a router's table: for the examples that print it.

mod kinds;

use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use frrk8s_testkit::lab::{Family, LabError, Router, wait_until};

use crate::standing::{COALESCE, up_for};

pub use kinds::{PEER, kinds};

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_mins(1);
/// How often the table is looked at. Without a pause, looking would keep bgpd from what is waited for.
const LOOK: Duration = Duration::from_millis(1);

/// The routers, from which the change is seen.
#[derive(Clone, Copy, Debug)]
pub struct Routers<'a> {
    /// The one beside the agent.
    pub node: &'a Router,
    /// The second one.
    pub other: &'a Router,
}

/// What is asked of the node, with one thing of it in two ways.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What the change to the first way is, and the one to the second.
    pub names: [&'static str; 2],
    /// The object, each way.
    pub objects: [String; 2],
    /// Whether a way has arrived.
    pub arrived: fn(&Routers<'_>, usize) -> Result<bool, LabError>,
}

/// Whether a router has an IPv4 prefix in its table.
pub fn has(router: &Router, prefix: &str) -> Result<bool, LabError> {
    Ok(!router.bgp_paths(Family::Ipv4, None, prefix)?.is_empty())
}

/// Waits until a session of the node is no longer new: FRR keeps back what it tells a new one.
pub fn wait_idle(node: &Router, peer: Ipv4Addr) -> Result<(), LabError> {
    let is_of_age = || Ok(up_for(node, peer.into())? > COALESCE * 2);
    wait_until(LIMIT, "the session to be of age", is_of_age).map(drop)
}

/// Makes a change of a kind so often there and back, and says how long each took, sorted. `put` asks for an object, and says
/// from when on it counts.
pub fn measure(
    kind: &Kind,
    routers: &Routers<'_>,
    runs: usize,
    put: &mut dyn FnMut(&str) -> Instant,
) -> Result<[Vec<Duration>; 2], LabError> {
    let mut times: [Vec<Duration>; 2] = Default::default();
    for run in 0..=2 * runs {
        let way = (run + 1) % 2;
        let started = put(&kind.objects[way]);
        while !(kind.arrived)(routers, way)? {
            if started.elapsed() > LIMIT {
                return Err(LabError::TimedOut {
                    what: kind.names[way].to_owned(),
                    limit: LIMIT,
                    last: None,
                });
            }
            sleep(LOOK);
        }
        // The first one only sets the stage.
        if run > 0 {
            times[way].push(started.elapsed());
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    Ok(times)
}

/// The median and the 99th percentile of sorted times, in milliseconds.
pub fn median_and_p99(times: &[Duration]) -> [f64; 2] {
    [times.len() / 2, times.len() * 99 / 100].map(|at| times[at].as_secs_f64() * 1000.0)
}
