//! Requests of operators about the cluster.

use crate::broker::Broker;
use crate::metadata::{ManageRequest, Managed};

impl Broker {
    /// Asks whoever can do it, wherever it is: the coordinator of the cluster, or for backups a
    /// broker with a store.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn manage(&self, request: ManageRequest) -> Managed {
        match request {
            ManageRequest::Backups(call) => self.0.manage_backups(call).await,
            request => self.0.manage(request).await,
        }
    }
}
