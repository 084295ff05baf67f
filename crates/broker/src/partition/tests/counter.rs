//! An engine that only counts messages.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use skep_engine::{Backing, Effect, Outcome, RequestId, Response};
use skep_protocol::{
    Command, JobIntent, JobRecord, MessageIntent, NO_KEY, Payload, Record, RecordType,
};

use crate::partition::tests::group::Look;
use crate::partition::{Processing, StateChanges, Store};

/// State: how often each message name was published. Every third publication tells partition 2.
pub(super) struct Counter {
    pub(super) counts: BTreeMap<String, u64>,
    pub(super) position: u64,
    checkpoint_position: u64,
    frozen: Option<u64>,
    /// A copy for those who look from outside.
    shared: Option<Arc<Mutex<Look>>>,
}

impl Counter {
    /// Keeps a copy of the state there.
    pub(super) fn shared(mut self, shared: Arc<Mutex<Look>>) -> Self {
        *shared.lock() = (self.counts.clone(), self.position);
        self.shared = Some(shared);
        self
    }

    pub(super) fn load(store: &Store) -> Self {
        let mut counts = BTreeMap::new();
        let visit = &mut |key: &[u8], value: &[u8]| {
            let count = u64::from_le_bytes(value.try_into().unwrap());
            counts.insert(String::from_utf8(key.to_vec()).unwrap(), count);
            ControlFlow::Continue(())
        };
        store.scan(1, &[], None, visit).unwrap();
        let meta = Backing::meta(store).unwrap();
        let position = meta.map_or(0, |meta| u64::from_le_bytes(meta.try_into().unwrap()));
        Self { counts, position, checkpoint_position: position, frozen: None, shared: None }
    }

    fn apply(&mut self, record: &Record) {
        assert_eq!(record.position, self.position + 1, "positions are dense");
        self.position = record.position;
        if let (RecordType::Event, Payload::Message(_, value)) =
            (record.record_type, &record.payload)
        {
            *self.counts.entry(value.name.clone()).or_default() += 1;
        }
        if let Some(shared) = &self.shared {
            *shared.lock() = (self.counts.clone(), self.position);
        }
    }
}

struct Changes {
    counts: BTreeMap<String, u64>,
    position: u64,
    meta: Vec<u8>,
}

impl StateChanges for Changes {
    fn position(&self) -> u64 {
        self.position
    }

    fn meta(&self) -> &[u8] {
        &self.meta
    }

    fn visit(&self, visit: &mut dyn FnMut(u8, Vec<u8>, Option<Vec<u8>>)) {
        for (name, count) in &self.counts {
            visit(1, name.clone().into_bytes(), Some(count.to_le_bytes().to_vec()));
        }
    }
}

impl Processing for Counter {
    fn process(
        &mut self,
        command: Command,
        request: Option<RequestId>,
        now_ms: i64,
        outcome: &mut Outcome,
    ) {
        let Payload::Message(_, value) = command.payload else { return };
        let record = |position, record_type, intent| Record {
            position,
            source_position: if record_type == RecordType::Event { position - 1 } else { 0 },
            key: NO_KEY,
            timestamp_ms: now_ms,
            record_type,
            operation_reference: 0,
            rejection: None,
            payload: Payload::Message(intent, value.clone()),
        };
        let records = [
            record(self.position + 1, RecordType::Command, MessageIntent::Publish),
            record(self.position + 2, RecordType::Event, MessageIntent::Published),
        ];
        for record in records {
            self.apply(&record);
            outcome.records.push(record);
        }
        if let Some(request) = request {
            let payload = Box::new(Payload::Message(MessageIntent::Published, value.clone()));
            let response = Response::Accepted { key: NO_KEY, position: self.position, payload };
            outcome.effects.push(Effect::Respond { request, response });
        }
        if self.counts[&value.name].is_multiple_of(3) {
            let command =
                Command::new(NO_KEY, Payload::Job(JobIntent::Yield, JobRecord::default()));
            outcome.effects.push(Effect::Send { partition: 2, command });
        }
    }

    fn dump(&self) -> Vec<(u8, Vec<u8>, Vec<u8>)> {
        let row = |(name, count): (&String, &u64)| {
            (0, name.clone().into_bytes(), count.to_le_bytes().to_vec())
        };
        self.counts.iter().map(row).collect()
    }

    fn replay(&mut self, records: &[Record]) -> Result<(), String> {
        for record in records {
            self.apply(record);
        }
        Ok(())
    }

    fn due(&mut self, _: i64, _: &mut Vec<Effect>) -> Vec<Command> {
        Vec::new()
    }

    fn next_due_ms(&mut self) -> Option<i64> {
        None
    }

    fn last_position(&self) -> u64 {
        self.position
    }

    fn checkpoint_position(&self) -> u64 {
        self.checkpoint_position
    }

    fn dirty_bytes(&self) -> usize {
        0
    }

    fn begin_checkpoint(&mut self) -> Option<Arc<dyn StateChanges>> {
        self.frozen = Some(self.position);
        Some(Arc::new(Changes {
            counts: self.counts.clone(),
            position: self.position,
            meta: self.position.to_le_bytes().to_vec(),
        }))
    }

    fn end_checkpoint(&mut self) -> Result<(), String> {
        self.checkpoint_position = self.frozen.take().unwrap();
        Ok(())
    }
}
