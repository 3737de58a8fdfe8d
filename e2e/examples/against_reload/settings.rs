//! What is measured, and for how long.

use std::env;
use std::time::Duration;

use frrk8s_testkit::lab::{FrrInstall, FrrVersion, installs};

/// So many neighbors that share so many prefixes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub neighbors: usize,
    pub prefixes: usize,
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub sizes: Vec<Size>,
    pub installs: Vec<FrrInstall>,
    /// How long the standard path may take for one thing: what is printed then is a lower bound.
    pub limit: Duration,
    /// How long a configuration may take to load before a change of it is measured.
    pub setup_limit: Duration,
    /// How often our changes are made, each there and back.
    pub runs: usize,
    /// The same of the standard path, while all of it takes less than the limit.
    pub standard_runs: usize,
}

impl Size {
    /// `50x1000`.
    fn read(text: &str) -> Option<Self> {
        let (neighbors, prefixes) = text.trim().split_once('x')?;
        Some(Self { neighbors: neighbors.parse().ok()?, prefixes: prefixes.parse().ok()? })
    }

    pub fn name(self) -> String {
        format!("{} × {}", self.neighbors, self.prefixes)
    }

    /// Whether FRR can be brought to hold it with lists of its own for each neighbor: with more entries of lists than
    /// this, 8.4 would take hours.
    pub fn is_for_standard(self, version: FrrVersion) -> bool {
        version != FrrVersion::V8_4 || self.neighbors * self.prefixes <= 50_000
    }
}

fn number(name: &str, default: u64) -> u64 {
    let read = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}"));
    env::var(name).ok().map_or(default, read)
}

impl Settings {
    /// From the environment; see the head of `main.rs`.
    pub fn read() -> Self {
        const SIZES: &str = "2x10,10x100,50x100,50x1000,100x2000";
        let sizes = env::var("FRRK8S_BENCH_SIZES").unwrap_or_else(|_| SIZES.to_owned());
        let size = |text| Size::read(text).unwrap_or_else(|| panic!("FRRK8S_BENCH_SIZES is like {SIZES}"));
        let wanted = env::var("FRRK8S_BENCH_FRR").unwrap_or_default();
        let is_wanted = |install: &FrrInstall| {
            wanted.is_empty()
                || wanted.split(',').any(|version| install.version().to_string() == version.trim())
        };
        let limit = Duration::from_secs(number("FRRK8S_BENCH_LIMIT", 300));
        let runs = |name, default| usize::try_from(number(name, default)).unwrap_or(1).max(1);
        Self {
            sizes: sizes.split(',').map(size).collect(),
            installs: installs().into_iter().filter(is_wanted).collect(),
            limit,
            setup_limit: Duration::from_secs(number("FRRK8S_BENCH_SETUP_LIMIT", 1200)),
            runs: runs("FRRK8S_BENCH_RUNS", 10),
            standard_runs: 3,
        }
    }
}
