//! Decisions that elements and commands share.

pub(crate) mod creation;
pub(crate) mod decision;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod expression;
pub(crate) mod flow;
pub(crate) mod incident;
pub(crate) mod job;
pub(crate) mod mapping;
pub(crate) mod message;
pub(crate) mod subscription;
pub(crate) mod timer;
pub(crate) mod variables;
