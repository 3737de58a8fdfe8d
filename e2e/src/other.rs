//! Routers on the other end of the wire.

use std::collections::BTreeMap;
use std::net::IpAddr;

use frrk8s_document::normal;
use frrk8s_model::IpNet;
use frrk8s_testkit::lab::{BgpTable, Bird, Daemon, Family, FrrInstall, Host, Lan, Node, RouterOptions};

use crate::oracle::Route;

/// What every peer sends.
pub const SENT_V4: &[&str] = &[
    "0.0.0.0/0",
    "192.168.0.0/16",
    "192.168.4.0/22",
    "192.168.9.0/24",
    "192.168.9.128/25",
    "10.0.0.0/8",
    "10.96.1.0/24",
    "172.20.0.0/16",
];
/// What every peer sends.
pub const SENT_V6: &[&str] =
    &["2000::/3", "2000::/20", "2000::/32", "2001:db8:f::/48", "fd00:1::/112", "fd00:2::/64"];

/// What a peer sends.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// Of IPv4.
    pub v4: &'a [&'a str],
    /// Of IPv6.
    pub v6: &'a [&'a str],
}

/// What every peer sends, if nothing else is said.
pub const SENT: Sent<'static> = Sent { v4: SENT_V4, v6: SENT_V6 };

/// A router on the other end of the wire. It forgets what a session brought when the session goes: the node begins
/// anew with each configuration.
pub enum Other {
    /// An FRR.
    Frr(Box<Node>),
    /// A BIRD.
    Bird {
        /// The daemon.
        bird: Bird,
        /// Where it runs.
        host: Host,
    },
}

impl Other {
    /// An FRR of this AS that has sessions with the node's AS over both families.
    pub fn frr(lan: &mut Lan, install: &FrrInstall, asns: (i64, i64), node: &Host) -> Self {
        Self::frr_that_sends(lan, install, (asns, node), SENT)
    }

    /// The same with other routes.
    pub fn frr_that_sends(
        lan: &mut Lan,
        install: &FrrInstall,
        ((asn, node_asn), node): ((i64, i64), &Host),
        sent: Sent<'_>,
    ) -> Self {
        let other = lan.router(install, RouterOptions::default()).unwrap();
        let (v4, v6) = (node.v4, node.v6);
        let network = |prefix: &&str| ["  network ", prefix, "\n"].concat();
        let networks = |texts: &[&str]| texts.iter().map(network).collect::<String>();
        let config = format!(
            "bgp route-map delay-timer 1
router bgp {asn}
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 bgp graceful-restart-disable
 neighbor {v4} remote-as {node_asn}
 neighbor {v4} timers connect 1
 neighbor {v6} remote-as {node_asn}
 neighbor {v6} timers connect 1
 neighbor {v6} disable-connected-check
 address-family ipv4 unicast
  neighbor {v4} activate
  neighbor {v6} activate
{} exit-address-family
 address-family ipv6 unicast
  neighbor {v4} activate
  neighbor {v6} activate
{} exit-address-family
exit
",
            networks(sent.v4),
            networks(sent.v6)
        );
        let lines: Vec<&str> = config.lines().map(str::trim).collect();
        assert_eq!(other.router.configure(Daemon::Bgpd, &lines).unwrap(), []);
        Self::Frr(Box::new(other))
    }

    /// The second implementation.
    pub fn bird(lan: &mut Lan, asn: i64, node: &Host) -> Self {
        Self::bird_that_sends(lan, asn, node, SENT)
    }

    /// The same with other routes.
    pub fn bird_that_sends(lan: &mut Lan, asn: i64, node: &Host, sent: Sent<'_>) -> Self {
        let host = lan.host().unwrap();
        let routes = |texts: &[&str]| -> String {
            texts.iter().map(|p| format!("  route {p} blackhole;\n")).collect()
        };
        let (v4, v6, own_v4, own_v6) = (node.v4, node.v6, host.v4, host.v6);
        let channels = "ipv4 { import all; export where source = RTS_STATIC; extended next hop; };
  ipv6 { import all; export where source = RTS_STATIC; };";
        let config = format!(
            "router id {own_v4};
protocol device {{}}
protocol static static4 {{ ipv4; {} }}
protocol static static6 {{ ipv6; {} }}
protocol bgp node4 {{
  local {own_v4} as {asn}; neighbor {v4} as 64512; connect retry time 1; connect delay time 1; error wait time 1, 2; graceful restart off;
  {channels}
}}
protocol bgp node6 {{
  local {own_v6} as {asn}; neighbor {v6} as 64512; connect retry time 1; connect delay time 1; error wait time 1, 2; graceful restart off;
  {channels}
}}
",
            routes(sent.v4),
            routes(sent.v6)
        );
        Self::Bird { bird: Bird::start(&host.namespace, &config).unwrap(), host }
    }

    /// Where it runs.
    pub fn host(&self) -> &Host {
        match self {
            Self::Frr(node) => &node.host,
            Self::Bird { host, .. } => host,
        }
    }

    /// Everything in its tables that came from an address of the node.
    pub fn received(&self, from: IpAddr) -> BTreeMap<IpNet, Route> {
        let from = from.to_string();
        let tables: Vec<BgpTable> = match self {
            Self::Frr(node) => {
                [Family::Ipv4, Family::Ipv6].map(|family| node.router.bgp_table(family, None).unwrap()).into()
            }
            Self::Bird { bird, .. } => vec![bird.bgp_table().unwrap()],
        };
        let mut routes = BTreeMap::new();
        for (prefix, paths) in tables.into_iter().flatten() {
            for path in
                paths.into_iter().filter(|path| path.peer == from || self.protocol_of(&from) == path.peer)
            {
                let next_hop = path.next_hops.first().map(ToString::to_string);
                let route = Route {
                    communities: path.communities.iter().map(|community| number(community)).collect(),
                    large_communities: path.large_communities.into_iter().collect(),
                    local_pref: path.local_pref,
                    next_hop,
                };
                routes.insert(prefix.parse().unwrap(), route);
            }
        }
        routes
    }

    /// BIRD names the protocol, not the address.
    fn protocol_of(&self, from: &str) -> &'static str {
        match self {
            Self::Frr(_) => "",
            Self::Bird { .. } if from.contains(':') => "node6",
            Self::Bird { .. } => "node4",
        }
    }
}

/// A community as its number.
fn number(community: &str) -> String {
    let line = normal(Some("route-map x permit 1"), &format!("set community {community}")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}
