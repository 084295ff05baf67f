//! Makes a failing run smaller: fewer faults, fewer actions, fewer nodes, shorter. Whatever still
//! fails in the same way is kept.

use crate::cluster::NodeId;
use crate::fault::Fault;
use crate::scenario::Scenario;

/// Tries to make a scenario smaller, for which `fails` says whether it still does; at most `runs_max`
/// are tried. Gives the smallest, and how many were tried.
pub fn minimise(
    scenario: &Scenario,
    runs_max: usize,
    fails: impl FnMut(&Scenario) -> bool,
) -> (Scenario, usize) {
    let mut search = Search { best: scenario.clone(), runs: 0, runs_max, fails };
    loop {
        let before = search.best.clone();
        search.fewer(
            |scenario| scenario.faults.len(),
            |scenario, keep| {
                let mut keep = keep.iter();
                scenario.faults.retain(|_| *keep.next().unwrap_or(&false));
            },
        );
        search.fewer(
            |scenario| scenario.actions.len(),
            |scenario, keep| {
                let mut keep = keep.iter();
                scenario.actions.retain(|_| *keep.next().unwrap_or(&false));
            },
        );
        search.smaller();
        search.shorter();
        if search.best == before || search.is_over() {
            return (search.best, search.runs);
        }
    }
}

struct Search<F> {
    best: Scenario,
    runs: usize,
    runs_max: usize,
    fails: F,
}

impl<F: FnMut(&Scenario) -> bool> Search<F> {
    fn is_over(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Keeps a candidate that still fails.
    fn offer(&mut self, candidate: Scenario) -> bool {
        if self.is_over() || candidate == self.best {
            return false;
        }
        self.runs += 1;
        let still = (self.fails)(&candidate);
        if still {
            self.best = candidate;
        }
        still
    }

    /// Takes parts of a list away, halves first, then smaller and smaller parts.
    fn fewer(
        &mut self,
        count: impl Fn(&Scenario) -> usize,
        retain: impl Fn(&mut Scenario, &[bool]),
    ) {
        let mut size = count(&self.best);
        while size > 0 && !self.is_over() {
            let mut from = 0;
            while from < count(&self.best) && !self.is_over() {
                let all = count(&self.best);
                let keep: Vec<bool> = (0..all).map(|at| at < from || at >= from + size).collect();
                let mut candidate = self.best.clone();
                retain(&mut candidate, &keep);
                if !self.offer(candidate) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    /// Fewer nodes.
    fn smaller(&mut self) {
        for gateways in 0..self.best.shape.gateways {
            let mut candidate = self.best.clone();
            candidate.shape.gateways = gateways;
            candidate.faults.retain(|planned| {
                planned.fault.nodes().iter().all(|node| {
                    !NodeId(*node).is_gateway() || *node < crate::cluster::GATEWAYS + gateways
                })
            });
            if self.offer(candidate) {
                break;
            }
        }
        for brokers in [1, 3] {
            if brokers >= self.best.shape.brokers {
                continue;
            }
            let mut candidate = self.best.clone();
            candidate.shape.brokers = brokers;
            candidate.shape.replication_factor = candidate.shape.replication_factor.min(brokers);
            candidate.faults.retain(|planned| {
                planned
                    .fault
                    .nodes()
                    .iter()
                    .all(|node| *node < brokers || *node >= crate::cluster::GATEWAYS)
                    && (brokers > 1 || !needs_others(&planned.fault))
            });
            if self.offer(candidate) {
                break;
            }
        }
    }

    /// Ends sooner, and faults that last less.
    fn shorter(&mut self) {
        let last = self.best.actions.iter().map(|timed| timed.at_ms).max().unwrap_or(0);
        let faults = self.best.faults.iter().map(|planned| planned.at_ms + planned.for_ms);
        let last = last.max(faults.max().unwrap_or(0)) + 100;
        if last < self.best.duration_ms {
            let mut candidate = self.best.clone();
            candidate.duration_ms = last;
            self.offer(candidate);
        }
        for at in 0..self.best.faults.len() {
            let mut candidate = self.best.clone();
            let lasting = &mut candidate.faults[at].for_ms;
            if *lasting > 100 {
                *lasting /= 2;
                self.offer(candidate);
            }
        }
    }
}

/// Faults that a broker without others does not get over: nobody has what it lost, and who joins it
/// finds a broker that knows no cluster.
fn needs_others(fault: &Fault) -> bool {
    fault.damages().is_some() || matches!(fault, Fault::Replace { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that fails when it has a pause of node 1 and a publication.
    fn fails(scenario: &Scenario) -> bool {
        let paused = scenario.faults.iter().any(|it| it.fault == Fault::Pause { node: 1 });
        let published = scenario
            .actions
            .iter()
            .any(|timed| matches!(timed.action, crate::workload::Action::Publish { .. }));
        paused && published
    }

    fn failing() -> Scenario {
        let found = (0..10_000).map(Scenario::random).find(fails);
        found.expect("one of so many seeds pauses node 1")
    }

    #[test]
    fn what_is_not_needed_goes() {
        let scenario = failing();
        let (small, runs) = minimise(&scenario, 10_000, fails);
        assert!(fails(&small));
        assert_eq!((small.faults.len(), small.actions.len()), (1, 1), "after {runs} runs");
        assert_eq!(small.shape.gateways, 0);
        assert!(small.duration_ms <= scenario.duration_ms);
        assert!(small.faults[0].for_ms <= 200);
    }

    #[test]
    fn it_ends_when_it_may_not_run_any_more() {
        let (_, runs) = minimise(&failing(), 3, fails);
        assert_eq!(runs, 3);
    }

    #[test]
    fn a_run_that_needs_everything_stays() {
        let scenario = failing();
        let whole = scenario.clone();
        let (small, _) = minimise(&scenario, 10_000, |other| *other == whole);
        assert_eq!(small, scenario);
    }
}
