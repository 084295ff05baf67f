//! The first frames of a connection: who is there, and may it come in.
//!
//! The dialling side says hello, the other answers with its own hello or a refusal, and the dialling side
//! confirms with a heartbeat when it wants the connection to stay.

use bytes::Bytes;
use skep_env::net::Connection;
use tokio::time::timeout;

use crate::cluster::frame::{Frame, Hello, NodeName, Refusal};
use crate::cluster::limits::HANDSHAKE_TIMEOUT;

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    /// Nobody is there, or the connection broke: it may work the next time.
    Away(String),
    /// The other side does not let this node in, or this node does not want the other.
    Refused(Refusal),
}

/// Sends one frame.
pub(crate) async fn send(connection: &mut Connection, frame: &Frame) -> Result<(), HandshakeError> {
    let sent = connection.sender.send(&mut vec![frame.encode()]).await;
    sent.map_err(|error| HandshakeError::Away(error.to_string()))
}

/// Waits for the next frame; gives what came with it, too.
async fn receive(connection: &mut Connection) -> Result<(Frame, Vec<Bytes>), HandshakeError> {
    let mut frames = Vec::new();
    match timeout(HANDSHAKE_TIMEOUT, connection.receiver.receive(&mut frames)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err(HandshakeError::Away(error.to_string())),
        Err(_) => return Err(HandshakeError::Away("no answer in time".to_owned())),
    }
    if frames.is_empty() {
        return Err(HandshakeError::Away("nothing was received".to_owned()));
    }
    let first = frames.remove(0);
    let frame = Frame::decode(first).map_err(|error| HandshakeError::Away(error.to_string()))?;
    Ok((frame, frames))
}

/// The dialling side: says hello and hears who is there. The connection stays only when
/// [`confirm`] follows.
pub(crate) async fn introduce(
    connection: &mut Connection,
    mine: &Hello,
) -> Result<Hello, HandshakeError> {
    send(connection, &Frame::Hello(mine.clone())).await?;
    match receive(connection).await? {
        (Frame::Hello(theirs), _) => {
            check(mine, &theirs).map_err(HandshakeError::Refused)?;
            Ok(theirs)
        }
        (Frame::Refused(refusal), _) => Err(HandshakeError::Refused(refusal)),
        (other, _) => Err(unexpected("a hello", &other)),
    }
}

/// The dialling side wants the connection to stay.
pub(crate) async fn confirm(connection: &mut Connection) -> Result<(), HandshakeError> {
    send(connection, &Frame::Heartbeat).await
}

/// The accepting side: hears who comes.
pub(crate) async fn expect_hello(connection: &mut Connection) -> Result<Hello, HandshakeError> {
    match receive(connection).await? {
        (Frame::Hello(theirs), _) => Ok(theirs),
        (other, _) => Err(unexpected("a hello", &other)),
    }
}

/// The accepting side: hears that the connection is to stay; gives the frames that came behind.
pub(crate) async fn expect_confirmation(
    connection: &mut Connection,
) -> Result<Vec<Bytes>, HandshakeError> {
    match receive(connection).await? {
        (Frame::Heartbeat, early) => Ok(early),
        (other, _) => Err(unexpected("a heartbeat", &other)),
    }
}

fn unexpected(what: &str, frame: &Frame) -> HandshakeError {
    HandshakeError::Away(format!("{what} was expected, not {}", frame.kind().name()))
}

/// Whether two nodes may be in one cluster; both sides ask it.
pub(crate) fn check(mine: &Hello, theirs: &Hello) -> Result<(), Refusal> {
    if theirs.protocol < mine.protocol_min || mine.protocol < theirs.protocol_min {
        return Err(Refusal::fatal(format!(
            "{} runs Skep {} with version {} of the protocol between nodes, and {} runs Skep {} with version {}; \
             upgrade one release at a time",
            mine.name, mine.version, mine.protocol, theirs.name, theirs.version, theirs.protocol
        )));
    }
    if mine.cluster_id != theirs.cluster_id {
        return Err(Refusal::fatal(format!(
            "{} belongs to the cluster '{}', and {} to the cluster '{}'; correct --cluster-id or the addresses \
             of the other nodes",
            mine.name, mine.cluster_id, theirs.name, theirs.cluster_id
        )));
    }
    check_identity(mine, theirs)?;
    check_shape(mine, theirs)
}

fn check_identity(mine: &Hello, theirs: &Hello) -> Result<(), Refusal> {
    if mine.name != theirs.name || matches!(mine.name, NodeName::Gateway(_)) {
        return Ok(());
    }
    if mine.incarnation == theirs.incarnation {
        return Err(Refusal::fatal(format!(
            "{} has dialled itself; its own address stands at another node in --peers",
            mine.name
        )));
    }
    Err(taken(theirs.name, &mine.address))
}

/// Two nodes with one number.
pub(crate) fn taken(name: NodeName, address: &str) -> Refusal {
    Refusal::fatal(format!(
        "there is a {name} already, at {address}; every broker needs a --node-id of its own"
    ))
}

/// Nodes with the same version of the configuration must have the same configuration.
fn check_shape(mine: &Hello, theirs: &Hello) -> Result<(), Refusal> {
    if mine.config_version == 0 || mine.config_version != theirs.config_version {
        return Ok(());
    }
    let differ = |what: &str, flag: &str, mine_is: u32, theirs_is: u32| {
        Err(Refusal::fatal(format!(
            "{} has {what} {mine_is}, and {} has {theirs_is}; start every broker with the same {flag}",
            mine.name, theirs.name
        )))
    };
    if mine.members != theirs.members {
        return Err(Refusal::fatal(format!(
            "{} and {} do not have the same brokers in their configuration; start every broker with the same \
             --peers",
            mine.name, theirs.name
        )));
    }
    if mine.partition_count != theirs.partition_count {
        return differ(
            "a partition count of",
            "--partitions",
            mine.partition_count,
            theirs.partition_count,
        );
    }
    if mine.replication_factor != theirs.replication_factor {
        return differ(
            "a replication factor of",
            "--replication-factor",
            mine.replication_factor,
            theirs.replication_factor,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::frame::{PROTOCOL_VERSION, PROTOCOL_VERSION_MIN, Purpose};

    fn hello(id: u32) -> Hello {
        Hello {
            protocol: PROTOCOL_VERSION,
            protocol_min: PROTOCOL_VERSION_MIN,
            version: "1".to_owned(),
            cluster_id: "c".to_owned(),
            name: NodeName::Broker(id),
            incarnation: u64::from(id) + 1,
            purpose: Purpose::Link,
            address: format!("host-{id}:1"),
            client_address: String::new(),
            config_version: 1,
            partition_count: 3,
            replication_factor: 3,
            members: 7,
        }
    }

    fn refused(change: impl FnOnce(&mut Hello)) -> String {
        let mut theirs = hello(1);
        change(&mut theirs);
        let refusal = check(&hello(0), &theirs).unwrap_err();
        assert!(refusal.fatal);
        refusal.reason
    }

    #[test]
    fn who_does_not_fit_is_refused_with_what_to_do() {
        assert_eq!(check(&hello(0), &hello(1)), Ok(()));
        assert!(refused(|it| it.cluster_id = "d".to_owned()).contains("--cluster-id"));
        assert!(refused(|it| it.protocol = PROTOCOL_VERSION_MIN - 1).contains("one release"));
        assert!(refused(|it| it.protocol_min = PROTOCOL_VERSION + 1).contains("one release"));
        assert!(refused(|it| it.replication_factor = 2).contains("--replication-factor"));
        assert!(refused(|it| it.members = 2).contains("--peers"));
        assert!(refused(|it| it.partition_count = 2).contains("--partitions"));
        assert!(refused(|it| it.name = NodeName::Broker(0)).contains("--node-id"));
        let itself = refused(|it| {
            it.name = NodeName::Broker(0);
            it.incarnation = 1;
        });
        assert!(itself.contains("itself"), "{itself}");
    }

    #[test]
    fn another_version_of_the_configuration_may_differ() {
        let mut later = hello(1);
        later.config_version = 2;
        later.partition_count = 6;
        assert_eq!(check(&hello(0), &later), Ok(()));
        let mut new = hello(1);
        (new.config_version, new.partition_count) = (0, 0);
        assert_eq!(check(&hello(0), &new), Ok(()));
    }
}
