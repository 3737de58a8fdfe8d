//! Agents that end, are paused, stand by or die, and what they and people leave behind.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use frrk8s_e2e::agent::{Agent, Home, LIMIT, bgpd, isolated, neighbor, object, on_each, wait_for_config};
use frrk8s_e2e::proxy::{Act, Proxy};
use frrk8s_testkit::lab::{Daemon, Router, wait_until};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_frrk8s-under-test");
/// A line of the neighbor 192.0.2.4.
const LINE: &str = "neighbor 192.0.2.4 remote-as 64514";

fn start(router: &Router, home: &Home) -> Agent {
    Agent::start(Path::new(EXECUTABLE), router, home, &[])
}

/// A place at which somebody is held up.
#[derive(Clone, Default)]
struct Barrier(Arc<(Mutex<State>, Condvar)>);

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Open,
    Down,
    HeldUp,
}

impl Barrier {
    fn set(&self, state: State) {
        *self.0.0.lock().unwrap() = state;
        self.0.1.notify_all();
    }

    fn lower(&self) {
        self.set(State::Down);
    }

    fn lift(&self) {
        self.set(State::Open);
    }

    /// Passes, when it is open.
    fn pass(&self) {
        let mut state = self.0.0.lock().unwrap();
        if *state == State::Down {
            *state = State::HeldUp;
        }
        drop(self.0.1.wait_while(state, |state| *state == State::HeldUp).unwrap());
    }

    fn wait_for_somebody(&self) {
        let is_there = || Ok(*self.0.0.lock().unwrap() == State::HeldUp);
        wait_until(LIMIT, "somebody to be held up", is_there).unwrap();
    }
}

/// A proxy before bgpd that holds up whoever says this.
fn held_up_at(router: &Router, line: &'static str) -> (Proxy, Barrier) {
    let barrier = Barrier::default();
    let passed = barrier.clone();
    let proxy = Proxy::new(router, Daemon::Bgpd, move |said| {
        if said == line {
            passed.pass();
        }
        Act::HandOn
    });
    (proxy, barrier)
}

#[test]
fn an_agent_that_is_told_to_end_first_tells_frr_to_the_end_what_it_has_begun() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let (proxy, barrier) = held_up_at(&router, LINE);
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let mut agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        agent.wait_for_reason("Applied");
        barrier.lower();
        home.put("a.yaml", &object("a", &neighbor(4, ", toAdvertise: {allowed: {mode: all}}"), ""));
        barrier.wait_for_somebody();
        agent.signal("-TERM");
        agent.wait_for_log(&["first FRR is told to its end"]);
        assert!(!agent.has_ended());
        barrier.lift();
        wait_until(LIMIT, "the agent to end", || Ok(agent.has_ended())).unwrap();
        let runs = bgpd(&router);
        assert!(runs.contains(LINE) && runs.contains("route-map 192.0.2.4-out"), "{runs}");
        assert!(!runs.contains("192.0.2.3"), "{runs}");
        // All of it was seen and kept: the next one has nothing to tell, not even what might not have taken effect.
        assert!(!home.state().join("told.conf").exists());
        assert!(fs::read_to_string(home.frr_config()).unwrap().contains(LINE));
        proxy.forget();
        let next = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        next.wait_for_reason("Applied");
        assert_eq!(proxy.told(), [""; 0]);
    });
}

#[test]
fn an_agent_that_is_told_to_end_twice_ends_at_once() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let (proxy, barrier) = held_up_at(&router, LINE);
        barrier.lower();
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let mut agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        barrier.wait_for_somebody();
        agent.signal("-TERM");
        agent.wait_for_log(&["first FRR is told to its end"]);
        agent.signal("-TERM");
        wait_until(LIMIT, "the agent to end", || Ok(agent.has_ended())).unwrap();
        barrier.lift();
        let next = start(&router, &home);
        next.wait_for_reason("Applied");
        assert!(bgpd(&router).contains(LINE));
    });
}

#[test]
fn nothing_is_told_after_a_pause_was_answered_though_the_agent_was_reading() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let (proxy, barrier) = held_up_at(&router, "show running-config");
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        agent.wait_for_reason("Applied");
        proxy.forget();
        barrier.lower();
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        barrier.wait_for_somebody();
        let answer = agent.post("/pause?duration=10m&reason=hands");
        assert!(answer.starts_with("paused until ") && !answer.contains("being told"), "{answer}");
        barrier.lift();
        agent.wait_for_reason("Paused");
        assert_eq!(proxy.told(), [""; 0]);
        agent.post("/resume");
        agent.wait_for_reason("Applied");
        assert!(bgpd(&router).contains(LINE));
    });
}

#[test]
fn a_second_agent_stands_by_also_where_the_first_has_its_address() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let first = start(&router, &home);
        first.wait_for_reason("Applied");
        let (address, source) =
            (first.address().to_owned(), format!("--source=dir:{}", home.objects().display()));
        let at = (Path::new(EXECUTABLE), address.as_str());
        let second = Agent::start_listening(at, router.run_directory(), &home, &[&source]);
        second.wait_for_log(&["nobody is answered yet", &address]);
        second.wait_for_log(&["standing by"]);
        first.stop();
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let report = second.wait_for_reason("Applied");
        assert_eq!(report["isActive"], true, "{report:#}");
        wait_for_config(&router, "the change", |text| text.contains(LINE));
    });
}

#[test]
fn what_an_agent_that_died_in_its_first_apply_left_goes_when_nobody_asks_for_it() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        let (proxy, barrier) = held_up_at(&router, "address-family ipv4 unicast");
        barrier.lower();
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let agent = Agent::start_at(Path::new(EXECUTABLE), proxy.directory(), &home, &[]);
        barrier.wait_for_somebody();
        agent.kill();
        barrier.lift();
        assert!(bgpd(&router).contains("router bgp 64512"));
        home.remove("a.yaml");
        let next = start(&router, &home);
        next.wait_for_reason("Applied");
        wait_for_config(&router, "the router to go", |text| !text.contains("router bgp"));
    });
}

#[test]
fn a_delay_timer_of_0_is_put_back() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        home.put("a.yaml", &object("a", &neighbor(3, ""), ""));
        let agent = start(&router, &home);
        agent.wait_for_reason("Applied");
        assert_eq!(router.configure(Daemon::Bgpd, &["bgp route-map delay-timer 0"]).unwrap(), []);
        wait_for_config(&router, "the delay timer to be put back", |text| !text.contains("delay-timer"));
        // Another one is somebody's wish.
        assert_eq!(router.configure(Daemon::Bgpd, &["bgp route-map delay-timer 7"]).unwrap(), []);
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        wait_for_config(&router, "another change", |text| text.contains(LINE));
        assert!(bgpd(&router).contains("bgp route-map delay-timer 7"));
    });
}

#[test]
fn what_somebody_typed_for_a_moment_does_not_come_into_the_start_up_file() {
    on_each(|install| {
        let (router, home) = (isolated(install), Home::new());
        fs::write(home.frr_config(), "ip prefix-list theirs seq 5 permit 198.51.100.0/24\n").unwrap();
        let typed = "ip prefix-list typed seq 5 permit 203.0.113.0/24";
        assert_eq!(router.configure(Daemon::Bgpd, &[typed]).unwrap(), []);
        home.put("a.yaml", &object("a", &neighbor(4, ""), ""));
        let agent = start(&router, &home);
        agent.wait_for_reason("Applied");
        let kept = fs::read_to_string(home.frr_config()).unwrap();
        assert!(kept.contains(LINE) && kept.contains("theirs") && !kept.contains("typed"), "{kept}");
        assert!(bgpd(&router).contains(typed));
    });
}
