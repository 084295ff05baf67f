//! Walks the tree of a parsed expression under a budget of steps, bytes and depth.

mod arithmetic;
mod call;
mod compare;
mod durations;
mod iterate;
mod path;
mod quick;
mod quick_test;
mod range;
mod test_of_input;
mod types;

use std::fmt;
use std::sync::Arc;

pub(crate) use call::Failure;
pub(crate) use quick::Quick;
pub(crate) use quick_test::QuickTest;
use smallvec::SmallVec;

use crate::limits::{TEXT_STEP_BYTES, VALUE_DEPTH_MAX, WARNING_VALUE_CHARACTERS_MAX, WARNINGS_MAX};
use crate::node::{Invoke, Kind, Node, Program, Scoped, Span};
use crate::session::Meter;
use crate::value::{Function, Shortened, same};
use crate::{
    Context, Dialect, Environment, EvaluationError, List, Session, Value, Variables, Warning,
    WarningKind, builtin,
};

/// Ends the evaluation without a value. In a box, so that results stay small.
pub(crate) type Stop = Box<EvaluationError>;
pub(crate) type Evaluated<T = Value> = Result<T, Stop>;

/// What is known of a variable.
enum Global {
    Unread,
    Missing,
    Present(Value),
}

/// Variables up to which an evaluation needs no allocation.
const GLOBALS_ON_STACK: usize = 6;

/// One evaluation.
pub(crate) struct Evaluator<'a> {
    program: &'a Program,
    variables: &'a dyn Variables,
    pub(crate) environment: &'a Environment,
    /// What is known of the variables, by slot.
    globals: &'a mut [Global],
    /// The slots of all frames; those of the running function start at `base`.
    locals: SmallVec<[Value; 8]>,
    base: usize,
    /// The running function, for what it captured.
    function: Option<Function>,
    /// What is left of the budget of the session, taken from there while the evaluation runs.
    meter: Meter,
    warnings: Vec<Warning>,
}

/// Evaluates a program against the budget of the session; warnings are added to its list.
pub(crate) fn run(
    program: &Program,
    variables: &dyn Variables,
    session: &mut Session<'_>,
) -> Result<Value, EvaluationError> {
    let environment = session.environment();
    let mut few = [const { Global::Unread }; GLOBALS_ON_STACK];
    let mut many = Vec::new();
    let count = program.variables.len();
    if count > GLOBALS_ON_STACK {
        many.resize_with(count, || Global::Unread);
    }
    let globals = few.get_mut(..count).unwrap_or(&mut many);
    let mut evaluator = Evaluator {
        program,
        variables,
        environment,
        globals,
        locals: SmallVec::new(),
        base: 0,
        function: None,
        meter: session.meter,
        warnings: session.take_warnings(),
    };
    // Filled in place: building them first and moving them in costs more than a small expression.
    for _ in 0..program.frame_slots {
        evaluator.locals.push(Value::Null);
    }
    let value = evaluator.eval(&program.root);
    // An error leaves the depth where it was.
    session.meter = Meter { depth: session.meter.depth, ..evaluator.meter };
    session.warnings = evaluator.warnings;
    let value = value.map_err(|stop| *stop)?;
    // What is shared in memory is written out in full.
    if is_shared(&value) && value.extent().bytes > environment.budget.bytes_max {
        return Err(EvaluationError::BytesExceeded(environment.budget.bytes_max));
    }
    Ok(value)
}

/// Calls a function from outside an expression.
pub(crate) fn call(
    function: &Function,
    names: &[Arc<str>],
    arguments: &[Value],
    session: &mut Session<'_>,
) -> Result<Value, EvaluationError> {
    let span = Span::default();
    let literal = |value: Value| Node { kind: Kind::Literal(value), span };
    let invoke = Invoke {
        target: literal(Value::Function(function.clone())),
        name: "function".into(),
        arguments: arguments.iter().cloned().map(literal).collect(),
        names: names.into(),
    };
    let program = Program {
        text: Arc::default(),
        root: Node { kind: Kind::Invoke(Box::new(invoke)), span },
        variables: Box::default(),
        frame_slots: 0,
        dialect: Dialect::Dmn,
        impure: true,
    };
    run(&program, &crate::NoVariables, session)
}

impl Evaluator<'_> {
    /// The dialect of the expression.
    #[inline]
    pub(crate) fn dialect(&self) -> Dialect {
        self.program.dialect
    }

    /// The value of a node.
    pub(crate) fn eval(&mut self, node: &Node) -> Evaluated {
        self.steps(1)?;
        match &node.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Local(slot) => Ok(self.local(*slot).clone()),
            Kind::Global(slot) => {
                self.load(*slot, node.span);
                Ok(self.global(*slot).clone())
            }
            Kind::Captured(index) => Ok(self.captured(*index).clone()),
            _ => {
                self.enter()?;
                let value = self.eval_compound(node);
                self.meter.depth -= 1;
                value
            }
        }
    }

    // Arms only call, so that the frame of this function stays small: it is on the stack once for
    // every level of nesting.
    fn eval_compound(&mut self, node: &Node) -> Evaluated {
        match &node.kind {
            Kind::Compare(comparison, operands) => self.compare(*comparison, operands, node.span),
            Kind::And(parts) => self.conjunction(parts),
            Kind::Or(parts) => self.disjunction(parts),
            Kind::Scoped(scoped) => self.scoped(scoped),
            Kind::Arithmetic(arithmetic) => self.arithmetic(arithmetic, node.span),
            Kind::Negate(operand) => self.negate(operand, node.span),
            Kind::If(parts) => self.if_then_else(parts),
            Kind::For(node) => self.for_return(node),
            Kind::Quantified(node) => self.quantified(node),
            Kind::List(elements) => self.list_literal(elements),
            Kind::Context(entries) => self.context_literal(entries),
            Kind::Range(range) => self.range_literal(range, node.span),
            Kind::UnaryRange(operator, bound) => self.unary_range(*operator, bound, node.span),
            Kind::Invalid(reason) => self.invalid(reason, node.span),
            Kind::Path(path) => self.path(path, node.span),
            Kind::Filter(filter) => self.filter(filter, node.span),
            Kind::Between(parts) => self.between(parts, node.span),
            Kind::In(node) => self.membership(node),
            Kind::Tests(tests) => self.tests(tests),
            Kind::TestCompare(comparison, test) => self.test_compare(*comparison, test, node.span),
            Kind::TestValue(test) => self.test_value(test, node.span),
            Kind::InstanceOf(inner) => self.instance_of(inner, node.span),
            Kind::Builtin(call) => self.builtin(call, node.span),
            Kind::UnknownFunction(name) => self.unknown_function(name, node.span),
            Kind::Invoke(invoke) => self.invoke(invoke, node.span),
            Kind::Function(literal) => self.function_literal(literal),
            Kind::Literal(_) | Kind::Local(_) | Kind::Global(_) | Kind::Captured(_) => {
                self.eval(node)
            }
        }
    }

    /// Whether [`Evaluator::peek`] can show the value of the node; reads the variable if it is one.
    #[inline]
    fn is_at_hand(&mut self, node: &Node) -> bool {
        match &node.kind {
            Kind::Literal(_) | Kind::Local(_) | Kind::Captured(_) => true,
            Kind::Global(slot) => {
                self.load(*slot, node.span);
                true
            }
            _ => false,
        }
    }

    /// The value of a node that is at hand, without cloning it.
    #[inline]
    fn peek<'b>(&'b self, node: &'b Node) -> &'b Value {
        match &node.kind {
            Kind::Literal(value) => value,
            Kind::Local(slot) => self.local(*slot),
            Kind::Global(slot) => self.global(*slot),
            Kind::Captured(index) => self.captured(*index),
            _ => &Value::Null,
        }
    }

    #[inline]
    fn local(&self, slot: u32) -> &Value {
        self.locals.get(self.base + slot as usize).unwrap_or(&Value::Null)
    }

    #[inline]
    fn set_local(&mut self, slot: u32, value: Value) {
        if let Some(local) = self.locals.get_mut(self.base + slot as usize) {
            *local = value;
        }
    }

    #[inline]
    fn take_local(&mut self, slot: u32) -> Value {
        match self.locals.get_mut(self.base + slot as usize) {
            Some(local) => std::mem::replace(local, Value::Null),
            None => Value::Null,
        }
    }

    /// Whether [`Evaluator::peek`] can show the value of the node and nothing is to be warned of;
    /// reads the variable if it is one.
    #[inline]
    fn is_present(&mut self, node: &Node) -> bool {
        match &node.kind {
            Kind::Literal(_) | Kind::Local(_) | Kind::Captured(_) => true,
            Kind::Global(slot) => self.present(*slot).is_some(),
            _ => false,
        }
    }

    /// The variable if there is one; reads it if that was not done yet.
    #[inline]
    fn present(&mut self, slot: u32) -> Option<&Value> {
        let index = slot as usize;
        if let Some(Global::Unread) = self.globals.get(index) {
            self.read(index);
        }
        match self.globals.get(index) {
            Some(Global::Present(value)) => Some(value),
            _ => None,
        }
    }

    /// Reads the variable if it was not read yet; warns if there is none.
    #[inline]
    fn load(&mut self, slot: u32, span: Span) {
        let index = slot as usize;
        if let Some(Global::Present(_)) = self.globals.get(index) {
            return;
        }
        self.load_slow(index, span);
    }

    /// Takes the variable from outside.
    fn read(&mut self, index: usize) {
        let Some(name) = self.program.variables.get(index) else { return };
        if let Some(global) = self.globals.get_mut(index) {
            let mut value = self.variables.get(name);
            // The built-in functions are the outermost scope of the standard.
            if value.is_none() && self.program.dialect.is_dmn() {
                value = builtin::value(name, Dialect::Dmn).map(Value::Function);
            }
            *global = value.map_or(Global::Missing, Global::Present);
        }
    }

    #[inline(never)]
    fn load_slow(&mut self, index: usize, span: Span) {
        if let Some(Global::Unread) = self.globals.get(index) {
            self.read(index);
        }
        let Some(Global::Missing) = self.globals.get(index) else { return };
        let Some(name) = self.program.variables.get(index) else { return };
        let message = match &**name {
            "?" => "No input value found.".to_string(),
            name => format!("No variable found with name '{name}'"),
        };
        self.warn(WarningKind::NoVariableFound, span, format_args!("{message}"));
    }

    #[inline]
    fn global(&self, slot: u32) -> &Value {
        match self.globals.get(slot as usize) {
            Some(Global::Present(value)) => value,
            _ => &Value::Null,
        }
    }

    fn captured(&self, index: u32) -> &Value {
        let captured = self.function.as_ref().map_or(&[][..], Function::captured);
        captured.get(index as usize).unwrap_or(&Value::Null)
    }

    /// A name in a filter: an entry of the innermost element that has it, else outside.
    fn scoped(&mut self, scoped: &Scoped) -> Evaluated {
        match self.entry_of_item(scoped) {
            Some(value) => Ok(value),
            None => self.eval(&scoped.outside),
        }
    }

    #[inline]
    fn entry_of_item(&self, scoped: &Scoped) -> Option<Value> {
        scoped.items.iter().find_map(|slot| match self.local(*slot) {
            Value::Context(context) => context.get(&scoped.name),
            _ => None,
        })
    }

    fn if_then_else(&mut self, parts: &[Node; 3]) -> Evaluated {
        let [condition, then, otherwise] = parts;
        match self.condition(condition)? {
            Value::Boolean(true) => self.eval(then),
            Value::Boolean(false) => self.eval(otherwise),
            other => {
                self.warn_type("boolean", &other, condition.span);
                self.eval(otherwise)
            }
        }
    }

    fn list_literal(&mut self, elements: &[Node]) -> Evaluated {
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            values.push(self.eval(element)?);
        }
        self.list(values)
    }

    fn context_literal(&mut self, entries: &[crate::node::ContextEntry]) -> Evaluated {
        let mut values = Vec::with_capacity(entries.len());
        for entry in entries {
            let value = self.eval(&entry.value)?;
            self.set_local(entry.slot, value.clone());
            values.push((entry.key.clone(), value));
        }
        self.context(Context::from(values))
    }

    /// A list value, counted against the budget.
    pub(crate) fn list(&mut self, values: Vec<Value>) -> Evaluated {
        self.bytes(24 * values.len() as u64 + 64)?;
        self.checked(Value::List(List::from(values)))
    }

    /// A context value, counted against the budget.
    pub(crate) fn context(&mut self, context: Context) -> Evaluated {
        self.bytes(48 * context.len() as u64 + 64)?;
        self.checked(Value::Context(context))
    }

    /// The value, unless it nests too deeply.
    pub(crate) fn checked(&self, value: Value) -> Evaluated {
        if value.extent().depth > VALUE_DEPTH_MAX {
            return Err(Box::new(EvaluationError::ValueDepthExceeded(VALUE_DEPTH_MAX)));
        }
        Ok(value)
    }

    /// Counts steps.
    #[inline]
    pub(crate) fn steps(&mut self, count: u64) -> Evaluated<()> {
        match self.meter.steps_left.checked_sub(count) {
            Some(left) => {
                self.meter.steps_left = left;
                Ok(())
            }
            None => Err(self.steps_exceeded()),
        }
    }

    #[cold]
    fn steps_exceeded(&self) -> Stop {
        Box::new(EvaluationError::StepsExceeded(self.environment.budget.steps_max))
    }

    /// Counts bytes of values.
    pub(crate) fn bytes(&mut self, count: u64) -> Evaluated<()> {
        match self.meter.bytes_left.checked_sub(count) {
            Some(left) => {
                self.meter.bytes_left = left;
                Ok(())
            }
            None => {
                let bytes_max = self.environment.budget.bytes_max;
                Err(Box::new(EvaluationError::BytesExceeded(bytes_max)))
            }
        }
    }

    /// Counts the work of walking a whole value.
    pub(crate) fn walk(&mut self, value: &Value) -> Evaluated<()> {
        match value {
            Value::List(_) | Value::Context(_) | Value::Range(_) => {
                self.steps(value.extent().bytes / 24)
            }
            Value::String(text) => self.steps((text.len() / TEXT_STEP_BYTES) as u64),
            _ => Ok(()),
        }
    }

    /// One level deeper; whoever calls it takes the level back.
    #[inline]
    fn enter(&mut self) -> Evaluated<()> {
        let depth_max = self.environment.budget.depth_max;
        if self.meter.depth >= depth_max {
            return Err(Box::new(EvaluationError::DepthExceeded(depth_max)));
        }
        self.meter.depth += 1;
        Ok(())
    }

    #[cold]
    pub(crate) fn warn(&mut self, kind: WarningKind, span: Span, message: fmt::Arguments<'_>) {
        if self.warnings.len() < WARNINGS_MAX {
            // A function that another expression made has its places in the text of that.
            let body = self.function.as_ref().and_then(Function::body);
            let is_other = body.is_some_and(|body| body.text != self.program.text);
            let span = if is_other { 0..0 } else { span.start as usize..span.end as usize };
            self.warnings.push(Warning { kind, message: message.to_string(), span });
        }
    }

    /// Warns that a value is of another type than needed.
    #[cold]
    pub(crate) fn warn_type(&mut self, expected: &str, found: &Value, span: Span) {
        let found = shown(found);
        self.warn(
            WarningKind::InvalidType,
            span,
            format_args!("Expected {expected} but found '{found}'"),
        );
    }

    /// The next random bits of the environment's seed (SplitMix64).
    pub(crate) fn random_u64(&mut self) -> u64 {
        self.meter.random_draws = self.meter.random_draws.wrapping_add(1);
        let step = self.meter.random_draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.environment.random_seed.wrapping_add(step);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Evaluates without keeping the warnings.
    fn quietly(&mut self, node: &Node) -> Evaluated {
        let before = self.warnings.len();
        let value = self.eval(node);
        self.warnings.truncate(before);
        value
    }
}

/// Whether a value may share parts, and so be larger than what was counted for it.
#[inline]
fn is_shared(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Context(_) | Value::Function(_) | Value::Range(_))
}

/// A value as messages show it.
pub(crate) fn shown(value: &Value) -> Shortened<'_> {
    Shortened(value, WARNING_VALUE_CHARACTERS_MAX)
}

/// Whether the list has an element that equals the value.
pub(crate) fn contains(list: &List, value: &Value, dialect: Dialect) -> bool {
    list.iter().any(|element| same(&element, value, dialect))
}
