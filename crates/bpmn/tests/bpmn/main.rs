//! What the reader accepts, refuses and warns of. The name of a test is the claim.

mod accepted;
mod common;
mod exported;
mod files;
mod mutation;
mod refused;
mod unsupported;
mod warned;
