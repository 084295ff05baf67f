//! Values of records, as protobuf messages: fields are only ever added, numbers never reused.
//!
//! Variable documents are MessagePack maps kept as raw bytes. Keys of 0 mean "none".

mod checkpoint;
mod decision;
mod deployment;
mod incident;
mod job;
mod message;
mod process_instance;
mod scale;
mod timer;
mod variable;

pub use checkpoint::*;
pub use decision::*;
pub use deployment::*;
pub use incident::*;
pub use job::*;
pub use message::*;
pub use process_instance::*;
pub use scale::*;
pub use timer::*;
pub use variable::*;
