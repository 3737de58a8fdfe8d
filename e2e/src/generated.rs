//! Random objects that go together, with node options, the same on every run.

use frrk8s_api::FRRConfiguration;
use frrk8s_render::{Hostname, LogLevel, NodeOptions};
use frrk8s_testkit::strategy::agreeing_objects;
use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::PlannedInput;

/// How many inputs in a row are of one world.
const ROW: usize = 3;

/// As many as `FRRK8S_FRR_INPUTS` says, else `usual`, each of a world of its own.
pub fn inputs(usual: usize) -> Vec<PlannedInput> {
    let (mut runner, strategy) = (runner(), agreeing_objects(1..4));
    let input = |number| {
        let objects = strategy.new_tree(&mut runner).unwrap().current();
        PlannedInput { objects, options: options(number), ..PlannedInput::default() }
    };
    (0..count(usual)).map(input).collect()
}

/// So many in rows of one world and one node: from one to the next some objects come and some go, so that much stays.
/// Between two rows everything changes.
pub fn rows(usual: usize) -> Vec<PlannedInput> {
    let mut runner = runner();
    let row = (agreeing_objects(2..6), any::<[u8; ROW]>());
    let mut all = Vec::new();
    while all.len() < count(usual) {
        let (objects, chosen) = row.new_tree(&mut runner).unwrap().current();
        let options = options(all.len() / ROW);
        let input = |bits| PlannedInput {
            objects: some(&objects, bits),
            options: options.clone(),
            ..PlannedInput::default()
        };
        all.extend(chosen.map(input));
    }
    all.truncate(count(usual));
    all
}

fn some(objects: &[FRRConfiguration], bits: u8) -> Vec<FRRConfiguration> {
    let chosen = objects.iter().enumerate().filter(|(at, _)| bits & 1 << at != 0);
    chosen.map(|(_, object)| object.clone()).collect()
}

fn count(usual: usize) -> usize {
    let asked = std::env::var("FRRK8S_FRR_INPUTS").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(usual)
}

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn options(number: usize) -> NodeOptions {
    let levels = [LogLevel::Info, LogLevel::Debug, LogLevel::Warn, LogLevel::Error, LogLevel::None];
    let mut options = NodeOptions {
        hostname: Hostname::new(&format!("worker-{number}.example")),
        log_level: levels[number % 5],
        ..NodeOptions::default()
    };
    if number.is_multiple_of(3) {
        let blocked = ["10.96.0.0/12", "fd00:1::/112", "10.1.1.1/32"];
        options.always_block = blocked.map(|prefix| prefix.parse().unwrap()).into();
    }
    if number.is_multiple_of(7) {
        options.router_id_fallback = Some([192, 0, 2, 77].into());
    }
    options
}
