//! What partitions have not acknowledged of what others distribute to them: deployments, deletions,
//! new partitions.

use axum::extract::State;
use axum::response::Response;
use skep_broker::DistributionStatus;
use skep_broker::limits::DISTRIBUTION_LATE_MS;

use super::Management;
use crate::rest::Json;

/// `GET /actuator/distributions`: empty when all is well.
pub(super) async fn pending(State(management): State<Management>) -> Response {
    let backend = management.gateway().backend();
    let now_ms = backend.now_ms();
    let distributions = backend.distributions();
    let entries = distributions.iter().map(|one| {
        let mut entry = Json::object();
        entry.integer("partitionId", i64::from(one.partition));
        entry.integer("receiver", i64::from(one.receiver));
        entry.integer("pending", i64::try_from(one.count).unwrap_or(i64::MAX));
        entry.string("valueType", &one.value_type);
        entry.string("intent", &one.intent);
        entry.string("oldestKey", &one.oldest_key.to_string());
        entry.integer("oldestSince", one.oldest_since_ms);
        entry.integer("oldestAgeMs", age_ms(one, now_ms));
        entry.integer("attempts", i64::from(one.attempts));
        entry.boolean("away", one.away);
        entry.boolean("late", is_late(one, now_ms));
        entry.end()
    });
    let mut json = Json::object();
    json.list("distributions", entries);
    json.answer()
}

fn age_ms(one: &DistributionStatus, now_ms: i64) -> i64 {
    now_ms.saturating_sub(one.oldest_since_ms).max(0)
}

fn is_late(one: &DistributionStatus, now_ms: i64) -> bool {
    u64::try_from(age_ms(one, now_ms)).is_ok_and(|age_ms| age_ms >= DISTRIBUTION_LATE_MS)
}

/// For the health: what is late, for people; nothing when all is well.
pub(super) fn late(management: &Management) -> Option<String> {
    let backend = management.gateway().backend();
    let now_ms = backend.now_ms();
    let distributions = backend.distributions();
    let late = distributions.iter().filter(|one| is_late(one, now_ms)).map(|one| {
        format!(
            "partition {} has not acknowledged {} of partition {} for {} s",
            one.receiver,
            one.count,
            one.partition,
            age_ms(one, now_ms) / 1_000
        )
    });
    let text = late.collect::<Vec<_>>().join("; ");
    (!text.is_empty()).then_some(text)
}
