//! The witness: a client beside each experiment of a suite and each round of a soak, which asks every
//! partition for something small again and again, as a client would that knows all gateways.
//!
//! It tells how long a partition was not to be had, and whether the cluster kept what it acknowledged:
//! each wish is a message that starts an instance with one job, on a partition of the witness's
//! choice. See `ledger` for what is a broken promise. The witness is quiet while a verification needs
//! a cluster at rest (`quiet`).

mod ask;
mod ledger;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use skep_client::proto::DeployResourceRequest;
use skep_client::{Client, Options};
use skep_env::{OsRandom, Random};

use crate::cluster::admin;
use crate::cluster::state::ClusterState;
use crate::failure::Failure;
use crate::quiet::Noise;
use ledger::Ledger;
pub(crate) use ledger::Seen;

/// What is asked for: started by a message, one job.
const MODEL: &str = include_str!("../../../../experiments/models/witness.bpmn");

/// How long one call may take before the witness tries another gateway.
const CALL_MAX: Duration = Duration::from_secs(2);

/// How long opening a connection may take.
const CONNECT_MAX: Duration = Duration::from_millis(500);

/// How long the deployment may take until all partitions have it.
const DEPLOY_MAX: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Witness {
    shared: Arc<Shared>,
}

struct Shared {
    /// What sets its wishes apart from those of others on the same cluster.
    name: String,
    ledger: Mutex<Ledger>,
    noise: Noise,
    stopped: AtomicBool,
}

impl Shared {
    /// The book, for a moment; when nothing is open in it afterwards, it is quiet.
    fn with<T>(&self, act: impl FnOnce(&mut Ledger) -> T) -> T {
        let mut ledger = self.ledger.lock();
        let result = act(&mut ledger);
        if ledger.open() == 0 {
            self.noise.end();
        }
        result
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// A witness at work.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Witness {
    /// Its files go to this folder.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        let shared = Shared {
            name: format!("{:016x}", OsRandom.below(u64::MAX)),
            ledger: Mutex::default(),
            noise: Noise::new(&folder.join("quiet"))?,
            stopped: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What [`crate::quiet::QUIET_VARIABLE`] is to be for the experiment.
    pub(crate) fn quiet_variable(&self) -> std::ffi::OsString {
        self.shared.noise.variable()
    }

    /// Gives a new cluster what the witness asks for; what it was told by an earlier one is over.
    pub(crate) fn settle_in(&self, folder: &Path) -> Result<(), Failure> {
        self.shared.with(|ledger| *ledger = Ledger::default());
        let addresses = entrances(&admin::existing(folder)?);
        let options = Options { request_timeout: DEPLOY_MAX, ..Options::default() };
        let runtime = runtime()?;
        runtime.block_on(async {
            let mut refused = None;
            for address in addresses {
                let request = DeployResourceRequest::new("witness.bpmn", MODEL.as_bytes().to_vec());
                let deployed = match Client::connect(&address, options.clone()).await {
                    Ok(client) => client.deploy_resource_everywhere(request).await.map(drop),
                    Err(error) => Err(error),
                };
                match deployed {
                    Ok(()) => return Ok(()),
                    Err(error) => refused = Some(Failure::from(error)),
                }
            }
            Err(refused.unwrap_or_else(|| {
                Failure::Unreachable("the cluster has no gateway for the witness".to_owned())
            }))
        })
    }

    /// Begins to ask.
    pub(crate) fn begin(&self, folder: &Path) -> Result<Watch, Failure> {
        let cluster = admin::existing(folder)?;
        let options = Options {
            request_timeout: CALL_MAX,
            connect_timeout: CONNECT_MAX,
            retries_max: 0,
            ..Options::default()
        };
        let runtime = runtime()?;
        let shared = Arc::clone(&self.shared);
        shared.stopped.store(false, Ordering::Release);
        let asking = Arc::clone(&shared);
        let (addresses, partitions) = (entrances(&cluster), cluster.partitions);
        let thread = std::thread::Builder::new()
            .name("witness".to_owned())
            .spawn(move || runtime.block_on(ask::ask(&asking, &addresses, &options, partitions)))
            .map_err(|error| Failure::Local(format!("the witness cannot begin: {error}")))?;
        Ok(Watch { shared, thread })
    }
}

impl Watch {
    /// Asks for nothing new, waits for what is open, and tells what was seen.
    pub(crate) fn end(self) -> Result<Seen, Failure> {
        self.shared.stopped.store(true, Ordering::Release);
        let ended = self.thread.join();
        self.shared.noise.end();
        ended.map_err(|_| Failure::Local("the witness has panicked".to_owned()))?;
        Ok(self.shared.with(Ledger::take))
    }
}

/// Where clients come in.
fn entrances(cluster: &ClusterState) -> Vec<String> {
    cluster.entrances().iter().map(|node| node.addresses.grpc.to_string()).collect()
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Local(format!("the witness cannot begin: {error}")))
}
