//! Random objects that go together, with node options, the same on every run.

use frrk8s_render::{Hostname, LogLevel};
use frrk8s_testkit::strategy::agreeing_objects;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::PlannedInput;

/// As many as `FRRK8S_FRR_INPUTS` says, else `usual`.
pub fn inputs(usual: usize) -> Vec<PlannedInput> {
    let asked = std::env::var("FRRK8S_FRR_INPUTS").ok();
    let count = asked.and_then(|count| count.parse().ok()).unwrap_or(usual);
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = agreeing_objects(1..4);
    (0..count)
        .map(|number| {
            let mut input = PlannedInput {
                objects: strategy.new_tree(&mut runner).unwrap().current(),
                ..PlannedInput::default()
            };
            let options = &mut input.options;
            options.hostname = Hostname::new(&format!("worker-{number}.example"));
            options.log_level =
                [LogLevel::Info, LogLevel::Debug, LogLevel::Warn, LogLevel::Error, LogLevel::None]
                    [number % 5];
            if number % 3 == 0 {
                options.always_block = vec![
                    "10.96.0.0/12".parse().unwrap(),
                    "fd00:1::/112".parse().unwrap(),
                    "10.1.1.1/32".parse().unwrap(),
                ];
            }
            if number % 7 == 0 {
                options.router_id_fallback = Some([192, 0, 2, 77].into());
            }
            input
        })
        .collect()
}
