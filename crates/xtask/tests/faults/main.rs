//! Faults of a cluster of real processes: they are in force when the command returns, only for who has the token, and over when their
//! time is, whoever was killed in the meantime.
#![allow(
    clippy::disallowed_methods,
    reason = "starts processes, reads its settings from the environment and waits for real time to pass"
)]

#[path = "../support/binary.rs"]
mod binary;
mod cluster;
#[path = "../support/look.rs"]
mod look;

use cluster::{Cluster, Folder};
use serde_json::Value;
use std::time::Duration;

/// Longest wait for anything, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn faults_are_in_force_and_end() {
    let folder = Folder::new();
    let cluster = Cluster::start(&folder);
    only_the_owner_of_the_token_is_let_in(&cluster);
    an_acknowledgement_alone_is_lost(&cluster, &folder);
    a_fault_ends_by_itself(&cluster);
    a_process_stands_still_and_goes_on(&cluster);
    a_process_crashes_at_its_place(&cluster);
    if cluster.has_namespaces() {
        a_cut_network_heals_though_the_command_was_killed(&cluster);
        a_slow_network_is_felt(&cluster);
    } else {
        println!("SKIPPED: faults of the network: no network namespaces here");
    }
    what_hits_nothing_is_refused(&cluster);
}

fn only_the_owner_of_the_token_is_let_in(cluster: &Cluster) {
    let (status, body) = cluster.get("broker-0", "/actuator/chaos/faults");
    assert_eq!(status, 401, "{body}");
    assert!(!body.contains(&cluster.token()), "the token is not told");
    for node in ["broker-0", "gateway-0"] {
        assert!(!cluster.log(node).contains(&cluster.token()), "the token is not logged");
    }
}

/// The recipe of zeebe#9877.
fn an_acknowledgement_alone_is_lost(cluster: &Cluster, folder: &Folder) {
    let (origin, receiver) = cluster.leaders_of_two();
    let faults = cluster.run(&[
        "chaos",
        "faults",
        "add",
        "drop",
        "--id=no-acks",
        "--name=COMMAND_DISTRIBUTION.ACKNOWLEDGE",
        "--count=2",
        &format!("--from={receiver}"),
        &format!("--to={origin}"),
    ]);
    assert_eq!(faults[0]["node"], receiver.as_str(), "at the node that sends them");
    let model = folder.write("fancy.dmn", DECISION);
    cluster.run(&["deploy", &model, "--address", &cluster.address("gateway-0", "grpc")]);
    cluster.until("two acknowledgements were lost", || {
        let faults = cluster.run(&["chaos", "faults", "list"]);
        faults[0]["id"] == "no-acks" && faults[0]["hits"] == 2
    });
    cluster.until("everything is acknowledged at last", || {
        let (_, body) = cluster.get(&origin, "/actuator/distributions");
        body == r#"{"distributions":[]}"#
    });
    let metrics = cluster.get(&receiver, "/metrics").1;
    assert!(metrics.contains(r#"skep_fault_hits_total{fault="drop"} 2"#), "{metrics}");
    let ended = cluster.run(&["chaos", "faults", "clear", "no-acks"]);
    assert_eq!(ended["ended"][0]["hits"], 2);
    cluster.serves();
}

fn a_fault_ends_by_itself(cluster: &Cluster) {
    let add =
        ["chaos", "faults", "add", "slow-fsync", "--node=broker-0", "--delay=1ms", "--ttl=1s"];
    cluster.run(&add);
    assert_eq!(cluster.run(&["chaos", "faults", "list"])[0]["fault"], "slow-fsync");
    cluster.until("it has ended", || {
        cluster.run(&["chaos", "faults", "list"]) == Value::Array(vec![])
    });
    for words in [
        "fault armed: a flush of the disk takes 1 ms",
        "fault expired: a flush of the disk takes 1 ms",
    ] {
        assert!(cluster.log("broker-0").contains(words), "{words}");
    }
}

fn a_process_stands_still_and_goes_on(cluster: &Cluster) {
    cluster.run(&["chaos", "faults", "add", "pause", "--node=gateway-1", "--ttl=2s"]);
    assert_eq!(cluster.state_of("gateway-1"), "paused", "when the command returns");
    cluster.until("it goes on", || cluster.state_of("gateway-1") == "running");
    cluster.serves();
}

fn a_process_crashes_at_its_place(cluster: &Cluster) {
    let (node, _) = cluster.leaders_of_two();
    let node = node.as_str();
    let at = format!("--node={node}");
    cluster.run(&["chaos", "faults", "add", "crash", &at, "--point=partition.committed"]);
    // Its answer would be the first effect after that place.
    let model = cluster.folder().write("again.dmn", &DECISION.replace("yolo", "again"));
    let _ =
        cluster.attempt(&["deploy", &model, "--address", &cluster.address("gateway-0", "grpc")]);
    cluster.until("it is down", || cluster.state_of(node) == "down");
    assert!(cluster.log(node).contains("fault hit: the process is killed at partition.committed"));
    cluster.run(&["cluster", "restart", node]);
    cluster.serves();
}

fn a_cut_network_heals_though_the_command_was_killed(cluster: &Cluster) {
    let add = [
        "chaos",
        "faults",
        "add",
        "block",
        "--from=broker-0",
        "--to=broker-1,broker-2",
        "--ttl=3s",
    ];
    for after_ms in [0, 5, 20, 60, 150] {
        cluster.run_and_kill(&add, Duration::from_millis(after_ms));
        cluster.until("no fault is left", || {
            cluster.run(&["chaos", "faults", "list"]) == Value::Array(vec![])
        });
        assert_eq!(
            cluster.routes("broker-0"),
            cluster.routes("broker-2"),
            "killed after {after_ms} ms"
        );
    }
    let made = cluster.run(&add);
    assert_eq!(made.as_array().map(Vec::len), Some(2));
    assert_ne!(cluster.routes("broker-0"), cluster.routes("broker-2"));
    let ended = cluster.run(&["chaos", "faults", "clear", "--all"]);
    assert_eq!(ended["ended"].as_array().map(Vec::len), Some(2), "both of one node at once");
    assert_eq!(cluster.routes("broker-0"), cluster.routes("broker-2"));
    cluster.serves();
}

fn a_slow_network_is_felt(cluster: &Cluster) {
    cluster.run(&["cluster", "net", "delay", "broker-0", "broker-1", "80", "--ttl=2s"]);
    let listed = cluster.run(&["chaos", "faults", "list"]);
    assert_eq!((&listed[0]["backend"], &listed[0]["fault"]), (&"network".into(), &"delay".into()));
    cluster.until("it has ended", || {
        cluster.run(&["chaos", "faults", "list"]) == Value::Array(vec![])
    });
    cluster.serves();
}

fn what_hits_nothing_is_refused(cluster: &Cluster) {
    for (arguments, code, words) in [
        (&["add", "block", "--from=broker-0", "--to=broker-0"][..], 2, "both ends"),
        (&["add", "block", "--from=broker-0", "--to=broker-9"], 2, "broker-9"),
        (&["add", "drop", "--from=gateway-0", "--to=gateway-1"], 2, "gateways"),
        (&["add", "drop", "--from=broker-0", "--to=broker-1", "--partition=9"], 4, "partition 9"),
        (&["add", "disk-full", "--node=gateway-0"], 5, "broker with a data folder"),
        (&["add", "crash", "--node=broker-0", "--point=nowhere"], 4, "no place"),
        (&["add", "pause"], 2, "--node"),
        (&["add", "drop", "--from=broker-0", "--to=broker-1", "--ttl=2h"], 2, "an hour"),
    ] {
        let (got, errors) = cluster
            .attempt(&[&["chaos", "faults"], arguments].concat())
            .expect_err("it is refused");
        assert_eq!(got, code, "{arguments:?}: {errors}");
        assert!(errors.contains(words), "{arguments:?}: {errors}");
    }
    assert_eq!(
        cluster.run(&["chaos", "faults", "list"]),
        Value::Array(vec![]),
        "nothing was armed"
    );
}

const DECISION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="drg" name="DRD" namespace="t">
  <decision id="fancyDecision" name="FancyDecision">
    <decisionTable id="table">
      <input id="input"><inputExpression id="expression" typeRef="string"><text>"test"</text></inputExpression></input>
      <output id="output" name="dummy" typeRef="string"/>
      <rule id="rule"><inputEntry id="entry"><text></text></inputEntry><outputEntry id="out"><text>"yolo"</text></outputEntry></rule>
    </decisionTable>
  </decision>
</definitions>"#;
