//! Functions as values.

use std::fmt;
use std::sync::Arc;

use crate::Value;
use crate::node::FunctionBody;
use crate::value::Extent;

/// A function that an expression defined, with the values it captured.
#[derive(Clone)]
pub struct Function(Arc<Inner>);

struct Inner {
    body: Arc<FunctionBody>,
    captured: Vec<Value>,
    extent: Extent,
}

impl Function {
    pub(crate) fn new(body: Arc<FunctionBody>, captured: Vec<Value>) -> Function {
        let extent = Extent::of(&captured);
        Function(Arc::new(Inner { body, captured, extent }))
    }

    /// The names of the parameters.
    pub fn parameters(&self) -> &[Arc<str>] {
        &self.0.body.parameters
    }

    pub(crate) fn body(&self) -> &FunctionBody {
        &self.0.body
    }

    pub(crate) fn captured(&self) -> &[Value] {
        &self.0.captured
    }

    pub(crate) fn extent(&self) -> Extent {
        self.0.extent
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "function({})", self.parameters().join(", "))
    }
}
