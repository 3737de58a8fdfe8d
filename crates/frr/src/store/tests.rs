#![allow(clippy::unwrap_used)]

use std::os::unix::fs::MetadataExt;

use serde_json::json;
use tempfile::TempDir;

use super::*;

fn record(name: &str) -> Record {
    let accepted = Accepted {
        namespace: "ns".to_owned(),
        name: name.to_owned(),
        source: 1,
        created: Some(7),
        spec: json!({ "bgp": { "routers": [] } }),
        secrets: [("s".to_owned(), "hunter2".to_owned())].into(),
    };
    Record { objects: vec![accepted], ..Record::default() }
}

fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn last(store: &Store) -> Option<(u64, String)> {
    store.load().unwrap().last_good.map(|last| (last.generation, last.text))
}

#[test]
fn what_was_kept_is_there_after_a_restart_and_two_generations_stay() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(last(&store), None);
    for (number, text) in ["one\n", "two\n", "three\n"].into_iter().enumerate() {
        assert_eq!(store.save(text, &record(text.trim())).unwrap(), number as u64 + 1);
    }
    let loaded = Store::open(directory.path()).unwrap().load().unwrap();
    let last = loaded.last_good.unwrap();
    assert_eq!((last.generation, last.text.as_str()), (3, "three\n"));
    assert_eq!(last.record, Some(record("three")));
    assert_eq!(names(&directory), ["generation-2", "generation-3"]);
    assert!(!format!("{last:?} {:?}", last.record).contains("hunter2"));
}

#[test]
fn nobody_else_can_read_it() {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.save("x\n", &record("a")).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(directory.path()), 0o700);
    let generation = directory.path().join("generation-1");
    assert_eq!(mode(&generation), 0o700);
    for file in [TEXT, RECORD, CHECKSUMS] {
        assert_eq!(mode(&generation.join(file)), 0o600, "{file}");
    }
}

#[test]
fn of_a_corrupt_generation_the_one_before_is_taken_and_it_is_set_aside() {
    type Spoil = fn(&Path);
    let ways: [Spoil; 4] = [
        |generation| fs::write(generation.join(TEXT), "tw").unwrap(),
        |generation| fs::remove_file(generation.join(RECORD)).unwrap(),
        |generation| fs::write(generation.join(CHECKSUMS), "").unwrap(),
        |generation| fs::write(generation.join(RECORD), [0xff, 0xfe]).unwrap(),
    ];
    for spoil in ways {
        let directory = TempDir::new().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.save("one\n", &record("a")).unwrap();
        store.save("two\n", &record("b")).unwrap();
        spoil(&directory.path().join("generation-2"));
        let loaded = store.load().unwrap();
        assert_eq!(loaded.last_good.unwrap().text, "one\n");
        let [set_aside] = &loaded.set_aside[..] else { unreachable!() };
        assert_eq!(set_aside.moved_to.as_deref(), Some(&*directory.path().join("set-aside-2")));
        assert_eq!(names(&directory), ["generation-1", "set-aside-2"]);
        // The next one is newer than both.
        assert!(loaded.is_old && store.load().unwrap().is_old, "also when it was set aside earlier");
        assert_eq!(store.save("three\n", &record("c")).unwrap(), 3);
        assert_eq!(last(&store), Some((3, "three\n".to_owned())));
        assert!(!store.load().unwrap().is_old);
    }
}

#[test]
fn a_record_of_another_release_leaves_the_text() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.save("one\n", &record("a")).unwrap();
    let generation = directory.path().join("generation-1");
    let other = r#"{"shape":2,"things":[]}"#;
    fs::write(generation.join(RECORD), other).unwrap();
    let sums = format!("{}  {TEXT}\n{}  {RECORD}\n", checksum(b"one\n"), checksum(other.as_bytes()));
    fs::write(generation.join(CHECKSUMS), sums).unwrap();
    let last = store.load().unwrap().last_good.unwrap();
    assert_eq!((last.text.as_str(), last.record), ("one\n", None));
}

#[test]
fn what_was_not_finished_goes_and_a_failure_leaves_what_was() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    store.save("one\n", &record("a")).unwrap();
    fs::create_dir(directory.path().join("unfinished-2")).unwrap();
    // Something is in the way.
    assert!(store.save("two\n", &record("b")).is_err());
    assert_eq!(last(&store), Some((1, "one\n".to_owned())));
    fs::create_dir(directory.path().join("unfinished-9")).unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(names(&directory), ["generation-1"]);
    assert_eq!(store.save("two\n", &record("b")).unwrap(), 2);
}

#[test]
fn the_start_up_file_is_written_only_when_it_changes() {
    let directory = TempDir::new().unwrap();
    let file = StartupFile::new(directory.path().join("frr.conf"));
    assert!(file.write("a\n").unwrap());
    let first = fs::metadata(file.path()).unwrap();
    assert_eq!(first.mode() & 0o777, 0o640);
    assert!(!file.write("a\n").unwrap());
    assert_eq!(fs::metadata(file.path()).unwrap().ino(), first.ino());
    assert!(file.write("b\n").unwrap());
    assert_eq!(file.read().unwrap(), "b\n");
    assert_eq!(names(&directory), ["frr.conf"]);
}

#[test]
fn a_startup_file_that_is_not_there_is_empty_and_one_that_cannot_be_read_is_not() {
    let directory = TempDir::new().unwrap();
    assert_eq!(StartupFile::new(directory.path().join("frr.conf")).read().unwrap(), "");
    assert_eq!(StartupFile::new(directory.path()).read().unwrap_err().reason(), "DiskFailed");
}

#[test]
fn what_was_kept_already_is_not_kept_again_while_an_older_one_cannot_be_removed() {
    let directory = TempDir::new().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for text in ["one\n", "two\n", "three\n"] {
        store.save(text, &record("a")).unwrap();
    }
    // As if removing them had failed.
    for old in ["generation-0", "generation-1"] {
        fs::create_dir(directory.path().join(old)).unwrap();
    }
    assert_eq!(store.save("three\n", &record("a")).unwrap(), 3);
    assert_eq!(names(&directory), ["generation-2", "generation-3"]);
    assert_eq!(store.save("three\n", &record("b")).unwrap(), 4);
}

#[test]
fn what_was_not_finished_beside_the_start_up_file_goes() {
    let directory = TempDir::new().unwrap();
    let file = StartupFile::new(directory.path().join("frr.conf"));
    file.write("a\n").unwrap();
    fs::write(directory.path().join(".frr.conf.Ab12Cd"), "neighbor 192.0.2.1 password hunter2\n").unwrap();
    fs::write(directory.path().join("frr.conf.sav"), "somebody's\n").unwrap();
    file.remove_unfinished();
    assert_eq!(names(&directory), ["frr.conf", "frr.conf.sav"]);
}

#[test]
fn a_file_that_is_written_over_is_what_it_is_to_be_whether_longer_or_shorter() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("frr.conf");
    fs::write(&path, "neighbor\n").unwrap();
    let number = fs::metadata(&path).unwrap().ino();
    for text in ["a longer one than that\n", "short\n"] {
        startup::write_over(&path, text).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(fs::metadata(&path).unwrap().ino(), number);
}
