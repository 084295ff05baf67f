//! Faults of the network of the target: in its folder, or at the fault points behind its addresses.

use std::time::Duration;

use skep_env::fault::FaultSpec;

use super::context::Context;
use super::target::Target;
use crate::cluster::faults::remote::Remote;
use crate::cluster::faults::{self, Backend, ClusterFault, Which, token};
use crate::cluster::layout::NodeKind;
use crate::cluster::state::NodeState;
use crate::failure::Failure;

/// See the module.
pub(super) enum Faults<'a> {
    /// Of a cluster of this machine.
    Folder(&'a Target),
    /// Of nodes that were started with `--chaos`, anywhere.
    Remote(Remote),
}

impl<'a> Faults<'a> {
    /// Those of the target of a verb.
    pub(super) fn of(context: &'a Context) -> Result<Self, Failure> {
        if let Target::Folder(_) = context.target {
            return Ok(Self::Folder(&context.target));
        }
        let globals = &context.globals;
        let token = match (&globals.chaos_token, &globals.chaos_token_file) {
            (_, Some(file)) => token::read(file)?,
            (Some(token), None) => token.clone(),
            (None, None) => {
                return Err(Failure::guided(
                    2,
                    "a cluster behind addresses is cut by the fault points of its nodes, and those \
                     want a token"
                        .to_owned(),
                    "Start the nodes with --chaos and --chaos-token-file FILE, and name the same file \
                     here, or set SKEP_CHAOS_TOKEN. For a cluster of this machine name its folder \
                     with --dir.",
                ));
            }
        };
        Remote::find(&context.target.brokers()?, &token).map(Self::Remote)
    }

    /// How the network can be cut.
    pub(super) fn backend(&self) -> Result<Backend, Failure> {
        match self {
            Self::Folder(target) => faults::backend(&target.cluster()?),
            Self::Remote(_) => Ok(Backend::Node),
        }
    }

    /// The names of all brokers that are known.
    pub(super) fn brokers(&self) -> Result<Vec<String>, Failure> {
        match self {
            Self::Folder(target) => {
                let cluster = target.cluster()?;
                Ok(cluster.of_kind(NodeKind::Broker).map(|node| node.name.clone()).collect())
            }
            Self::Remote(remote) => Ok(remote.brokers()),
        }
    }

    /// The first standalone gateway that runs.
    pub(super) fn gateway(&self) -> Result<String, Failure> {
        let target = match self {
            Self::Folder(target) => target,
            Self::Remote(remote) => return remote.gateway(),
        };
        let cluster = target.cluster()?;
        let mut gateways = cluster.of_kind(NodeKind::Gateway);
        let found = gateways.find(|node| node.state() == NodeState::Running);
        found.map(|node| node.name.clone()).ok_or_else(|| {
            Failure::guided(
                4,
                "no standalone gateway of this cluster is running".to_owned(),
                "Use a plan that has gateways, or `skep cluster add gateway`.",
            )
        })
    }

    /// Lets nothing that one sends reach the other, or nothing in either direction.
    pub(super) fn block(
        &self,
        from: &str,
        to: &str,
        both: bool,
        ttl: Duration,
    ) -> Result<Vec<ClusterFault>, Failure> {
        match self {
            Self::Folder(target) => {
                let (from, to) = ([from.to_owned()], [to.to_owned()]);
                faults::block(target.folder()?, &from, &to, both, ttl)
            }
            Self::Remote(remote) => remote.block(from, to, both, ttl),
        }
    }

    /// Arms a fault of messages.
    pub(super) fn add(&self, spec: &FaultSpec) -> Result<Vec<ClusterFault>, Failure> {
        match self {
            Self::Folder(target) => faults::add(target.folder()?, None, spec),
            Self::Remote(remote) => remote.add(spec).map(|fault| vec![fault]),
        }
    }

    /// Ends a fault by its id, wherever it is.
    pub(super) fn clear(&self, id: &str) -> Result<Vec<ClusterFault>, Failure> {
        let which = Which::Id(id.to_owned());
        match self {
            Self::Folder(target) => faults::clear(target.folder()?, &which),
            Self::Remote(remote) => remote.clear(&which),
        }
    }

    /// Ends the cuts between brokers, or those that have a gateway on a side; answers them.
    pub(super) fn heal(&self, between_brokers: bool) -> Result<Vec<ClusterFault>, Failure> {
        let target = match self {
            Self::Folder(target) => target,
            Self::Remote(remote) => return remote.heal(between_brokers),
        };
        let cluster = target.cluster()?;
        let names =
            |kind| cluster.of_kind(kind).map(|node| node.name.clone()).collect::<Vec<String>>();
        let brokers = names(NodeKind::Broker);
        let others = if between_brokers { brokers.clone() } else { names(NodeKind::Gateway) };
        faults::clear(target.folder()?, &Which::Between(others, brokers))
    }
}
