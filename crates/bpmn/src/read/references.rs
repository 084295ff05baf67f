//! What refers to something else that is deployed: call activities and business rule tasks.

use std::sync::Arc;

use crate::model::{Binding, CallActivity, CalledDecision, ElementKind};
use crate::read::extensions::Extensions;
use crate::read::report::Report;
use crate::read::tasks::job_task;
use crate::read::value::{required_value, shorten, static_text, variable_path};
use crate::xml::Node;

/// Reads a business rule task: a decision or a job, not both (rule 17).
pub(crate) fn business_rule_task<'a>(
    report: &mut Report,
    node: Node<'a>,
    extensions: &Extensions<'a>,
) -> Option<ElementKind> {
    let (has_decision, has_job) =
        (extensions.has("calledDecision"), extensions.has("taskDefinition"));
    match (has_decision, has_job) {
        (true, true) => {
            let reason = "has both zeebe:calledDecision and zeebe:taskDefinition; keep one";
            report.refuse(node, reason);
            None
        }
        (false, false) => {
            let reason = "needs an implementation; add zeebe:calledDecision with a decisionId, or zeebe:taskDefinition for a job worker";
            report.refuse(node, reason);
            None
        }
        (false, true) => job_task(report, node, extensions).map(ElementKind::BusinessRuleTaskJob),
        (true, false) => {
            if extensions.has("taskHeaders") {
                let reason = "task headers have no meaning without a job; remove zeebe:taskHeaders";
                report.refuse(node, reason);
            }
            let called = extensions.one(report, "calledDecision")?;
            called_decision(report, called).map(ElementKind::BusinessRuleTaskDecision)
        }
    }
}

fn called_decision(report: &mut Report, called: Node<'_>) -> Option<CalledDecision> {
    let id = called.attribute("decisionId");
    let decision_id = required_value(report, called, "the decisionId", id);
    let result = called.attribute("resultVariable").unwrap_or_default();
    let path = variable_path(report, called, "the result variable", result);
    let binding = binding(report, called);
    path?;
    Some(CalledDecision {
        decision_id: decision_id?,
        result_variable: Arc::from(result),
        binding: binding?,
    })
}

/// Reads a call activity.
pub(crate) fn call_activity<'a>(
    report: &mut Report,
    node: Node<'a>,
    extensions: &Extensions<'a>,
) -> Option<ElementKind> {
    let Some(called) = extensions.one(report, "calledElement") else {
        let reason = "needs a process to call; add a zeebe:calledElement with a processId to its extension elements";
        report.refuse(node, reason);
        return None;
    };
    let process_id = required_value(report, called, "the processId", called.attribute("processId"));
    let propagate_all_child_variables = boolean(report, called, "propagateAllChildVariables", true);
    let propagate_all_parent_variables =
        boolean(report, called, "propagateAllParentVariables", true);
    let binding = binding(report, called);
    Some(ElementKind::CallActivity(CallActivity {
        process_id: process_id?,
        propagate_all_parent_variables: propagate_all_parent_variables?,
        propagate_all_child_variables: propagate_all_child_variables?,
        binding: binding?,
    }))
}

fn boolean(report: &mut Report, node: Node<'_>, attribute: &str, default: bool) -> Option<bool> {
    match node.attribute(attribute).map(str::trim) {
        None => Some(default),
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        Some(other) => {
            let reason = format!("`{attribute}` is `{}`; set `true` or `false`", shorten(other));
            report.refuse(node, reason);
            None
        }
    }
}

fn binding(report: &mut Report, node: Node<'_>) -> Option<Binding> {
    let tag = node.attribute("versionTag").filter(|tag| !tag.is_empty());
    let binding_type = node.attribute("bindingType").unwrap_or("latest");
    match (binding_type, tag) {
        ("versionTag", Some(tag)) => {
            static_text(report, node, "the version tag", tag).map(Binding::VersionTag)
        }
        ("versionTag", None) => {
            let reason = "bindingType `versionTag` needs a tag; set versionTag";
            report.refuse(node, reason);
            None
        }
        ("latest" | "deployment", Some(_)) => {
            let reason =
                "versionTag has no meaning here; set bindingType to `versionTag` or remove it";
            report.refuse(node, reason);
            None
        }
        ("latest", None) => Some(Binding::Latest),
        ("deployment", None) => Some(Binding::Deployment),
        (other, _) => {
            let reason = format!(
                "bindingType `{}` is not known; use `latest`, `deployment` or `versionTag`",
                shorten(other)
            );
            report.refuse(node, reason);
            None
        }
    }
}
