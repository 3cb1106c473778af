//! Many builders at once, and builders that are killed.

use crate::fixture::*;
use plan::LayerSpec;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};
use store::{Policy, Store};

fn big() -> LayerSpec {
    let mut spec = LayerSpec::new("big");
    for i in 0..200 {
        let name = format!("/d{}/f{i}", i % 10);
        spec.entries
            .extend(crate::fixture::spec(&[(name.as_bytes(), file(&[b'x'; 3000]))]).entries);
    }
    spec
}

fn is_whole(store: &Store) -> bool {
    let made = store.layer(&big()).unwrap();
    assert_eq!(snapshot(made.path.as_path()).len(), 1 + 10 + 200);
    for i in 0..200 {
        let name = format!("d{}/f{i}", i % 10);
        assert_eq!(fs::read(made.path.at(&name).as_path()).unwrap(), [b'x'; 3000]);
    }
    made.built
}

#[test]
fn threads_build_the_same() {
    let Place { store, tmp } = place();
    let path = store.path().clone();
    let barrier = Barrier::new(8);
    let built: Vec<bool> = std::thread::scope(|scope| {
        let one = || {
            let store = Store::open(&path).unwrap();
            barrier.wait();
            is_whole(&store)
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(built.iter().filter(|b| **b).count(), 1, "{built:?}");
    assert_eq!(leftovers(&store), Vec::<String>::new());
    drop(tmp);
}

fn start(directory: &Path) -> Child {
    again("race::builder", directory, false)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does something only when started by the tests here.
#[test]
fn builder() {
    let Some(top) = directory_of_child() else { return };
    is_whole(&Store::open(&host(&top.join("store"))).unwrap());
}

#[test]
fn processes_build_the_same_while_another_collects() {
    let tmp = tempfile::tempdir().unwrap();
    let mut children: Vec<Child> = (0..8).map(|_| start(tmp.path())).collect();
    let store = Store::open(&host(&tmp.path().join("store"))).unwrap();
    let everything = Policy { max_age: Duration::ZERO, max_bytes: Some(0) };
    for _ in 0..50 {
        store.collect(&everything).unwrap();
        std::thread::sleep(Duration::from_millis(3));
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    is_whole(&store);
}

/// A builder is killed at a moment that moves through its whole life; what it leaves is never used
/// and is collected.
#[test]
fn killed_at_any_moment() {
    let tmp = tempfile::tempdir().unwrap();
    let store = Store::open(&host(&tmp.path().join("store"))).unwrap();
    let draft = || leftovers(&store).iter().any(|n| n.starts_with("draft"));
    let (mut unfinished, mut finished) = (0, 0);
    for step in 0..25 {
        let mut child = start(tmp.path());
        let begin = Instant::now();
        while !draft() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(Duration::from_micros(step * step * 20));
        child.kill().unwrap();
        child.wait().unwrap();
        unfinished += u32::from(draft());
        finished += u32::from(!is_whole(&store));
        let everything = Policy { max_age: Duration::ZERO, max_bytes: None };
        store.collect(&everything).unwrap();
        // Killed between making the directory and its lock: empty, and collected after an hour.
        for left in leftovers(&store) {
            let path = store.path().at("tmp").at(&left);
            fs::remove_dir(path.as_path()).unwrap_or_else(|e| panic!("step {step}, {left}: {e}"));
        }
    }
    eprintln!("of 25 kills {unfinished} left a draft, {finished} came after the end");
    assert!(unfinished > 0, "the kills came too late to test anything");
}
