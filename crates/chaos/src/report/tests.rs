//! Reports of one journal.

use serde_json::json;

use super::*;
use crate::journal::Journal;

fn journal() -> Journal {
    let entry = |name: &str, second: u32, extra: serde_json::Value| {
        let mut entry = json!({"activity": {"name": name, "type": "probe"},
            "output": {"status": 0, "stdout": "<ok>\n", "stderr": ""}, "status": "succeeded",
            "start": format!("2022-08-02T07:35:{second:02}.500000+00:00"), "duration": 1.25});
        for (key, value) in extra.as_object().expect("a map") {
            entry[key] = value.clone();
        }
        entry
    };
    let text = json!({
        "experiment": {"title": "A & B", "description": "d|e"}, "node": "n", "platform": "p",
        "start": "2022-08-02T07:35:20+00:00", "end": "2022-08-02T07:35:40+00:00", "duration": 20.0,
        "status": "failed", "deviated": false,
        "steady_states": {"before": {"steady_state_met": true, "probes": [entry("ready", 21, json!({"tolerance_met": true}))]},
            "after": null, "during": []},
        "run": [entry("cut <x>", 23, json!({"status": "failed", "exception": ["too long\n"], "output": null}))],
        "rollbacks": [entry("heal", 30, json!({}))],
        "outcome": "activity-failed",
        "verdicts": [{"kind": "activity", "activity": "cut <x>", "message": "probe 'cut <x>' failed"}],
    });
    Journal::read(&text.to_string()).expect("a journal")
}

#[test]
fn a_page_has_all_of_it_and_nothing_from_elsewhere() {
    let page = html(&journal());
    for part in [
        "<h1>A &amp; B</h1>",
        "activity failed",
        "<svg ",
        "cut &lt;x&gt; (method): failed, 1.250 s",
        "probe &#39;cut &lt;x&gt;&#39; failed",
        "stdout: &lt;ok&gt;",
        "<td>1.5 s</td>",
        "not checked",
    ] {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    for outside in ["http://", "https://", "<script", "<link", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_build_server_can_count() {
    let text = junit(&journal());
    assert!(text.contains("tests=\"4\" failures=\"2\""), "{text}");
    assert!(text.contains("<failure message=\"failed\">too long</failure>"), "{text}");
    assert!(text.contains("<failure message=\"activity failed\">"), "{text}");
}

#[test]
fn a_ticket_has_a_table() {
    let text = markdown(&journal());
    assert!(text.starts_with("# A & B\n\nd\\|e\n\n**Outcome: activity failed**."), "{text}");
    assert!(
        text.contains("| 3.5 s | method | probe: cut &lt;x> | 1.250 s | **failed** |"),
        "{text}"
    );
}

#[test]
fn what_xml_cannot_say_is_replaced() {
    assert_eq!(escaped("\u{1b}[1m\u{0}"), "\u{fffd}[1m\u{fffd}");
}
