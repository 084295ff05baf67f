//! `zeebe:ioMapping`.

use crate::model::Mapping;
use crate::read::extensions::{Extensions, check_extension_attributes};
use crate::read::report::Report;
use crate::read::tag::Tag;
use crate::read::value::{required_value, variable_path};
use crate::xml::zeebe_children;

/// Reads the inputs and outputs of an element.
pub(crate) fn read(
    report: &mut Report,
    extensions: &Extensions<'_>,
    tag: Tag,
) -> (Vec<Mapping>, Vec<Mapping>) {
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    let Some(holder) = extensions.one(report, "ioMapping") else { return (inputs, outputs) };
    check_extension_attributes(report, holder, &[]);
    for child in zeebe_children(holder) {
        let is_input = match child.tag_name().name() {
            "input" => true,
            "output" => false,
            _ => {
                report.refuse(child, "this Zeebe extension is not known here; remove it");
                continue;
            }
        };
        if is_input && matches!(tag, Tag::StartEvent | Tag::BoundaryEvent) {
            let reason =
                "start and boundary events cannot have input mappings; use an output mapping";
            report.refuse(child, reason);
        }
        check_extension_attributes(report, child, &["source", "target"]);
        let source = required_value(report, child, "the source", child.attribute("source"));
        let target = child.attribute("target").unwrap_or_default();
        let target = variable_path(report, child, "the target", target);
        if let (Some(source), Some(target)) = (source, target) {
            let mappings = if is_input { &mut inputs } else { &mut outputs };
            mappings.push(Mapping { source, target });
        }
    }
    (inputs, outputs)
}
