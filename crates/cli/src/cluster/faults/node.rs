//! Fault points of one node, over its management port.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skep_env::fault::{FaultKind, FaultSpec, FaultStatus};
use skep_env::process::ProcessState;

use super::{Backend, ClusterFault};
use crate::cluster::admin::LOOK_PAUSE;
use crate::cluster::fault::wait_until;
use crate::cluster::http::{read_answer, request_as};
use crate::cluster::state::Process;
use crate::failure::Failure;

/// How long a node may take: it answers from memory.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a node may take from its start until its ports answer.
const START_MAX: Duration = Duration::from_secs(10);

/// Where faults are asked for.
const PATH: &str = "/actuator/chaos/faults";

/// A node that was started with `--chaos`.
#[derive(Debug, Clone)]
pub(crate) struct NodePort {
    /// Its name, for people.
    pub(crate) name: String,
    /// Its management port.
    pub(crate) address: SocketAddr,
    /// What says that one may ask.
    pub(crate) token: String,
    /// Its process, when it is on this machine: what it does can be seen then.
    pub(crate) process: Option<Process>,
}

/// Arms a fault. Returns when it acts.
pub(crate) fn add(port: &NodePort, spec: &FaultSpec) -> Result<ClusterFault, Failure> {
    if port.process.is_some() {
        list_when_it_answers(port)?;
    }
    let body = json!(spec).to_string();
    let answer = ask(port, ("POST", PATH), Some(&body))?;
    let fault = read(port, answer)?;
    if let (FaultKind::Pause, Some(process)) = (spec.fault, port.process) {
        // The answer leaves before the process stops.
        // A short one may be over before anybody has looked.
        let over = Instant::now() + Duration::from_millis(spec.ttl_ms) + PATIENCE;
        wait_until(&format!("{} does not stop", port.name), || {
            Ok(process.identity().state() != ProcessState::Running || Instant::now() > over)
        })?;
    }
    Ok(fault)
}

/// What faults call this node.
pub(crate) fn own_name(port: &NodePort) -> Result<String, Failure> {
    let answer = ask(port, ("GET", PATH), None)?;
    answer["node"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Failure::Local(format!("{} does not say what faults call it", port.name)))
}

/// What is armed there.
pub(crate) fn list(port: &NodePort) -> Result<Vec<ClusterFault>, Failure> {
    let answer = ask(port, ("GET", PATH), None)?;
    read_all(port, &answer["faults"])
}

/// What is armed there, as soon as it answers: a node that has just been started opens its ports first.
/// One that has ended has no faults.
pub(crate) fn list_when_it_answers(port: &NodePort) -> Result<Vec<ClusterFault>, Failure> {
    let began = Instant::now();
    loop {
        match list(port) {
            Err(Failure::Unreachable(_)) if began.elapsed() < START_MAX => {}
            answer => return answer,
        }
        let state = port.process.map(|process| process.identity().state());
        if state == Some(ProcessState::Ended) {
            return Ok(Vec::new());
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

/// Ends one fault; none when it has ended already.
pub(crate) fn clear(port: &NodePort, id: &str) -> Result<Option<ClusterFault>, Failure> {
    match ask(port, ("DELETE", &format!("{PATH}/{id}")), None) {
        Ok(answer) => read(port, answer).map(Some),
        Err(Failure::Guided { code: 4, .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Where a crash can be armed, and which commands can be named.
pub(crate) fn points(port: &NodePort) -> Result<Value, Failure> {
    ask(port, ("GET", "/actuator/chaos/points"), None)
}

fn ask(port: &NodePort, what: (&str, &str), body: Option<&str>) -> Result<Value, Failure> {
    let answer = request_as(Some(&port.token), port.address, what, body, PATIENCE);
    let Some((status, text)) = answer else {
        let (name, address) = (&port.name, port.address);
        return Err(Failure::Unreachable(format!("{name} does not answer on {address}")));
    };
    let named = |failure| match failure {
        Failure::Guided { code, message, advice } => {
            Failure::Guided { code, message: format!("{}: {message}", port.name), advice }
        }
        other => other,
    };
    read_answer(status, &text, advice).map_err(named)
}

fn advice(status: u16) -> &'static str {
    match status {
        401 => {
            "Give the token that the node was started with (--chaos-token-file, SKEP_CHAOS_TOKEN)."
        }
        404 => {
            "`skep chaos faults list` shows what is armed, `skep chaos faults points` what can be named."
        }
        _ => "Nothing was armed.",
    }
}

fn read_all(port: &NodePort, faults: &Value) -> Result<Vec<ClusterFault>, Failure> {
    let faults = faults.as_array().cloned().unwrap_or_default();
    faults.into_iter().map(|fault| read(port, fault)).collect()
}

fn read(port: &NodePort, answer: Value) -> Result<ClusterFault, Failure> {
    let status: FaultStatus = serde_json::from_value(answer).map_err(|error| {
        Failure::Local(format!("{} told of a fault that cannot be read: {error}", port.name))
    })?;
    Ok(ClusterFault {
        id: status.id,
        backend: Backend::Node,
        node: port.name.clone(),
        fault: status.spec.fault.name().to_owned(),
        text: status.text,
        remaining_ms: Some(status.remaining_ms),
        hits: Some(status.hits),
        details: json!(status.spec),
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;

    use skep_env::process::ProcessIdentity;

    use super::*;

    #[test]
    fn a_node_that_has_ended_has_no_faults_and_is_not_waited_for() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        child.wait().unwrap();
        let process = Process { pid: identity.id, start_ticks: identity.start_ticks };
        let port = NodePort {
            name: "broker-0".to_owned(),
            address: free,
            token: "token".to_owned(),
            process: Some(process),
        };
        assert!(matches!(list(&port), Err(Failure::Unreachable(_))));
        assert_eq!(list_when_it_answers(&port).unwrap().len(), 0);
    }
}
