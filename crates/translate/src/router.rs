//! Routers and their neighbors.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use frrk8s_api as api;
use frrk8s_model::{
    AUDIENCES_MAX, Asn, BfdProfile, BfdProfileName, IpNet, NeighborFragment, Peer, PeerIx, Policy,
    PolicyBuilder, RouterFragment, Rule, Vrf, parse_router_id, shown,
};

use crate::advertise::{self, Advertisable};
use crate::receive::{self, Received};
use crate::report::{Path, Report};
use crate::secrets::Secrets;
use crate::{evpn, prefixes, session};

/// The most routers that an object may have.
const ROUTERS_MAX: usize = 50;

/// The most route map entries that one object may need.
const MAP_ENTRIES_MAX: usize = 1_000_000;

/// What the neighbors of one router have in common.
pub(crate) struct RouterContext<'a> {
    pub(crate) asn: Option<Asn>,
    pub(crate) bfd_profiles: &'a BTreeSet<BfdProfileName>,
    pub(crate) secrets: &'a Secrets,
}

/// A router's own words, before its neighbors are read: imports look at the prefixes of other routers.
struct Head {
    vrf: Option<Vrf>,
    asn: Option<Asn>,
    id: Option<Ipv4Addr>,
    /// By position in the object; `None` where it is no prefix.
    prefixes: Vec<Option<IpNet>>,
}

/// All routers of an object; `None` for one that cannot be had.
pub(crate) fn routers(
    routers: &[api::Router],
    bfd_profiles: &[(BfdProfileName, BfdProfile)],
    secrets: &Secrets,
    bgp_path: &Path<'_>,
    report: &mut Report<'_>,
) -> Vec<Option<RouterFragment>> {
    if routers.len() > ROUTERS_MAX {
        let message = format!("{} routers; {ROUTERS_MAX} are the most", routers.len());
        report.add(Rule::ListTooLong, &bgp_path.field("routers"), message);
    }
    let routers = &routers[..routers.len().min(ROUTERS_MAX)];
    let bfd_profiles = bfd_profiles.iter().map(|(name, _)| name.clone()).collect();
    let heads: Vec<Head> = routers
        .iter()
        .enumerate()
        .map(|(at, router)| head(router, &bgp_path.item("routers", at), report))
        .collect();
    let vrfs: BTreeSet<&Vrf> = heads.iter().filter_map(|head| head.vrf.as_ref()).collect();
    let mut translated = Vec::with_capacity(routers.len());
    let mut room = MAP_ENTRIES_MAX;
    for (at, (router, head)) in routers.iter().zip(&heads).enumerate() {
        let path = bgp_path.item("routers", at);
        let context = RouterContext { asn: head.asn, bfd_profiles: &bfd_profiles, secrets };
        let imports = imports(router, head, &vrfs, &path, report);
        let advertisable = advertisable(router, head, &heads, &imports);
        let parts = body(router, head, imports, &advertisable, (&context, &path), report);
        translated.push(parts.and_then(|parts| parts.build(&mut room, &path, report)));
    }
    translated
}

fn head(router: &api::Router, path: &Path<'_>, report: &mut Report<'_>) -> Head {
    let asn = router.asn.and_then(Asn::new);
    if asn.is_none() {
        let number = router.asn.map_or_else(|| "unset".to_owned(), |asn| asn.to_string());
        let message = format!("the router's asn is {number}; it must be 1 to 4294967295");
        report.value(Rule::AsnInvalid, &path.field("asn"), number, message);
    }
    let text = router.vrf.as_deref().unwrap_or_default();
    let vrf = Vrf::parse(text);
    if let Err(error) = &vrf {
        let message = format!("the name of the VRF {error}");
        report.value(Rule::VrfInvalid, &path.field("vrf"), text, message);
    }
    let prefixes = router.prefixes.iter().enumerate();
    let prefixes = prefixes.map(|(at, text)| prefixes::own(text, &path.item("prefixes", at), report));
    Head {
        vrf: vrf.ok(),
        asn,
        prefixes: prefixes.collect(),
        id: router_id(router.id.as_deref(), path, report),
    }
}

fn router_id(text: Option<&str>, path: &Path<'_>, report: &mut Report<'_>) -> Option<Ipv4Addr> {
    let text = text?;
    let path = path.field("id");
    let id = parse_router_id(text);
    match id {
        None => {
            let message = format!("{:?} is no router id: four numbers with dots", shown(text));
            report.value(Rule::RouterIdInvalid, &path, text, message);
        }
        Some(id) if id.is_unspecified() => {
            let message = "router id 0.0.0.0 makes FRR choose one";
            report.value(Rule::RouterIdZero, &path, text, message);
        }
        Some(_) => {}
    }
    id
}

/// The VRFs that a router imports from.
fn imports(
    router: &api::Router,
    head: &Head,
    vrfs: &BTreeSet<&Vrf>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> BTreeSet<Vrf> {
    let mut imports = BTreeSet::new();
    for (at, import) in router.imports.iter().enumerate() {
        let path = path.item("imports", at);
        let path = path.field("vrf");
        let Some(text) = import.vrf.as_deref() else {
            report.add(Rule::ImportInvalid, &path, "an import without a VRF");
            continue;
        };
        match Vrf::parse(text) {
            Err(error) => {
                let message = format!("the name of the imported VRF {error}");
                report.value(Rule::VrfInvalid, &path, text, message);
            }
            Ok(from) if head.vrf.as_ref() == Some(&from) => {
                let message = format!("VRF {from} imports its own routes");
                report.value(Rule::ImportInvalid, &path, text, message);
            }
            Ok(from) if !vrfs.contains(&from) => {
                let message = format!("VRF {from} is imported, but has no router in this object");
                report.value(Rule::ImportUnknown, &path, text, message);
            }
            Ok(from) => {
                imports.insert(from);
            }
        }
    }
    imports
}

/// What a router's neighbors can be sent: its own prefixes, and those of the VRFs that it imports, as far as
/// the same object has them.
fn advertisable<'a>(
    router: &'a api::Router,
    head: &Head,
    heads: &[Head],
    imports: &BTreeSet<Vrf>,
) -> Advertisable<'a> {
    let imported = heads
        .iter()
        .filter(|other| other.vrf.as_ref().is_some_and(|vrf| imports.contains(vrf)))
        .flat_map(|other| other.prefixes.iter().flatten().copied());
    Advertisable::new(&router.prefixes, &head.prefixes, imported)
}

fn body(
    router: &api::Router,
    head: &Head,
    imports: BTreeSet<Vrf>,
    advertisable: &Advertisable<'_>,
    (context, path): (&RouterContext<'_>, &Path<'_>),
    report: &mut Report<'_>,
) -> Option<Parts> {
    let mut outgoing = PolicyBuilder::new(advertisable.ranges());
    let mut received = Received::default();
    let mut neighbors = Vec::with_capacity(router.neighbors.len());
    let mut complete = true;
    for ((at, neighbor), number) in router.neighbors.iter().enumerate().zip(0..) {
        let path = path.item("neighbors", at);
        let peer = session::peer(neighbor, &path, report);
        let session = session::session(neighbor, peer.as_ref(), context, &path, report);
        let number = PeerIx(number);
        let (local_prefs, communities) = match &peer {
            Some(peer) => {
                let end = End { peer, dual_stack: neighbor.dual_stack_address_family, number };
                receive::receive(&neighbor.to_receive, &end, &mut received, &path, report);
                let to = (&end, &neighbor.to_advertise);
                advertise::advertise(to, advertisable, &mut outgoing, &path, report)
            }
            None => Default::default(),
        };
        if let (Some(session), Some(asn)) = (&session, context.asn) {
            remark_external_local_pref(neighbor, session.remote_as.is_internal(asn), &path, report);
        }
        match (peer, session) {
            (Some(peer), Some(session)) => neighbors.push(NeighborFragment {
                peer,
                session,
                password_secret: neighbor.password_secret.name.as_deref().map(Arc::from),
                local_prefs,
                communities,
            }),
            _ => complete = false,
        }
    }
    let vrf = head.vrf.clone()?;
    let evpn = router.evpn.as_ref().map(|part| evpn::evpn(part, &vrf, path, report));
    let mut prefixes: Vec<IpNet> = head.prefixes.iter().flatten().copied().collect();
    prefixes.sort();
    prefixes.dedup();
    if !complete {
        return None;
    }
    let router = RouterFragment {
        vrf,
        asn: head.asn?,
        id: head.id,
        neighbors,
        prefixes,
        imports,
        evpn,
        outgoing: Policy::default(),
        incoming: Policy::default(),
    };
    Some(Parts { router, outgoing, incoming: received.policy() })
}

/// A router, and what is to become its policy.
struct Parts {
    router: RouterFragment,
    outgoing: PolicyBuilder,
    incoming: PolicyBuilder,
}

impl Parts {
    /// The whole, where the object has room for it.
    fn build(self, room: &mut usize, path: &Path<'_>, report: &mut Report<'_>) -> Option<RouterFragment> {
        let policies = [&self.outgoing, &self.incoming];
        let audiences = policies.map(PolicyBuilder::audience_count).into_iter().max().unwrap_or_default();
        let entries: usize = policies.map(PolicyBuilder::pair_count).into_iter().sum();
        if audiences > AUDIENCES_MAX || entries > *room {
            let message = format!(
                "the prefixes go to, or come from, the neighbors in {audiences} different ways, which takes {entries} \
                 route map entries; {AUDIENCES_MAX} and {MAP_ENTRIES_MAX} are the most that an object may have"
            );
            report.add(Rule::PolicyTooLarge, &path.field("neighbors"), message);
            return None;
        }
        *room -= entries;
        Some(RouterFragment {
            outgoing: self.outgoing.build(),
            incoming: self.incoming.build(),
            ..self.router
        })
    }
}

fn remark_external_local_pref(
    neighbor: &api::Neighbor,
    internal: bool,
    path: &Path<'_>,
    report: &mut Report<'_>,
) {
    if !internal && !neighbor.to_advertise.with_local_pref.is_empty() {
        let message = "local preferences are set for an eBGP neighbor, which never sees them";
        let path = path.field("toAdvertise");
        report.add(Rule::LocalPrefExternal, &path.field("withLocalPref"), message);
    }
}

/// The other end of a session, for its policy.
pub(crate) struct End<'a> {
    pub(crate) peer: &'a Peer,
    pub(crate) dual_stack: bool,
    pub(crate) number: PeerIx,
}
