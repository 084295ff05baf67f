//! Fault points of a cluster that is known by the management ports of its nodes only.

use std::net::SocketAddr;
use std::time::Duration;

use skep_env::fault::FaultSpec;

use super::node::{self, NodePort};
use super::{ClusterFault, Which, at_each, check_ttl, clear_at, cut, directions, is_meant};
use crate::failure::Failure;

/// How faults call every gateway.
const GATEWAY: &str = "gateway";

/// The nodes behind these ports, by the names that they have for faults; all gateways have the same.
#[derive(Debug)]
pub(crate) struct Remote {
    nodes: Vec<NodePort>,
}

impl Remote {
    /// Asks each node what it is called.
    ///
    /// # Errors
    /// One of them does not answer, has no fault points, or does not take the token.
    pub(crate) fn find(addresses: &[SocketAddr], token: &str) -> Result<Self, Failure> {
        let named = addresses.iter().map(|address| {
            let (name, token) = (address.to_string(), token.to_owned());
            let port = NodePort { name, address: *address, token, process: None };
            let name = node::own_name(&port)?;
            Ok(NodePort { name, ..port })
        });
        Ok(Self { nodes: named.collect::<Result<_, Failure>>()? })
    }

    /// The brokers that are known.
    pub(crate) fn brokers(&self) -> Vec<String> {
        let names = self.nodes.iter().map(|node| node.name.clone());
        names.filter(|name| name != GATEWAY).collect()
    }

    /// What the first gateway is called.
    ///
    /// # Errors
    /// None of the ports is that of a gateway of its own.
    pub(crate) fn gateway(&self) -> Result<String, Failure> {
        self.port(GATEWAY).map(|port| port.name.clone())
    }

    /// Lets nothing that one sends reach the other; with `both` nothing in the other direction either.
    ///
    /// # Errors
    /// A node that has to be asked is not known. Then what was made until then is undone.
    pub(crate) fn block(
        &self,
        from: &str,
        to: &str,
        both: bool,
        ttl: Duration,
    ) -> Result<Vec<ClusterFault>, Failure> {
        check_ttl(ttl)?;
        let mut made: Vec<ClusterFault> = Vec::new();
        for (from, to) in directions(from, to, both) {
            let added = self.add(&cut(&from, &to, ttl)).inspect_err(|_| {
                for fault in &made {
                    // The first error is the one to tell.
                    let _ = self.port(&fault.node).and_then(|port| node::clear(port, &fault.id));
                }
            })?;
            made.push(added);
        }
        Ok(made)
    }

    /// Arms a fault of messages at the node that sends them, or at the gateway on either side.
    ///
    /// # Errors
    /// That node is not known, or refuses.
    pub(crate) fn add(&self, spec: &FaultSpec) -> Result<ClusterFault, Failure> {
        let is_gateway = spec.to.as_deref() == Some(GATEWAY);
        let at = if is_gateway { &spec.to } else { &spec.from };
        let at = at.as_deref().unwrap_or_default();
        node::add(self.port(at)?, spec)
    }

    /// Ends faults; answers those that were.
    ///
    /// # Errors
    /// A node does not answer; what the others have is ended all the same.
    pub(crate) fn clear(&self, which: &Which) -> Result<Vec<ClusterFault>, Failure> {
        at_each(&self.nodes, |port| clear_at(port, which))
    }

    /// Ends the cuts between brokers, or those that have a gateway on a side.
    ///
    /// # Errors
    /// As [`clear`](Self::clear).
    pub(crate) fn heal(&self, between_brokers: bool) -> Result<Vec<ClusterFault>, Failure> {
        at_each(&self.nodes, |port| {
            let mut ended = Vec::new();
            for fault in node::list_when_it_answers(port)? {
                let end = |side: &str| fault.details[side].as_str().unwrap_or_default().to_owned();
                let ends = [end("from"), end("to")];
                // The other end may be a broker whose port nobody has named.
                let which = Which::Between(vec![ends[0].clone()], vec![ends[1].clone()]);
                let has_gateway = ends.iter().any(|end| end == GATEWAY);
                if has_gateway != between_brokers && is_meant(&fault, &which) {
                    ended.extend(node::clear(port, &fault.id)?);
                }
            }
            Ok(ended)
        })
    }

    fn port(&self, name: &str) -> Result<&NodePort, Failure> {
        let found = self.nodes.iter().find(|node| node.name == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = self.nodes.iter().map(|node| node.name.as_str()).collect();
            Failure::guided(
                2,
                format!(
                    "{name} has to be asked, and is behind none of the management ports that were \
                     named ({})",
                    known.join(", ")
                ),
                "Name its management port, too: --management HOST:9600,HOST2:9600. A cut is made at \
                 the node that sends, so with --one-direction the port of the first is enough.",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use serde_json::{Value, json};

    use super::*;

    /// A node of this name that takes every fault; it tells of what was armed there.
    fn node(name: &'static str) -> (SocketAddr, mpsc::Receiver<Value>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut armed: Vec<Value> = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = text.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    head.push_str(&line);
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let answer = if head.starts_with("POST") {
                    let spec: Value = serde_json::from_slice(&body).unwrap();
                    let _ = tell.send(spec.clone());
                    armed.push(status(&format!("drop-{}", armed.len()), spec));
                    armed.last().cloned().unwrap()
                } else if head.starts_with("DELETE") {
                    armed.pop().unwrap()
                } else {
                    json!({ "node": name, "faults": armed })
                };
                let text = answer.to_string();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                    text.len()
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (address, told)
    }

    fn status(id: &str, spec: Value) -> Value {
        let spec: FaultSpec = serde_json::from_value(spec).unwrap();
        json!(skep_env::fault::FaultStatus {
            id: id.to_owned(),
            text: "a cut".to_owned(),
            spec,
            remaining_ms: 1,
            hits: 0,
            spent: false,
        })
    }

    #[test]
    fn a_cut_is_made_at_who_sends_and_healed_by_kind() {
        let ((one, first), (two, second), (three, third)) =
            (node("broker-0"), node("broker-1"), node("gateway"));
        let remote = Remote::find(&[one, two, three], "token").unwrap();
        assert_eq!(remote.brokers(), ["broker-0", "broker-1"]);
        let minute = Duration::from_secs(60);
        let made = remote.block("broker-0", "broker-1", true, minute).unwrap();
        assert_eq!(made.len(), 2);
        assert_eq!(first.recv().unwrap()["to"], "broker-1");
        assert_eq!(second.recv().unwrap()["to"], "broker-0");
        let gateway = remote.gateway().unwrap();
        assert_eq!(remote.block(&gateway, "broker-1", true, minute).unwrap().len(), 2);
        assert_eq!(third.recv().unwrap()["from"], "gateway");
        assert_eq!(third.recv().unwrap()["from"], "broker-1");
        assert_eq!(remote.heal(true).unwrap().len(), 2);
        assert_eq!(remote.heal(false).unwrap().len(), 2);
        assert_eq!(remote.clear(&Which::All).unwrap().len(), 0);
    }

    #[test]
    fn a_node_that_nobody_named_is_an_error_and_leaves_nothing() {
        let (one, _first) = node("broker-0");
        let remote = Remote::find(&[one], "token").unwrap();
        let minute = Duration::from_secs(60);
        let failure = remote.block("broker-0", "broker-1", true, minute).unwrap_err();
        assert!(failure.text().contains("broker-1 has to be asked"), "{}", failure.text());
        assert_eq!(remote.clear(&Which::All).unwrap().len(), 0, "it was undone");
        assert_eq!(remote.block("broker-0", "broker-1", false, minute).unwrap().len(), 1);
    }
}
