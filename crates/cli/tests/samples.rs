//! The command line says of every sample and case what is expected of it there.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The directories of samples and cases, with the options that their README names.
fn directories() -> Vec<(PathBuf, Vec<String>)> {
    let below = |path: &str| {
        let entries = fs::read_dir(Path::new(ROOT).join(path)).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let mut directories = [below("manifests/samples"), below("crates/plan/tests/cases")].concat();
    directories.sort();
    directories.into_iter().map(|directory| (directory.clone(), options(&directory))).collect()
}

fn options(directory: &Path) -> Vec<String> {
    let readme = fs::read_to_string(directory.join("README.md")).unwrap_or_default();
    let words = readme.split_whitespace().skip_while(|word| *word != "--always-block");
    words.take(2).map(str::to_owned).collect()
}

fn run(command: &str, directory: &Path, options: &[String]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_frrk8s"));
    program.args([command, "-f"]).arg(directory).args(options).output().unwrap()
}

/// The texts `expected.<kind><node>.conf` of a directory, with the nodes.
fn expected(directory: &Path) -> Vec<(String, String)> {
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut expected: Vec<(String, String)> = files
        .filter_map(|path| {
            let name =
                path.file_name()?.to_str()?.strip_prefix("expected.")?.strip_suffix("conf")?.to_owned();
            Some((name.trim_end_matches('.').to_owned(), fs::read_to_string(path).unwrap()))
        })
        .collect();
    expected.sort();
    expected
}

#[test]
fn render_prints_what_is_expected_of_each_node() {
    for (directory, options) in directories() {
        for (what, text) in expected(&directory) {
            let (policy, node) = match what.strip_prefix("quarantine") {
                Some(node) => ("quarantine", node.trim_start_matches('.')),
                None => ("freeze", what.as_str()),
            };
            let mut words = options.clone();
            words.extend(["--mask-secrets".to_owned(), format!("--conflict-policy={policy}")]);
            if !node.is_empty() {
                words.push(format!("--node={node}"));
            }
            let output = run("render", &directory, &words);
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(printed == text, "{} {what}:\n{printed}", directory.display());
            assert_eq!(
                output.status.code(),
                Some(if policy == "freeze" { 0 } else { 3 }),
                "{}",
                directory.display()
            );
        }
    }
}

/// The beginnings of the lines of `expected.findings`, sorted.
fn reported(directory: &Path, options: &[String]) -> Vec<String> {
    let output = run("check", directory, &[options, &["-o".to_owned(), "json".to_owned()]].concat());
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: {error}\n{output:?}", directory.display()));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |finding: &Value| {
        let object = &finding["object"];
        let (namespace, name) = (text(&object["namespace"]), text(&object["name"]));
        // A file that cannot be read stands for its objects.
        let name = name.rsplit('/').next().unwrap_or_default();
        let object = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
        let place = format!("{object} {}", text(&finding["path"]));
        let (severity, rule) = (text(&finding["severity"]), text(&finding["rule"]));
        format!("{severity}[{rule}] {}: {}", place.trim_end(), text(&finding["message"]))
    };
    let mut lines: Vec<String> = report["findings"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn check_reports_what_is_expected() {
    for (directory, options) in directories() {
        let expected = fs::read_to_string(directory.join("expected.findings")).unwrap();
        let mut expected: Vec<&str> = expected.lines().collect();
        expected.sort_unstable();
        let reported = reported(&directory, &options);
        let same = expected.iter().zip(&reported).all(|(line, begins)| line.starts_with(begins.as_str()));
        assert!(same && expected.len() == reported.len(), "{}: {reported:#?}", directory.display());
    }
}
