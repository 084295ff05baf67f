//! BPMN XML to a validated executable process.
//!
//! [`parse`] reads one BPMN 2.0 file and gives either every executable process in it or every
//! violation that it found, each with the element id and the reason. Nothing is parsed and ignored:
//! what Skep cannot run is refused here. [`timer`] reads the texts of timers; the engine uses it for
//! the results of timer expressions too.
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing))]

pub mod limits;
pub mod model;
mod read;
pub mod timer;
mod violation;
mod xml;

pub use model::Process;
pub use violation::{Violation, Violations};
pub use xml::decode;

/// Reads and validates one BPMN file. [`decode`] gets the text out of bytes.
///
/// # Errors
/// All [`Violation`]s of the file; it is accepted whole or not at all.
pub fn parse(xml: &str) -> Result<Vec<Process>, Violations> {
    read::read(xml)
}
