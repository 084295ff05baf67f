//! Making process instances: for a command, a message, a timer or a call activity.

use std::sync::Arc;

use bytes::Bytes;
use skep_bpmn::model::ElementIndex;
use skep_protocol::{
    ElementType, EventType, Key, NO_KEY, Payload, ProcessInstanceIntent, ProcessInstanceRecord,
};

use crate::context::Context;
use crate::definitions::Definition;

/// What a new instance starts with.
#[derive(Default)]
pub(crate) struct NewInstance {
    /// Root variables.
    pub(crate) variables: Vec<(String, Bytes)>,
    /// Start event, and the variables of its trigger.
    pub(crate) start: Option<(ElementIndex, Bytes)>,
    /// Call activity that calls it, with its process instance.
    pub(crate) parent: Option<(Key, Key)>,
    pub(crate) business_id: String,
    pub(crate) tags: Vec<String>,
    pub(crate) call_depth: u32,
}

impl Context<'_> {
    /// The latest version of a process.
    pub(crate) fn latest_definition_key(&self, bpmn_process_id: &str) -> Option<Key> {
        let id = bpmn_process_id.to_owned();
        let highest = self.state.process_versions_highest.get(&id)?;
        (1..=highest)
            .rev()
            .find_map(|version| self.state.process_versions.get(&(id.clone(), version)))
    }

    /// Starts an instance under the given new key.
    pub(crate) fn create_instance(
        &mut self,
        key: Key,
        definition: &Arc<Definition>,
        new: NewInstance,
    ) {
        let process = &definition.process;
        let (parent_process_instance_key, parent_element_instance_key) =
            new.parent.unwrap_or((NO_KEY, NO_KEY));
        let record = ProcessInstanceRecord {
            bpmn_process_id: process.id.to_string(),
            version: definition.version,
            process_definition_key: definition.key,
            process_instance_key: key,
            element_id: process.id.to_string(),
            flow_scope_key: NO_KEY,
            element_type: ElementType::Process as i32,
            event_type: EventType::Unspecified as i32,
            parent_process_instance_key,
            parent_element_instance_key,
            tenant_id: definition.tenant_id.clone(),
            business_id: new.business_id,
            tags: new.tags,
            call_depth: new.call_depth,
            ..ProcessInstanceRecord::default()
        };
        self.event(
            key,
            Payload::ProcessInstance(ProcessInstanceIntent::ElementActivating, record.clone()),
        );
        self.set_local_all(key, new.variables);
        self.event(key, Payload::ProcessInstance(ProcessInstanceIntent::ElementActivated, record));
        let (start, variables) = match new.start {
            Some((start, variables)) => (Some(start), variables),
            None => (none_start(definition), Bytes::new()),
        };
        if let Some(start) = start {
            self.enter_triggered(definition, start, key, variables);
        }
    }
}

/// The none start event of a process.
pub(crate) fn none_start(definition: &Definition) -> Option<ElementIndex> {
    match &definition.process.root().kind {
        skep_bpmn::model::ElementKind::Process(scope) => scope.none_start,
        _ => None,
    }
}
