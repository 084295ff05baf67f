//! What a soak is made of: faults, work that goes on meanwhile, and the checks that end a round.

use skep_env::Random;

use super::shape::Shape;

/// A step: what it is called, and the words after `skep`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) words: Vec<String>,
}

fn step(name: impl Into<String>, words: &str) -> Step {
    Step { name: name.into(), words: words.split_whitespace().map(str::to_owned).collect() }
}

fn verb(name: impl Into<String>, words: &str) -> Step {
    step(name, &format!("zbchaos {words}"))
}

/// A fault, and what ends it; one that ends by itself has no such step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) begin: Step,
    pub(super) end: Option<Step>,
    /// How long it is left alone, seconds.
    pub(super) lasts_s: u64,
}

/// Longest that a fault lasts whatever happens: then the nodes end it themselves.
const TTL: &str = "60s";

fn passing(begin: Step) -> Fault {
    Fault { begin, end: None, lasts_s: 0 }
}

/// A fault of this cluster, by chance.
pub(super) fn fault(random: &dyn Random, shape: Shape) -> Fault {
    let partition = 1 + random.below(shape.partitions);
    let node = random.below(shape.brokers);
    let kinds = if shape.has_fault_points { 13 } else { 8 };
    // What cuts or loses something needs a second broker.
    match random.below(if shape.brokers > 1 { kinds } else { 5 }) {
        0 => passing(verb(
            format!("Stop the leader of partition {partition}"),
            &format!("restart broker --role LEADER --partitionId {partition}"),
        )),
        1 => passing(verb(
            format!("Kill the leader of partition {partition}"),
            &format!("terminate broker --role LEADER --partitionId {partition}"),
        )),
        2 => passing(verb(
            format!("Kill broker {node}"),
            &format!("terminate broker --nodeId {node}"),
        )),
        3 => Fault {
            lasts_s: 10,
            ..passing(verb(
                format!("Put stress on broker {node}"),
                &format!("stress broker --nodeId {node} --timeout 10"),
            ))
        },
        4 => passing(verb("Kill a gateway", "terminate gateway")),
        5 => passing(verb(
            format!("Kill a follower of partition {partition}"),
            &format!("terminate broker --role FOLLOWER --partitionId {partition}"),
        )),
        6 | 7 => cut(random, shape, node),
        8 => lost(random, shape),
        other => of_a_node(random, other, node),
    }
}

fn another(random: &dyn Random, shape: Shape, node: u64) -> u64 {
    (node + 1 + random.below(shape.brokers - 1)) % shape.brokers
}

fn cut(random: &dyn Random, shape: Shape, node: u64) -> Fault {
    let other = another(random, shape, node);
    let (one_way, how) =
        if random.below(2) == 0 { (" --one-direction", "one way") } else { ("", "both ways") };
    Fault {
        begin: verb(
            format!("Cut broker {node} from broker {other}, {how}"),
            &format!(
                "disconnect brokers --broker1NodeId {node} --broker2NodeId {other} --ttl {TTL}{one_way}"
            ),
        ),
        end: Some(verb("Heal the cut", "connect brokers")),
        lasts_s: 2 + random.below(9),
    }
}

/// Messages of one kind between two brokers.
fn lost(random: &dyn Random, shape: Shape) -> Fault {
    let node = random.below(shape.brokers);
    let other = another(random, shape, node);
    let kinds = ["request", "acknowledgement", "append", "vote", "any"];
    let kind = kinds[random.below(kinds.len() as u64) as usize];
    let what = ["drop", "delay --delay 200ms --jitter 100ms", "duplicate", "reorder"];
    let what = what[random.below(what.len() as u64) as usize];
    let share = 1 + random.below(9);
    let seed = random.below(1 << 32);
    Fault {
        begin: step(
            format!("Trouble messages of kind {kind} from broker {node} to broker {other}"),
            &format!(
                "chaos faults add {what} --from broker-{node} --to broker-{other} \
                 --message {kind} --probability 0.{share} --seed {seed} --ttl {TTL}"
            ),
        ),
        end: Some(step("Let messages through again", "chaos faults clear --all")),
        lasts_s: 2 + random.below(9),
    }
}

fn of_a_node(random: &dyn Random, which: u64, node: u64) -> Fault {
    let (name, what) = match which {
        9 => ("Slow down the disk of", "slow-fsync --delay 20ms --jitter 30ms"),
        10 => ("Fill the disk of", "disk-full"),
        11 => ("Let the clock jump at", "clock --offset-ms 5000"),
        _ => {
            let seconds = 2 + random.below(6);
            return Fault {
                lasts_s: seconds,
                ..passing(step(
                    format!("Let broker {node} stand still for {seconds} s"),
                    &format!("chaos faults add pause --node broker-{node} --ttl {seconds}s"),
                ))
            };
        }
    };
    Fault {
        begin: step(
            format!("{name} broker {node}"),
            &format!("chaos faults add {what} --node broker-{node} --ttl {TTL}"),
        ),
        end: Some(step("End the fault", "chaos faults clear --all")),
        lasts_s: 2 + random.below(9),
    }
}

/// Work that goes on while something is broken, by chance; and what it needs before. It may fail, if it
/// says so: what was acknowledged meanwhile is looked for afterwards.
pub(super) fn work(random: &dyn Random) -> Vec<Step> {
    match random.below(3) {
        0 => vec![verb(
            "Start two thousand instances",
            "verify instance-count --instanceCount 2000 --timeoutInSec 60",
        )],
        1 => vec![
            verb("Start six hundred instances", "verify instance-count --instanceCount 600"),
            // Not all of them: an answer that is lost may have completed one.
            verb(
                "Complete five hundred jobs",
                "verify job-completion --jobCount 500 --timeoutInSec 60",
            ),
        ],
        _ => vec![verb("Deploy forty versions", "deploy multi-version --versionCount 40")],
    }
}

/// Exit codes with which work may end while faults last: done, or not done and told so. What is called
/// wrongly (2), fails for a reason of the engine's own (1) or dies is no such end.
pub(super) const WORK_MAY_END_WITH: [u8; 7] = [0, 3, 4, 5, 6, 7, 8];

/// Exit codes with which a fault may begin: made, or not found (4), as a leader while an earlier fault of
/// the round keeps the partition from having one.
pub(super) const FAULT_MAY_END_WITH: [u8; 2] = [0, 4];

/// What has to be true before anything is broken, and when nothing is broken any more: what was
/// acknowledged is there and completes, what can be deployed is deployed, every partition works,
/// nothing is under way, replicas are equal.
pub(super) fn whole(shape: Shape) -> Vec<Step> {
    let mut steps = vec![
        verb("All nodes should be ready", "verify readiness"),
        verb("A process should be deployed", "deploy process"),
        verb("Four versions should be deployed", "deploy multi-version --versionCount 4"),
    ];
    for partition in 1..=shape.partitions {
        steps.push(verb(
            format!("Partition {partition} should start an instance"),
            &format!("verify instance-creation --partitionId {partition} --timeoutInSec 60"),
        ));
    }
    steps.extend([
        verb(
            "What was acknowledged should be there and complete",
            "verify acknowledged --timeoutInSec 120",
        ),
        verb(
            "Nothing should be under way or stuck, and replicas equal",
            "verify readiness --settled --timeoutInSec 120",
        ),
    ]);
    steps
}
