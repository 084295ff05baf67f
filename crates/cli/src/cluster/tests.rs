//! Tests over the parts: what a plan becomes on disk, in addresses and on command lines.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::fault::{Fault, FaultKind, wire_device};
use super::layout::{self, NetworkPlace, NodeKind, Seat};
use super::plan::PlanName;
use super::state::{self, ClusterState, Node, NodeState, Phase, Process};
use super::{launch, network};

fn example(plan: PlanName, place: Option<NetworkPlace>) -> ClusterState {
    let plan = plan.plan();
    let seats = layout::seats(plan);
    let addresses = match &place {
        Some(place) => seats.iter().map(|seat| place.addresses(*seat)).collect(),
        None => layout::counted_ports(&seats, 26_500).unwrap(),
    };
    let folder = Path::new("/c");
    let nodes = seats
        .iter()
        .zip(addresses)
        .map(|(seat, addresses)| Node::new(folder, *seat, addresses, place.as_ref()));
    ClusterState {
        version: state::VERSION,
        cluster_id: "example".to_owned(),
        plan: plan.name,
        partitions: plan.partitions,
        replication_factor: plan.replication_factor,
        phase: Phase::Started,
        binary: PathBuf::from("/bin/skep"),
        boot: state::boot(),
        nodes: nodes.collect(),
        network: place,
        broker_options: vec!["--memory=256MB".to_owned()],
        chaos_token: None,
        evidence: None,
        faults: Vec::new(),
        guard: None,
    }
}

#[test]
fn every_node_of_every_plan_has_places_of_its_own() {
    for name in PlanName::value_variants() {
        for place in [None, Some(NetworkPlace::of(Path::new("/c"), 0))] {
            let cluster = example(*name, place);
            let mut taken = BTreeSet::new();
            for node in &cluster.nodes {
                let addresses = node.addresses;
                for address in
                    [addresses.grpc, addresses.rest, addresses.management, addresses.cluster]
                {
                    assert!(taken.insert(address), "{} of {}", address, node.name);
                }
            }
        }
    }
}

#[test]
fn ports_are_counted_from_the_gateways_on() {
    let cluster = example(PlanName::ProductionS, None);
    let port = |name: &str| cluster.node(name).unwrap().addresses.grpc.port();
    assert_eq!((port("gateway-0"), port("gateway-1"), port("broker-0")), (26_500, 26_510, 26_520));
    let seats = layout::seats(PlanName::ProductionS.plan());
    assert!(layout::counted_ports(&seats, 65_500).unwrap_err().contains("65535"));
}

#[test]
fn free_ports_are_all_different() {
    let ports: BTreeSet<_> = layout::free_ports(5)
        .unwrap()
        .iter()
        .flat_map(|node| [node.grpc, node.rest, node.management, node.cluster])
        .collect();
    assert_eq!(ports.len(), 20);
}

#[test]
fn a_folder_has_one_network_and_another_folder_another() {
    let place = NetworkPlace::of(Path::new("/a"), 0);
    assert_eq!(place, NetworkPlace::of(Path::new("/a"), 0));
    assert_ne!(place.prefix, NetworkPlace::of(Path::new("/b"), 0).prefix);
    let moved = NetworkPlace::of(Path::new("/a"), 1);
    assert_eq!(place.prefix, moved.prefix, "what was left is found by its prefix");
    assert_ne!(place.subnet, moved.subnet);
    for seat in layout::seats(PlanName::ProductionL.plan()) {
        assert!(place.cable(seat).len() <= 15, "{}: the kernel's limit", place.cable(seat));
        assert!(place.address(seat).octets()[0] == 10);
    }
    let broker = Seat { kind: NodeKind::Broker, id: 2 };
    assert_eq!(place.address(broker).octets()[3], 12);
    assert_eq!(place.host().octets()[3], 1);
    assert_ne!(place.host(), Ipv4Addr::LOCALHOST);
}

#[test]
fn a_broker_is_told_of_all_brokers_and_a_gateway_too() {
    let cluster = example(PlanName::ProductionS, None);
    let line = |name: &str| launch::arguments(&cluster, cluster.node(name).unwrap()).join(" ");
    let broker = line("broker-1");
    for part in [
        "serve ",
        "--node-id 1",
        "--peers 0=127.0.0.1:26523,1=127.0.0.1:26533,2=127.0.0.1:26543",
        "--partitions 3",
        "--replication-factor 3",
        "--cluster-id example",
        "--cluster-bind 127.0.0.1:26533",
        "--data-dir /c/broker-1",
        "--grpc-port 26530",
        "--memory=256MB",
    ] {
        assert!(broker.contains(part), "{part}: {broker}");
    }
    let gateway = line("gateway-0");
    assert!(gateway.starts_with("gateway "), "{gateway}");
    assert!(gateway.contains("--brokers 127.0.0.1:26523,127.0.0.1:26533,127.0.0.1:26543"));
    for part in ["--data-dir", "--node-id", "--memory", "--partitions"] {
        assert!(!gateway.contains(part), "{part}: {gateway}");
    }
}

#[test]
fn a_broker_that_came_later_knows_those_that_were_there_and_they_not_it() {
    let mut cluster = example(PlanName::ProductionS, None);
    let seat = cluster.next_seat(NodeKind::Broker);
    assert_eq!(seat, Seat { kind: NodeKind::Broker, id: 3 });
    let addresses = layout::free_ports(1).unwrap().remove(0);
    let late = Node { joins: true, ..Node::new(Path::new("/c"), seat, addresses, None) };
    cluster.nodes.push(late.clone());
    let line = launch::arguments(&cluster, &late).join(" ");
    assert!(line.contains("--node-id 3") && line.contains("--join"), "{line}");
    let peers = "--peers 0=127.0.0.1:26523,1=127.0.0.1:26533,2=127.0.0.1:26543 ";
    assert!(line.contains(peers) && !line.contains("--partitions"), "{line}");
    let line = launch::arguments(&cluster, &cluster.nodes[0]).join(" ");
    assert!(line.contains(peers) && !line.contains("--join"), "{line}");
    assert_eq!(cluster.next_seat(NodeKind::Gateway).id, 2);
}

#[test]
fn a_broker_that_is_alone_has_no_cluster() {
    let cluster = example(PlanName::Development, None);
    let line = launch::arguments(&cluster, &cluster.nodes[0]).join(" ");
    assert!(!line.contains("--peers") && !line.contains("--cluster"), "{line}");
}

#[test]
fn the_file_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = example(PlanName::ProductionS, Some(NetworkPlace::of(Path::new("/c"), 0)));
    cluster.nodes[0].process = Some(Process { pid: 1, start_ticks: 7 });
    let device = wire_device(&cluster, "broker-0", "gateway-1").unwrap();
    assert_eq!(device, "w-b0-g1");
    for kind in [
        FaultKind::Block,
        FaultKind::Delay { delay_ms: 100, loss_per_mille: 5, process: None, device },
    ] {
        cluster.faults.push(Fault {
            from: "broker-0".into(),
            to: "broker-1".into(),
            expires_up_ms: None,
            kind,
        });
    }
    cluster.save(folder.path()).unwrap();
    assert_eq!(ClusterState::load(folder.path()).unwrap(), Some(cluster));
    ClusterState::remove(folder.path()).unwrap();
    assert_eq!(ClusterState::load(folder.path()).unwrap(), None);
    ClusterState::remove(folder.path()).unwrap();
}

#[test]
fn the_file_of_another_version_is_refused_before_it_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cluster.json"), r#"{"version": 9, "new": true}"#).unwrap();
    let error = format!("{:?}", ClusterState::load(folder.path()).unwrap_err());
    assert!(error.contains("version 9") && error.contains("--dir"), "{error}");
}

#[test]
fn nothing_of_a_cluster_survives_a_reboot_but_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = example(PlanName::ProductionS, None);
    let own = skep_env::process::ProcessIdentity::of(std::process::id()).unwrap();
    cluster.nodes[0].process = Some(own.into());
    cluster.save(folder.path()).unwrap();
    let loaded = ClusterState::load(folder.path()).unwrap().unwrap();
    assert_eq!(loaded.nodes[0].state(), NodeState::Running);
    cluster.boot = "another".to_owned();
    cluster.save(folder.path()).unwrap();
    let loaded = ClusterState::load(folder.path()).unwrap().unwrap();
    assert_eq!((loaded.nodes[0].state(), loaded.phase), (NodeState::Down, Phase::Stopped));
}

#[test]
fn a_name_that_is_not_there_is_answered_with_those_that_are() {
    let cluster = example(PlanName::ProductionS, None);
    let error = format!("{:?}", cluster.node("broker-3").unwrap_err());
    assert!(error.contains("broker-2") && error.contains("gateway-1"), "{error}");
}

#[test]
fn the_entrances_are_the_gateways_or_the_brokers() {
    let names = |plan| {
        let cluster = example(plan, None);
        let names: Vec<_> = cluster.entrances().iter().map(|node| node.name.clone()).collect();
        names
    };
    assert_eq!(names(PlanName::ProductionS), ["gateway-0", "gateway-1"]);
    assert_eq!(names(PlanName::Development), ["broker-0"]);
}

/// Makes and removes a real network, where this machine lets it.
#[test]
fn a_network_is_made_and_removed_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let seats = layout::seats(PlanName::Development.plan());
    let place = match network::find_place(folder.path()) {
        Ok(place) => place,
        Err(failure) => {
            let text = format!("{failure:?}");
            assert!(text.contains("cannot run `ip`"), "{text}");
            eprintln!("SKIPPED: no network can be looked at here: {text}");
            return;
        }
    };
    if let Err(failure) = network::make(&place, &seats) {
        let text = format!("{failure:?}");
        assert!(text.contains("not allowed here"), "{text}");
        eprintln!("SKIPPED: no network can be made here: {text}");
        return;
    }
    let namespace = place.namespace(seats[0]);
    let address = place.address(seats[0]).to_string();
    let shown = network::ip(&["-n", &namespace, "addr", "show", "dev", network::INTERFACE]);
    assert!(shown.unwrap().contains(&address));
    // Once more, over what is there: as after a launcher that was killed.
    network::make(&place, &seats).unwrap();
    network::remove(&place).unwrap();
    assert!(!network::namespace_file(&namespace).exists());
    assert!(!Path::new("/sys/class/net").join(place.bridge()).exists());
    network::remove(&place).unwrap();
}
