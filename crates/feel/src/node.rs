//! The tree that parsing gives and evaluation walks: names are resolved to slots, functions to
//! built-ins.

use std::sync::Arc;

use crate::builtin::{CompiledRegex, Overload};
use crate::{Dialect, Type, Value};

/// Bytes of the expression text that a node was parsed from.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Literal(Value),
    /// A variable, by its slot in [`Program::variables`].
    Global(u32),
    /// A name bound in the expression, by its slot in the frame.
    Local(u32),
    /// A value that the running function captured.
    Captured(u32),
    /// A name inside a filter: an entry of the filtered element, else something outside.
    Scoped(Box<Scoped>),
    Negate(Box<Node>),
    Arithmetic(Box<Arithmetic>),
    Compare(Comparison, Box<[Node; 2]>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
    /// Condition, then, else.
    If(Box<[Node; 3]>),
    For(Box<For>),
    Quantified(Box<Quantified>),
    List(Box<[Node]>),
    Context(Box<[ContextEntry]>),
    Range(Box<RangeLiteral>),
    /// An operator and the bound of a range: `(< 5)`.
    UnaryRange(Comparison, Box<Node>),
    /// What parses but has no value: null, with this warning.
    Invalid(Box<str>),
    Path(Box<Path>),
    Filter(Box<Filter>),
    /// Value, lower bound, upper bound.
    Between(Box<[Node; 3]>),
    In(Box<In>),
    /// Several tests of an input, at least one of which must hold; or none of them if negated.
    Tests(Box<Tests>),
    /// A test of an input by an operator.
    TestCompare(Comparison, Box<TestCompare>),
    /// A test of an input by an expression: a boolean, a value to equal, a list or range to be in.
    TestValue(Box<TestValue>),
    InstanceOf(Box<InstanceOf>),
    Builtin(Box<BuiltinCall>),
    /// A call of a function that does not exist.
    UnknownFunction(Box<str>),
    Invoke(Box<Invoke>),
    Function(Box<FunctionLiteral>),
}

#[derive(Debug)]
pub(crate) struct Scoped {
    pub(crate) name: Arc<str>,
    /// Slots of the elements of the enclosing filters, innermost first.
    pub(crate) items: Box<[u32]>,
    pub(crate) outside: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

/// Operators of one precedence, from left to right: no nesting however many there are.
#[derive(Debug)]
pub(crate) struct Arithmetic {
    pub(crate) first: Node,
    pub(crate) rest: Box<[(Operator, Node)]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Comparison {
    /// How it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
        }
    }
}

#[derive(Debug)]
pub(crate) struct For {
    pub(crate) iterators: Box<[Iterator]>,
    pub(crate) body: Node,
    /// The slot of the results so far, if the body reads `partial`.
    pub(crate) partial: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Iterator {
    pub(crate) slot: u32,
    pub(crate) domain: Node,
    /// The end, if the domain is `domain..end`.
    pub(crate) end: Option<Node>,
}

#[derive(Debug)]
pub(crate) struct Quantified {
    pub(crate) every: bool,
    pub(crate) iterators: Box<[Iterator]>,
    pub(crate) condition: Node,
}

#[derive(Debug)]
pub(crate) struct ContextEntry {
    pub(crate) key: Arc<str>,
    /// The slot by which later entries read this one.
    pub(crate) slot: u32,
    pub(crate) value: Node,
}

#[derive(Debug)]
pub(crate) struct RangeLiteral {
    pub(crate) start: Node,
    pub(crate) start_included: bool,
    pub(crate) end: Node,
    pub(crate) end_included: bool,
}

#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) target: Node,
    pub(crate) key: Arc<str>,
}

#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) target: Node,
    pub(crate) slot: u32,
    pub(crate) condition: Node,
}

#[derive(Debug)]
pub(crate) struct In {
    pub(crate) value: Node,
    /// Where the tests read the value.
    pub(crate) slot: u32,
    pub(crate) test: Node,
}

#[derive(Debug)]
pub(crate) struct Tests {
    pub(crate) negated: bool,
    pub(crate) tests: Box<[Node]>,
}

#[derive(Debug)]
pub(crate) struct TestCompare {
    pub(crate) input: Node,
    pub(crate) bound: Node,
}

#[derive(Debug)]
pub(crate) struct TestValue {
    pub(crate) input: Node,
    pub(crate) value: Node,
    /// Whether it reads `?`: then a boolean is the result. In Camunda's dialect every other value is
    /// none, and true is the result of a test without `?` too.
    pub(crate) reads_input: bool,
}

#[derive(Debug)]
pub(crate) struct InstanceOf {
    pub(crate) value: Node,
    pub(crate) required: Type,
}

#[derive(Debug)]
pub(crate) struct BuiltinCall {
    pub(crate) overload: &'static Overload,
    pub(crate) arguments: Box<[Node]>,
    /// The compiled regular expression of the last pattern, so that a constant one is compiled once.
    pub(crate) regex: CompiledRegex,
}

#[derive(Debug)]
pub(crate) struct Invoke {
    pub(crate) target: Node,
    pub(crate) name: Box<str>,
    pub(crate) arguments: Box<[Node]>,
    /// Names of the arguments, empty if they are given by position.
    pub(crate) names: Box<[Arc<str>]>,
}

#[derive(Debug)]
pub(crate) struct FunctionLiteral {
    pub(crate) body: Arc<FunctionBody>,
    /// What to capture, evaluated where the function is defined.
    pub(crate) captures: Box<[Node]>,
}

#[derive(Debug)]
pub(crate) struct FunctionBody {
    pub(crate) parameters: Box<[Arc<str>]>,
    /// What the arguments are converted to; what is missing is any type.
    pub(crate) parameter_types: Box<[Type]>,
    pub(crate) frame_slots: u32,
    pub(crate) body: Node,
    /// The text of the expression that it is part of, which spans are about.
    pub(crate) text: Arc<str>,
}

/// A parsed expression.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) text: Arc<str>,
    pub(crate) root: Node,
    pub(crate) variables: Box<[Arc<str>]>,
    pub(crate) frame_slots: u32,
    pub(crate) dialect: Dialect,
    /// Whether it reads the clock or the random source.
    pub(crate) impure: bool,
}

impl Node {
    /// The value, if the node is a literal.
    pub(crate) fn literal(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Literal(value) => Some(value),
            _ => None,
        }
    }
}
