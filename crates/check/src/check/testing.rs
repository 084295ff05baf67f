//! Histories made by hand, for the tests of checkers.

use bytes::Bytes;
use skep_protocol::*;

use crate::evidence::{EntryId, Evidence, Replica, Told};
use crate::history::{Call, CallKind, Outcome};

/// A run in the making.
pub(crate) struct Made {
    pub(crate) evidence: Evidence,
    next: std::collections::BTreeMap<PartitionId, (u64, u64)>,
    reference: u64,
}

/// What an event is about.
pub(crate) fn event(key: Key, payload: Payload) -> Record {
    Record {
        position: 0,
        source_position: 0,
        key,
        timestamp_ms: 0,
        record_type: RecordType::Event,
        operation_reference: 0,
        rejection: None,
        payload,
    }
}

/// A message that was published.
pub(crate) fn published(key: Key, id: &str) -> Record {
    let record = MessageRecord { message_id: id.to_owned(), ..MessageRecord::default() };
    event(key, Payload::Message(MessageIntent::Published, record))
}

/// An element instance in some state.
pub(crate) fn element(
    key: Key,
    scope: Key,
    tokens_taken: u32,
    intent: ProcessInstanceIntent,
) -> Record {
    let record = ProcessInstanceRecord {
        element_id: format!("element-{key}"),
        flow_scope_key: scope,
        process_instance_key: if scope == NO_KEY { key } else { scope },
        tokens_taken,
        ..ProcessInstanceRecord::default()
    };
    event(key, Payload::ProcessInstance(intent, record))
}

impl Made {
    pub(crate) fn new(partitions: u32) -> Self {
        let mut evidence = Evidence::of(partitions);
        evidence.end.healed_after_ms = Some(1_000);
        Self { evidence, next: std::collections::BTreeMap::new(), reference: 0 }
    }

    /// The replica of node 0 commits these records as one entry, with the next positions.
    pub(crate) fn entry(&mut self, partition: PartitionId, records: Vec<Record>) -> &mut Self {
        let (index, position) = self.next.entry(partition).or_insert((0, 1));
        let mut batch = Vec::new();
        for mut record in records {
            record.position = *position;
            *position += 1;
            // Each for itself: what is encoded together has one time and one reference.
            codec::encode_entry(&[record], &mut batch);
        }
        let id = EntryId { term: 1, index: *index };
        *index += 1;
        self.tell(0, 0, partition, Told::Entry(id, Bytes::from(batch)))
    }

    pub(crate) fn tell(
        &mut self,
        node: u32,
        life: u32,
        partition: PartitionId,
        told: Told,
    ) -> &mut Self {
        self.evidence.recorded.tell(Replica { node, life, partition }, told);
        self
    }

    /// A call with a reference of its own.
    pub(crate) fn call(&mut self, kind: CallKind, outcome: Outcome) -> &mut Call {
        self.reference += 1;
        let call = Call {
            partition: 1,
            reference: self.reference,
            kind,
            what: "a call".to_owned(),
            invoked_ms: 0,
            returned_ms: 1,
            outcome,
        };
        self.evidence.calls.push(call);
        self.evidence.calls.last_mut().expect("it was just added")
    }
}
