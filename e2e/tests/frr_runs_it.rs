//! Real FRR takes every line that is rendered, and prints back what was rendered.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use frrk8s_e2e::{check, generated};
use frrk8s_testkit::lab::{self, Router, RouterOptions};

#[test]
fn random_inputs_are_taken_and_printed_back() {
    let inputs = generated::inputs(300);
    for install in lab::installs() {
        let mut router = Router::isolated(&install, RouterOptions::default()).unwrap();
        let started = std::time::Instant::now();
        for (number, input) in inputs.iter().enumerate() {
            check(&router, &format!("input {number} on FRR {}", install.release()), &input.plan(), &[]);
            router.wipe().unwrap();
        }
        println!("FRR {}: {} inputs in {:?}", install.release(), inputs.len(), started.elapsed());
    }
}
