//! The node of an example, and the routers on the other ends of its sessions.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use frrk8s_delta::{Delta, SessionChange, SessionDelta, SessionId};
use frrk8s_document::Document;
use frrk8s_testkit::lab::{
    Daemon, Family, FrrInstall, Host, LabError, Lan, Node, Router, RouterOptions, wait_until,
};

use super::examples::Example;
use super::place::{Scene, document};
use crate::standing::{Counters, End, Ends};
use crate::{bfd, dialect, send};

/// How long it may take until a route that a live session brings is there.
const ROUTE_LIMIT: Duration = Duration::from_secs(20);

/// Where those routes begin; the node takes them.
const MARKERS: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 0);

/// BFD's echoes come back because the other router forwards them, to their sender's own address.
const RETURN_ECHOES: &str = "cd /proc/sys/net/ipv4; echo 1 >ip_forward
    for device in all e0; do echo 0 >conf/$device/rp_filter; echo 1 >conf/$device/accept_local; done";

/// What happened to the session of an example, where it is not what was expected.
pub type Surprise = Box<dyn Error + Send + Sync>;

/// The node of a scene, with its sessions up.
pub struct Lab {
    node: Router,
    scene: Scene,
    running: Document,
    /// By VRF, the default one first.
    fars: Vec<(Option<&'static str>, Node)>,
    /// The number of routes that the other routers sent to show that they are there.
    markers: u32,
    _wires: Vec<Lan>,
}

/// How often each session came up and dropped, on both ends.
type Counted = BTreeMap<SessionId, [Counters; 2]>;

fn session(vrf: Option<&str>, peer: &str) -> SessionId {
    SessionId { vrf: vrf.map(Into::into), peer: peer.into() }
}

impl Lab {
    /// Starts all routers.
    pub fn start(install: &FrrInstall, scene: Scene) -> Result<Self, Surprise> {
        let mut wire = Lan::new()?;
        let host = wire.host()?;
        let mut options = RouterOptions::default();
        let mut fars = vec![(None, far(&mut wire, install, scene)?)];
        let mut wires = vec![wire];
        if scene == Scene::Vrf {
            let mut wire = Lan::new()?;
            let Host { namespace, .. } = wire.host()?;
            options.vrfs.push(("red".to_owned(), namespace));
            fars.push((Some("red"), far(&mut wire, install, scene)?));
            wires.push(wire);
        }
        for host in [&host, &fars[0].1.host] {
            host.namespace.run("sh", &["-ec", RETURN_ECHOES])?;
        }
        let node = Router::start(install, &host.namespace, options)?;
        // Where a batch has maps in it, new sessions wait that long.
        node.configure(Daemon::Bgpd, &["bgp route-map delay-timer 1"])?;
        let running = Document::default();
        let mut lab = Self { node, scene, running, fars, markers: 0, _wires: wires };
        let scene = document(dialect(&lab.node), &scene.lines());
        lab.go(&scene, &[])?;
        Ok(lab)
    }

    /// Tells the line of an example and takes it back: what it does to the session must be what the table says.
    pub fn check(&mut self, example: &Example) -> Result<(), Surprise> {
        let [before, after] = example.documents(dialect(&self.node));
        self.go(&before, &[])?;
        let to_far = example.far;
        self.expect(example, &after, true)?;
        self.go(&after, to_far[0]).map_err(|what| format!("told: {what}"))?;
        self.expect(example, &before, false)?;
        self.go(&before, to_far[1]).map_err(|what| format!("taken back: {what}"))?;
        Ok(())
    }

    fn delta(&self, to: &Document) -> Delta {
        let dialect = dialect(&self.node);
        Delta::new(dialect, &dialect.by_daemon(&self.running), &dialect.by_daemon(to))
    }

    /// Whether the delta says of each session what the table says of the line, and of the others nothing.
    fn expect(&self, example: &Example, to: &Document, told: bool) -> Result<(), Surprise> {
        let (vrf, peer) = example.session;
        let its_own = session(vrf, peer);
        let effect = example.effect(dialect(&self.node).version(), told);
        let sessions = self.delta(to).sessions;
        if !sessions.contains_key(&its_own) {
            return Err(format!("the delta says nothing of {its_own}").into());
        }
        for (id, SessionDelta { change, because }) in sessions {
            let expected = if id == its_own { effect.into() } else { SessionChange::Untouched };
            let comes_or_goes = matches!(change, SessionChange::Added | SessionChange::Removed);
            // A line without which there is no session.
            let makes = comes_or_goes && id == its_own && expected == SessionChange::Reset;
            if change != expected && !makes {
                let told = if told { "told" } else { "taken back" };
                return Err(format!("{told}: the delta says {change:?} of {id} because {because:?}").into());
            }
        }
        Ok(())
    }

    /// Changes the configuration, then what the other router needs: the sessions do what the delta says.
    fn go(&mut self, to: &Document, to_far: &[&str]) -> Result<(), Surprise> {
        let delta = self.delta(to);
        let up_before = self.up(delta.sessions.keys())?;
        let was_closed = self.running.print().contains(" shutdown");
        let was_there = |id: &&SessionId| delta.sessions[*id].change != SessionChange::Added && !was_closed;
        if let Some(down) = delta.sessions.keys().filter(was_there).find(|id| !up_before.contains(id)) {
            return Err(format!("{down} was not up before").into());
        }
        let before = self.counted(delta.sessions.keys())?;
        let refused = send(&self.node, &delta)?;
        if !refused.is_empty() {
            return Err(format!("refused: {refused:?}").into());
        }
        self.running = to.clone();
        let keeps = |id: &SessionId| delta.sessions[id].keeps_connection();
        for id in up_before.iter().filter(|id| !keeps(id)) {
            self.ends(id).wait_drop(before[id][1])?;
        }
        self.tell_far(to_far)?;
        let closed = to.print().contains(" shutdown");
        let removed = |id: &SessionId| delta.sessions[id].change == SessionChange::Removed;
        let there: Vec<&SessionId> = delta.sessions.keys().filter(|id| !removed(id) && !closed).collect();
        let wait_up = || there.iter().try_for_each(|id| self.ends(id).wait_up());
        wait_up()?;
        let runs_bfd = to.print().contains("neighbor 192.0.2.2 bfd\n");
        let both = [&self.node, &self.fars[0].1.router];
        bfd::wait(both, runs_bfd)?;
        if runs_bfd {
            bfd::wait_heartbeats(both)?;
        }
        // On its way up, BFD takes young sessions down once more.
        wait_up()?;
        self.prove_alive(&there)?;
        for (id, after) in self.counted(there.into_iter().filter(|id| keeps(id)))? {
            if up_before.contains(&id) && after != before[&id] {
                return Err(format!("{id} was to stay up: {:?}, then {after:?}", before[&id]).into());
            }
        }
        Ok(())
    }

    /// Waits for routes that the other routers send from now on.
    fn prove_alive(&mut self, sessions: &[&SessionId]) -> Result<(), Surprise> {
        for (vrf, far) in &self.fars {
            if !sessions.iter().any(|id| id.vrf.as_deref() == *vrf) {
                continue;
            }
            self.markers += 1;
            let marker = format!("{}/32", Ipv4Addr::from_bits(MARKERS.to_bits() + self.markers));
            let network = format!("network {marker}");
            let lines = [far_router(self.scene), "address-family ipv4 unicast", &network];
            far.router.configure(Daemon::Bgpd, &lines)?;
            wait_until(ROUTE_LIMIT, &format!("{marker} to arrive"), || {
                Ok(!self.node.bgp_paths(Family::Ipv4, *vrf, &marker)?.is_empty())
            })?;
        }
        Ok(())
    }

    fn tell_far(&self, lines: &[&str]) -> Result<(), Surprise> {
        let refused = self.fars[0].1.router.configure(Daemon::Bgpd, lines)?;
        if refused.is_empty() { Ok(()) } else { Err(format!("the other router refused {refused:?}").into()) }
    }

    fn ends<'a>(&'a self, id: &'a SessionId) -> Ends<'a> {
        let (vrf, peer) = (id.vrf.as_deref(), id.peer.to_string());
        let far = self.fars.iter().find(|(far_vrf, _)| *far_vrf == vrf).unwrap_or(&self.fars[0]);
        // Over an interface, both ends have the same name.
        let own = if peer.contains('.') { "192.0.2.1".to_owned() } else { peer.clone() };
        Ends {
            node: End { router: &self.node, vrf, peer },
            far: End { router: &far.1.router, vrf: None, peer: own },
        }
    }

    fn counted<'a>(&self, ids: impl Iterator<Item = &'a SessionId>) -> Result<Counted, Surprise> {
        ids.map(|id| Ok((id.clone(), self.ends(id).counters()?))).collect()
    }

    fn up<'a>(&self, ids: impl Iterator<Item = &'a SessionId>) -> Result<Vec<SessionId>, Surprise> {
        let mut up = Vec::new();
        for id in ids {
            if self.ends(id).is_up()? {
                up.push(id.clone());
            }
        }
        Ok(up)
    }
}

fn far_router(scene: Scene) -> &'static str {
    if scene == Scene::Internal { "router bgp 64512" } else { "router bgp 64513" }
}

/// The other router: it takes whatever AS the node says, over all families.
fn far(wire: &mut Lan, install: &FrrInstall, scene: Scene) -> Result<Node, LabError> {
    let far = wire.router(install, RouterOptions::default())?;
    let remote = if scene == Scene::Internal { "internal" } else { "external" };
    let bfd = if scene == Scene::Bfd { "neighbor 192.0.2.1 bfd profile fast" } else { "" };
    let config = format!(
        "bgp route-map delay-timer 1
{}
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 neighbor 192.0.2.1 remote-as {remote}
 neighbor 192.0.2.1 timers connect 1
 {bfd}
 neighbor e0 interface remote-as {remote}
 neighbor e0 timers connect 1
 address-family ipv4 unicast
  neighbor 192.0.2.1 activate
  neighbor e0 activate
 exit-address-family
 address-family ipv6 unicast
  neighbor 192.0.2.1 activate
 exit-address-family
 address-family l2vpn evpn
  neighbor 192.0.2.1 activate
 exit-address-family
exit
",
        far_router(scene)
    );
    let lines: Vec<&str> = config.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let profile =
        ["bfd", "profile fast", "receive-interval 50", "transmit-interval 50", "detect-multiplier 12"];
    far.router.configure(Daemon::Bfdd, &profile)?;
    let refused = far.router.configure(Daemon::Bgpd, &lines)?;
    assert!(refused.is_empty(), "{refused:?}");
    Ok(far)
}
