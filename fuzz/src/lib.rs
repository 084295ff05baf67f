//! What the fuzz targets share: the generators and checks of the crates' own tests.
#![forbid(unsafe_code)]

#[path = "../../crates/feel/tests/random/mod.rs"]
pub mod feel;

#[path = "../../crates/dmn/tests/random/mod.rs"]
pub mod dmn;
