//! Files that nobody should have written, through the executable: an answer in bounded time and memory, with a place and
//! an exit code, and no password in it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounded;

use std::fmt::Write as _;

use frrk8s_testkit::hostile;
use serde_json::{Value as Json, json};

use bounded::{File, PASSWORD, SMALL};

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
