//! BPMN files, element by element.

use std::fmt::Write;

/// The inside of a process or sub-process while it is written.
#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) nodes: String,
    pub(crate) flows: String,
}

/// A token's place that has no element yet: behind this element, if this holds.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) source: String,
    pub(crate) condition: Option<String>,
    /// Id of the flow, for default flows, which their gateway names.
    pub(crate) flow: Option<String>,
}

impl Pending {
    pub(crate) fn behind(source: &str) -> Self {
        Self { source: source.to_owned(), condition: None, flow: None }
    }
}

impl Scope {
    pub(crate) fn node(&mut self, tag: &str, attributes: &str, inner: &str) {
        let _ = writeln!(self.nodes, "<{tag} {attributes}>{inner}</{tag}>");
    }

    pub(crate) fn connect(&mut self, from: &Pending, target: &str) {
        let id = from.flow.clone().unwrap_or_else(|| format!("{}_to_{target}", from.source));
        let condition = from.condition.as_ref().map(|condition| {
            format!("<conditionExpression>={}</conditionExpression>", escape(condition))
        });
        let _ = writeln!(
            self.flows,
            r#"<sequenceFlow id="{id}" sourceRef="{}" targetRef="{target}">{}</sequenceFlow>"#,
            from.source,
            condition.unwrap_or_default()
        );
    }

    pub(crate) fn finish(self) -> String {
        self.nodes + &self.flows
    }
}

pub(crate) fn extensions(inner: &str) -> String {
    if inner.is_empty() {
        String::new()
    } else {
        format!("<extensionElements>{inner}</extensionElements>")
    }
}

pub(crate) fn timer(tag: &str, text: &str) -> String {
    format!("<timerEventDefinition><{tag}>{}</{tag}></timerEventDefinition>", escape(text))
}

pub(crate) fn file(process_id: &str, tag: u32, body: &str, globals: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0" id="definitions" targetNamespace="urn:random">
<process id="{process_id}" isExecutable="true"><extensionElements><z:versionTag value="v{tag}"/></extensionElements>
{body}</process>
{globals}</definitions>"#
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
