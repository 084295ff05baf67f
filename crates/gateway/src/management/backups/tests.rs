use serde_json::{Value, json};
use skep_broker::backup::{Part, StoredFile};
use skep_broker::metadata::{Refusal, RefusalKind};

use super::*;
use crate::management::tests::{Fixture, call, fixture};
use crate::testing::FakeBroker;

const NAMES: [&str; 3] = ["backups", "backupRuntime", "backup-runtime"];

fn backup() -> BackupStatus {
    let file = |bytes| StoredFile { name: "log".to_owned(), bytes, checksum: String::new() };
    let part = Part {
        partition_id: 1,
        node_id: 2,
        checkpoint_id: 7,
        checkpoint_position: 40,
        entry_term: 1,
        entry_index: 3,
        snapshot: Some(file(100)),
        log: file(11),
        created_at_ms: 1_700_000_000_123,
    };
    let part_status =
        |partition_id, state, part| PartStatus { partition_id, state, failure_reason: None, part };
    BackupStatus {
        backup_id: 7,
        state: BackupState::InProgress,
        failure_reason: None,
        created_at_ms: Some(1_700_000_000_000),
        skep_version: Some("0.1.0".to_owned()),
        partitions: vec![
            part_status(1, BackupState::Completed, Some(part)),
            part_status(2, BackupState::InProgress, None),
        ],
    }
}

#[tokio::test]
async fn a_backup_is_taken_and_removed_under_every_name() {
    for name in NAMES {
        let path = format!("/actuator/{name}");
        let named = format!("/actuator/{name}/7");
        for (method, path, body, expected, status) in [
            ("POST", &path, r#"{"backupId":7}"#, BackupCall::Take { id: 7 }, 202),
            ("POST", &named, "", BackupCall::Take { id: 7 }, 202),
            ("DELETE", &named, "", BackupCall::Delete { id: 7 }, 204),
        ] {
            let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
            let (found, text) = call(&router, method, path, body).await;
            assert_eq!(found.as_u16(), status, "{method} {path}: {text}");
            assert_eq!(*broker.managed.lock(), [ManageRequest::Backups(expected)]);
        }
    }
}

#[tokio::test]
async fn backups_are_shown_as_tools_know_them() {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
    *broker.manage_answer.lock() = Ok(serde_json::to_value(backup()).unwrap());
    let (status, text) = call(&router, "GET", "/actuator/backups/7", "").await;
    assert_eq!(status, 200);
    let shown: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        shown,
        json!({
            "backupId": 7,
            "state": "IN_PROGRESS",
            "failureReason": null,
            "createdAt": "2023-11-14T22:13:20.000Z",
            "details": [
                {
                    "partitionId": 1,
                    "state": "COMPLETED",
                    "failureReason": null,
                    "createdAt": "2023-11-14T22:13:20.123Z",
                    "lastUpdatedAt": "2023-11-14T22:13:20.123Z",
                    "checkpointPosition": 40,
                    "brokerId": 2,
                    "bytes": 111,
                    "brokerVersion": "0.1.0",
                },
                {
                    "partitionId": 2,
                    "state": "IN_PROGRESS",
                    "failureReason": null,
                    "brokerVersion": "0.1.0",
                },
            ],
        })
    );
    *broker.manage_answer.lock() = Ok(json!([backup()]));
    let (_, text) = call(&router, "GET", "/actuator/backupRuntime", "").await;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([shown]));
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let Fixture { broker, router, .. } = fixture(FakeBroker::echo(1));
    for (method, path, body) in [
        ("POST", "/actuator/backups", r#"{"backupId":-1}"#),
        ("POST", "/actuator/backups", r#"{"backupId":0}"#),
        ("POST", "/actuator/backups", "{}"),
        ("GET", "/actuator/backups/first", ""),
        ("DELETE", "/actuator/backups/1.5", ""),
    ] {
        let (status, text) = call(&router, method, path, body).await;
        assert_eq!(status, 400, "{method} {path}: {text}");
    }
    assert!(broker.managed.lock().is_empty());
    for (kind, expected) in [(RefusalKind::Conflict, 409), (RefusalKind::NotFound, 404)] {
        *broker.manage_answer.lock() = Err(Refusal { kind, reason: "because".to_owned() });
        let (status, text) = call(&router, "POST", "/actuator/backups/7", "").await;
        assert_eq!(status, expected);
        assert!(text.contains("because"), "{text}");
    }
}
