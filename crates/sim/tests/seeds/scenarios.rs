//! The named scenarios: each file of `scenarios/`, by its name.

use skep_sim::run::run;
use skep_sim::scenario::Scenario;

fn named(name: &str) -> Scenario {
    let path = format!("{}/scenarios/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let scenario = Scenario::read(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(scenario.name, name, "a file has the name of its scenario");
    scenario
}

fn holds(name: &str) {
    let report = run(&named(name));
    assert!(report.violations.is_empty(), "{name}: {:#?}", report.violations);
    assert!(report.calls.acknowledged > 0);
}

/// The situation that started it all: versions are deployed while partition 3 cannot be reached.
#[test]
fn ten_versions_behind_a_one_way_cut_reach_every_partition() {
    holds("ten-versions-behind-a-one-way-cut");
}

/// camunda#9877: the distribution arrives, its acknowledgement does not.
#[test]
fn lost_acknowledgements_change_nothing() {
    holds("acknowledgements-are-lost");
}

/// A follower stayed behind for five minutes.
#[test]
fn a_lost_piece_of_a_snapshot_is_sent_again() {
    holds("a-lost-piece-of-a-snapshot");
}

/// A replica that lost its disk asked the members of the beginning, one of which had left.
#[test]
fn a_disk_lost_after_a_membership_change_comes_back() {
    holds("data-loss-after-a-membership-change");
}

/// New partitions get what was deployed before, while and after they came.
#[test]
fn partitions_that_are_added_have_every_version() {
    holds("partitions-are-added-under-load");
}

/// One copy of a request was refused with "certainly not taken", the other one taken.
#[test]
fn a_request_that_came_twice_is_served_once() {
    holds("a-request-that-came-twice");
}

/// The last flushed write was taken for an interrupted one.
#[test]
fn a_flipped_bit_in_the_last_write_loses_nothing() {
    holds("a-flipped-bit-in-the-last-write");
}

/// Two replicas need each other to elect a leader.
#[test]
fn one_disk_of_two_is_lost_and_nothing_else() {
    holds("one-disk-of-two-is-lost");
}

/// It had a vote by then, and did not ask again.
#[test]
fn a_crash_before_whom_to_help_is_known_is_made_up_for() {
    holds("a-crash-before-whom-to-help-is-known");
}

/// Partition 1 had begun to distribute to a partition of which the backup had nothing.
#[test]
fn a_backup_while_partitions_are_added_is_refused_or_whole() {
    holds("a-backup-while-partitions-are-added");
}

/// Neither the parts nor the reason found room in the store.
#[test]
fn a_backup_whose_failure_cannot_be_written_is_not_in_progress_for_ever() {
    holds("a-backup-whose-failure-found-no-room");
}

#[test]
fn every_file_is_read() {
    let folder = format!("{}/scenarios", env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        named(path.file_stem().and_then(|name| name.to_str()).unwrap());
        count += 1;
    }
    assert!(count >= 2);
}
