//! Call activity: starts another process and waits for it (`spec/engine.md` 7.8).

use bytes::Bytes;
use skep_bpmn::model::{Binding, CallActivity};
use skep_protocol::{ErrorType, Key, ProcessInstanceIntent};

use super::Current;
use crate::behavior::creation::{NewInstance, none_start};
use crate::behavior::variables;
use crate::context::Context;
use crate::limits::CALL_DEPTH_MAX;
use crate::problem::{Outcome, Problem};

fn called_element_error(message: String) -> Problem {
    Problem::new(ErrorType::CalledElementError, message)
}

impl Context<'_> {
    pub(super) fn activate_call(&mut self, current: &Current, call: &CallActivity) -> Outcome {
        let process_id = self.evaluate_string(&call.process_id, current.key)?;
        let definition_key = self.called_definition_key(current, &process_id, &call.binding)?;
        let definition = self.definition(definition_key).ok_or_else(|| {
            Problem::internal(format!("the process definition {definition_key} cannot be read"))
        })?;
        if none_start(&definition).is_none() {
            return Err(called_element_error(format!(
                "Expected process with BPMN process id '{process_id}' to have a none start event, but it has none."
            )));
        }
        let call_depth = self
            .state
            .element_instances
            .get(&current.instance.record.process_instance_key)
            .map_or(0, |root| root.record.call_depth)
            + 1;
        if call_depth > CALL_DEPTH_MAX {
            return Err(called_element_error(format!(
                "Expected at most {CALL_DEPTH_MAX} process instances to call each other, but this would be one more. \
                 Check whether the process calls itself without end."
            )));
        }
        let waits = self.evaluate_waits(current)?;
        self.open_waits(current, waits);
        let variables = self.called_variables(current, call)?;
        self.write(current, ProcessInstanceIntent::ElementActivated);
        let parent = Some((current.instance.record.process_instance_key, current.key));
        let key = self.next_key();
        let new = NewInstance { variables, parent, call_depth, ..NewInstance::default() };
        self.create_instance(key, &definition, new);
        Ok(())
    }

    fn called_definition_key(
        &self,
        current: &Current,
        process_id: &str,
        binding: &Binding,
    ) -> Outcome<Key> {
        let found = match binding {
            Binding::Latest => self.latest_definition_key(process_id),
            Binding::Deployment => self.definition_key_where(process_id, |process| {
                process.deployment_key == current.definition.deployment_key
            }),
            Binding::VersionTag(tag) => {
                self.definition_key_where(process_id, |process| process.version_tag == **tag)
            }
        };
        found.ok_or_else(|| {
            let which = match binding {
                Binding::Latest => String::new(),
                Binding::Deployment => " in the same deployment".to_owned(),
                Binding::VersionTag(tag) => format!(" with version tag '{tag}'"),
            };
            called_element_error(format!(
                "Expected process with BPMN process id '{process_id}' to be deployed{which}, but not found. \
                 Deploy it, then resolve this incident."
            ))
        })
    }

    fn definition_key_where(
        &self,
        process_id: &str,
        wanted: impl Fn(&skep_protocol::ProcessRecord) -> bool,
    ) -> Option<Key> {
        let id = process_id.to_owned();
        let highest = self.state.process_versions_highest.get(&id)?;
        (1..=highest).rev().find_map(|version| {
            let key = self.state.process_versions.get(&(id.clone(), version))?;
            self.state.processes.get(&key).filter(&wanted).map(|_| key)
        })
    }

    fn called_variables(
        &self,
        current: &Current,
        call: &CallActivity,
    ) -> Outcome<Vec<(String, Bytes)>> {
        if call.propagate_all_parent_variables {
            return variables::entries(&variables::visible(self.state, current.key, &[]));
        }
        Ok(variables::local(self.state, current.key)
            .into_iter()
            .map(|(name, variable)| (name, variable.value))
            .collect())
    }
}
