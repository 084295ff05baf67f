//! The generator against a server in this process that only answers.

use std::time::Duration;

use super::grpc::GrpcConnection;
use super::load::{Load, LoadOptions, Pace};
use super::null_server::NullServer;
use super::target::{GrpcTarget, Plan, Target};
use super::workload::{Start, Workload};

async fn load_of(server: &NullServer, pace: Pace, instances: u64) -> std::rc::Rc<Load> {
    let connection = GrpcConnection::open(&server.address(), None).await.expect("it listens");
    let plan = Plan {
        start: Start::Create,
        process_definition_key: 1,
        variables: r#"{"a":1}"#.into(),
        run_id: "test".into(),
    };
    let target = GrpcTarget::new(vec![connection], &plan).expect("a good plan");
    let options = LoadOptions {
        workload: Workload::OneTask,
        pace,
        is_pushed: true,
        work_time: Duration::ZERO,
        instances: Some(instances),
        first_sequence: 0,
    };
    Load::new(Target::Grpc(target), &options)
}

async fn until_done(load: &Load) {
    while !load.is_done() {
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn every_instance_completes_once(pace: Pace) {
    let server = NullServer::start().expect("a free port");
    let load = load_of(&server, pace, 500).await;
    load.begin();
    until_done(&load).await;
    let tracker = load.tracker();
    assert_eq!((tracker.measured.started, tracker.measured.completed), (500, 500));
    assert_eq!(tracker.measured.refusals, std::collections::BTreeMap::new());
    assert_eq!(tracker.measured.delivery.summary().expect("jobs came").count, 500);
}

#[tokio::test]
async fn a_closed_loop_completes_every_instance_once() {
    let local = tokio::task::LocalSet::new();
    local.run_until(every_instance_completes_once(Pace::Closed { in_flight: 16 })).await;
}

#[tokio::test]
async fn an_open_loop_completes_every_instance_once() {
    let local = tokio::task::LocalSet::new();
    local.run_until(every_instance_completes_once(Pace::Open { rate: 20_000.0 })).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let local = tokio::task::LocalSet::new();
    let opened = local.run_until(GrpcConnection::open("127.0.0.1:1", None)).await;
    let Err(crate::failure::Failure::Unreachable(message)) = opened else { panic!("refused") };
    assert!(message.contains("127.0.0.1:1"));
}
