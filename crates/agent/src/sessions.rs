//! The sessions, as bgpd has them.

use serde::Serialize;
use serde_json::Value;

/// What bgpd is asked.
pub const COMMAND: &str = "show bgp vrf all neighbors json";

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionState {
    /// Its VRF.
    pub vrf: String,
    /// Its address or interface.
    pub peer: String,
    /// The other end's AS.
    pub asn: u64,
    /// BGP's word for its state.
    pub state: String,
    /// How long it has been up, in seconds.
    pub up_seconds: Option<u64>,
    /// Prefixes taken.
    pub prefixes_in: u64,
    /// Prefixes sent.
    pub prefixes_out: u64,
}

/// Reads the answer to [`COMMAND`]. What is no answer has no sessions.
pub fn read(json: &str) -> Vec<SessionState> {
    let Ok(Value::Object(vrfs)) = serde_json::from_str(json) else {
        return Vec::new();
    };
    let of_vrf = |(vrf, value): (&String, &Value)| -> Vec<SessionState> {
        let neighbors = value.as_object().into_iter().flatten();
        neighbors.filter_map(|(peer, value)| session(vrf, peer, value)).collect()
    };
    let mut sessions: Vec<SessionState> = vrfs.iter().flat_map(of_vrf).collect();
    sessions.sort_by(|a, b| (&a.vrf, &a.peer).cmp(&(&b.vrf, &b.peer)));
    sessions
}

fn session(vrf: &str, peer: &str, value: &Value) -> Option<SessionState> {
    let state = value.get("bgpState")?.as_str()?.to_owned();
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    let families = value.get("addressFamilyInfo").and_then(Value::as_object);
    let sum = |name: &str| -> u64 {
        families.into_iter().flatten().filter_map(|(_, family)| family.get(name)?.as_u64()).sum()
    };
    let is_up = state == "Established";
    Some(SessionState {
        vrf: vrf.to_owned(),
        peer: peer.to_owned(),
        asn: number("remoteAs").unwrap_or_default(),
        up_seconds: number("bgpTimerUpMsec").filter(|_| is_up).map(|milliseconds| milliseconds / 1000),
        prefixes_in: sum("acceptedPrefixCounter"),
        prefixes_out: sum("sentPrefixCounter"),
        state,
    })
}
