//! The parameters of a session.

use frrk8s_api as api;
use frrk8s_api::parse_duration;
use frrk8s_model::{
    Asn, Family, InterfaceName, Peer, RemoteAs, Rule, Session, UpdateSource, is_next_hop, is_session_address,
    parse_address, shown,
};

use crate::password;
use crate::report::{Path, Report};
use crate::router::RouterContext;

/// The largest port that the API takes.
const PORT_MAX: i64 = 16384;

/// The other end of a session.
pub(crate) fn peer(neighbor: &api::Neighbor, path: &Path<'_>, report: &mut Report<'_>) -> Option<Peer> {
    match (neighbor.address.as_deref(), neighbor.interface.as_deref()) {
        (None, None) => {
            let who = asn_text(neighbor);
            let message = format!("neighbor with ASN {who} has no address and no interface");
            report.add(Rule::EndpointMissing, path, message);
            None
        }
        (Some(address), Some(interface)) => {
            let message = format!(
                "neighbor {}@{} has both Address and Interface specified ({} and {})",
                asn_text(neighbor),
                shown(address),
                shown(address),
                shown(interface)
            );
            report.value(Rule::EndpointTwice, &path.field("interface"), interface, message);
            None
        }
        (Some(address), None) => peer_address(address, path, report),
        (None, Some(interface)) => match InterfaceName::new(interface) {
            Ok(name) => Some(Peer::Interface(name)),
            Err(error) => {
                let message = format!("the name of the interface {error}");
                report.value(Rule::InterfaceInvalid, &path.field("interface"), interface, message);
                None
            }
        },
    }
}

fn peer_address(text: &str, path: &Path<'_>, report: &mut Report<'_>) -> Option<Peer> {
    let path = path.field("address");
    let Some(address) = parse_address(text) else {
        let message = format!("failed to find ipfamily for {:?}: not an IP address", shown(text));
        report.value(Rule::AddressInvalid, &path, text, message);
        return None;
    };
    if !is_session_address(&address) {
        let message = format!("no session comes up with {address}");
        report.value(Rule::AddressUnusable, &path, text, message);
    }
    if address.is_ipv4() && text.contains(':') {
        let message = format!("{} is the IPv4 address {address}", shown(text));
        report.value(Rule::Ipv4Mapped, &path, text, message);
    }
    Some(Peer::Address(address))
}

/// The AS of a neighbor as messages show it.
fn asn_text(neighbor: &api::Neighbor) -> String {
    match (&neighbor.dynamic_asn, neighbor.asn) {
        (Some(mode), _) => shown(mode.as_str()),
        (None, Some(asn)) => asn.to_string(),
        (None, None) => "unset".to_owned(),
    }
}

/// Everything about a session but its policy. `None` where it has no usable AS.
pub(crate) fn session(
    neighbor: &api::Neighbor,
    peer: Option<&Peer>,
    context: &RouterContext<'_>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<Session> {
    let name = || match peer {
        Some(peer) => format!("{}@{peer}", asn_text(neighbor)),
        None => asn_text(neighbor),
    };
    let remote_as = remote_as(neighbor, &name, path, report);
    let local_as = local_as(neighbor, remote_as, context.asn, path, report);
    let port = port(neighbor.port, path, report);
    let source = source(neighbor, peer, path, report);
    let (hold_time, keepalive_time) = timers(neighbor, path, report);
    let connect_time = connect_time(neighbor.connect_time.as_deref(), path, report);
    let password = password::password(neighbor, context.secrets, path, report);
    multihop(neighbor, peer, remote_as.zip(context.asn), path, report);
    let (unicast, evpn) = address_families(&neighbor.address_families, path, report);
    if neighbor.disable_mp {
        let message = "disableMP has no effect";
        report.value(Rule::DisableMpIgnored, &path.field("disableMP"), true, message);
    }
    let bfd_profile = neighbor.bfd_profile.as_deref();
    let bfd_profile =
        bfd_profile.and_then(|name| crate::bfd::reference(name, context.bfd_profiles, path, report));
    let next_hops = NextHops::of(neighbor, peer, path, report);
    let receive_all = matches!(neighbor.to_receive.allowed.mode, Some(api::PrefixMode::All));
    Some(Session {
        remote_as: remote_as?,
        port,
        source,
        password,
        hold_time,
        keepalive_time,
        connect_time,
        ebgp_multihop: neighbor.ebgp_multi_hop,
        local_as,
        dual_stack: neighbor.dual_stack_address_family,
        bfd_profile,
        graceful_restart: neighbor.enable_graceful_restart,
        next_hop_v4: next_hops.v4,
        next_hop_v6: next_hops.v6,
        unicast,
        evpn,
        receive_all,
    })
}

fn remote_as(
    neighbor: &api::Neighbor,
    name: &dyn Fn() -> String,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<RemoteAs> {
    let number = neighbor.asn.filter(|&asn| asn != 0);
    match (number, &neighbor.dynamic_asn) {
        (None, None) => {
            let message = format!("neighbor {} has no ASN or DynamicASN specified", name());
            report.add(Rule::NeighborAsnMissing, path, message);
            None
        }
        (Some(_), Some(mode)) => {
            let message = format!("neighbor {} has both ASN and DynamicASN specified", name());
            report.value(Rule::NeighborAsnTwice, &path.field("dynamicASN"), mode, message);
            None
        }
        (Some(number), None) => {
            let asn = Asn::new(number);
            if asn.is_none() {
                let message = format!("asn is {number}; it must be 1 to 4294967295");
                report.value(Rule::AsnInvalid, &path.field("asn"), number, message);
            }
            asn.map(RemoteAs::Number)
        }
        (None, Some(api::DynamicAsn::Internal)) => Some(RemoteAs::Internal),
        (None, Some(api::DynamicAsn::External)) => Some(RemoteAs::External),
        (None, Some(api::DynamicAsn::Other(text))) => {
            let message = format!("dynamicASN is {:?}; it must be internal or external", shown(text));
            report.value(Rule::ValueUnknown, &path.field("dynamicASN"), text, message);
            None
        }
    }
}

fn local_as(
    neighbor: &api::Neighbor,
    remote_as: Option<RemoteAs>,
    router_asn: Option<Asn>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<Asn> {
    let number = neighbor.local_asn.filter(|&asn| asn != 0)?;
    let path = path.field("localASN");
    let Some(local) = Asn::new(number) else {
        let message = format!("localASN is {number}; it must be 1 to 4294967295");
        report.value(Rule::AsnInvalid, &path, number, message);
        return None;
    };
    if router_asn == Some(local) {
        let message = format!("localASN {local} is the router's own AS");
        report.value(Rule::LocalAsnInvalid, &path, local, message);
    }
    match remote_as {
        Some(RemoteAs::Number(remote)) if router_asn == Some(remote) => {
            let message = format!("localASN {local} is set for an iBGP neighbor of AS {remote}");
            report.value(Rule::LocalAsnInvalid, &path, local, message);
        }
        Some(RemoteAs::Number(remote)) if remote == local => {
            let message = format!("localASN {local} is the neighbor's own AS");
            report.value(Rule::LocalAsnVersion, &path, local, message);
        }
        Some(RemoteAs::Internal) => {
            let message = format!("localASN {local} is set for an internal neighbor");
            report.value(Rule::LocalAsnVersion, &path, local, message);
        }
        _ => {}
    }
    Some(local)
}

fn port(port: Option<i64>, path: &Path<'_>, report: &mut Report<'_>) -> Option<u16> {
    let number = port?;
    let path = path.field("port");
    if number == 0 {
        report.value(Rule::PortZero, &path, number, "port 0 cannot be connected to");
    }
    let fits = u16::try_from(number).ok().filter(|_| number <= PORT_MAX);
    if fits.is_none() {
        let message = format!("port is {number}; the API takes up to {PORT_MAX}");
        report.value(Rule::NumberOutOfRange, &path, number, message);
    }
    fits
}

fn source(
    neighbor: &api::Neighbor,
    peer: Option<&Peer>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<UpdateSource> {
    let text = neighbor.source_address.as_deref()?;
    let path = path.field("sourceaddress");
    if matches!(peer, Some(Peer::Interface(_))) {
        let message = "FRR ignores the source of a session over an interface";
        report.value(Rule::OptionIgnored, &path, text, message);
    }
    if let Some(address) = parse_address(text) {
        if !is_session_address(&address) {
            let message = format!("no session comes up from {address}");
            report.value(Rule::AddressUnusable, &path, text, message);
        }
        return Some(UpdateSource::Address(address));
    }
    match InterfaceName::new(text) {
        Ok(name) => Some(UpdateSource::Interface(name)),
        Err(error) => {
            let message = format!("the source is no IP address, and as the name of an interface it {error}");
            report.value(Rule::SourceInvalid, &path, text, message);
            None
        }
    }
}

/// Hold and keepalive time in whole seconds.
fn timers(neighbor: &api::Neighbor, path: &Path<'_>, report: &mut Report<'_>) -> (Option<u16>, Option<u16>) {
    let (hold, keepalive) = (neighbor.hold_time.as_deref(), neighbor.keepalive_time.as_deref());
    let mut whole = |text: Option<&str>, field| seconds(text?, &path.field(field), report);
    let hold_seconds = whole(hold, "holdTime");
    let keepalive_seconds = whole(keepalive, "keepaliveTime");
    match (hold, keepalive) {
        (Some(text), None) => {
            let message = "holdTime is set without keepaliveTime";
            report.value(Rule::TimersUnpaired, &path.field("holdTime"), text, message);
        }
        (None, Some(text)) => {
            let message = "keepaliveTime is set without holdTime";
            report.value(Rule::TimersUnpaired, &path.field("keepaliveTime"), text, message);
        }
        _ => {}
    }
    let (Some(hold), Some(keepalive)) = (hold_seconds, keepalive_seconds) else {
        return (None, None);
    };
    let valid_hold = u16::try_from(hold).ok().filter(|hold| !matches!(hold, 1 | 2));
    let Some(valid_hold) = valid_hold else {
        let message = format!("holdTime is {hold} s; it must be 0 or 3 to 65535");
        report.value(Rule::HoldTimeInvalid, &path.field("holdTime"), hold, message);
        return (None, None);
    };
    let valid_keepalive = u16::try_from(keepalive).ok().filter(|keepalive| *keepalive <= valid_hold);
    let Some(valid_keepalive) = valid_keepalive else {
        let message = format!("keepaliveTime {keepalive} s is longer than holdTime {hold} s");
        report.value(Rule::KeepaliveOverHold, &path.field("keepaliveTime"), keepalive, message);
        return (None, None);
    };
    if valid_keepalive > valid_hold / 3 {
        let message = format!(
            "FRR cuts keepaliveTime {keepalive} s to {} s, a third of holdTime {hold} s",
            valid_hold / 3
        );
        report.value(Rule::KeepaliveCut, &path.field("keepaliveTime"), keepalive, message);
    }
    (Some(valid_hold), Some(valid_keepalive))
}

/// A duration in whole seconds; a remark where it is not whole.
fn seconds(text: &str, path: &Path<'_>, report: &mut Report<'_>) -> Option<u64> {
    match parse_duration(text) {
        Ok(duration) => {
            let whole = duration.as_secs();
            if duration.subsec_nanos() != 0 {
                let message = format!("{} is taken for {whole} s", shown(text));
                report.value(Rule::DurationTruncated, path, text, message);
            }
            Some(whole)
        }
        Err(error) => {
            let message = format!("{:?} is {error}", shown(text));
            report.value(Rule::DurationInvalid, path, text, message);
            None
        }
    }
}

fn connect_time(text: Option<&str>, path: &Path<'_>, report: &mut Report<'_>) -> Option<u16> {
    let text = text?;
    let path = path.field("connectTime");
    let duration = match parse_duration(text) {
        Ok(duration) => duration,
        Err(error) => {
            let message = format!("{:?} is {error}", shown(text));
            report.value(Rule::DurationInvalid, &path, text, message);
            return None;
        }
    };
    let whole = u16::try_from(duration.as_secs()).ok().filter(|&seconds| seconds > 0);
    let whole = whole.filter(|_| duration.subsec_nanos() == 0);
    if whole.is_none() {
        let message = format!("connectTime is {}; it must be 1 to 65535 whole seconds", shown(text));
        report.value(Rule::ConnectTimeInvalid, &path, text, message);
    }
    whole
}

fn multihop(
    neighbor: &api::Neighbor,
    peer: Option<&Peer>,
    asns: Option<(RemoteAs, Asn)>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) {
    if !neighbor.ebgp_multi_hop {
        return;
    }
    let path = path.field("ebgpMultiHop");
    if matches!(peer, Some(Peer::Interface(_))) {
        let message = "a peer on an interface is directly connected";
        report.value(Rule::MultihopInterface, &path, true, message);
    } else if asns.is_some_and(|(remote, own)| remote.is_internal(own)) {
        let message = "iBGP neighbors may be any number of hops away: FRR ignores the option";
        report.value(Rule::OptionIgnored, &path, true, message);
    }
}

/// Whether unicast and EVPN routes are exchanged. Unset is unicast.
fn address_families(
    families: &[api::AddressFamily],
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> (bool, bool) {
    const FAMILIES_MAX: usize = 2;
    if families.len() > FAMILIES_MAX {
        let message = format!("{} address families; {FAMILIES_MAX} are the most", families.len());
        report.add(Rule::ListTooLong, &path.field("addressFamilies"), message);
    }
    let (mut unicast, mut evpn) = (families.is_empty(), false);
    for (at, family) in families.iter().enumerate().take(FAMILIES_MAX) {
        match family {
            api::AddressFamily::Unicast => unicast = true,
            api::AddressFamily::Evpn => evpn = true,
            api::AddressFamily::Other(text) => {
                let message = format!("{:?} is no address family: unicast or evpn", shown(text));
                let path = path.item("addressFamilies", at);
                report.value(Rule::ValueUnknown, &path, text, message);
            }
        }
    }
    (unicast, evpn)
}

/// The next hops of a neighbor, each of its own family.
struct NextHops {
    v4: Option<std::net::Ipv4Addr>,
    v6: Option<std::net::Ipv6Addr>,
}

impl NextHops {
    fn of(neighbor: &api::Neighbor, peer: Option<&Peer>, path: &Path<'_>, report: &mut Report<'_>) -> Self {
        let given = &neighbor.to_advertise.next_hop;
        let path = path.field("toAdvertise");
        let path = path.field("nextHop");
        let dual_stack = neighbor.dual_stack_address_family;
        let mut carried = |text: Option<&str>, family: Family, field: &str| {
            let carries = peer.is_none_or(|peer| peer.carries(family, dual_stack));
            if let (Some(text), false) = (text, carries) {
                let message = format!("an {family} next hop without an {family} address family");
                report.value(Rule::NextHopFamily, &path.field(field), text, message);
            }
        };
        carried(given.ipv4.as_deref(), Family::V4, "ipv4");
        carried(given.ipv6.as_deref(), Family::V6, "ipv6");
        Self {
            v4: next_hop(given.ipv4.as_deref(), &path.field("ipv4"), report),
            v6: next_hop(given.ipv6.as_deref(), &path.field("ipv6"), report),
        }
    }
}

/// A next hop, in the literal form of its family.
fn next_hop<A>(text: Option<&str>, path: &Path<'_>, report: &mut Report<'_>) -> Option<A>
where
    A: std::str::FromStr + Copy + Into<std::net::IpAddr>,
{
    let text = text?;
    let address: Option<A> = text.parse().ok();
    let usable = address.filter(|&address| {
        let address: std::net::IpAddr = address.into();
        address == address.to_canonical() && is_next_hop(&address)
    });
    if usable.is_none() {
        let message = format!("{:?} cannot be the next hop of routes of its family", shown(text));
        report.value(Rule::NextHopInvalid, path, text, message);
    }
    usable
}
