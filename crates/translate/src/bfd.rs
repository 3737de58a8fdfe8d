//! BFD profiles.

use std::collections::BTreeSet;

use frrk8s_api as api;
use frrk8s_model::{BfdProfile, BfdProfileName, Rule, shown};

use crate::report::{Path, Report};

pub(crate) fn profiles(
    profiles: &[api::BfdProfile],
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Vec<(BfdProfileName, BfdProfile)> {
    let mut translated = Vec::with_capacity(profiles.len());
    let mut names = BTreeSet::new();
    for (at, profile) in profiles.iter().enumerate() {
        let path = path.item("bfdProfiles", at);
        let text = profile.name.as_deref().unwrap_or_default();
        let numbers = numbers(profile, &path, report);
        match BfdProfileName::new(text) {
            Ok(name) if !names.insert(name.clone()) => {
                let message = format!("BFD profile {name} is defined twice in this object");
                report.value(Rule::BfdProfileTwice, &path.field("name"), name, message);
            }
            Ok(name) => translated.push((name, numbers)),
            Err(error) => {
                let message = format!("the name of a BFD profile {error}");
                report.value(Rule::BfdNameInvalid, &path.field("name"), text, message);
            }
        }
    }
    translated
}

fn numbers(profile: &api::BfdProfile, path: &Path<'_>, report: &mut Report<'_>) -> BfdProfile {
    let mut number = |value: Option<i64>, name: &str, min: u32, max: u32| {
        let value = value?;
        let fits = u32::try_from(value).ok().filter(|value| (min..=max).contains(value));
        if fits.is_none() {
            let message = format!("{name} is {value}; it must be {min} to {max}");
            report.value(Rule::NumberOutOfRange, &path.field(name), value, message);
        }
        fits
    };
    let mut byte = |value, name, min, max| {
        let number: Option<u32> = number(value, name, min, max);
        number.and_then(|number| u8::try_from(number).ok())
    };
    let detect_multiplier = byte(profile.detect_multiplier, "detectMultiplier", 2, 255);
    let minimum_ttl = byte(profile.minimum_ttl, "minimumTtl", 1, 254);
    BfdProfile {
        receive_interval: number(profile.receive_interval, "receiveInterval", 10, 60_000),
        transmit_interval: number(profile.transmit_interval, "transmitInterval", 10, 60_000),
        detect_multiplier,
        echo_interval: number(profile.echo_interval, "echoInterval", 10, 60_000),
        echo_mode: profile.echo_mode.unwrap_or_default(),
        passive_mode: profile.passive_mode.unwrap_or_default(),
        minimum_ttl,
    }
}

/// The profile that a neighbor names, which the same object must define.
pub(crate) fn reference(
    text: &str,
    defined: &BTreeSet<BfdProfileName>,
    path: &Path<'_>,
    report: &mut Report<'_>,
) -> Option<BfdProfileName> {
    let found = BfdProfileName::new(text).ok().filter(|name| defined.contains(name));
    if found.is_none() {
        let message = format!("BFD profile {:?} is not defined in this object", shown(text));
        report.value(Rule::BfdProfileUnknown, &path.field("bfdProfile"), text, message);
    }
    found
}
