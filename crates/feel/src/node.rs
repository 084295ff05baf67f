//! Skeleton
use std::sync::Arc;
pub(crate) struct FunctionBody {
    pub(crate) parameters: Vec<Arc<str>>,
}
