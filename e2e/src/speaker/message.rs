//! BGP messages (RFC 4271, 4760, 2918, 7313, 1997, 8092), as far as they tell which routes come and go.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use frrk8s_model::{Family, IpNet};

use super::Seen;
use crate::oracle::Route;

const HEADER_BYTES: usize = 19;
const MESSAGE_BYTES_MAX: usize = 4096;
const HOLD_SECONDS: u16 = 180;
/// The capability of a family.
const MULTIPROTOCOL: u8 = 1;
/// What stands in the OPEN of who has an AS of four bytes (RFC 6793).
const AS_TRANS: u16 = 23456;

/// The kinds that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first one.
    Open,
    /// Routes.
    Update,
    /// The end.
    Notification,
    /// The session lives.
    Keepalive,
    /// Routes are sent again, or have been.
    Refresh,
    /// Any other.
    Other(u8),
}

/// A message without its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// What stands in it.
    pub body: Vec<u8>,
}

fn kind(number: u8) -> Kind {
    match number {
        1 => Kind::Open,
        2 => Kind::Update,
        3 => Kind::Notification,
        4 => Kind::Keepalive,
        5 => Kind::Refresh,
        other => Kind::Other(other),
    }
}

/// The next message.
pub fn read(stream: &mut impl Read) -> io::Result<Message> {
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header)?;
    let bytes = usize::from(u16::from_be_bytes([header[16], header[17]]));
    if !(HEADER_BYTES..=MESSAGE_BYTES_MAX).contains(&bytes) {
        return Err(io::Error::other("not a message of BGP"));
    }
    let mut body = vec![0; bytes - HEADER_BYTES];
    stream.read_exact(&mut body)?;
    Ok(Message { kind: kind(header[18]), body })
}

fn message(number: u8, body: &[u8]) -> Vec<u8> {
    let bytes = u16::try_from(HEADER_BYTES + body.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[0xff; 16][..], &bytes, &[number], body].concat()
}

/// An OPEN: these families, four bytes for an AS, route refresh and its beginning; and graceful restart without a family,
/// for FRR 8.4 answers no request for routes before it has told the end of its first ones, and tells that to nobody else.
pub fn open((asn, id): (u32, Ipv4Addr), families: &[Family]) -> Vec<u8> {
    let mut capabilities = vec![2, 0, 70, 0, 64, 2, 0, 0, 65, 4];
    capabilities.extend(asn.to_be_bytes());
    capabilities.extend(families.iter().flat_map(|family| [MULTIPROTOCOL, 4, 0, afi(*family), 0, 1]));
    let bytes = u8::try_from(capabilities.len()).unwrap_or(u8::MAX);
    let short = u16::try_from(asn).unwrap_or(AS_TRANS).to_be_bytes();
    let body =
        [&[4], &short[..], &HOLD_SECONDS.to_be_bytes(), &id.octets(), &[bytes + 2, 2, bytes], &capabilities];
    message(1, &body.concat())
}

/// The families that an OPEN offers.
pub fn families(open: &[u8]) -> Vec<Family> {
    let mut offered = Vec::new();
    let mut parameters = open.get(10..).unwrap_or_default();
    while let Some((2, mut capabilities)) = typed(&mut parameters) {
        while let Some((code, value)) = typed(&mut capabilities) {
            offered.extend((code == MULTIPROTOCOL).then(|| family(value)).flatten());
        }
    }
    offered
}

/// Takes a value off, with its type.
fn typed<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let ([code, count], rest) = bytes.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::from(*count))?;
    *bytes = rest;
    Some((*code, value))
}

/// The end of all routes of a family: there are none (RFC 4724).
pub fn end_of_routes(family: Family) -> Vec<u8> {
    match family {
        Family::V4 => message(2, &[0; 4]),
        Family::V6 => message(2, &[0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1]),
    }
}

/// A KEEPALIVE.
pub fn keepalive() -> Vec<u8> {
    message(4, &[])
}

/// The request for all routes of a family.
pub fn refresh(family: Family) -> Vec<u8> {
    message(5, &[0, afi(family), 0, 1])
}

fn afi(family: Family) -> u8 {
    match family {
        Family::V4 => 1,
        Family::V6 => 2,
    }
}

/// What a message tells of routes.
pub fn seen(kind: Kind, body: &[u8]) -> Vec<Seen> {
    let seen = match kind {
        Kind::Update => update(body),
        // The beginning of a refresh. Its end, 2, FRR sends only when it happens to send something else.
        Kind::Refresh if body.get(2) == Some(&1) => family(body).map(|family| vec![Seen::SendsAgain(family)]),
        _ => Some(Vec::new()),
    };
    seen.unwrap_or_else(|| vec![Seen::Garbled(format!("{kind:?} {body:02x?}"))])
}

/// The family of two bytes and a byte that follows or one behind that: unicast only.
fn family(bytes: &[u8]) -> Option<Family> {
    match bytes.first_chunk()? {
        [0, 1] => Some(Family::V4),
        [0, 2] => Some(Family::V6),
        _ => None,
    }
}

/// A counted part, and what is behind it.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*count)))
}

fn update(body: &[u8]) -> Option<Vec<Seen>> {
    let (withdrawn, rest) = counted(body)?;
    let (mut attributes, announced) = counted(rest)?;
    let mut gone = prefixes(Family::V4, withdrawn)?;
    let mut come = prefixes(Family::V4, announced)?;
    let mut route = Route::default();
    while !attributes.is_empty() {
        let ([flags, number], rest) = attributes.split_first_chunk()?;
        // The length has two bytes where the flag says so.
        let (value, rest) = if flags & 0x10 != 0 {
            counted(rest)?
        } else {
            let (count, rest) = rest.split_first()?;
            rest.split_at_checked(usize::from(*count))?
        };
        attributes = rest;
        match number {
            5 => route.local_pref = Some(u32::from_be_bytes(value.try_into().ok()?).into()),
            8 => route.communities = numbers(value, [2, 2])?,
            14 => {
                let (_, rest) = value.split_at_checked(3)?;
                let (hop_bytes, rest) = rest.split_first()?;
                // Behind the next hop stands a byte that means nothing.
                let nlri = rest.get(usize::from(*hop_bytes) + 1..)?;
                come.extend(prefixes(family(value)?, nlri)?);
            }
            15 => gone.extend(prefixes(family(value)?, value.get(3..)?)?),
            32 => route.large_communities = numbers(value, [4, 4, 4])?,
            _ => {}
        }
    }
    let gone = gone.into_iter().map(Seen::Withdrawn);
    Some(gone.chain(come.into_iter().map(|prefix| Seen::Announced(prefix, route.clone()))).collect())
}

/// Prefixes, each with its length in bits and as many bytes as that takes.
fn prefixes(family: Family, mut bytes: &[u8]) -> Option<Vec<IpNet>> {
    let mut prefixes = Vec::new();
    while let Some((bits, rest)) = bytes.split_first() {
        let (given, rest) = rest.split_at_checked(usize::from(*bits).div_ceil(8))?;
        let mut octets = [0; 16];
        octets.get_mut(..given.len())?.copy_from_slice(given);
        let address: IpAddr = match family {
            Family::V4 => Ipv4Addr::from_octets(*octets.first_chunk()?).into(),
            Family::V6 => Ipv6Addr::from_octets(octets).into(),
        };
        prefixes.push(IpNet::new(address, *bits).ok()?);
        bytes = rest;
    }
    Some(prefixes)
}

/// Communities, as numbers of so many bytes each with colons between them.
fn numbers<const PARTS: usize>(bytes: &[u8], parts: [usize; PARTS]) -> Option<BTreeSet<String>> {
    let each = parts.iter().sum();
    let number = |mut one: &[u8]| {
        let part = |count: usize| {
            let (part, rest) = one.split_at(count);
            one = rest;
            part.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte)).to_string()
        };
        parts.map(part).join(":")
    };
    bytes.len().is_multiple_of(each).then(|| bytes.chunks(each).map(number).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn an_update_of_ipv4_tells_what_goes_and_what_comes() {
        let attributes = [
            // Origin, AS path, next hop; then local preference, communities, and what nobody knows.
            &[0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 1][..],
            &[0x40, 5, 4, 0, 0, 1, 0x2c],
            &[0xd0, 8, 0, 4, 0xfc, 0, 0, 100],
            &[0xc0, 99, 3, 1, 2, 3],
        ]
        .concat();
        let count = u8::try_from(attributes.len()).unwrap();
        let body = [&[0, 3, 16, 10, 2, 0, count], &*attributes, &[24, 198, 51, 100, 0]].concat();
        let route =
            Route { communities: ["64512:100".to_owned()].into(), local_pref: Some(300), ..Route::default() };
        let expected = [
            Seen::Withdrawn(net("10.2.0.0/16")),
            Seen::Announced(net("198.51.100.0/24"), route.clone()),
            Seen::Announced(net("0.0.0.0/0"), route),
        ];
        assert_eq!(seen(Kind::Update, &body), expected);
    }

    #[test]
    fn an_update_of_ipv6_tells_what_goes_and_what_comes() {
        let hop = [[0x20, 1, 0xd, 0xb8].as_slice(), &[0; 12]].concat();
        let reach = [&[0, 2, 1, 16], &*hop, &[0, 48, 0x20, 1, 0xd, 0xb8, 0, 1]].concat();
        let large = [0xc0, 32, 12, 0, 0, 0xfc, 0, 0, 0, 0, 1, 0, 0, 0, 7];
        let attributes = [
            &[0x80, 14, u8::try_from(reach.len()).unwrap()],
            &*reach,
            &large,
            &[0x80, 15, 8, 0, 2, 1, 32, 0xfd, 0, 0, 9],
        ]
        .concat();
        let body = [&[0, 0, 0, u8::try_from(attributes.len()).unwrap()], &*attributes].concat();
        let route = Route { large_communities: ["64512:1:7".to_owned()].into(), ..Route::default() };
        let expected = [Seen::Withdrawn(net("fd00:9::/32")), Seen::Announced(net("2001:db8:1::/48"), route)];
        assert_eq!(seen(Kind::Update, &body), expected);
    }

    #[test]
    fn a_family_that_is_sent_again_is_told_and_one_that_is_empty_is_not() {
        for family in Family::ALL {
            assert_eq!(seen(Kind::Update, &end_of_routes(family)[HEADER_BYTES..]), []);
        }
        assert_eq!(seen(Kind::Refresh, &[0, 2, 1, 1]), [Seen::SendsAgain(Family::V6)]);
        assert_eq!(seen(Kind::Refresh, &[0, 2, 2, 1]), []);
        assert!(matches!(seen(Kind::Update, &[0, 9, 24])[..], [Seen::Garbled(_)]));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let open = open((4_200_000_000, [192, 0, 2, 2].into()), &[Family::V6, Family::V4]);
        for bytes in [&open, &keepalive(), &refresh(Family::V6), &end_of_routes(Family::V6)] {
            let Message { kind, body } = read(&mut bytes.as_slice()).unwrap();
            assert_eq!(&message(bytes[18], &body), bytes, "{kind:?}");
        }
        assert_eq!(families(&open[HEADER_BYTES..]), [Family::V6, Family::V4]);
    }
}
