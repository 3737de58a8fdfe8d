//! Files that nobody should have written, through the executable: an answer in bounded time and memory, with a place and
//! an exit code, and no password in it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use frrk8s_testkit::hostile;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// Longer than any of these takes on a slow machine without optimisation.
const SECONDS_MAX: &str = "120";
/// The address space that a run may take, in KiB.
const MEMORY_KIB_MAX: usize = 3 * 1024 * 1024;
const PASSWORD: &str = "Pa55-r3cogn1zable";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

/// Runs `frrk8s` within bounds of time and memory.
fn run<W: AsRef<OsStr>>(words: &[W], input: &[u8]) -> Ran {
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

fn run_words(words: &str) -> Ran {
    run(&words.split_whitespace().collect::<Vec<_>>(), b"")
}

/// A file in a directory of its own.
struct File {
    directory: TempDir,
    path: PathBuf,
}

impl File {
    fn new(bytes: impl AsRef<[u8]>) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("objects.yaml");
        fs::write(&path, bytes).unwrap();
        Self { directory, path }
    }

    /// Runs a command on it; what is printed has `FILE` in place of its path.
    fn run(&self, words: &[&str]) -> Ran {
        let path = self.path.to_str().unwrap();
        let words: Vec<&str> = words.iter().copied().chain(["-f", path]).collect();
        let ran = run(&words, b"");
        Ran { out: ran.out.replace(path, "FILE"), err: ran.err.replace(path, "FILE"), ..ran }
    }

    /// What `check` prints, in each format, and what `render` does under each policy.
    fn run_all(&self) -> (Ran, Vec<Ran>) {
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
const SMALL: &str = "apiVersion: frrk8s.metallb.io/v1beta1
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

#[test]
fn what_is_no_yaml_is_reported_with_its_place() {
    let deep = |open: &str| open.repeat(100_000);
    let block: String = (0..2000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let mut aliases = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "a: &a {x: 1, y: 2}\n".to_owned();
    for (to, from) in "bcdefghijklmnop".chars().zip("abcdefghijklmno".chars()) {
        let ten = vec![format!("*{from}"); 10].join(", ");
        writeln!(aliases, "{to}: &{to} [{ten}]").unwrap();
        writeln!(merges, "{to}: &{to} {{<<: [*{from}, *{from}], z{to}: 1}}").unwrap();
    }
    let long_alias = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), "*a, ".repeat(10_000));
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"kind: \xff\n".to_vec(), ":1:7", "byte 6 is not UTF-8"),
        (b"kind: A\n\xe2\x28\xa1: x\n".to_vec(), ":2:1", "byte 8 is not UTF-8"),
        (utf16("kind: A\n", u16::to_le_bytes), ":1:1", "it is UTF-16"),
        (utf16("kind: A\n", u16::to_be_bytes), ":1:1", "it is UTF-16"),
        (deep("[").into(), ":1:", ""),
        (deep("{a: ").into(), ":1:", ""),
        (deep("- ").into(), ":1:", "more than 64 levels of nesting"),
        (deep("? ").into(), ":1:", ""),
        (block.into(), ":65:", "more than 64 levels of nesting"),
        (aliases.into(), ":", "aliases, anchors or tags make it far longer"),
        (merges.into(), ":", "aliases, anchors or tags make it far longer"),
        (long_alias.into(), ":", "aliases, anchors or tags make it far longer"),
        (b"a: &a [*a]\n".to_vec(), ":1:8", "an alias inside of what it stands for"),
        (b"a: *b\n".to_vec(), ":1:4", "an alias of nothing"),
        (b"a: 1\nb: 2\na: 3\n".to_vec(), ":3:1", "the key \"a\" stands twice"),
        (br#"{"kind": "A", "kind": "B"}"#.to_vec(), ":1:15", "the key \"kind\" stands twice"),
        (b"a: !!binary =\n".to_vec(), ":1:13", "not what its tag says"),
        (b"a: \"x\n".to_vec(), ":1:4", "unclosed quote"),
        (b"a:\n\tb: c\n".to_vec(), ":2:2", "tabs"),
        (b"a: \x01\n".to_vec(), ":1:4", "unexpected character"),
        (b"\0".to_vec(), ":1:1", ""),
        (b"a: [1, 2\n".to_vec(), ":1:4", "unclosed bracket"),
        (br#"{"kind": "FRRConfiguration", "#.to_vec(), ":1:", ""),
        (b"? [a]\n: b\n".to_vec(), ":1:3", "the key of a mapping is no text"),
    ];
    for (bytes, place, message) in cases {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        let (text, _) = File::new(&bytes).run_all();
        let whole = format!("{shown:?}: {:.2000}", text.out);
        assert_eq!(text.code, 3, "{whole}");
        assert!(text.out.contains(&format!("FILE{place}")), "{place} {whole}");
        assert!(text.out.contains("error[unreadable]") && text.out.contains(message), "{message} {whole}");
    }
}

fn utf16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(bytes).collect()
}

#[test]
fn a_file_that_is_cut_off_anywhere_gets_an_answer() {
    for length in 0..SMALL.len() {
        let (text, _) = File::new(&SMALL[..length]).run_all();
        assert!(matches!(text.code, 0 | 1 | 3), "{length}");
    }
    let whole = File::new(SMALL).run(&["render"]);
    assert!(whole.code == 0 && whole.out.contains(PASSWORD), "{}", whole.err);
}

#[test]
fn what_has_no_object_for_us_is_said_in_one_line() {
    for (text, expected) in [
        ("", "no FRRConfiguration in the input"),
        ("\n\n", "no FRRConfiguration in the input"),
        ("# a comment\n# and another\n", "no FRRConfiguration in the input"),
        ("---\n---\n...\n", "no FRRConfiguration in the input"),
        ("null\n", "no FRRConfiguration in the input"),
        ("just a text\n", "no FRRConfiguration in the input"),
        ("42\n", "no FRRConfiguration in the input"),
        ("- kind: FRRConfiguration\n", "but 1 without a kind"),
        ("kind: [FRRConfiguration]\n", "but 1 without a kind"),
        ("kind: Service\nmetadata: {name: a}\n", "but 1 Service"),
        ("apiVersion: other/v1\nkind: FRRConfiguration\n", "but 1 FRRConfiguration of other/v1"),
        ("apiVersion: v2\nkind: Secret\n", "but 1 Secret of v2"),
        ("kind: \"a\\nb\\u001b[31m\"\n", "but 1 a\\nb\\u{1b}[31m"),
        ("kind: List\nitems: []\n", "no FRRConfiguration in the input"),
        ("kind: List\nitems: null\n", "no FRRConfiguration in the input"),
    ] {
        let (ran, _) = File::new(text).run_all();
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{text:?}");
        assert!(ran.err.contains(expected) && ran.err.lines().count() == 1, "{text:?}: {}", ran.err);
    }
}

#[test]
fn an_object_of_the_wrong_shape_is_reported_with_its_place() {
    let in_order =
        "kind: FRRConfiguration\nmetadata: {name: fine}\nspec: {bgp: {routers: [{asn: 64512}]}}\n---\n";
    for (text, place, message) in [
        ("kind: FRRConfiguration\nspec: []\n", ":6:1", "it is a list; it must be an object"),
        (
            "kind: FRRConfiguration\nspec: {bgp: {routers: [[64512]]}}\n",
            ":6:24",
            "it is a list; it must be an object",
        ),
        ("kind: FRRConfiguration\nspec:\n  bgp: text\n", ":7:3", "it is a text; it must be an object"),
        ("kind: FRRConfiguration\nmetadata: []\n", ":6:1", "it is a list; it must be an object"),
        ("kind: FRRConfiguration\nmetadata: {labels: {a: [b]}}\n", ":6:", "invalid type"),
        ("kind: FRRConfiguration\nmetadata: {name: a, creationTimestamp: x}\n", ":6:", ""),
        ("kind: FRRConfiguration\nmetadata: {name: [a]}\n", ":6:", "invalid type"),
        ("kind: FRRConfiguration\nspec: {}\n", ":5:1", "missing field `metadata`"),
        ("kind: FRRConfiguration\nmetadata: {}\n", ":6:1", "an object without a name"),
        (
            "kind: FRRConfiguration\nmetadata: {name: \"a\\nrouter bgp 1\"}\n",
            ":6:",
            "cannot have the name \"a\\\\nrouter bgp 1\"",
        ),
        ("kind: FRRConfiguration\nmetadata: {name: Upper}\n", ":6:", "cannot have the name \"Upper\""),
        ("kind: FRRConfiguration\nmetadata: {name: ../../x}\n", ":6:", "cannot have the name"),
        (
            "apiVersion: frrk8s.metallb.io/v2\nkind: FRRConfiguration\n",
            ":5:1",
            "has the version v1beta1 only",
        ),
        ("apiVersion: [v1]\nkind: FRRConfiguration\n", ":5:1", "it is a list; it must be a text"),
        ("kind: FRRConfigurationList\nitems: {a: b}\n", ":6:1", "it must be a list of objects"),
        ("kind: FRRConfigurationList\nitems: [[a], b, 5]\n", ":6:", "it is a list; it must be an object"),
        (
            "kind: List\nitems:\n- kind: List\n  items:\n  - kind: FRRConfiguration\n    spec: 5\n",
            ":10:5",
            "it is a number",
        ),
        ("kind: Node\nmetadata: {name: a b}\n", ":6:", "a Node cannot have the name \"a b\""),
        ("kind: Node\nmetadata: {}\n", ":6:1", "a Node without a name"),
        ("kind: Node\nmetadata: {name: a, labels: [b]}\n", ":6:", "invalid type"),
        ("kind: Node\nmetadata: {name: a}\nstatus: {addresses: {a: b}}\n", ":7:", "invalid type"),
        ("kind: Secret\nmetadata: {name: a}\ndata: [x]\n", ":7:", "of another type than it must be"),
        (
            "kind: Secret\nmetadata: {name: a}\ndata: {password: '%'}\n",
            ":7:",
            "of another type than it must be",
        ),
        (
            "kind: FRRK8sConfiguration\nmetadata: {name: config}\nspec: {logLevel: [x]}\n",
            ":7:",
            "it is a list",
        ),
        (
            "kind: FRRK8sConfiguration\nmetadata: {name: config}\nspec: {logLevel: loud}\n",
            ":7:",
            "logLevel is \"loud\"",
        ),
    ] {
        let (ran, rest) = File::new(format!("{in_order}{text}")).run_all();
        let whole = format!("{text}\n{}{}", ran.out, ran.err);
        assert_eq!(ran.code, 3, "{whole}");
        assert!(
            ran.out.contains(&format!("FILE{place}")) && ran.out.contains(message),
            "{place} {message}\n{whole}"
        );
        // Nothing of what is wrong is in force, and under `quarantine` what is in order is.
        assert!(
            rest[3].out.is_empty() && rest[4].out.contains("router bgp 64512\n"),
            "{}{whole}",
            rest[4].out
        );
    }
}

#[test]
fn no_password_is_shown_wherever_it_stands() {
    let object = |spec: &str| format!("kind: FRRConfiguration\nmetadata: {{name: a}}\nspec:\n{spec}\n");
    let neighbor = |fields: &str| {
        object(&format!(
            "  bgp: {{routers: [{{asn: 1, neighbors: [{{address: 10.0.0.1, asn: bad, {fields}}}]}}]}}"
        ))
    };
    let secret = |fields: &str| format!("{{kind: Secret, metadata: {{name: s}}, type: 5, {fields}}}\n");
    let p = PASSWORD;
    let raw = |text: &str| object(&format!("  bgp: []\n  raw: {{rawConfig: \"{text}\", priority: x}}"));
    for text in [
        neighbor(&format!("password: {p}")),
        neighbor(&format!("Password: {p}")),
        neighbor(&format!("password: [{p}]")),
        neighbor(&format!("password: {{value: {p}}}")),
        neighbor(&format!("passwordSecret: {p}")),
        neighbor(&format!("passwordSecret: [{p}]")),
        neighbor(&format!("password: !{p} x")),
        neighbor(&format!("password: &{p}")),
        neighbor(&format!("password: *{p}")),
        neighbor(&format!("password: !!{p} x")),
        neighbor(&format!("password: !<{p}> x")),
        neighbor(&format!("password: '{p}' {p}")),
        neighbor(&format!("password: \"{p}\\q\"")),
        neighbor(&format!("password: {p}: x")),
        neighbor(&format!("password: %{p}")),
        neighbor(&format!("password: {p}, password: {p}")),
        format!("x: &p {p}\n{}", neighbor("password: *p")),
        format!("x: &p {{password: {p}}}\n{}", neighbor("<<: *p")),
        secret(&format!("stringData: {{password: {p}}}")),
        secret(&format!("stringData: {{other: {p}}}")),
        secret(&format!("stringData: [{p}]")),
        secret(&format!("stringdata: {{password: {p}}}")),
        secret(&format!("data: {p}")),
        format!("{{kind: SecretList, items: [{{metadata: {{name: s}}, type: 5, stringData: {{a: {p}}}}}]}}"),
        raw(&format!("router bgp 1\\n neighbor 10.0.0.1 password {p}\\n")),
        raw(&format!("router bgp 1\\n neighbor 10.0.0.1 passw\\t{p} {p}\\n")),
        raw(&format!("router bgp 1\\n neighbor 10.0.0.1 passwor\\x64 {p}\\n")),
        raw(&format!("key chain a\\n key 1\\n key-string {p}\\n")),
        object(&format!("  raw: {{priority: x, rawConfig: \"a\\x01 password {p}\"}}")),
        object(&format!("  raw: {{rawConfig: \"neighbor a password {p}\\x01\"}}")),
        object(&format!("  raw:\n    priority: x\n    rawConfig: >\n      neighbor a password\n      {p}")),
        object(&format!("  raw: {{rawConfig: \"router bgp 1\\n neighbor a password frrk8s-1 {p}\"}}")),
    ] {
        // The whole in one line, where it is one, so that what is wrong stands beside the password.
        let (ran, _) = File::new(&text).run_all();
        assert!(ran.code == 3 || text.contains("frrk8s-1"), "{text}\n{}{}", ran.out, ran.err);
    }
}

#[test]
fn every_field_of_the_wrong_type_has_a_place() {
    let mut text = String::new();
    let mut paths = Vec::new();
    for part in hostile::parts() {
        let wrong =
            if matches!(part.kind.as_str(), "object" | "string") { json!([5]) } else { json!({"a": "b"}) };
        if matches!(part.pointer.as_str(), "/apiVersion" | "/kind") {
            continue;
        }
        let mut object = part.replaced(wrong);
        object["metadata"]["name"] = json!(format!("wrong-{}", paths.len()));
        write!(text, "---\n{object:#}\n").unwrap();
        paths.push(part.path());
    }
    let file = File::new(&text);
    let report: Json = serde_json::from_str(&file.run(&["check", "-o", "json"]).out).unwrap();
    let findings = report["findings"].as_array().unwrap();
    for (number, path) in paths.iter().enumerate() {
        let is_it = |finding: &&Json| {
            finding["object"]["name"] == format!("wrong-{number}") && finding["path"] == path.as_str()
        };
        let finding = findings.iter().find(is_it).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(
            (&finding["rule"], &finding["severity"]),
            (&json!("undecodable"), &json!("error")),
            "{path}"
        );
        assert!(finding["location"]["line"].as_u64().unwrap() > 1, "{finding}");
    }
    assert!(!text.is_empty() && file.run(&["render"]).out.is_empty());
}

/// A file with an object whose list at `around` has these items.
fn long_list(around: &str, items: &dyn Fn(usize) -> String, count: usize, behind: &str) -> File {
    let items: Vec<String> = (0..count).map(items).collect();
    File::new(format!(
        "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{{around}[{}]{behind}}}\n",
        items.join(",\n")
    ))
}

fn address(at: usize) -> String {
    format!("10.{}.{}.{}", at >> 16 & 255, at >> 8 & 255, at & 255)
}

#[test]
fn huge_lists_are_judged_within_bounds() {
    type Item<'a> = &'a dyn Fn(usize) -> String;
    const MANY: usize = 200_000;
    let router = "bgp: {routers: [{asn: 1, ";
    let neighbor =
        "bgp: {routers: [{asn: 1, prefixes: [10.0.0.0/8], neighbors: [{address: 192.0.2.1, asn: 2, ";
    let sent = "toAdvertise: {allowed: {mode: all}, ";
    let lists: Vec<(String, Item<'_>, &str, i32)> = vec![
        ("bgp: {routers: ".into(), &|at| format!("{{asn: 1, vrf: v{at}, imports: [{{vrf: v0}}]}}"), "}", 3),
        ("bgp: {bfdProfiles: ".into(), &|at| format!("{{name: p{at}}}"), "}", 0),
        (
            format!("{router}prefixes: [10.0.0.0/8], neighbors: "),
            &|at| format!("{{address: {}, asn: 1, toAdvertise: {{allowed: {{mode: all}}}}}}", address(at)),
            "}]}",
            0,
        ),
        (format!("{router}neighbors: "), &|_| "{address: x}".into(), "}]}", 3),
        (format!("{router}prefixes: "), &|at| format!("{}/32", address(at)), "}]}", 0),
        (format!("{router}prefixes: "), &|_| "x".into(), "}]}", 3),
        (format!("{router}prefixes: "), &|at| at.to_string(), "}]}", 3),
        (format!("{router}imports: "), &|at| format!("{{vrf: v{at}}}"), "}]}", 3),
        (format!("{router}evpn: {{l2vnis: "), &|at| format!("{{vni: {at}}}"), "}}]}", 3),
        (format!("{router}evpn: {{l2vnis: [{{vni: 1, importRTs: "), &|at| format!("'1:{at}'"), "}]}}]}", 3),
        (format!("{neighbor}addressFamilies: "), &|_| "unicast".into(), "}]}]}", 3),
        (
            format!("{neighbor}toReceive: {{allowed: {{prefixes: "),
            &|at| format!("{{prefix: {}/32}}", address(at)),
            "}}}]}]}",
            0,
        ),
        (
            format!("{neighbor}{sent}withCommunity: "),
            &|at| format!("{{community: '{}:{}', prefixes: [10.0.0.0/8]}}", at >> 16, at & 0xffff),
            "}}]}]}",
            3,
        ),
        (
            format!("{neighbor}{sent}withLocalPref: "),
            &|at| format!("{{localPref: {at}, prefixes: [10.0.0.0/8]}}"),
            "}}]}]}",
            3,
        ),
        (
            "nodeSelector: {matchExpressions: ".into(),
            &|at| format!("{{key: k{at}, operator: Exists}}"),
            "}",
            0,
        ),
        (
            "nodeSelector: {matchExpressions: [{key: a, operator: In, values: ".into(),
            &|_| "x".into(),
            "}]}",
            0,
        ),
        ("unknown: ".into(), &|_| "{a: b}".into(), "", 0),
    ];
    for (around, items, behind, code) in &lists {
        let file = long_list(around, items, MANY, behind);
        for words in [&["check", "-o", "json"][..], &["render"]] {
            let ran = file.run(words);
            assert_eq!(ran.code, *code, "{around}: {:.2000}", ran.err);
            assert!(ran.code == 0 || ran.out.len() < 10_000_000, "{around}: {}", ran.out.len());
        }
    }
}

#[test]
fn many_documents_and_huge_scalars_are_judged_within_bounds() {
    let objects: String = (0..10_000)
        .map(|at| {
            let address = address(at);
            format!("kind: FRRConfiguration\nmetadata: {{name: a{at}}}\nspec: {{bgp: {{routers: [{{asn: 1, neighbors: [{{address: {address}, asn: 2}}]}}]}}}}\n---\n")
        })
        .collect();
    let nodes: String = (0..5000).map(|at| format!("kind: Node\nmetadata: {{name: n{at}}}\n---\n")).collect();
    let kinds: String = (0..10_000).map(|at| format!("kind: K{at}\n---\n")).collect();
    let wrong = "kind: FRRConfiguration\nmetadata: {name: a}\nspec: []\n---\n".repeat(10_000);
    let one = "kind: FRRConfiguration\nmetadata: {name: a}\nspec: {bgp: {routers: [{asn: 1}]}}\n---\n";
    let huge = "x".repeat(4_000_000);
    let labels: String = (0..200_000).map(|at| format!("k{at}: v, ")).collect();
    for (text, code) in [
        (objects, 0),
        (format!("{one}{nodes}"), 0),
        (format!("{one}{kinds}"), 0),
        (wrong, 3),
        (format!("{one}{}", "---\n".repeat(100_000)), 0),
        (format!("kind: FRRConfiguration\nmetadata: {{name: {huge}}}\n"), 3),
        (format!("kind: FRRConfiguration\nmetadata: {{name: a, namespace: {huge}}}\n"), 0),
        (
            format!(
                "kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{bgp: {{routers: [{{asn: 1, vrf: {huge}}}]}}}}\n"
            ),
            3,
        ),
        (format!("kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {huge}\n"), 3),
        (
            format!("kind: FRRConfiguration\nmetadata: {{name: a}}\nspec: {{? {}\n: b}}\n", "x".repeat(1000)),
            0,
        ),
        (format!("{one}kind: {huge}\n"), 0),
        (format!("{one}kind: Node\nmetadata: {{name: n1, labels: {{{labels}}}}}\n"), 0),
        (format!("{one}kind: Node\nmetadata: {{name: {huge}}}\n"), 3),
        (format!("{one}# {huge}\n"), 0),
    ] {
        let file = File::new(&text);
        for words in [&["check"][..], &["check", "-o", "json"], &["check", "-o", "sarif"]] {
            let ran = file.run(words);
            assert_eq!(ran.code, code, "{text:.100}: {:.2000}", ran.err);
            assert!(ran.err.lines().all(|line| line.len() < 8000), "{text:.100}");
            assert!(words.len() > 1 || ran.out.len() < 1_000_000, "{text:.100}: {}", ran.out.len());
        }
    }
}

#[test]
fn paths_that_lead_to_no_file_are_said_in_one_line() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let make = |name: &str| {
        fs::create_dir(at(name)).unwrap();
        fs::write(at(name).join("fine.yaml"), SMALL).unwrap();
        at(name)
    };
    fs::create_dir(at("empty")).unwrap();
    symlink("nowhere", make("dangling").join("x.yaml")).unwrap();
    symlink("x.yaml", make("loop").join("x.yaml")).unwrap();
    symlink("/dev/zero", make("device").join("x.yaml")).unwrap();
    assert!(Command::new("mkfifo").arg(make("pipe").join("x.yaml")).status().unwrap().success());
    fs::create_dir(make("inner").join("x.yaml")).unwrap();
    let unreadable = make("unreadable").join("x.yaml");
    fs::write(&unreadable, SMALL).unwrap();
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).unwrap();
    let fine = at("inner");
    let cases: Vec<(PathBuf, &str)> = vec![
        (at("missing"), "No such file"),
        (at("missing\nrouter bgp 1"), "missing\\nrouter bgp 1"),
        (at("empty"), "no .yaml, .yml or .json file in"),
        (at("dangling"), "x.yaml: No such file"),
        (at("loop"), "x.yaml: Too many levels of symbolic links"),
        (at("device"), "neither a file nor a directory"),
        (at("pipe"), "neither a file nor a directory"),
        ("/dev/zero".into(), "it is a device"),
        ("/dev/null".into(), "it is a device"),
    ];
    for (path, expected) in &cases {
        for words in ["check", "render", "merge"] {
            refused(&[OsStr::new(words), OsStr::new("-f"), path.as_os_str()], 1, expected);
        }
        if !path.is_dir() {
            let against =
                [OsStr::new("render"), "-f".as_ref(), fine.as_ref(), "--against".as_ref(), path.as_ref()];
            refused(&against, 1, expected);
        }
    }
    if fs::read(&unreadable).is_err() {
        refused(&[OsStr::new("check"), "-f".as_ref(), at("unreadable").as_ref()], 1, "Permission denied");
    }
    assert_eq!(run(&[OsStr::new("check"), "-f".as_ref(), fine.as_ref()], b"").code, 0);
}

/// A refusal is one line that says what is wrong, and nothing on stdout.
fn refused<W: AsRef<OsStr>>(words: &[W], code: i32, expected: &str) {
    let ran = run(words, b"");
    let words: Vec<_> = words.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    let words = words.join(" ");
    assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{words:.300}: {}", ran.err);
    assert!(ran.err.contains(expected) && ran.err.lines().count() == 1, "{words:.300}: {}", ran.err);
    assert!(
        ran.err.len() < 8000 && !ran.err.trim_end().contains(char::is_control),
        "{words:.300}: {:?}",
        ran.err
    );
}

#[test]
fn wrong_usage_is_said_in_one_line() {
    for (words, expected) in [
        ("", "frrk8s --help"),
        ("frobnicate", "frrk8s --help"),
        ("check", "frrk8s check --help"),
        ("check --frobnicate", "--frobnicate"),
        ("check -f x -o yaml", "yaml"),
        ("render -f x --conflict-policy never", "never"),
        ("explain -f x neighbor", "frrk8s explain --help"),
        ("check -f x --always-block 10.0.0.0", "a prefix is written ADDRESS/LENGTH"),
        ("check -f x --always-block 10.0.0.0/8,x", "a prefix is written ADDRESS/LENGTH"),
        ("check -f x --always-block 10.0.0.0/33", "a prefix is written ADDRESS/LENGTH"),
        ("check -f x --node-label a", "a label is written KEY=VALUE"),
        ("check -f x --node-label =b", "a label is written KEY=VALUE"),
        ("check -f x --node a_b", "a node's name has letters"),
        ("check -f x --node -", "a node's name has letters"),
        ("check -f x --namespace a/b", "a namespace has"),
    ] {
        refused(&words.split_whitespace().collect::<Vec<_>>(), 2, expected);
    }
}

#[test]
fn no_argument_adds_a_line() {
    let file = File::new(SMALL);
    let path = file.path.as_os_str();
    let plain = file.run(&["render"]).out;
    for text in hostile::texts().into_iter().filter(|text| !text.contains('\0') && text.len() < 100_000) {
        let text = OsStr::new(&text);
        for option in
            ["--node", "--node-label", "--always-block", "--namespace", "--conflict-policy", "--color"]
        {
            let mut option = OsStr::new(option).to_owned();
            option.push("=");
            option.push(text);
            let ran = run(&[OsStr::new("render"), "-f".as_ref(), path, &option], b"");
            let whole = format!("{option:?}: {:.2000}", ran.err);
            assert!(ran.err.lines().count() <= 8 && ran.err.len() < 10_000, "{whole}");
            assert!(!ran.err.replace('\n', "").contains(char::is_control), "{whole}");
            // A node has a host name, a label nothing, a blocked prefix a list and two map entries; in another
            // namespace nothing is left.
            let may_be_more = option.to_string_lossy().starts_with("--always-block=");
            let lines = ran.out.lines().filter(|line| !line.starts_with("hostname ")).count();
            assert!(
                may_be_more || ran.out.is_empty() || lines <= plain.lines().count(),
                "{whole}{}",
                ran.out
            );
            assert!(!ran.out.contains("router bgp 1\n"), "{whole}");
        }
        for what in ["neighbor", "prefix", "line"] {
            let ran =
                run(&[OsStr::new("explain"), "-f".as_ref(), path, what.as_ref(), "--".as_ref(), text], b"");
            assert!(
                ran.out.lines().count() < 100 && !ran.out.contains(PASSWORD),
                "{what} {text:?}: {}",
                ran.out
            );
            assert!(!ran.out.replace('\n', "").contains(char::is_control), "{what} {text:?}: {}", ran.out);
        }
    }
}

#[test]
fn no_name_or_label_adds_a_line() {
    let object = |metadata: &Json, node: &Json| {
        let object = json!({
            "kind": "FRRConfiguration", "metadata": metadata,
            "spec": { "bgp": { "routers": [{ "asn": 64512, "neighbors": [{ "address": "10.0.0.1", "asn": 1, "password": PASSWORD }] }] } },
        });
        let node = json!({ "kind": "Node", "metadata": node });
        File::new(format!("{}\n---\n{}\n", hostile::ascii(&object), hostile::ascii(&node)))
    };
    let fine = (json!({ "name": "a" }), json!({ "name": "n1" }));
    let plain = object(&fine.0, &fine.1).run(&["render"]).out;
    assert!(plain.contains("hostname n1\n"), "{plain}");
    for text in hostile::texts() {
        for (metadata, node) in [
            (json!({ "name": text }), fine.1.clone()),
            (json!({ "name": "a", "namespace": text }), fine.1.clone()),
            (json!({ "name": "a", "labels": { "a": text }, "annotations": { "a": text } }), fine.1.clone()),
            (fine.0.clone(), json!({ "name": text })),
            (fine.0.clone(), json!({ "name": "n1", "labels": { "a": text } })),
        ] {
            let (ran, rest) = object(&metadata, &node).run_all();
            for ran in rest.iter().chain([&ran]) {
                let whole = format!("{text:.100?} {:.3000}{:.3000}", ran.out, ran.err);
                assert!(ran.code == 0 || ran.code == 3, "{whole}");
                assert!(ran.out.len() < 100_000 && ran.err.len() < 30_000, "{text:.100?}: {}", ran.out.len());
                let plain = |c: char| c == '\n' || !c.is_control();
                assert!(ran.out.chars().chain(ran.err.chars()).all(plain), "{whole}");
            }
            let rendered = &rest[3].out;
            assert!(
                rendered.is_empty() || rendered.lines().count() <= plain.lines().count(),
                "{text:.100?}: {rendered}"
            );
        }
    }
}

#[test]
fn what_runs_is_read_whatever_it_is() {
    let file = File::new(SMALL);
    let plain = file.run(&["render"]).out;
    let running = file.directory.path().join("running.conf");
    let numbers: String =
        (0..5000).map(|at| format!("ip prefix-list frrk8s-{at} seq {at} permit 10.0.0.0/8\n")).collect();
    let entries: String = (0..5000).map(|at| format!("route-map 10.0.0.1-in permit {at}\nexit\n")).collect();
    for bytes in [
        &b""[..],
        b"\0\xff\xfe",
        "  a\n b\nc\n".repeat(10_000).as_bytes(),
        &" ".repeat(1_000_000).into_bytes(),
        (0..3000).map(|depth| format!("{}a\n", " ".repeat(depth))).collect::<String>().as_bytes(),
        "frr version 99999999999.1\nrouter bgp\nrouter bgp 1 vrf default\nexit\nexit\nend\n".as_bytes(),
        format!("frr version 8.4\n{numbers}{entries}").as_bytes(),
        "route-map 10.0.0.1-in permit 65535\nroute-map 10.0.0.1-in permit 99999999999999\n".as_bytes(),
        "exit\n".repeat(100_000).as_bytes(),
    ] {
        fs::write(&running, bytes).unwrap();
        let ran = file.run(&["render", "--against", running.to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert_eq!(ran.out.lines().count(), plain.lines().count(), "{}", ran.out);
    }
}

#[test]
fn standard_input_is_bounded_as_files_are() {
    assert_eq!(run(&["check", "-f", "-"], SMALL.as_bytes()).code, 0);
    assert_eq!(run(&["check", "-f", "-"], b"").code, 1);
    assert_eq!(run(&["check", "-f", "-"], &[0xff]).code, 3);
    assert_eq!(run_words("check -f - -f -").code, 1);
    assert!(Path::new("/dev/zero").exists());
}
