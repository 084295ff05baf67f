//! Which version clients are told.

/// The gateway version that clients see. Clients of Zeebe branch on it (which fields may be sent,
/// which endpoints exist), so it names the contract that Skep follows, not Skep's own version.
pub const COMPATIBLE_VERSION: &str = "8.9.0";

/// Skep's own version.
pub const SKEP_VERSION: &str = env!("CARGO_PKG_VERSION");
