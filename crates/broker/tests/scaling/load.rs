//! Clients that create instances all the time, and what they were told.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use skep_broker::{Broker, Response};
use skep_protocol::{
    Command, JobBatchRecord, Key, NO_KEY, Payload, ProcessInstanceCreationIntent,
    ProcessInstanceCreationRecord,
};
use tokio::task::JoinHandle;

use crate::support::{TIMEOUT, pause};

/// Clients at work.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Told {
    /// Instances that were acknowledged.
    created: BTreeSet<Key>,
    /// Requests whose outcome is not known.
    unknown: usize,
}

impl Load {
    /// One client for each partition, through this broker.
    pub(crate) fn start(broker: &Broker, partitions: u32) -> Self {
        let (stop, told): (Arc<AtomicBool>, Arc<Mutex<Told>>) = Default::default();
        let client = |partition| {
            let (broker, stop, told) = (broker.clone(), stop.clone(), told.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Acquire) {
                    create(&broker, partition, &told).await;
                }
            })
        };
        let clients = (1..=partitions).map(client).collect();
        Self { stop, told, clients }
    }

    /// How many instances were acknowledged so far.
    pub(crate) fn count(&self) -> usize {
        self.told.lock().created.len()
    }

    /// Waits until so many more were acknowledged.
    pub(crate) async fn wait_for(&self, more: usize) {
        let wanted = self.count() + more;
        while self.count() < wanted {
            pause().await;
        }
    }

    /// Stops the clients.
    pub(crate) async fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        while !self.clients.iter().all(JoinHandle::is_finished) {
            pause().await;
        }
    }

    /// Takes over what the clients of another load were told.
    pub(crate) fn merge(self, other: Self) -> Self {
        let other = std::mem::take(&mut *other.told.lock());
        let mut told = self.told.lock();
        told.created.extend(other.created);
        told.unknown += other.unknown;
        drop(told);
        self
    }

    /// Stops the clients and compares what they were told with what there is: every acknowledged
    /// instance has its job, once, and nothing else has but what may have been taken.
    pub(crate) async fn check(self, broker: &Broker, partitions: u32) {
        self.stop.store(true, Ordering::Release);
        for client in self.clients {
            client.await.unwrap();
        }
        let mut found = BTreeSet::new();
        for partition in 1..=partitions {
            loop {
                let instances = activate(broker, partition).await;
                if instances.is_empty() {
                    break;
                }
                for instance in instances {
                    assert!(found.insert(instance), "{instance} has two jobs");
                }
            }
        }
        let told = self.told.lock();
        let lost: Vec<_> = told.created.difference(&found).collect();
        assert!(lost.is_empty(), "{} of {} lost: {lost:?}", lost.len(), told.created.len());
        let invented = found.difference(&told.created).count();
        assert!(invented <= told.unknown, "{invented} more, but only {} unknown", told.unknown);
    }
}

async fn create(broker: &Broker, partition: u32, told: &Mutex<Told>) {
    let value = ProcessInstanceCreationRecord {
        bpmn_process_id: "one_task".to_owned(),
        version: -1,
        ..ProcessInstanceCreationRecord::default()
    };
    let payload = Payload::ProcessInstanceCreation(ProcessInstanceCreationIntent::Create, value);
    match broker.submit(partition, Command::new(NO_KEY, payload), TIMEOUT).await {
        Ok(Response::Accepted { payload, .. }) => {
            let Payload::ProcessInstanceCreation(_, value) = *payload else {
                panic!("{payload:?}")
            };
            assert!(told.lock().created.insert(value.process_instance_key), "the key was used");
        }
        // The deployment is on its way to the partition.
        Ok(Response::Rejected { .. }) => pause().await,
        Ok(other) => panic!("{other:?}"),
        Err(error) if error.not_accepted() => pause().await,
        Err(_) => told.lock().unknown += 1,
    }
    // A client in a loop would only measure this machine.
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// The instances of some jobs of a partition.
async fn activate(broker: &Broker, partition: u32) -> Vec<Key> {
    let request = JobBatchRecord {
        job_type: "work".to_owned(),
        worker: "tester".to_owned(),
        timeout_ms: 3_600_000,
        jobs_max: 500,
        ..JobBatchRecord::default()
    };
    loop {
        match broker.activate_jobs(partition, request.clone(), TIMEOUT).await {
            Ok(jobs) => {
                let jobs = jobs.unwrap().confirm();
                return jobs.iter().map(|job| job.job.process_instance_key).collect();
            }
            Err(error) if error.not_accepted() => pause().await,
            Err(error) => panic!("{error}"),
        }
    }
}
