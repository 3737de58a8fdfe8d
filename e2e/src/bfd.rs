//! BFD sessions of two routers with each other.

use std::time::Duration;

use frrk8s_testkit::lab::{Daemon, LabError, Router, wait_until};

/// How long BFD may take to come up or to end; a second is usual.
const LIMIT: Duration = Duration::from_secs(40);

/// More packets than any detection multiplier of the tests: who has received them would have missed the others.
const BEATS: u64 = 15;

/// Whether each of a router's BFD sessions is up; none where it has none.
fn are_up(router: &Router) -> Result<Vec<bool>, LabError> {
    let peers = router.show_json(Daemon::Bfdd, "show bfd peers json")?;
    Ok(peers.as_array().into_iter().flatten().map(|peer| peer["status"] == "up").collect())
}

/// What each of a router's BFD sessions received, at the least.
fn received(router: &Router) -> Result<u64, LabError> {
    let counted = router.show_json(Daemon::Bfdd, "show bfd peers counters json")?;
    let peers = counted.as_array().into_iter().flatten();
    Ok(peers.filter_map(|peer| peer["control-packet-input"].as_u64()).min().unwrap_or_default())
}

/// Waits until all BFD is up on both routers, or has ended on both.
pub fn wait(routers: [&Router; 2], to_be_up: bool) -> Result<(), LabError> {
    let what = if to_be_up { "BFD to be up" } else { "BFD to end" };
    let is_so = |up: &[bool]| {
        if to_be_up { !up.is_empty() && up.iter().all(|up| *up) } else { !up.contains(&true) }
    };
    routers.iter().try_for_each(|router| wait_until(LIMIT, what, || Ok(is_so(&are_up(router)?))).map(drop))
}

/// Waits for longer than it takes one of them to see the other dead.
pub fn wait_heartbeats(routers: [&Router; 2]) -> Result<(), LabError> {
    let [one, other] = routers;
    let before = (received(one)?, received(other)?);
    let beaten = || Ok(received(one)? >= before.0 + BEATS && received(other)? >= before.1 + BEATS);
    wait_until(LIMIT, "the heartbeat of BFD", beaten).map(drop)
}
