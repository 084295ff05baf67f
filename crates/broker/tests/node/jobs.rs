//! Jobs reach workers, and come back when nobody takes them.

use skep_broker::{Broker, JobStreamSpec, Response};

use crate::support::*;

fn spec() -> JobStreamSpec {
    JobStreamSpec {
        job_type: JOB_TYPE.to_owned(),
        worker: "streamer".to_owned(),
        timeout_ms: 3_600_000,
        fetch_variables: Vec::new(),
    }
}

#[tokio::test]
async fn an_instance_runs_from_creation_to_completion() {
    let broker = in_memory().await;
    let instance = create(&broker, "one_task").await.unwrap();
    let jobs = activate(&broker, 10).await.confirm();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].job.process_instance_key, instance);
    let response = complete(&broker, jobs[0].key).await.unwrap();
    assert!(matches!(response, Response::Accepted { .. }), "{response:?}");
    let again = complete(&broker, jobs[0].key).await.unwrap();
    assert!(matches!(again, Response::Rejected { .. }), "{again:?}");
    broker.shutdown().await;
}

#[tokio::test]
async fn unconfirmed_jobs_go_back_at_once() {
    let broker = in_memory().await;
    create(&broker, "one_task").await.unwrap();
    let jobs = activate(&broker, 10).await;
    assert_eq!(jobs.jobs().len(), 1);
    drop(jobs);
    broker.quiesce().await;
    assert_eq!(activate(&broker, 10).await.confirm().len(), 1);
    broker.shutdown().await;
}

#[tokio::test]
async fn jobs_for_a_caller_that_has_gone_go_back() {
    let broker = in_memory().await;
    create(&broker, "one_task").await.unwrap();
    {
        // Polled once, so that the command is on its way, and dropped before the answer.
        let mut activation = Box::pin(activate(&broker, 10));
        let _ = futures::poll!(&mut activation);
    }
    broker.quiesce().await;
    assert_eq!(activate(&broker, 10).await.confirm().len(), 1);
    broker.shutdown().await;
}

#[tokio::test]
async fn a_waiting_poll_hears_of_a_new_job() {
    let broker = in_memory().await;
    for _ in 0..50 {
        let available = broker.jobs_available(JOB_TYPE);
        assert_eq!(activate(&broker, 1).await.jobs().len(), 0);
        let creation = create(&broker, "one_task");
        let (created, ()) = tokio::join!(creation, available);
        created.unwrap();
        assert_eq!(activate(&broker, 1).await.confirm().len(), 1);
    }
    broker.shutdown().await;
}

#[tokio::test]
async fn an_announcement_between_asking_and_waiting_is_not_lost() {
    let broker = in_memory().await;
    let available = broker.jobs_available(JOB_TYPE);
    create(&broker, "one_task").await.unwrap();
    available.await;
    broker.shutdown().await;
}

async fn next(stream: &mut skep_broker::JobStream) -> skep_broker::ActivatedJobs {
    tokio::time::timeout(TIMEOUT, stream.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn new_jobs_are_pushed_to_streams() {
    let broker = in_memory().await;
    let mut stream = broker.open_job_stream(spec()).unwrap();
    let instance = create(&broker, "one_task").await.unwrap();
    let pushed = next(&mut stream).await;
    assert_eq!(pushed.jobs()[0].job.process_instance_key, instance);
    assert_eq!(pushed.jobs()[0].job.worker, "streamer");
    assert_eq!(broker.job_streams()[0].jobs_in_flight, 1);
    let job = pushed.confirm().remove(0);
    assert_eq!(broker.job_streams()[0].jobs_in_flight, 0);
    complete(&broker, job.key).await.unwrap();
    broker.shutdown().await;
    assert!(stream.recv().await.is_none(), "a stream ends with its broker");
}

#[tokio::test]
async fn a_dropped_stream_gives_back_what_it_holds() {
    let broker = in_memory().await;
    let stream = broker.open_job_stream(spec()).unwrap();
    for _ in 0..5 {
        create(&broker, "one_task").await.unwrap();
    }
    broker.quiesce().await;
    assert_eq!(activate(&broker, 10).await.jobs().len(), 0, "all were pushed");
    drop(stream);
    assert!(broker.job_streams().is_empty());
    broker.quiesce().await;
    assert_eq!(activate(&broker, 10).await.confirm().len(), 5);
    broker.shutdown().await;
}

#[tokio::test]
async fn a_stream_without_room_gets_the_rest_when_it_has_some() {
    let broker = in_memory().await;
    let mut stream = broker.open_job_stream(spec()).unwrap();
    let jobs_max = skep_broker::limits::STREAM_JOBS_MAX as usize;
    let total = jobs_max + 20;
    create_many(&broker, total).await;
    assert_eq!(broker.job_streams()[0].jobs_in_flight as usize, jobs_max);
    let mut seen = std::collections::BTreeSet::new();
    while seen.len() < total {
        for job in next(&mut stream).await.confirm() {
            assert!(seen.insert(job.key), "a job is pushed once");
        }
    }
    broker.quiesce().await;
    assert_eq!(activate(&broker, 10).await.jobs().len(), 0);
    broker.shutdown().await;
}

async fn create_many(broker: &Broker, count: usize) {
    let creations = (0..count).map(|_| create(broker, "one_task"));
    for created in futures::future::join_all(creations).await {
        created.unwrap();
    }
}

#[tokio::test]
async fn streams_share_the_jobs() {
    let broker = in_memory().await;
    let streams: Vec<_> = (0..4).map(|_| broker.open_job_stream(spec()).unwrap()).collect();
    create_many(&broker, 40).await;
    broker.quiesce().await;
    let in_flight: Vec<_> = broker.job_streams().iter().map(|it| it.jobs_in_flight).collect();
    assert_eq!(in_flight.iter().sum::<u32>(), 40);
    assert!(in_flight.iter().all(|jobs| *jobs < 40), "{in_flight:?}");
    drop(streams);
    broker.shutdown().await;
}

#[tokio::test]
async fn jobs_given_back_too_late_stay_with_their_new_worker() {
    let broker = in_memory().await;
    broker.pin_clock(1_800_000_000_000).await.unwrap();
    create(&broker, "one_task").await.unwrap();
    let forgotten = activate(&broker, 1).await;
    assert_eq!(forgotten.jobs().len(), 1);
    broker.advance_clock(3_600_000).await.unwrap();
    let job = activate(&broker, 1).await.confirm().remove(0);
    drop(forgotten);
    broker.quiesce().await;
    assert_eq!(activate(&broker, 1).await.jobs().len(), 0, "the second worker still has it");
    complete(&broker, job.key).await.unwrap();
    broker.shutdown().await;
}
