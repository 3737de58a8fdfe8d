//! Words, paths and names that nobody should have given: one line that says what is wrong, and no line more for FRR.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bounded;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use frrk8s_testkit::hostile;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use bounded::{File, PASSWORD, SMALL, run, run_words};

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
