//! Small objects for an agent, and what bgpd makes of them.

use frrk8s_testkit::lab::{Daemon, Router, wait_until};

use crate::agent::LIMIT;

/// An object with one router of AS 64512. `router` is what stands in it beside the AS, `more` what follows `bgp`.
pub fn object(name: &str, router: &str, more: &str) -> String {
    format!(
        "apiVersion: frrk8s.metallb.io/v1beta1\nkind: FRRConfiguration\nmetadata: {{name: {name}}}\n\
         spec: {{bgp: {{routers: [{{asn: 64512, {router}}}]}}{more}}}\n"
    )
}

/// One neighbor, 192.0.2.`number`, for a router of [`object`].
pub fn neighbor(number: u8, more: &str) -> String {
    format!("neighbors: [{{address: 192.0.2.{number}, asn: 6451{number}{more}}}]")
}

/// What bgpd runs.
pub fn bgpd(router: &Router) -> String {
    router.running_config(Daemon::Bgpd).unwrap_or_default()
}

/// Waits for what bgpd runs.
///
/// # Panics
///
/// When it does not come in time.
pub fn wait_for_config(router: &Router, what: &str, is_it: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let waited = wait_until(LIMIT, what, || {
        last = bgpd(router);
        Ok(is_it(&last))
    });
    assert!(waited.is_ok(), "{waited:?}\n{last}");
}
