//! Tests over the parts: what is parsed, and what is printed.

use clap::Parser;
use skep_client::proto::{BrokerInfo, Partition, TopologyResponse};

use super::select::{Role, Topology};
use super::topology::table;
use super::{Verb, ZbchaosArgs};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: ZbchaosArgs,
}

fn parse(line: &str) -> Result<ZbchaosArgs, String> {
    let words = ["skep"].into_iter().chain(line.split(' '));
    Line::try_parse_from(words).map(|line| line.args).map_err(|error| error.to_string())
}

#[test]
fn options_of_kubernetes_are_accepted_anywhere() {
    let args = parse("verify readiness --namespace n --kubeconfig k --clientId c").unwrap();
    assert_eq!(args.globals.foreign.given(), ["--kubeconfig", "--namespace", "--clientId"]);
    assert!(matches!(args.verb, Verb::Verify(_)));
}

#[test]
fn what_excludes_each_other_is_refused() {
    for line in [
        "disconnect brokers --broker1PartitionId 1 --broker1NodeId 0",
        "disconnect gateway --all --nodeId 1",
        "restart broker --all --role LEADER",
        "terminate broker --nodeId 1 --partitionId 2",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    for line in [
        "disconnect brokers --broker1NodeId 0 --broker2NodeId 2",
        "restart broker --role follower --partitionId 2",
        "stress broker --cpu --role=LEADER --partitionId=3",
        "stress broker --cpu=false --io",
        "dataloss recover --nodeId=2 --awaitReadiness=false",
        "cluster forceFailover --brokers 4 --regions 2 --regionId 0",
        "verify instance-creation --version -1",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line));
    }
}

/// A partition, and its role and health as numbers of the protocol.
type Held = (i32, i32, i32);

fn topology(held: &[(i32, &[Held])]) -> Topology {
    let brokers = held.iter().map(|(id, partitions)| BrokerInfo {
        node_id: *id,
        partitions: partitions
            .iter()
            .map(|(partition_id, role, health)| Partition {
                partition_id: *partition_id,
                role: *role,
                health: *health,
            })
            .collect(),
        ..BrokerInfo::default()
    });
    Topology::of(&TopologyResponse {
        brokers: brokers.collect(),
        partitions_count: 2,
        replication_factor: 2,
        ..TopologyResponse::default()
    })
}

#[test]
fn the_topology_is_a_table_with_a_row_for_each_broker() {
    let topology = topology(&[(1, &[(2, 0, 1)]), (0, &[(1, 0, 0), (2, 1, 0)])]);
    assert_eq!(
        table(&topology),
        [
            "Node      |Partition 1     |Partition 2",
            "0         |LEADER (HEALTHY)|FOLLOWER (HEALTHY)",
            "1         |                |LEADER (UNHEALTHY)",
        ]
    );
}

#[test]
fn a_topology_that_is_not_whole_says_what_is_missing() {
    let whole = topology(&[(0, &[(1, 0, 0), (2, 1, 0)]), (1, &[(1, 1, 0), (2, 0, 0)])]);
    assert_eq!(whole.wrong(), Vec::<String>::new());
    assert_eq!(whole.broker(Role::Follower, 1), Some(1));
    let wrong = topology(&[(0, &[(1, 0, 0)]), (1, &[(1, 1, 2)])]).wrong().join("; ");
    for part in ["partition 2 has 0 leaders", "partition 2 has 0 of 2", "(DEAD) of partition 1"] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    assert!(whole.known(3).is_err() && whole.known(0).is_err() && whole.known(2).is_ok());
}
