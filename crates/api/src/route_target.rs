//! The schema of route distinguishers and route targets: text of the form `65000:100` with the rules that the API
//! server checks.
//!
//! Upstream's rules have holes (their test for a number finds one anywhere in the text, so that `foo.1:5` passes);
//! these are whole. They have to be cheap: the API server adds up the worst case of every rule, and there may be 50
//! routers of 10 networks of 200 targets. So each rule is one short pattern, and only the last one splits and
//! compares. By the server's own estimate (its libraries of 1.33 and of 1.37) the rules of the CRD come to 41 of the
//! 100 million that it allows, and none to more than 8.4 of 10 million.

use schemars::{Schema, SchemaGenerator, json_schema};

use crate::rule::text_schema;

/// The left side is a number or an IPv4 address (one colon, hence never IPv6).
const LEFT: &str = "self.matches('^[0-9]+:') || isIP(self.split(':')[0])";

/// As `LEFT`, or an asterisk.
const LEFT_OR_ANY: &str = "self.matches('^([0-9]+|[*]):') || isIP(self.split(':')[0])";

/// The sides fit together; other rules see to malformed text.
const RANGES: &str = "!self.matches('^[0-9.]+:[0-9]+$') \
    || (!self.contains('.') && int(self.split(':')[0]) <= 65535 \
    ? int(self.split(':')[1]) <= 4294967295 \
    : int(self.split(':')[1]) <= 65535 && (self.contains('.') || int(self.split(':')[0]) <= 4294967295))";

/// As `RANGES`, for `*:100` as well.
const RANGES_OR_ANY: &str = "!self.matches('^([0-9.]+|[*]):[0-9]+$') \
    || (!self.contains('.') && (self.startsWith('*') || int(self.split(':')[0]) <= 65535) \
    ? int(self.split(':')[1]) <= 4294967295 \
    : int(self.split(':')[1]) <= 65535 && (self.contains('.') || int(self.split(':')[0]) <= 4294967295))";

/// The schema of one route distinguisher.
pub(crate) fn route_distinguisher_schema(_: &mut SchemaGenerator) -> Schema {
    pair("a number or an IPv4 address", LEFT, RANGES)
}

/// The schema of a list of route targets to import.
pub(crate) fn import_targets_schema(_: &mut SchemaGenerator) -> Schema {
    list(&pair("a number, an IPv4 address or *", LEFT_OR_ANY, RANGES_OR_ANY))
}

/// The schema of a list of route targets to export.
pub(crate) fn export_targets_schema(_: &mut SchemaGenerator) -> Schema {
    list(&pair("a number or an IPv4 address", LEFT, RANGES))
}

fn list(items: &Schema) -> Schema {
    json_schema!({ "type": "array", "maxItems": 100, "items": items })
}

fn pair(sides: &str, left: &str, ranges: &str) -> Schema {
    let mut schema = text_schema(&[
        ("self.matches('^[^:]*:[^:]*$')", "there must be exactly one colon"),
        (left, &format!("left of the colon there must be {sides}")),
        ("self.matches(':[0-9]+$')", "right of the colon there must be a number"),
        (ranges, "the highest are 65535:4294967295, 4294967295:65535 and 255.255.255.255:65535"),
    ]);
    // As long as the longest, 255.255.255.255:65535.
    schema.insert("maxLength".into(), 21.into());
    schema
}
