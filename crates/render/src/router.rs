//! `router bgp`, one a VRF.

use frrk8s_document::Line;
use frrk8s_model::{Family, IpNet, NeighborField, Peer, PeerId, Place, Router, RouterField, Session, Vrf};

use crate::evpn;
use crate::names::{Direction, map_name};
use crate::options::NodeOptions;
use crate::subject::{NodeSetting, Subject, Subjects};

/// What FRR-K8s sets on every router: sessions without policy are allowed (all of ours have one),
/// prefixes need no route to be advertised, neighbors carry only the families that they are given,
/// and forwarding survives a restart.
const DEFAULTS: [&str; 4] = [
    "no bgp ebgp-requires-policy",
    "no bgp network import-check",
    "no bgp default ipv4-unicast",
    "bgp graceful-restart preserve-fw-state",
];

/// The port that FRR never prints.
const PORT_HIDDEN: u16 = frrk8s_model::PORT_DEFAULT;

/// The line that opens the router of a VRF.
pub(crate) fn router_line(vrf: &Vrf, router: &Router) -> String {
    match vrf {
        Vrf::Default => format!("router bgp {}", router.asn),
        Vrf::Named(vrf) => format!("router bgp {} vrf {vrf}", router.asn),
    }
}

/// The line that opens the unicast routes of a family.
fn family_line(family: Family) -> String {
    format!("address-family {family} unicast")
}

/// Builds the lines of one router.
pub(crate) struct RouterLines<'a> {
    pub(crate) vrf: &'a Vrf,
    pub(crate) router: &'a Router,
    pub(crate) options: &'a NodeOptions,
    /// The first part of the names of each session's maps.
    pub(crate) names: &'a std::collections::BTreeMap<PeerId, String>,
}

impl RouterLines<'_> {
    pub(crate) fn build(&self, subjects: &mut Subjects) -> Line {
        let mut inside = Vec::new();
        let field = |field| Subject::Place(Place::Router(self.vrf.clone(), field));
        inside.extend(self.router_id(subjects));
        let mark = subjects.note(Subject::Node(NodeSetting::RouterDefault));
        inside.extend(DEFAULTS.map(|text| Line::leaf(text).marked(mark)));
        let mut families = [Vec::new(), Vec::new()];
        for (peer, session) in &self.router.neighbors {
            let id = PeerId { vrf: self.vrf.clone(), peer: peer.clone() };
            inside.extend(self.neighbor(&id, session, subjects));
            for family in Family::ALL {
                if session.unicast && peer.carries(family, session.dual_stack) {
                    let lines = self.activation(&id, subjects);
                    families[family as usize].extend(lines);
                }
            }
        }
        for from in &self.router.imports {
            let place = Place::Import(self.vrf.clone(), from.clone());
            let mark = subjects.note(Subject::Place(place));
            for lines in &mut families {
                lines.push(Line::leaf(format!("import vrf {from}")).marked(mark));
            }
        }
        let mark = subjects.note(Subject::Networks(self.vrf.clone()));
        for prefix in &self.router.prefixes {
            let family = Family::of_prefix(prefix);
            families[family as usize].push(network(prefix).marked(mark));
        }
        for (family, lines) in Family::ALL.into_iter().zip(families) {
            if !lines.is_empty() {
                inside.push(Line::context(family_line(family), lines));
            }
        }
        inside.extend(evpn::family(self.vrf, self.router, subjects));
        let mark = subjects.note(field(RouterField::Asn));
        Line::context(router_line(self.vrf, self.router), inside).marked(mark)
    }

    fn router_id(&self, subjects: &mut Subjects) -> Option<Line> {
        let (id, subject) = match (self.router.id, self.options.router_id_fallback) {
            (Some(id), _) => {
                let place = Place::Router(self.vrf.clone(), RouterField::Id);
                (id, Subject::Place(place))
            }
            (None, Some(id)) => (id, Subject::Node(NodeSetting::RouterIdFallback)),
            (None, None) => return None,
        };
        // FRR takes it for "choose one yourself", and prints nothing.
        if id.is_unspecified() {
            return None;
        }
        let mark = subjects.note(subject);
        Some(Line::leaf(format!("bgp router-id {id}")).marked(mark))
    }

    /// The lines of a session, its families aside.
    fn neighbor(&self, id: &PeerId, session: &Session, subjects: &mut Subjects) -> Vec<Line> {
        let peer = &id.peer;
        let internal = session.remote_as.is_internal(self.router.asn);
        let mut lines = Vec::new();
        let mut add = |subject: Subject, option: String| {
            let mark = subjects.note(subject);
            lines.push(Line::leaf(format!("neighbor {peer} {option}")).marked(mark));
        };
        let field = |field| Subject::Place(Place::Neighbor(id.clone(), field));
        let remote_as = session.remote_as;
        add(
            field(NeighborField::RemoteAs),
            match peer {
                Peer::Address(_) => format!("remote-as {remote_as}"),
                Peer::Interface(_) => format!("interface remote-as {remote_as}"),
            },
        );
        // FRR ignores it on iBGP and prints nothing.
        if session.ebgp_multihop && !internal {
            add(field(NeighborField::EbgpMultihop), "ebgp-multihop".to_owned());
        }
        if let Some(asn) = session.local_as {
            let option = format!("local-as {asn} no-prepend replace-as");
            add(field(NeighborField::LocalAs), option);
        }
        if let Some(port) = session.port.filter(|port| *port != PORT_HIDDEN) {
            add(field(NeighborField::Port), format!("port {port}"));
        }
        if let Some((keepalive, hold)) = timers(session) {
            add(field(NeighborField::HoldTime), format!("timers {keepalive} {hold}"));
        }
        if let Some(connect) = session.connect_time {
            add(field(NeighborField::ConnectTime), format!("timers connect {connect}"));
        }
        if let Some(password) = &session.password {
            let option = format!("password {}", password.reveal());
            add(field(NeighborField::Password), option);
        }
        // FRR ignores it on an interface peer and prints nothing.
        if let (Some(source), Peer::Address(_)) = (&session.source, peer) {
            add(field(NeighborField::Source), format!("update-source {source}"));
        }
        if session.graceful_restart {
            add(field(NeighborField::GracefulRestart), "graceful-restart".to_owned());
        }
        if let Some(profile) = &session.bfd_profile {
            add(field(NeighborField::BfdProfile), "bfd".to_owned());
            add(field(NeighborField::BfdProfile), format!("bfd profile {profile}"));
        }
        let is_v6 = matches!(peer, Peer::Address(address) if address.is_ipv6());
        if is_v6 && !internal && !session.ebgp_multihop {
            let subject = Subject::Node(NodeSetting::ConnectedCheck);
            add(subject, "disable-connected-check".to_owned());
        }
        lines
    }

    /// The lines that let a session carry a family, with the policy of ours.
    fn activation(&self, id: &PeerId, subjects: &mut Subjects) -> Vec<Line> {
        let place = Place::Neighbor(id.clone(), NeighborField::AddressFamilies);
        let mark = subjects.note(Subject::Place(place));
        let mut lines = vec![Line::leaf(format!("neighbor {} activate", id.peer)).marked(mark)];
        let name = self.names.get(id).map_or("", String::as_str);
        for direction in Direction::ALL {
            let map = map_name(name, direction);
            let way = direction.as_str();
            let text = format!("neighbor {} route-map {map} {way}", id.peer);
            let mark = subjects.note(Subject::Neighbor(id.clone()));
            lines.push(Line::leaf(text).marked(mark));
        }
        lines
    }
}

fn network(prefix: &IpNet) -> Line {
    Line::leaf(format!("network {prefix}"))
}

/// Keepalive and hold time as FRR keeps them: the keepalive time is cut to a third of the hold time.
fn timers(session: &Session) -> Option<(u16, u16)> {
    let (keepalive, hold) = (session.keepalive_time, session.hold_time);
    if keepalive.is_none() && hold.is_none() {
        return None;
    }
    let hold = hold.unwrap_or(frrk8s_model::HOLD_TIME_DEFAULT);
    let keepalive = keepalive.unwrap_or(frrk8s_model::KEEPALIVE_TIME_DEFAULT);
    Some((keepalive.min(hold / 3), hold))
}
