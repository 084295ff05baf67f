//! Faults as a whole: what is refused, when they act, and how they end.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
