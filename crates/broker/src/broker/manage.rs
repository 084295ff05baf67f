//! Requests of operators about the cluster.

use crate::broker::Broker;
use crate::metadata::{ManageRequest, Managed, Refusal};

impl Broker {
    /// Asks the coordinator of the cluster, wherever it is.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn manage(&self, request: ManageRequest) -> Managed {
        let _ = request;
        Err(Refusal::unavailable("this node is alone: there is no cluster to change"))
    }
}
