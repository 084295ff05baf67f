//! What decisions and functions compute: boxed expressions, with their texts already parsed.

use std::collections::BTreeSet;
use std::sync::Arc;

use skep_feel::{Expression, Value};

use crate::types::TypeRef;

/// A boxed expression.
#[derive(Debug)]
pub(crate) struct Boxed {
    /// Id of its element, or of the nearest one around it with an id.
    pub(crate) id: Arc<str>,
    /// What its value is converted to.
    pub(crate) type_ref: TypeRef,
    pub(crate) logic: Logic,
}

/// The kinds of boxed expressions.
#[derive(Debug)]
pub(crate) enum Logic {
    /// A FEEL text.
    Literal(Expression),
    Table(Box<Table>),
    Context(Box<Entries>),
    Relation(Box<Relation>),
    List(Box<[Boxed]>),
    Function(Arc<FunctionLogic>),
    Invocation(Box<Invocation>),
    /// Condition, then, else.
    Conditional(Box<[Boxed; 3]>),
    /// List, condition on the element `item`.
    Filter(Box<[Boxed; 2]>),
    For(Box<Iteration>),
    Some(Box<Iteration>),
    Every(Box<Iteration>),
}

/// The entries of a boxed context.
#[derive(Debug)]
pub(crate) struct Entries {
    pub(crate) named: Box<[Entry]>,
    /// The result instead of the context of all entries.
    pub(crate) result: Option<Boxed>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Arc<str>,
    pub(crate) type_ref: TypeRef,
    pub(crate) value: Boxed,
}

#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) columns: Box<[(Arc<str>, TypeRef)]>,
    pub(crate) rows: Box<[Box<[Boxed]>]>,
}

/// `for`, `some` or `every`: over which list, under which name, what.
#[derive(Debug)]
pub(crate) struct Iteration {
    pub(crate) variable: Arc<str>,
    pub(crate) domain: Boxed,
    pub(crate) body: Boxed,
    /// Whether the body reads the results so far.
    pub(crate) reads_partial: bool,
}

#[derive(Debug)]
pub(crate) struct Invocation {
    /// What gives the function, usually its name.
    pub(crate) function: Boxed,
    pub(crate) bindings: Box<[(Arc<str>, Boxed)]>,
}

/// A boxed function definition.
#[derive(Debug)]
pub(crate) struct FunctionLogic {
    pub(crate) parameters: Box<[Arc<str>]>,
    pub(crate) parameter_types: Box<[TypeRef]>,
    /// None if it has none, or is a function of Java or PMML, which nobody can call here.
    pub(crate) body: Option<Boxed>,
    /// Names that the body may read from around the definition.
    pub(crate) free: Box<[Arc<str>]>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) policy: HitPolicy,
    pub(crate) inputs: Box<[InputClause]>,
    pub(crate) outputs: Box<[OutputClause]>,
    pub(crate) rules: Box<[Rule]>,
    /// Steps of a budget that looking at all rules takes.
    pub(crate) steps: u64,
    /// Whether some output has a default.
    pub(crate) has_default: bool,
}

/// What to do with the rules that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HitPolicy {
    Unique,
    First,
    Any,
    Priority,
    RuleOrder,
    OutputOrder,
    Collect(Option<Aggregation>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregation {
    Sum,
    Count,
    Min,
    Max,
}

#[derive(Debug)]
pub(crate) struct InputClause {
    pub(crate) id: Arc<str>,
    /// The label, or the beginning of the text.
    pub(crate) name: Arc<str>,
    pub(crate) type_ref: TypeRef,
    pub(crate) expression: Expression,
    /// Unary tests that the value has to satisfy.
    pub(crate) allowed: Option<Expression>,
}

#[derive(Debug)]
pub(crate) struct OutputClause {
    pub(crate) id: Arc<str>,
    /// The key of the value in the result; empty if it has none.
    pub(crate) name: Arc<str>,
    /// The label, or the name.
    pub(crate) label: Arc<str>,
    pub(crate) type_ref: TypeRef,
    /// Unary tests that the value has to satisfy.
    pub(crate) allowed: Option<Expression>,
    /// The values in the order of their priority.
    pub(crate) priorities: Box<[Value]>,
    pub(crate) default: Option<Expression>,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: Arc<str>,
    /// One for each input; none where every value fits.
    pub(crate) tests: Box<[Option<Cell>]>,
    /// One for each output; none for an empty text, which the standard's dialect takes as null.
    pub(crate) outputs: Box<[Option<Cell>]>,
}

/// A text in a rule.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) id: Arc<str>,
    pub(crate) expression: Expression,
}

impl Boxed {
    /// Adds the names of the variables that the expression may read.
    pub(crate) fn collect_variables(&self, found: &mut BTreeSet<Arc<str>>) {
        match &self.logic {
            Logic::Literal(expression) => found.extend(expression.variables().iter().cloned()),
            Logic::Table(table) => {
                let expressions = table.expressions();
                found.extend(expressions.flat_map(|found| found.variables().iter().cloned()));
            }
            Logic::Context(entries) => {
                let values = entries.named.iter().map(|entry| &entry.value);
                values.chain(&entries.result).for_each(|part| part.collect_variables(found));
            }
            Logic::Relation(relation) => {
                relation.rows.iter().flatten().for_each(|part| part.collect_variables(found));
            }
            Logic::List(parts) => parts.iter().for_each(|part| part.collect_variables(found)),
            Logic::Function(function) => found.extend(function.free.iter().cloned()),
            Logic::Invocation(invocation) => {
                invocation.function.collect_variables(found);
                invocation.bindings.iter().for_each(|(_, part)| part.collect_variables(found));
            }
            Logic::Conditional(parts) => {
                parts.iter().for_each(|part| part.collect_variables(found));
            }
            Logic::Filter(parts) => parts.iter().for_each(|part| part.collect_variables(found)),
            Logic::For(iteration) | Logic::Some(iteration) | Logic::Every(iteration) => {
                iteration.domain.collect_variables(found);
                iteration.body.collect_variables(found);
            }
        }
    }
}

impl FunctionLogic {
    /// A function that has no logic.
    pub(crate) fn missing() -> FunctionLogic {
        FunctionLogic {
            parameters: Box::default(),
            parameter_types: Box::default(),
            body: None,
            free: Box::default(),
        }
    }
}

impl Table {
    /// The expressions that may read variables.
    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let inputs = self.inputs.iter().map(|input| &input.expression);
        let defaults = self.outputs.iter().filter_map(|output| output.default.as_ref());
        let cells = self.rules.iter().flat_map(|rule| rule.tests.iter().chain(&rule.outputs));
        inputs.chain(defaults).chain(cells.flatten().map(|cell| &cell.expression))
    }
}
