//! What every node has: its name, its logging, next hop tracking.

use frrk8s_document::{Line, normal};

use crate::options::{LogLevel, NodeOptions};
use crate::subject::{NodeSetting, Subject, Subjects};

/// What FRR logs beside its messages at level `debugging`.
const DEBUG: [&str; 13] = [
    "debug zebra events",
    "debug zebra nht",
    "debug zebra kernel",
    "debug zebra rib",
    "debug zebra nexthop",
    "debug bgp neighbor-events",
    "debug bgp updates",
    "debug bgp keepalives",
    "debug bgp nht",
    "debug bgp zebra",
    "debug bfd network",
    "debug bfd peer",
    "debug bfd zebra",
];

pub(crate) fn lines(options: &NodeOptions, subjects: &mut Subjects) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |setting, text: &str| {
        let mark = subjects.note(Subject::Node(setting));
        lines.push(Line::leaf(text).marked(mark));
    };
    if let Some(hostname) = &options.hostname {
        add(NodeSetting::Hostname, &format!("hostname {}", hostname.as_str()));
    }
    let log = format!("log stdout {}", options.log_level);
    add(NodeSetting::Logging, &normal(None, &log).unwrap_or(log));
    add(NodeSetting::Logging, "log timestamp precision 3");
    if options.log_level == LogLevel::Debug {
        for text in DEBUG {
            add(NodeSetting::Logging, text);
        }
    }
    for text in ["ip nht resolve-via-default", "ipv6 nht resolve-via-default"] {
        add(NodeSetting::NextHopTracking, text);
    }
    lines
}
