//! How a client connects and how patient it is.

use std::time::Duration;

/// Settings of a connection. The defaults suit a cluster on the same network.
#[derive(Clone)]
pub struct Options {
    /// How long one call may take before the client gives up. Calls that make the server wait
    /// (polling for jobs, awaiting a result) get this or their own wait plus a grace, whichever is
    /// longer. Default 20 s: longer than the 15 s after which a gateway gives up.
    pub request_timeout: Duration,
    /// How long opening the connection may take. Default 5 s.
    pub connect_timeout: Duration,
    /// Pause between HTTP/2 pings on a quiet connection. Default 45 s; gateways refuse clients
    /// that ping more often than every 30 s.
    pub keepalive_interval: Duration,
    /// Sent with each call as `authorization: Bearer <token>`. Default none.
    pub bearer_token: Option<String>,
    /// How often a command is sent again after it was provably not accepted: the server refused
    /// it for lack of capacity, or the connection could not be opened. Default 4.
    pub retries_max: u32,
    /// Pause before the first repetition; doubles each time, with jitter. Default 25 ms.
    pub retry_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(45),
            bearer_token: None,
            retries_max: 4,
            retry_pause: Duration::from_millis(25),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The token is a secret: it never reaches a log.
        let bearer_token = self.bearer_token.as_ref().map(|_| "<secret>");
        f.debug_struct("Options")
            .field("request_timeout", &self.request_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("keepalive_interval", &self.keepalive_interval)
            .field("bearer_token", &bearer_token)
            .field("retries_max", &self.retries_max)
            .field("retry_pause", &self.retry_pause)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_token() {
        let options = Options { bearer_token: Some("s3cret".into()), ..Options::default() };
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
