//! Versions of objects of which FRR refused a line. Each is out for a while: FRR itself may have been the cause, or
//! somebody who typed at the same time.

use std::time::{Duration, Instant};

use frrk8s_model::{Finding, Fragment, Rule};

use crate::retry::{FIRST_PAUSE, LONGEST_PAUSE};

/// How long a version is out at whose line a daemon died: each chance costs the node its sessions.
const PAUSE_AFTER_LOSS: Duration = Duration::from_hours(24);

/// The versions that FRR refused; of one object there may be two, the newest and the one before.
#[derive(Debug, Default)]
pub struct Refusals(Vec<Refusal>);

#[derive(Debug)]
struct Refusal {
    fragment: Fragment,
    finding: Finding,
    /// Whether it is to be left out; a version that was in force is, from the second time on.
    counts: bool,
    pause: Duration,
    until: Instant,
}

impl Refusals {
    /// Notes that FRR refused a line of a version. Whether it is out from now on: what was in force (`was_in_force`) FRR has
    /// taken before, and gets a second chance before it is taken away.
    pub fn note(&mut self, fragment: &Fragment, finding: Finding, was_in_force: bool, now: Instant) -> bool {
        let at = self.0.iter().position(|before| before.fragment == *fragment);
        let before = at.map(|at| self.0.swap_remove(at));
        let counts = before.is_some() || !was_in_force;
        let pause = match before {
            _ if finding.rule == Rule::DaemonLost => PAUSE_AFTER_LOSS,
            Some(before) if before.counts => LONGEST_PAUSE.min(before.pause * 2),
            _ => FIRST_PAUSE,
        };
        self.0.push(Refusal { fragment: fragment.clone(), finding, counts, pause, until: now + pause });
        counts
    }

    /// Whether a daemon died at a line of a version before, and the version was left out for it.
    pub fn is_known_to_kill(&self, fragment: &Fragment) -> bool {
        let is_it = |refusal: &Refusal| {
            refusal.counts && refusal.finding.rule == Rule::DaemonLost && refusal.fragment == *fragment
        };
        self.0.iter().any(is_it)
    }

    /// Whether a version is out.
    pub fn is_out(&self, fragment: &Fragment, now: Instant) -> bool {
        self.out(now).any(|refusal| refusal.fragment == *fragment)
    }

    /// When the next one gets another chance.
    pub fn until(&self, now: Instant) -> Option<Instant> {
        self.out(now).map(|refusal| refusal.until).min()
    }

    /// What is said of them.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter().map(|refusal| &refusal.finding)
    }

    /// Forgets all but those of versions that still count: what has changed gets another chance.
    pub fn keep_only(&mut self, counts: impl Fn(&Fragment) -> bool) {
        self.0.retain(|refusal| counts(&refusal.fragment));
    }

    /// FRR has taken a version.
    pub fn forget(&mut self, fragment: &Fragment) {
        self.0.retain(|refusal| refusal.fragment != *fragment);
    }

    fn out(&self, now: Instant) -> impl Iterator<Item = &Refusal> {
        self.0.iter().filter(move |refusal| refusal.counts && now < refusal.until)
    }
}

#[cfg(test)]
mod tests {
    use frrk8s_model::{ObjectId, Rule};

    use super::*;

    fn version() -> (Fragment, Finding) {
        let object = ObjectId::new("n", "a");
        let finding = Finding::new(Rule::FrrRefused, &object, "spec", "no");
        (Fragment { object, routers: Vec::new(), bfd_profiles: Vec::new(), raw: None }, finding)
    }

    #[test]
    fn a_refused_version_gets_chances_farther_and_farther_apart() {
        let (fragment, finding) = version();
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        assert!(refusals.note(&fragment, finding.clone(), false, start));
        assert!(refusals.is_out(&fragment, start));
        let again = start + FIRST_PAUSE;
        assert_eq!(refusals.until(start), Some(again));
        assert!(!refusals.is_out(&fragment, again), "it is on trial");
        assert!(refusals.note(&fragment, finding, false, again));
        assert_eq!(refusals.until(again), Some(again + FIRST_PAUSE * 2));
        assert_eq!(refusals.findings().count(), 1);
        refusals.forget(&fragment);
        assert_eq!(refusals.findings().count(), 0);
    }

    #[test]
    fn a_version_at_whose_line_a_daemon_died_gets_a_chance_a_day() {
        let (fragment, mut finding) = version();
        let (mut refusals, start) = (Refusals::default(), Instant::now());
        assert!(!refusals.is_known_to_kill(&fragment));
        finding.rule = Rule::DaemonLost;
        refusals.note(&fragment, finding, false, start);
        assert!(refusals.is_out(&fragment, start + LONGEST_PAUSE));
        let trial = start + PAUSE_AFTER_LOSS;
        assert!(!refusals.is_out(&fragment, trial) && refusals.is_known_to_kill(&fragment));
        refusals.forget(&fragment);
        assert!(!refusals.is_known_to_kill(&fragment));
    }

    #[test]
    fn what_was_in_force_is_out_from_the_second_time_on() {
        let (fragment, finding) = version();
        let (mut refusals, now) = (Refusals::default(), Instant::now());
        assert!(!refusals.note(&fragment, finding.clone(), true, now));
        assert!(!refusals.is_out(&fragment, now) && refusals.findings().count() == 1);
        assert!(refusals.note(&fragment, finding, true, now));
        assert!(refusals.is_out(&fragment, now));
        refusals.keep_only(|_| false);
        assert_eq!(refusals.findings().count(), 0);
    }
}
