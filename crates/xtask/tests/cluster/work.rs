//! Calls of the load, each sent exactly once, with what the caller may conclude from the answer.

use crate::ledger::Answer;
use skep_client::proto::DeployResourceRequest;
use skep_client::{Client, Error, ErrorKind, Options};
use std::time::Duration;

/// How long a call may take. Longer than any fault that is healed by the cluster itself.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(5);

/// Bits of a key below the id of its partition.
const KEY_BITS: u32 = 51;

/// The threads of the load.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads can be started")
}

/// A client that sends each call once: whether a repetition would be right is what is tested here.
pub(crate) fn client(address: &str) -> Client {
    let options = Options {
        retries_max: 0,
        request_timeout: CALL_MAX,
        connect_timeout: Duration::from_secs(1),
        ..Options::default()
    };
    Client::connect_lazy(address, options).expect("an address of this machine")
}

/// What an error says about whether the command was done.
pub(crate) fn answer_of(error: &Error) -> Answer {
    match error.kind() {
        ErrorKind::NotFound => Answer::NotFound,
        ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Exhausted => Answer::Refused,
        _ if error.is_not_accepted() => Answer::Refused,
        _ => Answer::InDoubt,
    }
}

/// The partition that made a key.
pub(crate) fn partition_of(key: i64) -> u64 {
    u64::try_from(key).unwrap_or_default() >> KEY_BITS
}

/// Deploys files as one, and answers the version of the process among them.
pub(crate) async fn deploy(client: &Client, files: &[(&str, &str)]) -> Result<i32, Error> {
    let request = files.iter().fold(DeployResourceRequest::default(), |request, (name, text)| {
        request.with_resource(*name, *text)
    });
    let answer = client.deploy_resource(request).await?;
    let version = answer.deployments.iter().find_map(|deployment| match &deployment.metadata {
        Some(skep_client::proto::deployment::Metadata::Process(process)) => Some(process.version),
        _ => None,
    });
    Ok(version.unwrap_or_default())
}
