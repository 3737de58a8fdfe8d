//! Which objects select a node.

use std::collections::BTreeMap;

use frrk8s_api::FRRConfigurationSpec;
use frrk8s_api::k8s::{LabelSelector, LabelSelectorRequirement, Selector, SelectorExt};
use frrk8s_model::{Finding, ObjectId, Rule, shown};

use crate::report::{Path, Report};

/// A node selector that was read.
#[derive(Clone, Debug)]
pub struct NodeSelector(Selector);

impl NodeSelector {
    /// The selector of an object, or everything that is wrong with it. An absent or empty one selects every node.
    pub fn of(object: &ObjectId, spec: &FRRConfigurationSpec) -> Result<Self, Vec<Finding>> {
        let mut report = Report::new(object);
        check(&spec.node_selector, &mut report);
        let read = Selector::try_from(spec.node_selector.clone());
        let findings = report.finish();
        match read {
            Ok(selector) if findings.is_empty() => Ok(Self(selector)),
            Err(error) if findings.is_empty() => {
                let message = format!("invalid NodeSelector: {}", shown(&error.to_string()));
                Err(vec![Finding::new(Rule::NodeSelectorInvalid, object, "spec.nodeSelector", message)])
            }
            _ => Err(findings),
        }
    }

    /// Whether a node with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.matches(labels)
    }
}

/// The rules of the API for label selectors; the schema of a CRD does not check them.
fn check(selector: &LabelSelector, report: &mut Report<'_>) {
    let path = Path::Root("spec.nodeSelector");
    for (key, value) in selector.match_labels.iter().flatten() {
        let path = path.field("matchLabels");
        if !is_label_key(key) {
            refuse(&path, key, "is no key of a label", report);
        }
        if !is_label_value(value) {
            refuse(&path, value, "is no value of a label", report);
        }
    }
    for (at, expression) in selector.match_expressions.iter().flatten().enumerate() {
        check_expression(expression, &path.item("matchExpressions", at), report);
    }
}

fn check_expression(expression: &LabelSelectorRequirement, path: &Path<'_>, report: &mut Report<'_>) {
    let LabelSelectorRequirement { key, operator, values } = expression;
    let values = values.as_deref().unwrap_or_default();
    if !is_label_key(key) {
        refuse(&path.field("key"), key, "is no key of a label", report);
    }
    match operator.as_str() {
        "In" | "NotIn" if values.is_empty() => {
            refuse(&path.field("operator"), operator, "needs values", report);
        }
        "In" | "NotIn" => {
            for (at, value) in values.iter().enumerate().filter(|(_, value)| !is_label_value(value)) {
                refuse(&path.item("values", at), value, "is no value of a label", report);
            }
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            refuse(&path.field("operator"), operator, "takes no values", report);
        }
        "Exists" | "DoesNotExist" => {}
        _ => {
            let what = "is no operator: In, NotIn, Exists and DoesNotExist are";
            refuse(&path.field("operator"), operator, what, report);
        }
    }
}

fn refuse(path: &Path<'_>, value: &str, what: &str, report: &mut Report<'_>) {
    let message = format!("invalid NodeSelector: {:?} {what}", shown(value));
    report.value(Rule::NodeSelectorInvalid, path, value, message);
}

/// A key of a label: a name, perhaps behind a DNS subdomain and a slash.
fn is_label_key(key: &str) -> bool {
    const PREFIX_BYTES_MAX: usize = 253;
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let is_part = |part: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    let is_subdomain = |prefix: &str| prefix.len() <= PREFIX_BYTES_MAX && prefix.split('.').all(is_part);
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_label_value(name)
}

/// A value of a label: empty, or 63 letters, digits, `-`, `_` and `.` at the most, the first and last alphanumeric.
fn is_label_value(value: &str) -> bool {
    const BYTES_MAX: usize = 63;
    let alphanumeric = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    bytes.len() <= BYTES_MAX
        && bytes.iter().all(inner)
        && alphanumeric(bytes.first())
        && alphanumeric(bytes.last())
}
