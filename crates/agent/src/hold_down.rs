//! A writer that replaces its object with a bare one during its own restart, or removes it for a moment, is not believed
//! at once. (A speaker of `MetalLB` that starts can do both, before it has loaded its own configuration.)

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use frrk8s_model::{Fragment, ObjectId};

/// How long an object that takes back everything it advertised is kept as it was; never, unless somebody asks for it.
#[derive(Debug, Default)]
pub struct HoldDown {
    duration: Duration,
    /// The objects that are held down, each with the end of it.
    until: BTreeMap<ObjectId, Instant>,
}

impl HoldDown {
    /// Objects are kept so long.
    pub fn new(duration: Duration) -> Self {
        Self { duration, until: BTreeMap::new() }
    }

    /// Until when an object is kept as it was, though it takes everything back.
    pub fn holds(&mut self, kept: &Fragment, now_asked: Option<&Fragment>, now: Instant) -> Option<Instant> {
        let takes_all_back = advertises(kept) && !now_asked.is_some_and(advertises);
        if self.duration.is_zero() || !takes_all_back {
            self.until.remove(&kept.object);
            return None;
        }
        let until = *self.until.entry(kept.object.clone()).or_insert(now + self.duration);
        (now < until).then_some(until)
    }

    /// Forgets objects that are no longer in force.
    pub fn keep_only(&mut self, in_force: &BTreeSet<&ObjectId>) {
        self.until.retain(|object, _| in_force.contains(object));
    }
}

fn advertises(fragment: &Fragment) -> bool {
    fragment.routers.iter().any(|router| !router.prefixes.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use frrk8s_api::FRRConfigurationSpec;
    use frrk8s_translate::{Secrets, translate};

    use super::*;

    fn fragment(prefixes: &[&str]) -> Fragment {
        let spec = serde_json::json!({"bgp": {"routers": [{"asn": 1, "prefixes": prefixes}]}});
        let spec: FRRConfigurationSpec = serde_json::from_value(spec).unwrap();
        translate(&ObjectId::new("n", "a"), &spec, &Secrets::default()).fragment.unwrap()
    }

    #[test]
    fn an_object_that_takes_everything_back_is_kept_for_a_while() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (full, less, bare) =
            (fragment(&["10.0.0.0/8", "11.0.0.0/8"]), fragment(&["10.0.0.0/8"]), fragment(&[]));
        let mut hold = HoldDown::new(Duration::from_secs(10));
        assert_eq!(hold.holds(&full, Some(&less), at(0)), None);
        assert_eq!(hold.holds(&full, Some(&bare), at(0)), Some(at(10)));
        assert_eq!(hold.holds(&full, None, at(9)), Some(at(10)), "its end stays");
        assert_eq!(hold.holds(&full, None, at(10)), None);
        assert_eq!(hold.holds(&full, Some(&full), at(11)), None);
        assert_eq!(hold.holds(&full, Some(&bare), at(12)), Some(at(22)), "another time");
        assert_eq!(HoldDown::default().holds(&full, None, start), None);
    }
}
