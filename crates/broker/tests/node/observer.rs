//! Whoever watches sees every committed entry, and the state that they give.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use skep_broker::replication::EntryId;
use skep_broker::{Broker, BrokerConfig, Environment, Observer};
use skep_protocol::{PartitionId, codec};

use crate::support::*;

#[derive(Debug, Default)]
struct Seen(Mutex<Vec<(EntryId, Bytes)>>);

impl Observer for Seen {
    fn committed(&self, _: PartitionId, entry: EntryId, batch: &Bytes) {
        self.0.lock().push((entry, batch.clone()));
    }

    fn state_replaced(&self, _: PartitionId, entry: EntryId) {
        panic!("nobody replaces the state of a node without others, as of {entry:?}");
    }
}

#[tokio::test]
async fn what_is_committed_is_seen_and_the_state_can_be_inspected() {
    let seen = Arc::new(Seen::default());
    let config = BrokerConfig { observer: Some(seen.clone()), ..BrokerConfig::default() };
    let broker = Broker::start(config, Environment::virtual_time()).await.unwrap();
    deploy(&broker).await;
    create(&broker, "one_task").await.unwrap();
    let inspection = broker.inspect(1).await.unwrap();
    assert_eq!(broker.inspect(2).await, None);
    let entries = seen.0.lock().clone();
    assert_eq!(entries.last().map(|(entry, _)| *entry), inspection.entry);
    let mut next = 1;
    for (index, (entry, batch)) in entries.into_iter().enumerate() {
        assert_eq!(entry.index, index as u64, "no entry is missing");
        for record in codec::decode_entries(batch).unwrap() {
            assert_eq!(record.position, next);
            next += 1;
        }
    }
    assert_eq!(inspection.position, next - 1);
    assert!(!inspection.rows.is_empty());
    broker.shutdown().await;
}
