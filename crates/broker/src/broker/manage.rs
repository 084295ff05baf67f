//! Requests of operators about the cluster.

use crate::broker::Broker;
use crate::metadata::{ManageRequest, Managed};

impl Broker {
    /// Asks the coordinator of the cluster, wherever it is.
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn manage(&self, request: ManageRequest) -> Managed {
        self.0.manage(request).await
    }
}
