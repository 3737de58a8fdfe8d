//! What FRR says about lines that it takes.

/// A text with which FRR comments a line, or a clear, that it has carried out.
#[derive(Debug)]
pub(super) struct Remark {
    /// How the text begins.
    begins: &'static str,
    /// What makes FRR say it. Only the test reads it.
    #[cfg_attr(not(test), expect(dead_code))]
    said_to: &'static str,
}

/// All that the lines that we render, and their `no` forms, make FRR 8.4.4 and 10.3 say: found by sending 500 random
/// deltas to each. Both versions use the same words.
const REMARKS: &[Remark] = &[
    // Echo works all the same. FRR 9 and older have an ending of their own.
    Remark { begins: "% Echo mode works correctly for IPv4, but ", said_to: "echo-mode" },
    // Until then the session goes on as it was (8.4), or FRR resets it by itself (10.3): the delta knows.
    Remark {
        begins: "Graceful restart configuration changed, reset this peer to take effect",
        said_to: "neighbor 192.0.2.1 graceful-restart",
    },
    Remark {
        begins: "Graceful restart configuration changed, reset all peers to take effect",
        said_to: "bgp graceful-restart",
    },
    // Nothing is exchanged that could be sent again.
    Remark { begins: "% BGP: Enable ", said_to: "clear bgp ipv6 unicast 192.0.2.1 soft in" },
];

/// Whether a line of a reply is such a text.
pub(super) fn is_remark(line: &str) -> bool {
    REMARKS.iter().any(|remark| line.starts_with(remark.begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_frr_said_to_lines_that_it_took_is_known() {
        for (said_to, text) in [
            ("echo-mode", "% Echo mode works correctly for IPv4, but not for IPv6"),
            (
                "echo-mode",
                "% Echo mode works correctly for IPv4, but only works when the peer is also FRR for IPv6.",
            ),
            (
                "neighbor 192.0.2.1 graceful-restart",
                "Graceful restart configuration changed, reset this peer to take effect",
            ),
            (
                "bgp graceful-restart",
                "Graceful restart configuration changed, reset all peers to take effect",
            ),
            (
                "clear bgp ipv6 unicast 192.0.2.1 soft in",
                "% BGP: Enable IPv6 Unicast address family for the neighbor 192.0.2.1",
            ),
        ] {
            assert!(is_remark(text), "{text}");
            assert!(REMARKS.iter().any(|remark| remark.said_to == said_to), "{said_to}");
        }
    }

    #[test]
    fn what_frr_said_to_lines_that_it_refused_is_none() {
        for text in [
            "% Invalid value",
            "% Configuration failed.",
            "% [BGP] Unknown command: bogus",
            "% Command incomplete.",
            "% Malformed communities attribute '1:2:3'",
            "% Specify remote-as or peer-group commands first",
            "% BGP: Unknown neighbor - \"192.0.2.77\"",
            "BGP is already running; AS is 64512",
            "Can't find BGP instance nope",
            "",
        ] {
            assert!(!is_remark(text), "{text}");
        }
    }
}
