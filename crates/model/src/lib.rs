//! The words of the domain: autonomous systems, VRFs, peers, prefixes, what one object asks for
//! ([`Fragment`]) and what all together ask of a node ([`NodeConfig`]).
//!
//! ```text
//! objects ─ translate ─► Fragment ─┐
//! objects ─ translate ─► Fragment ─┼─ merge ─► NodeConfig ─ render ─► FRR's configuration
//! objects ─ translate ─► Fragment ─┘
//! ```
//!
//! Invariants:
//! * No type here can hold a text that FRR would refuse, or that could add, end or change a line.
//! * Values are canonical: two spellings of one address, prefix or range are one value.
//! * Nothing here depends on the order of the input, a clock, or the machine.

mod asn;
mod bfd;
mod community;
mod evpn;
mod finding;
mod fragment;
mod names;
mod node;
mod peer;
mod place;
mod policy;
mod prefix;
mod rule;
mod secret;
mod session;

pub use asn::{Asn, RemoteAs};
pub use bfd::BfdProfile;
pub use community::{
    AnyCommunity, COMMUNITIES_MAX, Community, CommunityError, LARGE_COMMUNITIES_MAX, LargeCommunity,
};
pub use evpn::{Evpn, L3Vni, RouteDistinguisher, RouteDistinguisherError, RouteTarget, Vni, VniProperties};
pub use finding::{Finding, Level, Party, Severity, shown, shown_up_to};
pub use fragment::{Fragment, NeighborFragment, PropertyEntry, RawSnippet, RouterFragment};
pub use ipnet::{IpNet, Ipv4Net, Ipv6Net};
pub use names::{BfdProfileName, InterfaceName, NameError, ObjectId, Vrf, VrfName};
pub use node::{NodeConfig, Router};
pub use peer::{Peer, PeerId, UpdateSource};
pub use place::{
    BfdField, EvpnField, NeighborField, Origin, Place, RouterField, VniField, VniSlot, neighbor_path,
    router_path,
};
pub use policy::{
    AUDIENCES_MAX, Attributes, AttributesIx, AudienceIx, Interner, Members, PeerIx, Policy, PolicyBuilder,
    member,
};
pub use prefix::{
    Family, PrefixRange, RangeError, canonical_prefix, is_next_hop, is_session_address, parse_address,
    parse_prefix, parse_router_id,
};
pub use rule::Rule;
pub use secret::{PASSWORD_BYTES_MAX, PasswordError, Secret, masked, secret_in};
pub use session::{CONNECT_TIME_DEFAULT, HOLD_TIME_DEFAULT, KEEPALIVE_TIME_DEFAULT, PORT_DEFAULT, Session};
