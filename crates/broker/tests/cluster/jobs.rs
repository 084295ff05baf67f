//! Jobs reach workers that are connected to other nodes, and come back when nobody takes them.

use std::collections::BTreeSet;

use skep_broker::JobStream;

use crate::support::*;

async fn next(stream: &mut JobStream) -> skep_broker::ActivatedJobs {
    tokio::time::timeout(TIMEOUT, stream.recv()).await.unwrap().unwrap()
}

/// A stream that every broker knows of.
async fn open_stream(cluster: &TestCluster) -> JobStream {
    let stream = cluster.gateway.open_job_stream(stream_spec()).unwrap();
    for broker in cluster.brokers.values() {
        until(broker, |_| broker.job_streams().iter().any(|stream| stream.elsewhere)).await;
    }
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_a_gateway_gets_the_jobs_of_all_partitions() {
    let cluster = TestCluster::start().await;
    cluster.deploy().await;
    let mut stream = open_stream(&cluster).await;
    assert!(!cluster.gateway.job_streams()[0].elsewhere);
    let mut instances = BTreeSet::new();
    for partition in [1, 2, 3, 1, 2, 3] {
        instances.insert(instance_of(create(&cluster.gateway, partition).await.unwrap()));
    }
    while !instances.is_empty() {
        for job in next(&mut stream).await.confirm() {
            assert_eq!(job.job.worker, "streamer");
            assert!(instances.remove(&job.job.process_instance_key), "a job is pushed once");
            complete(&cluster.gateway, job.key).await.unwrap();
        }
    }
    for broker in cluster.brokers.values() {
        until(broker, |_| broker.job_streams()[0].jobs_in_flight == 0).await;
    }
    drop(stream);
    for broker in cluster.brokers.values() {
        until(broker, |_| broker.job_streams().is_empty()).await;
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_nobody_takes_go_back_to_their_partition() {
    let cluster = TestCluster::start().await;
    cluster.deploy().await;
    let mut stream = open_stream(&cluster).await;
    let instance = instance_of(create(&cluster.gateway, 2).await.unwrap());
    let pushed = next(&mut stream).await;
    assert_eq!(pushed.jobs()[0].job.process_instance_key, instance);
    drop(stream);
    let broker = &cluster.brokers[&1];
    until(broker, |_| broker.job_streams().is_empty()).await;
    drop(pushed);
    complete_all(&cluster.gateway, 2, &[instance]).await;
    // The same for a poll whose caller has gone.
    let instance = instance_of(create(&cluster.gateway, 3).await.unwrap());
    let jobs = cluster.gateway.activate_jobs(3, job_request(1), TIMEOUT).await.unwrap().unwrap();
    assert_eq!(jobs.jobs().len(), 1);
    drop(jobs);
    complete_all(&cluster.gateway, 3, &[instance]).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_gateway_that_goes_away_are_offered_to_others() {
    let cluster = TestCluster::start().await;
    cluster.deploy().await;
    let other = start_gateway(&cluster.peers[&0]).await;
    until(&other, skep_broker::Topology::is_led).await;
    let mut stream = other.open_job_stream(stream_spec()).unwrap();
    for broker in cluster.brokers.values() {
        until(broker, |_| !broker.job_streams().is_empty()).await;
    }
    let instance = instance_of(create(&cluster.gateway, 2).await.unwrap());
    let pushed = next(&mut stream).await;
    other.shutdown().await;
    complete_all(&cluster.gateway, 2, &[instance]).await;
    drop(pushed);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_poll_hears_of_jobs_on_other_nodes() {
    let cluster = TestCluster::start().await;
    cluster.deploy().await;
    for round in 0..30 {
        let partition = round % 3 + 1;
        let available = cluster.gateway.jobs_available(JOB_TYPE);
        let asked = cluster.gateway.activate_jobs(partition, job_request(1), TIMEOUT).await;
        assert_eq!(asked.unwrap().unwrap().jobs().len(), 0);
        let instance = instance_of(create(&cluster.gateway, partition).await.unwrap());
        tokio::time::timeout(TIMEOUT, available).await.unwrap();
        complete_all(&cluster.gateway, partition, &[instance]).await;
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_and_polls_reach_a_broker_that_comes_back() {
    let mut cluster = TestCluster::start().await;
    cluster.deploy().await;
    let mut stream = open_stream(&cluster).await;
    cluster.stop_broker(0).await;
    cluster.start_broker(0).await;
    let broker = &cluster.brokers[&0];
    until(broker, |_| broker.job_streams().iter().any(|stream| stream.elsewhere)).await;
    cluster.deploy_only().await;
    let instance = cluster.create_when_deployed(1).await;
    loop {
        let jobs = next(&mut stream).await.confirm();
        if jobs.iter().any(|job| job.job.process_instance_key == instance) {
            break;
        }
    }
    cluster.stop().await;
}
