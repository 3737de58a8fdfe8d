//! BFD profiles.

use frrk8s_document::{Line, normal};
use frrk8s_model::{BfdField, BfdProfile, BfdProfileName, NodeConfig, Place};

use crate::subject::{Subject, Subjects};

/// The `bfd` context, when there is any profile, used or not.
pub(crate) fn line(config: &NodeConfig, subjects: &mut Subjects) -> Option<Line> {
    let profiles = config.bfd_profiles.iter();
    let profiles: Vec<Line> = profiles
        .map(|(name, profile)| {
            let lines = profile_lines(name, profile, subjects);
            Line::context(format!("profile {name}"), lines)
        })
        .collect();
    (!profiles.is_empty()).then(|| Line::context("bfd", profiles))
}

fn profile_lines(name: &BfdProfileName, profile: &BfdProfile, subjects: &mut Subjects) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |field, text: String| {
        // FRR does not keep what is its default anyway.
        let Some(text) = normal(Some("profile"), &text) else {
            return;
        };
        let mark = subjects.note(Subject::Place(Place::Bfd(name.clone(), field)));
        lines.push(Line::leaf(text).marked(mark));
    };
    if let Some(ms) = profile.receive_interval {
        add(BfdField::ReceiveInterval, format!("receive-interval {ms}"));
    }
    if let Some(ms) = profile.transmit_interval {
        add(BfdField::TransmitInterval, format!("transmit-interval {ms}"));
    }
    if let Some(packets) = profile.detect_multiplier {
        add(BfdField::DetectMultiplier, format!("detect-multiplier {packets}"));
    }
    if profile.echo_mode {
        add(BfdField::EchoMode, "echo-mode".to_owned());
    }
    if let Some(ms) = profile.echo_interval {
        add(BfdField::EchoInterval, format!("echo transmit-interval {ms}"));
        add(BfdField::EchoInterval, format!("echo receive-interval {ms}"));
    }
    if profile.passive_mode {
        add(BfdField::PassiveMode, "passive-mode".to_owned());
    }
    if let Some(hops) = profile.minimum_ttl {
        add(BfdField::MinimumTtl, format!("minimum-ttl {hops}"));
    }
    lines
}
