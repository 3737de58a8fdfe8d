//! Figures for Prometheus, in its text format 0.0.4.
//!
//! Upstream's names are kept letter by letter, those of counters without `_total` as well: what scrapes them is already
//! there, and so are dashboards and alerts.

mod engine;
mod text;
mod upstream;

pub use engine::Metrics;
pub use text::CONTENT_TYPE;

use frrk8s_document::Daemon;

use crate::sessions::Seen;

/// What is said where FRR does not answer in time.
const LATE: &str = "ScrapeTimedOut";

/// The figures of all sessions, as FRR counts them now, and whether it could be asked.
pub async fn sessions(seen: &Seen, metrics: &Metrics) -> String {
    let scrape = seen.scrape().await;
    let mut text = String::new();
    match scrape.as_ref().map_or(Err(LATE), |scrape| scrape.bgp.as_ref().map_err(|reason| *reason)) {
        Ok(neighbors) => text += &upstream::bgp(neighbors),
        Err(reason) => metrics.note_scrape_error(Daemon::Bgpd, reason),
    }
    match scrape.as_ref().map_or(Err(LATE), |scrape| scrape.bfd.as_ref().map_err(|reason| *reason)) {
        Ok(peers) => text += &upstream::bfd(peers),
        Err(reason) => metrics.note_scrape_error(Daemon::Bfdd, reason),
    }
    text + &metrics.scrapes_text()
}
