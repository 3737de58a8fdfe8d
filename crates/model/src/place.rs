//! Places of the merged configuration, for conflicts and for the origins of rendered lines.

use std::fmt;

use ipnet::IpNet;

use crate::{BfdProfileName, Family, ObjectId, PeerId, PrefixRange, RouteTarget, Vni, Vrf};

macro_rules! fields {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$field_doc])* $field,)+ }

        impl $name {
            /// All of them, in the order in which they are reported.
            pub const ALL: &[Self] = &[$(Self::$field,)+];

            /// The field's path below the thing it belongs to, as the API spells it.
            pub fn path(self) -> &'static str {
                match self { $(Self::$field => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.path())
            }
        }
    };
}

fields! {
    /// The fields of a router that hold one value.
    RouterField {
        /// Its AS.
        Asn = "asn",
        /// Its id.
        Id = "id",
    }
}

fields! {
    /// The fields of a neighbor.
    NeighborField {
        /// Its AS, or how to find it.
        RemoteAs = "asn",
        /// TCP port.
        Port = "port",
        /// Where the session starts.
        Source = "sourceaddress",
        /// The password, clear or by Secret.
        Password = "password",
        /// Hold time.
        HoldTime = "holdTime",
        /// Keepalive time.
        KeepaliveTime = "keepaliveTime",
        /// Connect time.
        ConnectTime = "connectTime",
        /// More than one hop.
        EbgpMultihop = "ebgpMultiHop",
        /// The AS shown to it.
        LocalAs = "localASN",
        /// Both families over one address.
        DualStack = "dualStackAddressFamily",
        /// BFD beside it.
        BfdProfile = "bfdProfile",
        /// Next hop of IPv4 routes.
        NextHopV4 = "toAdvertise.nextHop.ipv4",
        /// Next hop of IPv6 routes.
        NextHopV6 = "toAdvertise.nextHop.ipv6",
        /// Graceful restart.
        GracefulRestart = "enableGracefulRestart",
        /// Unicast, EVPN.
        AddressFamilies = "addressFamilies",
        /// Whether every route is taken.
        ReceiveMode = "toReceive.allowed.mode",
    }
}

impl NeighborField {
    /// The field of a family's next hop.
    pub fn next_hop(family: Family) -> Self {
        match family {
            Family::V4 => Self::NextHopV4,
            Family::V6 => Self::NextHopV6,
        }
    }
}

fields! {
    /// The fields of a BFD profile.
    BfdField {
        /// Milliseconds.
        ReceiveInterval = "receiveInterval",
        /// Milliseconds.
        TransmitInterval = "transmitInterval",
        /// Packets.
        DetectMultiplier = "detectMultiplier",
        /// Milliseconds.
        EchoInterval = "echoInterval",
        /// On or off.
        EchoMode = "echoMode",
        /// On or off.
        PassiveMode = "passiveMode",
        /// Hops.
        MinimumTtl = "minimumTtl",
    }
}

fields! {
    /// The fields of a router's EVPN part.
    EvpnField {
        /// `advertise-all-vni`.
        AdvertiseVnis = "evpn.advertiseVNIs",
        /// `advertise-svi-ip`.
        AdvertiseSvi = "evpn.advertiseSVI",
        /// The number of the layer-3 VNI.
        L3Vni = "evpn.l3vni.vni",
        /// Its prefixes.
        L3Prefixes = "evpn.l3vni.advertisePrefixes",
    }
}

fields! {
    /// The fields of a VNI.
    VniField {
        /// Route distinguisher.
        RouteDistinguisher = "rd",
        /// Import targets; as a conflict: given against left to FRR.
        ImportTargets = "importRTs",
        /// Export targets; as a conflict: given against left to FRR.
        ExportTargets = "exportRTs",
    }
}

/// Which VNI of a router: a layer-2 one by its number, or the layer-3 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VniSlot {
    /// Layer 2.
    L2(Vni),
    /// Layer 3.
    L3,
}

/// A place of the merged configuration. Where one object's value meets another's, and what a rendered
/// line expresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A field of a router.
    Router(Vrf, RouterField),
    /// A field of a neighbor.
    Neighbor(PeerId, NeighborField),
    /// A prefix that a router originates.
    Network(Vrf, IpNet),
    /// A VRF (second) whose routes another (first) takes.
    Import(Vrf, Vrf),
    /// A prefix going to a peer.
    Outgoing(PeerId, IpNet),
    /// The local preference of a prefix towards a peer.
    LocalPref(PeerId, IpNet),
    /// Routes taken from a peer.
    Incoming(PeerId, PrefixRange),
    /// A field of a BFD profile.
    Bfd(BfdProfileName, BfdField),
    /// A field of a router's EVPN part.
    Evpn(Vrf, EvpnField),
    /// A field of a VNI of a router.
    Vni(Vrf, VniSlot, VniField),
    /// A route target of a VNI of a router.
    Target(Vrf, VniSlot, VniField, RouteTarget),
    /// The router that a VNI belongs to.
    VniOwner(Vni),
    /// The one router that advertises all VNIs.
    AllVnisOwner,
    /// Whether a router has neighbors or a layer-3 VNI: it cannot have both.
    RouterUse(Vrf),
    /// A raw snippet.
    Raw(ObjectId),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Router(vrf, field) => write!(f, "{field} of the router in VRF {vrf}"),
            Self::Neighbor(peer, field) => write!(f, "{field} of neighbor {peer}"),
            Self::Network(vrf, prefix) => write!(f, "prefix {prefix} of the router in VRF {vrf}"),
            Self::Import(vrf, from) => write!(f, "import of VRF {from} into VRF {vrf}"),
            Self::Outgoing(peer, prefix) => write!(f, "prefix {prefix} to neighbor {peer}"),
            Self::LocalPref(peer, prefix) => {
                write!(f, "local preference of {prefix} to neighbor {peer}")
            }
            Self::Incoming(peer, range) => write!(f, "routes {range} from neighbor {peer}"),
            Self::Bfd(profile, field) => write!(f, "{field} of BFD profile {profile}"),
            Self::Evpn(vrf, field) => write!(f, "{field} of the router in VRF {vrf}"),
            Self::Vni(vrf, VniSlot::L2(vni), field) => {
                write!(f, "{field} of L2 VNI {vni} in VRF {vrf}")
            }
            Self::Vni(vrf, VniSlot::L3, field) => write!(f, "{field} of the L3 VNI of VRF {vrf}"),
            Self::Target(vrf, slot, field, target) => {
                write!(f, "{target} in {}", Self::Vni(vrf.clone(), *slot, *field))
            }
            Self::VniOwner(vni) => write!(f, "the router of VNI {vni}"),
            Self::AllVnisOwner => f.write_str("the router that advertises all VNIs"),
            Self::RouterUse(vrf) => write!(f, "the use of the router in VRF {vrf}"),
            Self::Raw(object) => write!(f, "raw configuration of {object}"),
        }
    }
}

/// Where in which object a value stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The object.
    pub object: ObjectId,
    /// The path of the field in it, as `spec.bgp.routers[0].asn`.
    pub path: String,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object, self.path)
    }
}

/// The path of a router of an object.
pub fn router_path(router: usize) -> String {
    format!("spec.bgp.routers[{router}]")
}

/// The path of a neighbor of an object.
pub fn neighbor_path(router: usize, neighbor: usize) -> String {
    format!("spec.bgp.routers[{router}].neighbors[{neighbor}]")
}
