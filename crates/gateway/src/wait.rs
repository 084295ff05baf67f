//! What the answer to a deployment waits for: `skep-wait-for`, a header of REST and an entry of the
//! metadata of gRPC.

use crate::error::GatewayError;

/// Name of the header.
pub(crate) const WAIT_FOR: &str = "skep-wait-for";

/// Its one value.
const ALL_PARTITIONS: &str = "all-partitions";

/// What the answer to a deployment waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// Partitions that answer at once.
    #[default]
    Reachable,
    /// All partitions, as long as the request may take.
    AllPartitions,
}

impl WaitFor {
    /// Reads the header; without one nothing special is asked for.
    pub(crate) fn read(value: Option<&[u8]>) -> Result<Self, GatewayError> {
        match value {
            None => Ok(Self::Reachable),
            Some(value) if value == ALL_PARTITIONS.as_bytes() => Ok(Self::AllPartitions),
            Some(value) => Err(GatewayError::invalid(format!(
                "Expected the header '{WAIT_FOR}' to be '{ALL_PARTITIONS}', but it is '{}'",
                String::from_utf8_lossy(value)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_can_be_waited_for() {
        assert_eq!(WaitFor::read(None).unwrap(), WaitFor::Reachable);
        assert_eq!(WaitFor::read(Some(b"all-partitions")).unwrap(), WaitFor::AllPartitions);
        assert!(WaitFor::read(Some(b"all")).is_err());
    }
}
