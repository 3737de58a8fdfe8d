//! What was measured, as tables of Markdown.

use std::time::Duration;

use crate::bounded::Took;
use crate::floor::Floor;
use crate::ours::{Change, Ours};
use crate::settings::Size;
use crate::theirs::Theirs;

/// What was measured of one size on one FRR.
#[derive(Clone, Debug)]
pub struct Row {
    pub release: String,
    pub size: Size,
    pub ours: Ours,
    /// One prefix for all, and for one neighbor.
    pub floor: [Floor; 2],
    /// The standard path on our rendering.
    pub on_ours: Took,
    /// `None` where FRR is too slow for it.
    pub theirs: Option<Theirs>,
}

pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(time: Duration) -> String {
    let value = time.as_secs_f64() * 1000.0;
    if value < 100.0 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

fn seconds(took: Option<Took>) -> String {
    let Some(took) = took else { return "—".to_owned() };
    let (bound, value) = (if took.ended { "" } else { "> " }, took.time.as_secs_f64());
    if took.ended { format!("{value:.2} s") } else { format!("{bound}{value:.0} s") }
}

fn ratio(theirs: Option<Took>, ours: Duration) -> String {
    let Some(took) = theirs else { return "—".to_owned() };
    let bound = if took.ended { "" } else { "> " };
    format!("{bound}{:.0}", took.time.as_secs_f64() / ours.as_secs_f64())
}

fn holds(holds: bool) -> &'static str {
    if holds { "yes" } else { "**no**" }
}

/// The goal of 100 times, where it is one.
fn goal(size: Size, theirs: Option<Took>, ours: Duration) -> &'static str {
    match theirs {
        Some(_) if size.neighbors * size.prefixes < 5_000 => "",
        // It was stopped too early to tell.
        Some(took) if !took.ended && took.time < ours * 100 => "?",
        Some(took) => holds(took.time >= ours * 100),
        None => "",
    }
}

fn table(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<String> = head.iter().map(ToString::to_string).collect();
    let rule: Vec<String> = (0..head.len()).map(|at| if at < 2 { "---" } else { "--:" }.to_owned()).collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{title}\n\n{}{}{rows}\n", line(&names), line(&rule))
}

impl Row {
    fn head(&self) -> Vec<String> {
        vec![self.release.clone(), self.size.name()]
    }

    fn row(&self, cells: impl IntoIterator<Item = String>) -> Vec<String> {
        self.head().into_iter().chain(cells).collect()
    }

    fn sessions(&self) -> [String; 2] {
        let theirs = self.theirs.map_or_else(|| "—".to_owned(), |theirs| theirs.sessions.to_string());
        [self.ours.sessions.to_string(), theirs]
    }

    /// One prefix at the front of the list.
    fn prefix(&self) -> Vec<String> {
        let theirs = self.theirs.and_then(|theirs| theirs.prefix);
        let ours = self.ours.prefix.whole;
        let [up, their_up] = self.sessions();
        self.row([
            up,
            milliseconds(ours),
            milliseconds(self.ours.prefix.said),
            seconds(theirs),
            ratio(theirs, ours),
            goal(self.size, theirs, ours).to_owned(),
            their_up,
            seconds(Some(self.on_ours)),
            ratio(Some(self.on_ours), ours),
        ])
    }

    /// One prefix for one neighbor.
    fn neighbor(&self) -> Vec<String> {
        let theirs = self.theirs.and_then(|theirs| theirs.neighbor);
        // The goal compares with what the standard path takes at the front of all lists.
        let front = self.theirs.and_then(|theirs| theirs.prefix);
        let ours = self.ours.neighbor.whole;
        self.row([
            self.sessions()[0].clone(),
            milliseconds(ours),
            seconds(theirs),
            ratio(theirs, ours),
            ratio(front, ours),
            goal(self.size, front, ours).to_owned(),
            milliseconds(self.ours.new_audience.whole),
        ])
    }

    /// Beside the bare cost.
    fn bare(&self, floor: &Floor, ours: Change, what: &str) -> Vec<String> {
        let bound = floor.sending * 2 + floor.reading;
        self.row([
            what.to_owned(),
            format!("{} + {}", floor.lines, floor.clears),
            milliseconds(floor.sending),
            milliseconds(ours.sending),
            milliseconds(floor.reading),
            milliseconds(ours.reading),
            milliseconds(ours.whole),
            milliseconds(bound),
            holds(ours.sending <= floor.sending * 2).to_owned(),
            holds(ours.whole <= bound).to_owned(),
        ])
    }

    fn first_load(&self) -> Vec<String> {
        let theirs = self.theirs.map(|theirs| theirs.first_load);
        let [now, most] = self
            .ours
            .memory
            .map(|kib| format!("{:.1} MiB", f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0));
        let ours = self.ours.first_load.whole;
        self.row([milliseconds(ours), seconds(theirs), ratio(theirs, ours), now, most])
    }
}

/// The whole.
pub fn print(rows: &[Row]) -> String {
    let of = |cells: fn(&Row) -> Vec<String>| rows.iter().map(cells).collect::<Vec<_>>();
    let bare = rows.iter().flat_map(|row| {
        let [prefix, neighbor] = &row.floor;
        [row.bare(prefix, row.ours.prefix, "for all"), row.bare(neighbor, row.ours.neighbor, "for one")]
    });
    [
        table(
            "One prefix more or fewer, at the front of the list, from the changed file to verified:",
            &[
                "FRR",
                "neighbors × prefixes",
                "sessions up",
                "agent",
                "and on the disk",
                "standard path",
                "times",
                "≥ 100",
                "its sessions up",
                "standard path on our rendering",
                "times",
            ],
            &of(Row::prefix),
        ),
        table(
            "One prefix more or fewer for one neighbor of them:",
            &[
                "FRR",
                "neighbors × prefixes",
                "sessions up",
                "agent",
                "standard path",
                "times",
                "at the front for all: times",
                "≥ 100",
                "agent, a new audience",
            ],
            &of(Row::neighbor),
        ),
        table(
            "The agent beside the bare cost of its own lines:",
            &[
                "FRR",
                "neighbors × prefixes",
                "change",
                "lines + clears",
                "bare sending",
                "the agent's",
                "bare reading",
                "the agent's",
                "agent, all",
                "2 × bare + reading",
                "sending within 2 ×",
                "all within",
            ],
            &bare.collect::<Vec<_>>(),
        ),
        table(
            "First load, and the agent's memory after all of it:",
            &["FRR", "neighbors × prefixes", "agent", "frr-reload.py", "times", "VmRSS", "VmHWM"],
            &of(Row::first_load),
        ),
    ]
    .concat()
}
