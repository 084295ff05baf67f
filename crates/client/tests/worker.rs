//! The worker against a fake gateway in this process: what it asks for, how it answers, and that
//! it neither loses nor repeats work.
#![allow(missing_docs, clippy::unwrap_used)]

mod fake_gateway;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fake_gateway::{Call, FakeGateway};
use skep_client::worker::WorkerEvent;
use skep_client::{Client, Delivery, JobOutcome, Options, Worker};
use tokio::sync::{Notify, mpsc};

async fn client_of(gateway: &FakeGateway) -> Client {
    Client::connect(&gateway.address, Options::default()).await.expect("the fake gateway listens")
}

async fn worker_of(gateway: &FakeGateway, delivery: Delivery) -> Worker {
    Worker::new(client_of(gateway).await, "pay").with_name("w1").with_delivery(delivery)
}

#[tokio::test]
async fn polled_jobs_are_completed_with_their_variables() {
    let mut gateway = FakeGateway::start().await;
    gateway.offer(1, 3);
    gateway.offer(2, 3);
    let worker = worker_of(&gateway, Delivery::Poll)
        .await
        .with_jobs_active_max(7)
        .start(|job| async move { JobOutcome::complete_with(format!(r#"{{"k":{}}}"#, job.key)) });

    assert_eq!(gateway.next_call().await, Call::Poll { jobs_max: 7, wait_ms: 10_000 });
    let mut answers = vec![gateway.next_answer().await, gateway.next_answer().await];
    answers.sort();
    assert_eq!(answers, ["complete 1 {\"k\":1}", "complete 2 {\"k\":2}"]);
    worker.stop().await;
}

#[tokio::test]
async fn streamed_jobs_are_failed_with_one_retry_less() {
    let mut gateway = FakeGateway::start().await;
    let worker = worker_of(&gateway, Delivery::Stream)
        .await
        .start(|_| async { JobOutcome::fail("card declined") });

    assert_eq!(gateway.next_call().await, Call::Stream);
    gateway.push(5, 3);
    assert_eq!(gateway.next_answer().await, "fail 5 retries=2 card declined");
    worker.stop().await;
}

#[tokio::test]
async fn business_errors_are_thrown() {
    let mut gateway = FakeGateway::start().await;
    gateway.offer(9, 1);
    let worker =
        worker_of(&gateway, Delivery::Poll).await.start(|_| async { JobOutcome::error("BROKE") });
    assert_eq!(gateway.next_answer().await, "error 9 BROKE");
    worker.stop().await;
}

#[tokio::test]
async fn a_panicking_handler_fails_its_job_and_the_worker_goes_on() {
    let mut gateway = FakeGateway::start().await;
    gateway.offer(1, 1);
    let worker = worker_of(&gateway, Delivery::Poll).await.start(|job| async move {
        assert!(job.key != 1, "job 1 panics on purpose");
        JobOutcome::complete()
    });
    assert_eq!(gateway.next_answer().await, "fail 1 retries=0 the handler of the worker panicked");
    gateway.offer(2, 1);
    assert_eq!(gateway.next_answer().await, "complete 2 ");
    worker.stop().await;
}

#[tokio::test]
async fn never_more_handlers_than_allowed() {
    let mut gateway = FakeGateway::start().await;
    for key in 0..20 {
        gateway.offer(key, 1);
    }
    let active = Arc::new(AtomicUsize::new(0));
    let peak = Arc::new(AtomicUsize::new(0));
    let worker = {
        let (active, peak) = (Arc::clone(&active), Arc::clone(&peak));
        worker_of(&gateway, Delivery::StreamAndPoll).await.with_jobs_active_max(3).start(
            move |_| {
                let (active, peak) = (Arc::clone(&active), Arc::clone(&peak));
                async move {
                    peak.fetch_max(active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    active.fetch_sub(1, Ordering::SeqCst);
                    JobOutcome::complete()
                }
            },
        )
    };
    for _ in 0..20 {
        gateway.next_answer().await;
    }
    assert!(peak.load(Ordering::SeqCst) <= 3);
    worker.stop().await;
}

#[tokio::test]
async fn stop_waits_for_the_running_handler_and_its_answer() {
    let mut gateway = FakeGateway::start().await;
    gateway.offer(1, 1);
    let (started_send, mut started) = mpsc::channel(1);
    let release = Arc::new(Notify::new());
    let worker = {
        let release = Arc::clone(&release);
        worker_of(&gateway, Delivery::Poll).await.start(move |_| {
            let (started, release) = (started_send.clone(), Arc::clone(&release));
            async move {
                started.send(()).await.expect("the test listens");
                release.notified().await;
                JobOutcome::complete()
            }
        })
    };
    started.recv().await.expect("the handler runs");
    let stopping = tokio::spawn(worker.stop());
    tokio::task::yield_now().await;
    assert!(!stopping.is_finished());
    release.notify_one();
    stopping.await.expect("stop ends");
    assert_eq!(gateway.next_answer().await, "complete 1 ");
}

#[tokio::test]
async fn backpressure_on_completion_is_retried_and_other_refusals_are_reported() {
    let mut gateway = FakeGateway::start().await;
    gateway.refuse_next(tonic::Status::resource_exhausted("full"));
    gateway.offer(1, 1);
    let (refused_send, mut refused) = mpsc::channel(4);
    let worker = worker_of(&gateway, Delivery::Poll)
        .await
        .with_observer(move |event| {
            if let WorkerEvent::AnswerRefused(job, _, error) = event {
                refused_send.try_send((job.key, error.kind())).expect("room");
            }
        })
        .start(|_| async { JobOutcome::complete() });
    assert_eq!(gateway.next_answer().await, "complete 1 ");

    gateway.refuse_next(tonic::Status::not_found("no such job"));
    gateway.offer(2, 1);
    assert_eq!(refused.recv().await, Some((2, skep_client::ErrorKind::NotFound)));
    worker.stop().await;
}

#[tokio::test]
async fn a_broken_stream_is_opened_again() {
    let mut gateway = FakeGateway::start().await;
    let worker =
        worker_of(&gateway, Delivery::Stream).await.start(|_| async { JobOutcome::complete() });
    assert_eq!(gateway.next_call().await, Call::Stream);
    gateway.break_stream();
    assert_eq!(gateway.next_call().await, Call::Stream);
    gateway.push(3, 1);
    assert_eq!(gateway.next_answer().await, "complete 3 ");
    worker.stop().await;
}

#[tokio::test]
async fn the_token_goes_with_each_call_and_a_missing_one_is_explained() {
    let gateway = FakeGateway::start_with_token("t0ken").await;
    let refused = client_of(&gateway).await.topology().await.expect_err("no token");
    assert_eq!(refused.kind(), skep_client::ErrorKind::Invalid);
    assert!(refused.advice().contains("token"));
    let options = Options { bearer_token: Some("t0ken".into()), ..Options::default() };
    let client = Client::connect(&gateway.address, options).await.expect("listens");
    assert_eq!(client.topology().await.expect("allowed").gateway_version, "fake");
}

#[tokio::test]
async fn a_silent_server_is_given_up_on() {
    let gateway = FakeGateway::start().await;
    let options = Options { request_timeout: Duration::from_millis(20), ..Options::default() };
    let client = Client::connect(&gateway.address, options).await.expect("listens");
    let error = client
        .resolve_incident(skep_client::proto::ResolveIncidentRequest::new(1))
        .await
        .expect_err("the fake never answers this");
    assert_eq!(error.kind(), skep_client::ErrorKind::Unavailable);
    assert!(!error.is_not_accepted());
}
