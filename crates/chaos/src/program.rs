//! Names that stand for a program of the caller's instead of a file on the PATH.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// A program that a built-in name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The executable.
    pub program: PathBuf,
    /// Arguments before those of the experiment.
    pub leading: Vec<OsString>,
    /// Variables that its environment gets besides the inherited ones.
    pub env: Vec<(OsString, OsString)>,
}

/// What is built in: a provider's `path` is asked for here first, the PATH comes second.
pub trait Programs: Send + Sync + fmt::Debug {
    /// The program that this `path` stands for; nothing when the name is not built in.
    fn resolve(&self, path: &str) -> Option<Program>;
}

/// Nothing is built in.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPrograms;

impl Programs for NoPrograms {
    fn resolve(&self, _path: &str) -> Option<Program> {
        None
    }
}
