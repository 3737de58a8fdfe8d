//! Upstream's figures of sessions: names, types and labels are theirs. Pure.

use std::collections::BTreeMap;

use super::text::{Kind, Session, figure};
use crate::sessions::{BfdCounters, BfdKey, Neighbor};

type BgpFigure = (&'static str, Kind, &'static str, fn(&Neighbor) -> u64);

#[rustfmt::skip]
const BGP: [BgpFigure; 13] = [
    ("session_up", Kind::Gauge, "1 when the session is established, 0 when it is not.", |it| it.is_up().into()),
    ("announced_prefixes_total", Kind::Gauge, "Prefixes sent to the peer, over all families.", |it| it.prefixes_out),
    ("received_prefixes_total", Kind::Gauge, "Prefixes taken from the peer, over all families.", |it| it.prefixes_in),
    ("opens_sent", Kind::Counter, "BGP open messages sent.", |it| it.messages.opens_sent),
    ("opens_received", Kind::Counter, "BGP open messages received.", |it| it.messages.opens_recv),
    ("notifications_sent", Kind::Counter, "BGP notification messages sent.", |it| it.messages.notifications_sent),
    ("updates_total", Kind::Counter, "BGP update messages sent.", |it| it.messages.updates_sent),
    ("updates_total_received", Kind::Counter, "BGP update messages received.", |it| it.messages.updates_recv),
    ("keepalives_sent", Kind::Counter, "BGP keepalive messages sent.", |it| it.messages.keepalives_sent),
    ("keepalives_received", Kind::Counter, "BGP keepalive messages received.", |it| it.messages.keepalives_recv),
    ("route_refresh_sent", Kind::Counter, "BGP route refresh messages sent.", |it| it.messages.route_refresh_sent),
    ("total_sent", Kind::Counter, "BGP messages sent.", |it| it.messages.total_sent),
    ("total_received", Kind::Counter, "BGP messages received.", |it| it.messages.total_recv),
];

type BfdFigure = (&'static str, &'static str, fn(&BfdCounters) -> u64);

#[rustfmt::skip]
const BFD: [BfdFigure; 7] = [
    ("control_packet_input", "BFD control packets received.", |it| it.control_packet_input),
    ("control_packet_output", "BFD control packets sent.", |it| it.control_packet_output),
    ("echo_packet_input", "BFD echo packets received.", |it| it.echo_packet_input),
    ("echo_packet_output", "BFD echo packets sent.", |it| it.echo_packet_output),
    ("session_up_events", "Times that the BFD session came up.", |it| it.session_up),
    ("session_down_events", "Times that the BFD session went down.", |it| it.session_down),
    ("zebra_notifications", "Times that bfdd told others of the session.", |it| it.zebra_notifications),
];

/// The figures of BGP.
pub fn bgp(neighbors: &[Neighbor]) -> String {
    let session = |it: &Neighbor| Session { peer: it.peer.clone(), vrf: it.vrf.clone() };
    let sessions: Vec<(Session, &Neighbor)> = neighbors.iter().map(|it| (session(it), it)).collect();
    let mut page = String::new();
    for (name, kind, help, value) in BGP {
        let samples = sessions.iter().map(|(session, it)| (session, value(it))).collect();
        figure(&mut page, (&format!("frrk8s_bgp_{name}"), kind, help), &samples);
    }
    page
}

/// The figures of BFD. Several sessions of one address in one VRF are one series, as upstream's labels have it: up when
/// all of them are, their counters added up.
pub fn bfd(peers: &BTreeMap<BfdKey, (bool, BfdCounters)>) -> String {
    let mut sessions: BTreeMap<Session, Vec<&(bool, BfdCounters)>> = BTreeMap::new();
    for (key, it) in peers {
        let session = Session { peer: key.peer.clone(), vrf: key.vrf.clone() };
        sessions.entry(session).or_default().push(it);
    }
    let mut page = String::new();
    let up = sessions.iter().map(|(session, those)| (session, those.iter().all(|it| it.0).into())).collect();
    let help = "1 when the BFD session is up, 0 when it is not.";
    figure(&mut page, ("frrk8s_bfd_session_up", Kind::Gauge, help), &up);
    for (name, help, value) in BFD {
        let sum = |those: &Vec<&(bool, BfdCounters)>| those.iter().map(|it| value(&it.1)).sum();
        let samples = sessions.iter().map(|(session, those)| (session, sum(those))).collect();
        figure(&mut page, (&format!("frrk8s_bfd_{name}"), Kind::Counter, help), &samples);
    }
    page
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_session_has_every_figure_of_upstream_under_its_name() {
        let neighbor = Neighbor {
            vrf: "default".to_owned(),
            peer: "2001:db8::2".to_owned(),
            state: "Established".to_owned(),
            prefixes_in: 7,
            ..Neighbor::default()
        };
        let page = bgp(&[neighbor]);
        let types: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("# TYPE frrk8s_bgp_")).collect();
        let expected = [
            "session_up gauge",
            "announced_prefixes_total gauge",
            "received_prefixes_total gauge",
            "opens_sent counter",
            "opens_received counter",
            "notifications_sent counter",
            "updates_total counter",
            "updates_total_received counter",
            "keepalives_sent counter",
            "keepalives_received counter",
            "route_refresh_sent counter",
            "total_sent counter",
            "total_received counter",
        ];
        assert_eq!(types, expected);
        for line in [
            "frrk8s_bgp_session_up{peer=\"2001:db8::2\",vrf=\"default\"} 1\n",
            "frrk8s_bgp_received_prefixes_total{peer=\"2001:db8::2\",vrf=\"default\"} 7\n",
        ] {
            assert!(page.contains(line), "{page}");
        }
    }

    #[test]
    fn bfd_sessions_with_one_address_are_one_series() {
        let key = |interface: &str| BfdKey {
            vrf: "default".to_owned(),
            peer: "fe80::1".to_owned(),
            interface: interface.to_owned(),
            ..BfdKey::default()
        };
        let counted = BfdCounters { control_packet_input: 5, ..BfdCounters::default() };
        let page = bfd(&[(key("e0"), (true, counted)), (key("e1"), (false, counted))].into());
        let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(samples.len(), 8, "{page}");
        assert_eq!(samples[0], "frrk8s_bfd_session_up{peer=\"fe80::1\",vrf=\"default\"} 0");
        assert_eq!(samples[1], "frrk8s_bfd_control_packet_input{peer=\"fe80::1\",vrf=\"default\"} 10");
    }
}
