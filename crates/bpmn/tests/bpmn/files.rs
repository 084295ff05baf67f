//! Encodings, limits, and things that are not BPMN.

use skep_bpmn::limits::{FILE_BYTES_MAX, XML_ATTRIBUTES_MAX, XML_DEPTH_MAX, XML_NAMESPACES_MAX};
use skep_bpmn::{Violation, decode};

use crate::common::*;

/// The one reason, which is about the file and not about an element.
fn file_refusal(xml: &str) -> Violation {
    let mut violations = refusals(xml);
    assert_eq!(violations.len(), 1, "{violations:?}");
    let violation = violations.remove(0);
    assert_eq!((violation.element_id.as_str(), violation.construct.as_str()), ("", ""));
    violation
}

#[test]
fn utf_16_is_refused_clearly() {
    for bytes in
        [&b"\xFF\xFE<\0?\0"[..], &b"\xFE\xFF\0<\0?"[..], &b"<\0?\0x\0"[..], &b"\0<\0?\0x"[..]]
    {
        let text = decode(bytes).expect_err("refused").to_string();
        assert_eq!(text, "ERROR: file (line 1): the file is UTF-16; save it as UTF-8");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_the_place() {
    let error = decode(b"<a>\n\xE4</a>").expect_err("refused");
    assert_eq!(error.violations[0].line, 2);
    assert!(error.to_string().contains("not UTF-8 (byte 4)"), "{error}");
}

#[test]
fn another_declared_encoding_is_refused() {
    let xml = doing(&job("it")).replace("UTF-8", "ISO-8859-1");
    assert!(file_refusal(&xml).reason.contains("`ISO-8859-1`"));
    let xml = doing(&job("it")).replace("UTF-8", "UTF-16");
    assert!(file_refusal(&xml).reason.contains("`UTF-16`"));
}

#[test]
fn a_byte_order_mark_and_a_missing_declaration_are_fine() {
    let xml = doing(&job("it"));
    accepted(&format!("\u{feff}{xml}"));
    accepted(xml.split_once("?>").expect("a declaration").1.trim_start());
}

#[test]
fn what_is_not_xml_is_refused_with_the_line() {
    let violation = file_refusal("<a>\n<b></a>");
    assert_eq!(violation.line, 2);
    assert!(violation.reason.contains("not well-formed XML"), "{violation}");
    for text in ["", " ", "{}", "<", "<a", "<a b=\"", "<!--", "<?xml", "\u{feff}"] {
        assert!(file_refusal(text).reason.contains("not well-formed XML"), "{text}");
    }
}

#[test]
fn document_type_definitions_are_refused() {
    let xml = format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", "<definitions/>");
    assert!(file_refusal(&xml).reason.contains("remove the DOCTYPE"));
}

#[test]
fn another_kind_of_xml_is_refused() {
    let reason = file_refusal("<definitions/>").reason;
    assert!(reason.contains("not a BPMN 2.0 file"), "{reason}");
    let dmn = r#"<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"/>"#;
    assert!(file_refusal(dmn).reason.contains("not a BPMN 2.0 file"));
}

#[test]
fn deep_nesting_is_refused_before_anything_recurses() {
    let depth = 200_000;
    let xml = file(&("<process>".repeat(depth) + &"</process>".repeat(depth)));
    assert!(file_refusal(&xml).reason.contains(&format!("more than {XML_DEPTH_MAX} deep")));
    let xml = file(&"<a>".repeat(depth));
    assert!(file_refusal(&xml).reason.contains("deep"));
}

#[test]
fn sub_processes_may_nest_to_the_limit() {
    let levels = XML_DEPTH_MAX as usize - 10;
    let mut body = String::new();
    for level in 0..levels {
        body += &format!(r#"<startEvent id="s{level}"/><subProcess id="p{level}">"#);
    }
    body += r#"<startEvent id="deepest"/>"#;
    body += &"</subProcess>".repeat(levels);
    assert_eq!(accepted(&process(&body)).elements.len(), 2 * levels + 2);
}

#[test]
fn many_attributes_and_namespaces_are_refused() {
    let attributes: String = (0..=XML_ATTRIBUTES_MAX).map(|n| format!(" a{n}=\"\"")).collect();
    let reason = file_refusal(&file(&format!("<process{attributes}/>"))).reason;
    assert!(reason.contains("attributes"), "{reason}");
    let declarations: String =
        (0..=XML_NAMESPACES_MAX).map(|n| format!("<a xmlns:n{n}=\"urn:{n}\"/>")).collect();
    assert!(file_refusal(&file(&declarations)).reason.contains("namespace declarations"));
}

#[test]
fn a_huge_file_is_refused() {
    let xml = file(&format!("<!--{}-->", " ".repeat(FILE_BYTES_MAX)));
    assert!(file_refusal(&xml).reason.contains("at most"));
}

#[test]
fn a_huge_attribute_is_refused_where_it_matters_and_ignored_elsewhere() {
    let huge = "x".repeat(1_000_000);
    let xml = doing(&job("it")).replace(r#"type="work""#, &format!(r#"type="{huge}""#));
    assert_refused(&xml, "it", "at most");
    let xml = doing(r#"<task id="it"><documentation>HUGE</documentation></task>"#);
    accepted(&xml.replace("HUGE", &huge));
}

#[test]
fn angle_brackets_in_attributes_comments_and_cdata_do_not_count_as_tags() {
    let tags = "<a><a>".repeat(100);
    let xml = doing(&format!(
        r#"<task id="it" name='{}'><!-- {tags} --><documentation><![CDATA[{tags}]]></documentation></task>"#,
        "a > b ".repeat(100)
    ));
    accepted(&xml);
}
