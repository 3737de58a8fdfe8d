//! Sessions and policies in a VRF, and routes imported from one VRF into another, seen by real peers.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::time::Duration;

use frrk8s_e2e::oracle::{Route, received_by};
use frrk8s_e2e::other::Other;
use frrk8s_e2e::{Planned, PlannedInput, load};
use frrk8s_model::{IpNet, Peer, PeerId, Vrf, VrfName};
use frrk8s_testkit::lab::{self, FrrInstall, FrrVersion, Host, Lan, Router, RouterOptions, wait_until};

const LIMIT: Duration = Duration::from_mins(1);

/// A node with two wires: one in the default VRF, one in the VRF `red`, each with another router on it.
struct Lab {
    router: Router,
    default: (Host, Other),
    red: (Host, Other),
    _wires: [Lan; 2],
}

impl Lab {
    fn new(install: &FrrInstall) -> Self {
        let (mut lan, mut red_lan) = (Lan::new().unwrap(), Lan::new().unwrap());
        let (host, red_host) = (lan.host().unwrap(), red_lan.host().unwrap());
        let vrfs = vec![("red".to_owned(), red_host.namespace.clone())];
        let options = RouterOptions { vrfs, ..RouterOptions::default() };
        let router = Router::start(install, &host.namespace, options).unwrap();
        let default = Other::frr(&mut lan, install, (65001, 64512), &host);
        let red = Other::frr(&mut red_lan, install, (65002, 64513), &red_host);
        Self { router, default: (host, default), red: (red_host, red), _wires: [lan, red_lan] }
    }

    fn check(&self, name: &str, planned: &Planned) {
        let loaded = load(&self.router, &planned.document, &planned.raw).unwrap();
        assert!(loaded.refused.is_empty(), "{name}: {loaded:#?}");
        let red = Vrf::Named(VrfName::new("red").unwrap());
        for (vrf, (host, other)) in [(Vrf::Default, &self.default), (red, &self.red)] {
            let peer = other.host().v4;
            let id = PeerId { vrf: vrf.clone(), peer: Peer::Address(peer.into()) };
            let in_vrf = vrf.name().map(VrfName::as_str);
            let up = self.router.wait_established(&peer.to_string(), in_vrf, LIMIT);
            up.unwrap_or_else(|error| panic!("{name}, VRF {vrf}: {error}"));
            let wanted = received_by(&planned.config, &id);
            let mut seen: BTreeMap<IpNet, Route> = BTreeMap::new();
            let arrived = wait_until(LIMIT, &format!("{name}: what the peer in VRF {vrf} receives"), || {
                seen = other.received(host.v4.into());
                let same = |(prefix, route): (&IpNet, &Route)| {
                    seen.get(prefix).is_some_and(|seen| seen.communities == route.communities)
                };
                Ok(wanted.len() == seen.len() && wanted.iter().all(same))
            });
            arrived.unwrap_or_else(|error| {
                panic!("{error}\n--- wanted {wanted:#?}\n--- seen {seen:#?}\n{}", planned.document.print())
            });
        }
    }
}

/// Two owners, a router each; `imports` beside the routers.
fn objects(default_imports: &str, red_imports: &str) -> PlannedInput {
    PlannedInput::read(&format!(
        "kind: FRRConfiguration
metadata: {{name: fabric, namespace: ns}}
spec:
  bgp:
    routers:
    - asn: 64512
      id: 192.0.2.1
      prefixes: [198.51.100.0/24, '2001:db8:1::/48']
      imports: [{default_imports}]
      neighbors:
      - address: 192.0.2.2
        asn: 65001
        connectTime: 1s
        dualStackAddressFamily: true
        toAdvertise: {{allowed: {{mode: all}}}}
    - asn: 64513
      vrf: red
      id: 192.0.2.1
      prefixes: [203.0.113.0/24, 203.0.113.128/25, '2001:db8:2::/48']
      imports: [{red_imports}]
      neighbors:
      - address: 192.0.2.2
        asn: 65002
        connectTime: 1s
        dualStackAddressFamily: true
        toAdvertise:
          allowed: {{prefixes: [203.0.113.0/24, '2001:db8:2::/48']}}
          withCommunity: [{{community: '64513:7', prefixes: [203.0.113.0/24]}}]
"
    ))
}

#[test]
fn a_vrf_has_sessions_and_policies_of_its_own() {
    for install in lab::installs() {
        let lab = Lab::new(&install);
        lab.check(&format!("FRR {}", install.release()), &objects("", "").plan());
    }
}

#[test]
fn imported_routes_go_to_whom_they_are_allowed() {
    // On 8.4 what is imported across namespace VRFs is inaccessible, and reaches nobody.
    for install in lab::installs().into_iter().filter(|install| install.version() != FrrVersion::V8_4) {
        for (default, red) in [("{vrf: red}", ""), ("{vrf: red}", "{vrf: default}")] {
            let lab = Lab::new(&install);
            let name = format!("default imports [{default}], red imports [{red}]");
            lab.check(&name, &objects(default, red).plan());
        }
    }
}
