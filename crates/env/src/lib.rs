//! The only door to the machine: clock, disk, network, tasks, randomness.
//!
//! Everything that Skep asks of the machine goes through a trait here, because production, tests,
//! simulation and chaos are different implementations of the same traits. A fault that a test can
//! provoke is a fault that a chaos experiment can arm in the release binary.
//!
//! Absent on purpose: every noun of the domain. This crate knows no record, partition or process.

mod clock;
mod disk;
pub mod fault;
pub mod net;
#[cfg(target_os = "linux")]
pub mod process;
mod random;
mod rfc3339;
pub mod task;
#[cfg(target_os = "linux")]
pub mod tunnel;
pub mod watch;

pub use clock::{ChangeListener, Clock, ControlledClock, SystemClock};
pub use disk::{
    Disk, DiskFile, DiskOperation, Faults, FaultyDisk, FolderLock, MemoryDisk, OpenMode, OsDisk,
    read_file, remove_tree, replace_file,
};
pub use net::{Network, TcpNetwork};
pub use random::{OsRandom, Random, SeededRandom};
pub use rfc3339::rfc3339;
pub use task::{LocalTasks, OsTasks, Tasks};
