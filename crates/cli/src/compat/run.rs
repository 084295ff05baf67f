//! Asks a broker all cases and judges its answers.

use indicatif::ProgressBar;

use super::broker::Broker;
use super::probe::{Probe, Question, probe};
use super::table::Case;
use super::verdict::{Answer, Verdict, deserves_patience, judge};
use crate::failure::Failure;

/// Asks everything; one verdict for each case.
pub(crate) async fn verdicts(
    broker: &mut Broker,
    cases: &[Case],
    bar: &ProgressBar,
) -> Result<Vec<Verdict>, Failure> {
    let mut verdicts = vec![Verdict::Skipped("not asked".to_owned()); cases.len()];
    let mut give = |number: usize, verdict: Verdict| {
        if let Some(slot) = verdicts.get_mut(number) {
            *slot = verdict;
        }
    };
    let (mut expressions, mut tests) = (Vec::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        match probe(number, case) {
            Err(reason) => give(number, Verdict::Skipped(reason)),
            Ok(probe) if matches!(probe.question, Question::Expression { .. }) => {
                expressions.push(probe);
            }
            Ok(probe) => tests.push(probe),
        }
    }
    for probes in [expressions, tests] {
        bar.set_message("deploying");
        let deployed = broker.deploy(&probes, |count| bar.inc(count as u64)).await?;
        let none_taken = deployed.accepted.is_empty();
        bar.set_message("asking");
        let mut answers = broker.ask_all(deployed.accepted, || bar.inc(1)).await?;
        answers.extend(deployed.refused.into_iter().map(|probe| (probe, Answer::Refused)));
        for (probe, answer) in answers {
            let Some(case) = cases.get(probe.case) else { continue };
            let verdict = if none_taken && case.expected != "PARSE" {
                Verdict::Skipped("the broker takes none of its kind".to_owned())
            } else {
                judge(case, &probe, &patient(broker, case, &probe, answer).await?)
            };
            give(probe.case, verdict);
        }
    }
    Ok(verdicts)
}

/// Asks a probe again that failed and should not have: the broker may only have been slow.
async fn patient(
    broker: &Broker,
    case: &Case,
    probe: &Probe,
    answer: Answer,
) -> Result<Answer, Failure> {
    if deserves_patience(case, &answer) {
        return Ok(broker.ask_again(probe).await?);
    }
    Ok(answer)
}
