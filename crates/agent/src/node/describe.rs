//! What a pass says of what is asked for and of what runs.

use frrk8s_frr::Transport;
use frrk8s_model::masked;

use super::{Node, Pass, Running};
use crate::wanted::whole;

impl<T: Transport> Node<T> {
    /// Says what is asked for and what runs, as far as that is known.
    pub(super) fn describe(&self, running: &Running, pass: &mut Pass) {
        if !self.is_described {
            return;
        }
        let is_told = pass.driven.as_ref().is_some_and(|driven| driven.lines > 0);
        let applied = self.applied.as_ref().map(|applied| &applied.documents);
        // What was told was seen to run, unless the way back failed as well: then the next pass says what runs.
        let ours = applied.filter(|_| is_told).unwrap_or(&running.ours);
        let is_asked = pass.decision.as_ref().is_some_and(|decision| !decision.is_held);
        let is_in_force = pass.verdict().is_none_or(|verdict| verdict.cause().is_none());
        // Where it failed, what is in force is something else than what is asked for.
        let desired = applied.filter(|_| is_in_force).or(pass.asked.as_ref()).filter(|_| is_asked);
        pass.desired_hash = desired.map(frrk8s_frr::digest);
        pass.running_hash = Some(frrk8s_frr::digest(ours));
        let text = running.foreign.clone().joined(whole(ours)).print();
        pass.running_config =
            Some(text.lines().map(retracted).flat_map(|line| [line, "\n".to_owned()]).collect());
    }
}

/// A line with what upstream shows in place of a secret.
fn retracted(line: &str) -> String {
    let masked = masked(line);
    masked.strip_suffix("***").map_or_else(|| line.to_owned(), |start| format!("{start}<retracted>"))
}
