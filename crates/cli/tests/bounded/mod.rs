//! The executable within bounds of time and memory, for input that nobody should have written.
#![allow(dead_code, reason = "each of the tests uses a part of it")]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value as Json;
use tempfile::TempDir;

/// Longer than any of these takes on a slow machine without optimisation.
pub const SECONDS_MAX: &str = "120";
/// The address space that a run may take, in KiB.
pub const MEMORY_KIB_MAX: usize = 3 * 1024 * 1024;
pub const PASSWORD: &str = "Pa55-r3cogn1zable";

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs `frrk8s` within bounds of time and memory.
pub fn run<W: AsRef<OsStr>>(words: &[W], input: &[u8]) -> Ran {
    let script = format!("ulimit -v {MEMORY_KIB_MAX}; exec \"$0\" \"$@\"");
    let mut child = Command::new("timeout")
        .args(["--kill-after=1", SECONDS_MAX, "sh", "-c", &script, env!("CARGO_BIN_EXE_frrk8s")])
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // One that refuses its arguments does not read.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let code = output.status.code().unwrap_or(-1);
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    for sign in ["panicked at", "overflow", "memory allocation", "RUST_BACKTRACE"] {
        assert!(!err.contains(sign), "{err:.2000}");
    }
    assert!((0..=3).contains(&code), "exit code {code}: {err:.2000}");
    Ran { code, out, err }
}

pub fn run_words(words: &str) -> Ran {
    run(&words.split_whitespace().collect::<Vec<_>>(), b"")
}

/// A file in a directory of its own.
pub struct File {
    pub directory: TempDir,
    pub path: PathBuf,
}

impl File {
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("objects.yaml");
        fs::write(&path, bytes).unwrap();
        Self { directory, path }
    }

    /// Runs a command on it; what is printed has `FILE` in place of its path.
    pub fn run(&self, words: &[&str]) -> Ran {
        let path = self.path.to_str().unwrap();
        let words: Vec<&str> = words.iter().copied().chain(["-f", path]).collect();
        let ran = run(&words, b"");
        Ran { out: ran.out.replace(path, "FILE"), err: ran.err.replace(path, "FILE"), ..ran }
    }

    /// What `check` prints, in each format, and what `render` does under each policy.
    pub fn run_all(&self) -> (Ran, Vec<Ran>) {
        let text = self.run(&["check"]);
        let rest: Vec<Ran> = [
            &["check", "-o", "json"][..],
            &["check", "-o", "sarif"],
            &["merge"],
            &["render", "--mask-secrets"],
            &["render", "--mask-secrets", "--conflict-policy", "quarantine"],
        ]
        .iter()
        .map(|words| self.run(words))
        .collect();
        for ran in rest.iter().chain([&text]) {
            assert!(!ran.out.contains(PASSWORD) && !ran.err.contains(PASSWORD), "{}{}", ran.out, ran.err);
        }
        let [json, sarif, _, render, quarantine] = rest.as_slice() else { panic!() };
        if text.code != 1 {
            serde_json::from_str::<Json>(&json.out).unwrap();
            serde_json::from_str::<Json>(&sarif.out).unwrap();
        }
        // What is wrong leaves nothing on stdout under `freeze`; what a review assumes, rendering needs.
        assert!(render.code == 0 || render.out.is_empty(), "{}: {}", render.code, render.out);
        assert_eq!(render.code, quarantine.code, "{}", quarantine.err);
        (text, rest)
    }
}

/// A small file in order, with a password.
pub const SMALL: &str = "apiVersion: frrk8s.metallb.io/v1beta1
kind: FRRConfiguration
metadata: {name: a, namespace: ns}
spec:
  bgp:
    routers:
    - asn: 64512
      neighbors:
      - {address: 10.0.0.1, asn: 64513, password: Pa55-r3cogn1zable}
  raw: {rawConfig: \"router bgp 64512\\n neighbor 10.0.0.1 description x\\n\"}
---
{\"kind\": \"Secret\", \"metadata\": {\"name\": \"s\", \"namespace\": \"ns\"}, \"data\": {\"password\": \"UGE1NS1yM2NvZ24xemFibGU=\"}}
";
