//! Sorted lists, joined into one as they come.
//!
//! Every fragment brings its prefixes sorted. Joining runs of like length, as a merge sort does, costs less than
//! sorting everything at the end; and where fragments repeat each other, nothing piles up.

/// Sorted runs of keys with values, each key once a run.
#[derive(Debug)]
pub(crate) struct Runs<K, V> {
    /// Each at least twice as long as the one behind it.
    runs: Vec<Vec<(K, V)>>,
}

impl<K, V> Default for Runs<K, V> {
    fn default() -> Self {
        Self { runs: Vec::new() }
    }
}

impl<K: Ord + Copy, V: Copy> Runs<K, V> {
    /// Adds a sorted run; `join` makes one value of two for the same key.
    pub(crate) fn push(&mut self, run: Vec<(K, V)>, join: &mut impl FnMut(V, V) -> V) {
        debug_assert!(run.is_sorted_by(|a, b| a.0 < b.0));
        // Blocks of addresses mostly lie beside each other.
        match self.runs.last_mut() {
            Some(last) if lies_behind(last, &run) => last.extend_from_slice(&run),
            _ => self.runs.push(run),
        }
        while let [.., longer, last] = self.runs.as_slice()
            && longer.len() < 2 * last.len()
        {
            self.join_last_two(join);
        }
    }

    /// Everything as one run.
    pub(crate) fn finish(mut self, join: &mut impl FnMut(V, V) -> V) -> Vec<(K, V)> {
        while self.runs.len() > 1 {
            self.join_last_two(join);
        }
        self.runs.pop().unwrap_or_default()
    }

    fn join_last_two(&mut self, join: &mut impl FnMut(V, V) -> V) {
        if let (Some(b), Some(a)) = (self.runs.pop(), self.runs.pop()) {
            self.runs.push(joined(&a, &b, join));
        }
    }
}

/// Whether a run begins behind the end of another.
fn lies_behind<K: Ord, V>(before: &[(K, V)], behind: &[(K, V)]) -> bool {
    match (before.last(), behind.first()) {
        (Some((last, _)), Some((first, _))) => last < first,
        _ => true,
    }
}

fn joined<K: Ord + Copy, V: Copy>(
    a: &[(K, V)],
    b: &[(K, V)],
    join: &mut impl FnMut(V, V) -> V,
) -> Vec<(K, V)> {
    let mut all = Vec::with_capacity(a.len().max(b.len()));
    let (mut rest_a, mut rest_b) = (a, b);
    while let ([first_a, behind_a @ ..], [first_b, behind_b @ ..]) = (rest_a, rest_b) {
        match first_a.0.cmp(&first_b.0) {
            std::cmp::Ordering::Less => {
                all.push(*first_a);
                rest_a = behind_a;
            }
            std::cmp::Ordering::Greater => {
                all.push(*first_b);
                rest_b = behind_b;
            }
            std::cmp::Ordering::Equal => {
                all.push((first_a.0, join(first_a.1, first_b.1)));
                (rest_a, rest_b) = (behind_a, behind_b);
            }
        }
    }
    all.extend_from_slice(rest_a);
    all.extend_from_slice(rest_b);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_become_one_in_whatever_lengths_they_come() {
        let mut runs = Runs::default();
        let mut join = |a: u32, b: u32| a + b;
        for run in [
            vec![(1, 1), (5, 1)],
            vec![(5, 2)],
            vec![],
            vec![(0, 4), (1, 4), (9, 4)],
            vec![(10, 1)],
            vec![(5, 8)],
        ] {
            runs.push(run, &mut join);
        }
        assert_eq!(runs.finish(&mut join), [(0, 4), (1, 5), (5, 11), (9, 4), (10, 1)]);
    }
}
