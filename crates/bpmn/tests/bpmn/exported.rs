//! Files as tools write them.

use crate::common::*;

#[test]
fn an_order_process_as_a_modeler_exports_it() {
    let process = accepted(include_str!("../models/order.bpmn"));
    assert_eq!((&*process.id, &*process.name), ("order", "Order & delivery"));
    assert_eq!(&*process.version_tag, "2.1.0");
    assert_eq!(process.elements.len(), 23);
    // Only the empty header of the connector template.
    assert_eq!(process.warnings.len(), 1, "{:?}", process.warnings);
}

#[test]
fn a_file_with_other_prefixes_cdata_entities_and_a_byte_order_mark() {
    let bytes = include_bytes!("../models/prefixes.bpmn");
    let process = accepted(skep_bpmn::decode(bytes).expect("UTF-8"));
    assert_eq!(&*process.name, "Prüfung <eins> & „zwei“");
    let (_, gateway) = process.find("entscheidung").expect("the gateway");
    let conditions: Vec<_> = gateway
        .outgoing
        .iter()
        .filter_map(|flow| process.flow(*flow)?.condition.as_ref())
        .map(|condition| condition.text().to_owned())
        .collect();
    assert_eq!(conditions, ["betrag < 100 and ok", "betrag >= 100"]);
}

#[test]
fn a_file_that_an_old_tool_wrote_without_references_and_with_a_default_namespace() {
    let process = accepted(include_str!("../models/plain.bpmn"));
    assert_eq!(process.elements.len(), 5);
    assert!(process.warnings.is_empty(), "{:?}", process.warnings);
}
