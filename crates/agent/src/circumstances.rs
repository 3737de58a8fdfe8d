//! What a node's rendering depends on beside its objects.

use frrk8s_frr::NodeRecord;
use frrk8s_intake::NodeView;
use frrk8s_merge::NodeFacts;
use frrk8s_plan::NodeInput;
use frrk8s_render::{Hostname, LogLevel, NodeOptions};

/// The node, and the options that its configuration was rendered with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The node, with all labels.
    pub view: NodeView,
    /// The options.
    pub options: NodeOptions,
}

impl Circumstances {
    /// Those of a plan for a node.
    pub fn of(view: &NodeView, planned: &NodeInput<'_>) -> Self {
        Self { view: view.clone(), options: planned.options.clone() }
    }

    /// What the node has beside its objects.
    pub fn facts(&self) -> NodeFacts {
        self.view.facts()
    }

    /// As they are kept on disk.
    pub fn to_record(&self) -> NodeRecord {
        let Self { view, options } = self;
        NodeRecord {
            name: view.name.clone(),
            labels: view.labels.clone(),
            addresses: view.addresses.clone(),
            has_object: view.has_object,
            always_block: options.always_block.iter().map(ToString::to_string).collect(),
            log_level: options.log_level.frr().to_owned(),
            router_id_fallback: options.router_id_fallback,
        }
    }

    /// As they were kept on disk. What cannot be read of them is as if nobody had said it.
    pub fn from_record(record: &NodeRecord) -> Self {
        let view = NodeView {
            name: record.name.clone(),
            labels: record.labels.clone(),
            addresses: record.addresses.clone(),
            has_object: record.has_object,
        };
        let options = NodeOptions {
            hostname: view.name.as_deref().and_then(Hostname::new),
            log_level: LogLevel::from_frr(&record.log_level).unwrap_or_default(),
            always_block: record.always_block.iter().filter_map(|prefix| prefix.parse().ok()).collect(),
            router_id_fallback: record.router_id_fallback,
        };
        Self { view, options }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was() {
        let circumstances = Circumstances {
            view: NodeView {
                name: Some("a".to_owned()),
                labels: [("rack".to_owned(), "7".to_owned())].into(),
                addresses: "fd00::1".parse().into_iter().collect(),
                has_object: true,
            },
            options: NodeOptions {
                hostname: Hostname::new("a"),
                log_level: LogLevel::None,
                always_block: "10.0.0.0/8".parse().into_iter().collect(),
                router_id_fallback: "1.2.3.4".parse().ok(),
            },
        };
        assert_eq!(Circumstances::from_record(&circumstances.to_record()), circumstances);
    }
}
