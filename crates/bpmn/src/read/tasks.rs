//! Tasks that wait for a job or a message, and script tasks.

use std::sync::Arc;

use crate::model::{ElementKind, JobTask, MessageEvent, ScriptExpression, UserTaskJob, Value};
use crate::read::extensions::Extensions;
use crate::read::globals::{Globals, MessageUse};
use crate::read::report::Report;
use crate::read::scope::is_true;
use crate::read::value::{expression, required_value, shorten, static_text, value, variable_path};
use crate::timer;
use crate::xml::{Node, bpmn_children, is_bpmn, text_of, zeebe_children};

/// Start of the header keys that the engine itself writes (rule 25).
const RESERVED_HEADERS: &str = "io.camunda.zeebe:";

/// Reads the definition of a job: type, retries, headers.
pub(crate) fn job_task<'a>(
    report: &mut Report,
    node: Node<'a>,
    extensions: &Extensions<'a>,
) -> Option<JobTask> {
    let headers = headers(report, extensions);
    let Some(definition) = extensions.one(report, "taskDefinition") else {
        let reason =
            "needs a job type; add a zeebe:taskDefinition with a type to its extension elements";
        report.refuse(node, reason);
        return None;
    };
    let job_type = required_value(report, definition, "the job type", definition.attribute("type"));
    let retries = match definition.attribute("retries").filter(|text| !text.is_empty()) {
        Some(text) => Some(retries(report, definition, text)?),
        None => None,
    };
    Some(JobTask { job_type: job_type?, retries, headers })
}

fn retries(report: &mut Report, definition: Node<'_>, text: &str) -> Option<Value> {
    let value = value(report, definition, "the number of retries", text)?;
    if let Value::Static(text) = &value
        && text.trim().parse::<i32>().is_ok_and(|retries| retries >= 0)
    {
        return Some(Value::Static(Arc::from(text.trim())));
    }
    if let Value::Static(text) = &value {
        let reason = format!(
            "the number of retries `{}` is not an integer from 0 to {}",
            shorten(text),
            i32::MAX
        );
        report.refuse(definition, reason);
        return None;
    }
    Some(value)
}

/// Reads the static headers of a job. Empty ones are dropped with a warning (rule 25).
fn headers(report: &mut Report, extensions: &Extensions<'_>) -> Vec<(Arc<str>, Arc<str>)> {
    let Some(holder) = extensions.one(report, "taskHeaders") else { return Vec::new() };
    let mut headers: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    let mut keys = std::collections::BTreeSet::new();
    for child in zeebe_children(holder) {
        if child.tag_name().name() != "header" {
            report.refuse(child, "this Zeebe extension is not known here; remove it");
            continue;
        }
        let (key, text) = (child.attribute("key"), child.attribute("value"));
        let (Some(key), Some(text)) =
            (key.filter(|key| !key.is_empty()), text.filter(|text| !text.is_empty()))
        else {
            let shown = shorten(key.unwrap_or_default());
            report
                .warn(child, format!("the header `{shown}` has no key or no value and is dropped"));
            continue;
        };
        if key.starts_with(RESERVED_HEADERS) {
            let reason = format!(
                "the header `{}` starts with `{RESERVED_HEADERS}`, which is reserved; choose another key",
                shorten(key)
            );
            report.refuse(child, reason);
        }
        if !keys.insert(key) {
            let reason = format!("the header `{}` is there more than once; keep one", shorten(key));
            report.refuse(child, reason);
        }
        let key = static_text(report, child, "the header key", key);
        let text = static_text(report, child, "the header value", text);
        if let (Some(key), Some(text)) = (key, text) {
            headers.push((key, text));
        }
    }
    headers
}

/// Reads a script task: FEEL or a job, not both (rule 17).
pub(crate) fn script_task<'a>(
    report: &mut Report,
    node: Node<'a>,
    extensions: &Extensions<'a>,
) -> Option<ElementKind> {
    let body = bpmn_children(node).find(|child| is_bpmn(*child, "script"));
    if body.is_some_and(|body| !text_of(body).is_empty()) {
        report.warn(
            node,
            "the bpmn:script is not run; zeebe:script or the job worker of its type decides",
        );
    }
    let (has_script, has_job) = (extensions.has("script"), extensions.has("taskDefinition"));
    match (has_script, has_job) {
        (true, true) => {
            let reason = "has both zeebe:script and zeebe:taskDefinition; keep one";
            report.refuse(node, reason);
            None
        }
        (false, false) => {
            let reason = "needs an implementation; add zeebe:script with a FEEL expression, or zeebe:taskDefinition for a job worker";
            report.refuse(node, reason);
            None
        }
        (false, true) => job_task(report, node, extensions).map(ElementKind::ScriptTaskJob),
        (true, false) => {
            if extensions.has("taskHeaders") {
                let reason = "task headers have no meaning without a job; remove zeebe:taskHeaders";
                report.refuse(node, reason);
            }
            let script = extensions.one(report, "script")?;
            let text = script.attribute("expression").unwrap_or_default();
            let expression = expression(report, script, "the script expression", text);
            let result = script.attribute("resultVariable").unwrap_or_default();
            let path = variable_path(report, script, "the result variable", result);
            path?;
            let (expression, result_variable) = (expression?, Arc::from(result));
            Some(ElementKind::ScriptTaskExpression(ScriptExpression {
                expression,
                result_variable,
            }))
        }
    }
}

/// Reads a job-based user task.
pub(crate) fn user_task<'a>(
    report: &mut Report,
    extensions: &Extensions<'a>,
) -> Option<ElementKind> {
    let before = report.violations_count();
    let assignment = extensions.one(report, "assignmentDefinition");
    let schedule = extensions.one(report, "taskSchedule");
    let form = extensions.one(report, "formDefinition");
    let attribute = |holder: Option<Node<'a>>, name: &str| {
        let holder = holder?;
        Some((holder, holder.attribute(name).filter(|text| !text.trim().is_empty())?))
    };
    let assignee = attribute(assignment, "assignee")
        .and_then(|(holder, text)| value(report, holder, "the assignee", text));
    let candidate_groups = attribute(assignment, "candidateGroups")
        .and_then(|(holder, text)| candidates(report, holder, "candidateGroups", text));
    let candidate_users = attribute(assignment, "candidateUsers")
        .and_then(|(holder, text)| candidates(report, holder, "candidateUsers", text));
    let due_date = attribute(schedule, "dueDate")
        .and_then(|(holder, text)| date(report, holder, "dueDate", text));
    let follow_up_date = attribute(schedule, "followUpDate")
        .and_then(|(holder, text)| date(report, holder, "followUpDate", text));
    let form_key = form.and_then(|form| form_key(report, form));
    let headers = headers(report, extensions);
    if report.violations_count() > before {
        return None;
    }
    Some(ElementKind::UserTaskJob(UserTaskJob {
        headers,
        form_key,
        assignee,
        candidate_groups,
        candidate_users,
        due_date,
        follow_up_date,
    }))
}

/// Form key of a form definition; forms by id cannot be deployed yet.
pub(crate) fn form_key(report: &mut Report, form: Node<'_>) -> Option<Arc<str>> {
    if form.attribute("formId").is_some() {
        let reason = "forms cannot be deployed yet, so that formId cannot be found; embed the form with a formKey";
        report.refuse(form, reason);
        return None;
    }
    if form.attribute("externalReference").is_some() {
        let reason =
            "externalReference is for native user tasks, which are not supported yet; use formKey";
        report.refuse(form, reason);
        return None;
    }
    match form.attribute("formKey").filter(|key| !key.is_empty()) {
        Some(key) => static_text(report, form, "the form key", key),
        None => {
            report.refuse(form, "the form key is missing or empty; set formKey or remove the form");
            None
        }
    }
}

/// Reads a list of names: an expression, or static text separated by commas.
fn candidates(report: &mut Report, node: Node<'_>, what: &str, text: &str) -> Option<Value> {
    let value = value(report, node, what, text)?;
    if let Value::Static(list) = &value
        && list.split(',').any(|name| name.trim().is_empty())
    {
        let reason = format!(
            "{what} `{}` is not a list of names separated by commas: a name is empty",
            shorten(list)
        );
        report.refuse(node, reason);
        return None;
    }
    Some(value)
}

fn date(report: &mut Report, node: Node<'_>, what: &str, text: &str) -> Option<Value> {
    let value = value(report, node, what, text)?;
    if let Value::Static(text) = &value
        && let Err(error) = timer::parse_date(text)
    {
        report.refuse(node, format!("{what} is not valid: {error}"));
        return None;
    }
    Some(value)
}

/// Reads a receive task.
pub(crate) fn receive_task<'a>(
    report: &mut Report,
    globals: &Globals<'a>,
    node: Node<'a>,
) -> Option<MessageEvent> {
    if is_true(node, "instantiate") {
        let reason =
            "a receive task that starts the process is not supported; use a message start event";
        report.refuse(node, reason);
    }
    globals.message(report, node, node, MessageUse::Catch)
}
