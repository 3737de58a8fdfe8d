//! BFD profiles (RFC 5880).

/// The numbers and switches of a BFD profile; what is unset is FRR's to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BfdProfile {
    /// Milliseconds, 10 to 60000 (FRR's default: 300).
    pub receive_interval: Option<u32>,
    /// Milliseconds, 10 to 60000 (FRR's default: 300).
    pub transmit_interval: Option<u32>,
    /// Missed packets until the session is down, 2 to 255 (FRR's default: 3).
    pub detect_multiplier: Option<u8>,
    /// Milliseconds, 10 to 60000 (FRR's default: 50); sets both directions.
    pub echo_interval: Option<u32>,
    /// Single-hop only.
    pub echo_mode: bool,
    /// Wait for the other end to begin.
    pub passive_mode: bool,
    /// Multi-hop only: 1 to 254 (FRR's default: 254).
    pub minimum_ttl: Option<u8>,
}
