//! The built-in functions: which there are, with which parameters, and what they do.
//!
//! Each file has the functions of one kind and their table. A function of another name or with
//! other parameters is a row in a table; nothing else has to be told about it.

mod aggregate;
mod boolean;
mod context;
mod conversion;
mod list;
mod number;
mod pattern;
mod range;
mod text;
mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use crate::evaluate::{Evaluator, Failure};
use crate::value::Function;
use crate::{Context, Dialect, List, Number, Value};

/// What a built-in function gives.
type Outcome = Result<Value, Failure>;

/// One way to call a built-in function.
pub(crate) struct Overload {
    pub(crate) name: &'static str,
    /// The names of the parameters.
    parameters: &'static [&'static str],
    /// Whether the last parameter takes any number of arguments (none included).
    variadic: bool,
    /// The only dialect that has it, if not both have.
    dialect: Option<Dialect>,
    /// Whether named arguments may be left out in Camunda's dialect too; they are null then.
    lenient: bool,
    /// Whether the result depends on the clock or the random source.
    pub(crate) impure: bool,
    pub(crate) function: fn(&mut Call<'_, '_>) -> Outcome,
}

impl Overload {
    const fn new(
        name: &'static str,
        parameters: &'static [&'static str],
        function: fn(&mut Call<'_, '_>) -> Outcome,
    ) -> Overload {
        Overload {
            name,
            parameters,
            variadic: false,
            dialect: None,
            lenient: false,
            impure: false,
            function,
        }
    }

    const fn variadic(
        name: &'static str,
        parameters: &'static [&'static str],
        function: fn(&mut Call<'_, '_>) -> Outcome,
    ) -> Overload {
        Overload { variadic: true, ..Overload::new(name, parameters, function) }
    }

    const fn impure(
        name: &'static str,
        parameters: &'static [&'static str],
        function: fn(&mut Call<'_, '_>) -> Outcome,
    ) -> Overload {
        Overload { impure: true, ..Overload::new(name, parameters, function) }
    }

    /// The same in one dialect only.
    const fn only(mut self, dialect: Dialect) -> Overload {
        self.dialect = Some(dialect);
        self
    }

    /// The same with named arguments that may be left out.
    const fn lenient(mut self) -> Overload {
        self.lenient = true;
        self
    }

    fn is_in(&self, dialect: Dialect) -> bool {
        self.dialect.is_none_or(|only| only == dialect)
    }

    /// Whether the parameters have these names. In DMN's dialect, and of a lenient function, those
    /// without an argument are null.
    fn takes_names(&self, names: &[Arc<str>], dialect: Dialect) -> bool {
        let has = |name: &Arc<str>| self.parameters.contains(&&**name);
        let enough = match dialect.is_dmn() || self.lenient {
            true => !names
                .iter()
                .enumerate()
                .any(|(at, name)| names.iter().take(at).any(|other| other == name)),
            false => names.len() == self.parameters.len(),
        };
        enough && names.iter().all(has)
    }

    fn has_in_order(&self, names: &[Arc<str>]) -> bool {
        self.parameters.len() == names.len()
            && self.parameters.iter().zip(names).all(|(parameter, name)| **parameter == **name)
    }

    fn takes(&self, count: usize, dialect: Dialect) -> bool {
        if self.variadic {
            // The standard wants one at least; where others go before, none may follow.
            let least = match dialect.is_dmn() && self.parameters.len() == 1 {
                true => 1,
                false => self.parameters.len() - 1,
            };
            count >= least
        } else {
            count == self.parameters.len()
        }
    }
}

impl fmt::Debug for Overload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}({})", self.name, self.parameters.join(", "))
    }
}

static TABLES: &[&[Overload]] = &[
    aggregate::FUNCTIONS,
    boolean::FUNCTIONS,
    context::FUNCTIONS,
    conversion::FUNCTIONS,
    list::FUNCTIONS,
    number::FUNCTIONS,
    pattern::FUNCTIONS,
    range::FUNCTIONS,
    text::FUNCTIONS,
    time::FUNCTIONS,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, Vec<&'static Overload>>> = LazyLock::new(|| {
    let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for overload in TABLES.iter().copied().flatten() {
        by_name.entry(overload.name).or_default().push(overload);
    }
    by_name
});

/// Whether there is a built-in function of this name.
pub(crate) fn exists(name: &str, dialect: Dialect) -> bool {
    BY_NAME.get(name).is_some_and(|overloads| overloads.iter().any(|one| one.is_in(dialect)))
}

/// The built-in function of this name as a value.
pub(crate) fn value(name: &str, dialect: Dialect) -> Option<Function> {
    let overloads = BY_NAME.get(name)?;
    let first = overloads.iter().find(|overload| overload.is_in(dialect))?;
    let parameters = first.parameters.iter().map(|name| Arc::from(*name)).collect();
    Some(Function::builtin(name, parameters))
}

/// The overload for these arguments (named unless `names` is empty) and the arguments in the order
/// of its parameters.
pub(crate) fn resolve<T>(
    name: &str,
    names: &[Arc<str>],
    arguments: Vec<T>,
    dialect: Dialect,
    missing: impl Fn() -> T,
) -> Option<(&'static Overload, Vec<T>)> {
    let mut overloads = BY_NAME.get(name)?.iter().filter(|overload| overload.is_in(dialect));
    if names.is_empty() {
        let overload = overloads.find(|overload| overload.takes(arguments.len(), dialect))?;
        return Some((overload, arguments));
    }
    // `(point, range)` and `(range, point)` have the same names.
    let in_order = overloads.clone().find(|overload| overload.has_in_order(names));
    let overload =
        in_order.or_else(|| overloads.find(|overload| overload.takes_names(names, dialect)))?;
    let mut ordered: Vec<T> = overload.parameters.iter().map(|_| missing()).collect();
    for (name, argument) in names.iter().zip(arguments) {
        let position = overload.parameters.iter().position(|parameter| **parameter == **name)?;
        *ordered.get_mut(position)? = argument;
    }
    Some((overload, ordered))
}

/// The pattern of the last call, as text and compiled.
pub(crate) type CompiledRegex = OnceLock<(Box<str>, pattern::Compiled)>;

/// Bytes of text that are looked through in about the time of a step, by the slowest of the functions
/// that do.
const SCANNED_BYTES_A_STEP: u64 = 32;

/// A call under way: the arguments, and the evaluator for its budget and environment.
pub(crate) struct Call<'c, 'e> {
    pub(crate) evaluator: &'c mut Evaluator<'e>,
    pub(crate) arguments: &'c [Value],
    /// The compiled pattern of the last evaluation of this call.
    pub(crate) regex: &'c CompiledRegex,
}

impl<'c> Call<'c, '_> {
    /// The dialect of the expression.
    fn dialect(&self) -> Dialect {
        self.evaluator.dialect()
    }

    /// An argument; null if it was not given.
    fn argument(&self, index: usize) -> &'c Value {
        let arguments: &'c [Value] = self.arguments;
        arguments.get(index).unwrap_or(&Value::Null)
    }

    fn text(&self, index: usize) -> Result<&'c str, Failure> {
        self.argument(index).as_str().ok_or(Failure::Arguments)
    }

    /// A text that is looked through as a whole, which counts steps.
    fn scanned_text(&mut self, index: usize) -> Result<&'c str, Failure> {
        let text = self.text(index)?;
        self.evaluator.steps(text.len() as u64 / SCANNED_BYTES_A_STEP)?;
        Ok(text)
    }

    fn number(&self, index: usize) -> Result<Number, Failure> {
        self.argument(index).as_number().ok_or(Failure::Arguments)
    }

    /// A number without its fraction.
    fn integer(&self, index: usize) -> Result<i64, Failure> {
        self.number(index)?.truncate_to_i64().ok_or(Failure::Arguments)
    }

    /// Null for one that is out of the domain of the parameter: in DMN's dialect only.
    fn in_domain(&self, is_inside: bool, what: &str) -> Result<(), Failure> {
        match is_inside || !self.dialect().is_dmn() {
            true => Ok(()),
            false => null(format!("{what} is out of range")),
        }
    }

    /// A list; in DMN's dialect another value is a list of one.
    fn list(&self, index: usize) -> Result<List, Failure> {
        match self.argument(index) {
            Value::List(list) => Ok(list.clone()),
            other if self.dialect().is_dmn() && !other.is_null() => {
                Ok(List::from(vec![other.clone()]))
            }
            _ => Err(Failure::Arguments),
        }
    }

    fn context(&self, index: usize) -> Result<&'c Context, Failure> {
        self.argument(index).as_context().ok_or(Failure::Arguments)
    }

    fn function(&self, index: usize) -> Result<&'c Function, Failure> {
        self.argument(index).as_function().ok_or(Failure::Arguments)
    }

    /// The elements of the only argument if that is a list, else the arguments.
    fn elements(&mut self) -> Result<List, Failure> {
        let list = match self.arguments {
            [Value::List(list)] => list.clone(),
            arguments => List::from(arguments.to_vec()),
        };
        self.evaluator.steps(list.len() as u64)?;
        Ok(list)
    }

    /// A text as result, counted against the budget.
    fn text_value(&mut self, text: impl Into<Arc<str>>) -> Outcome {
        let text = text.into();
        self.evaluator.bytes(text.len() as u64)?;
        Ok(Value::String(text))
    }

    /// A list as result, counted against the budget.
    fn list_value(&mut self, values: Vec<Value>) -> Outcome {
        self.evaluator.steps(values.len() as u64)?;
        Ok(self.evaluator.list(values)?)
    }

    fn context_value(&mut self, context: Context) -> Outcome {
        self.evaluator.steps(context.len() as u64)?;
        Ok(self.evaluator.context(context)?)
    }

    /// Counts the work of walking through a value before it is done.
    fn walk(&mut self, value: &Value) -> Result<(), Failure> {
        Ok(self.evaluator.walk(value)?)
    }
}

/// Null with a warning that says why.
fn null<T>(reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Null(reason.into()))
}

/// A number, or null with a warning if it is beyond the range of numbers.
fn number_value(number: Option<Number>) -> Outcome {
    match number {
        Some(number) => Ok(Value::Number(number)),
        None => null("The result is not a number"),
    }
}
