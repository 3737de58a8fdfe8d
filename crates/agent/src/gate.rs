//! Whether FRR may be told something, asked right before it is: whoever pauses or ends the agent either sees that FRR is being
//! told something, which then goes to its end, or is obeyed.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

type MayTell = dyn Fn() -> bool + Send + Sync;

/// Stands before everything that FRR is told.
#[derive(Clone)]
pub struct Gate {
    may_tell: Arc<MayTell>,
    is_in_use: Arc<watch::Sender<bool>>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("is_in_use", &self.is_in_use()).finish_non_exhaustive()
    }
}

/// One that is always open.
impl Default for Gate {
    fn default() -> Self {
        Self::new(|| true)
    }
}

impl Gate {
    /// One that is open while something is so.
    pub fn new(may_tell: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { may_tell: Arc::new(may_tell), is_in_use: Arc::new(watch::Sender::new(false)) }
    }

    /// Whether FRR may be told something now. It counts as being told from then on.
    pub fn enter(&self) -> bool {
        // Asked under the lock: who closes the gate, and finds it not in use after that, has closed it before this.
        self.is_in_use.send_modify(|is_in_use| *is_in_use = (self.may_tell)());
        self.is_in_use()
    }

    /// FRR is not being told anything any more, and what came of it is kept.
    pub fn leave(&self) {
        self.is_in_use.send_replace(false);
    }

    /// Whether FRR is being told something.
    pub fn is_in_use(&self) -> bool {
        *self.is_in_use.borrow()
    }

    /// Waits until it is not.
    pub async fn wait_until_left(&self) {
        // The sender lives as long as the gate does.
        let _ = self.is_in_use.subscribe().wait_for(|is_in_use| !is_in_use).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_that_is_closed_while_it_is_in_use_is_left_first() {
        let is_open = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&is_open);
        let gate = Gate::new(move || asked.load(Ordering::SeqCst));
        assert!(gate.enter() && gate.is_in_use());
        is_open.store(false, Ordering::SeqCst);
        assert!(gate.is_in_use(), "what has begun goes on");
        let left = gate.clone();
        let waits = tokio::spawn(async move { left.wait_until_left().await });
        gate.leave();
        waits.await.unwrap();
        assert!(!gate.enter() && !gate.is_in_use(), "nothing begins");
    }
}
