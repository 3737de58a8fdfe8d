//! A node with its agent, and the cast around it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::thread;

use frrk8s_api::FRRConfiguration;
use frrk8s_model::IpNet;
use frrk8s_testkit::cluster::Cluster;
use frrk8s_testkit::lab::{
    FrrInstall, Host, LabError, Lan, Namespace, Router, RouterOptions, installs, wait_until,
};
use serde_json::Value;

use super::api::ground;
use super::cast::{addresses, always_block, enter};
use super::outcome::Outcome;
use super::subject::{LIMIT, Subject};
use super::{By, Families, Scenario, objects, outcome, split};
use crate::oracle::{agrees, taken};
use crate::other::Other;

/// Where scenarios are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the default VRF.
    Default,
    /// In the VRF `red`.
    Red,
}

impl Place {
    fn vrf(self) -> Option<&'static str> {
        (self == Self::Red).then_some("red")
    }
}

/// A node and the cast around it.
pub struct Stage {
    subject: Subject,
    cast: Vec<Other>,
    /// Where the sessions are.
    host: Host,
    _wires: Vec<Lan>,
    families: Families,
    place: Place,
}

/// Plays scenarios on every FRR, in each of the families; first as they are written, then split by everything.
///
/// # Panics
///
/// When something else is seen.
pub fn play(executable: &Path, scenarios: &[Scenario], (families, place): (&[Families], Place)) {
    let Some(cluster) = ground() else { return };
    thread::scope(|scope| {
        for install in installs() {
            for families in families {
                let install = install.clone();
                scope.spawn(move || {
                    let mut stage = Stage::set(executable, (cluster, &install), (*families, place));
                    let ways = [None].into_iter().chain(By::ALL.map(Some));
                    ways.for_each(|by| scenarios.iter().for_each(|scenario| stage.play(scenario, by)));
                });
            }
        }
    });
}

impl Stage {
    /// A stage in a cluster.
    pub fn set(
        executable: &Path,
        (cluster, install): (&'static Cluster, &FrrInstall),
        (families, place): (Families, Place),
    ) -> Self {
        let mut wire = Lan::new().unwrap();
        let host = wire.host().unwrap();
        let mut wires = Vec::new();
        let (at, vrfs) = match place.vrf() {
            None => (host.clone(), Vec::new()),
            Some(vrf) => {
                let mut other = Lan::new().unwrap();
                let at = other.host().unwrap();
                wires.push(other);
                (at, vec![(vrf.to_owned(), host.namespace.clone())])
            }
        };
        let options = RouterOptions { vrfs, ..RouterOptions::default() };
        let router = Router::start(install, &at.namespace, options).unwrap();
        let cast = enter(&mut wire, install, &host);
        wires.push(wire);
        let subject = Subject::start(executable, cluster, router, &[&always_block()]);
        Self { subject, cast, host, _wires: wires, families, place }
    }

    /// Plays a scenario, its objects split by something where that is possible. What stood before goes.
    ///
    /// # Panics
    ///
    /// When something else is seen.
    pub fn play(&mut self, scenario: &Scenario, by: Option<By>) {
        let whole = objects(scenario.routers);
        let parts: Vec<FRRConfiguration> = match by {
            None => whole.clone(),
            Some(by) => whole.iter().flat_map(|object| split(object, by)).collect(),
        };
        if by.is_some() && parts.len() == whole.len() {
            return;
        }
        let objects = parts.iter().map(|object| self.placed(object)).collect();
        self.subject.put(objects);
        let release = self.subject.router.install().release();
        let split = by.map(|by| format!(" split by {by:?}")).unwrap_or_default();
        let what =
            format!("{}{split}, {:?}, {:?} on FRR {release}", scenario.rule, self.families, self.place);
        self.check(&what, &self.families.outcome(&outcome(scenario.seen)));
    }

    /// An object in the words of this stage.
    fn placed(&self, object: &FRRConfiguration) -> FRRConfiguration {
        let mut object = self.families.object(object);
        for router in &mut object.spec.bgp.routers {
            router.vrf = self.place.vrf().map(str::to_owned);
        }
        object
    }

    fn sessions(&self) -> Vec<(&Other, IpAddr, IpAddr)> {
        let both = |other| addresses(other, &self.host).map(|(peer, own)| (other, peer, own));
        self.cast.iter().flat_map(both).collect()
    }

    fn check(&self, what: &str, expected: &Outcome) {
        // Twice: what has arrived must also stay.
        for look in ["arrives", "stays"] {
            self.check_sessions(&format!("{what}: what {look}"), expected);
            self.check_kernel(what, expected);
            self.subject.wait_in_force(what);
        }
    }

    fn check_sessions(&self, what: &str, expected: &Outcome) {
        for (other, peer, own) in self.sessions() {
            let wanted = expected.get(&peer).cloned().unwrap_or_default();
            let mut seen = wanted.clone();
            let arrived = wait_until(LIMIT, &format!("{what} at {peer}"), || {
                seen.received = other.received(own);
                seen.taken = taken(&self.subject.router, self.place.vrf(), peer);
                Ok(agrees(&wanted.received, &seen.received) && wanted.taken == seen.taken)
            });
            self.subject.expect(&arrived, || format!("--- wanted {wanted:#?}\n--- seen {seen:#?}"));
        }
    }

    /// What is taken of the peers is in the kernel, and nothing else of BGP.
    fn check_kernel(&self, what: &str, expected: &Outcome) {
        let wanted: BTreeSet<IpNet> = expected.values().flat_map(|seen| seen.taken.clone()).collect();
        let mut found = BTreeSet::new();
        let arrived = wait_until(LIMIT, &format!("{what}: the kernel's routes"), || {
            found = kernel_routes(&self.host.namespace)?;
            Ok(found == wanted)
        });
        self.subject.expect(&arrived, || format!("--- wanted {wanted:?}\n--- found {found:?}"));
    }
}

/// The prefixes that the kernel has from BGP.
pub fn kernel_routes(namespace: &Namespace) -> Result<BTreeSet<IpNet>, LabError> {
    let mut routes = BTreeSet::new();
    for family in ["-4", "-6"] {
        let shown = namespace.run("ip", &["-j", family, "route", "show", "proto", "bgp"])?;
        let shown: Value = serde_json::from_str(&shown).unwrap_or_default();
        let prefixes = shown.as_array().into_iter().flatten().filter_map(|route| route["dst"].as_str());
        routes.extend(prefixes.filter_map(|prefix| match (prefix, family) {
            ("default", "-4") => "0.0.0.0/0".parse().ok(),
            ("default", _) => "::/0".parse().ok(),
            (prefix, _) => prefix.parse::<IpNet>().ok(),
        }));
    }
    Ok(routes)
}
