//! The types that a model declares, as FEEL sees them: values that are of none of their type are
//! converted where the standard says so (DMN 1.5, 10.3.2.9.4), else they are null.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use skep_feel::{EvaluationError, Expression, NamedType, NoVariables, Session, Type, Value};

use crate::scope::Input;

/// A type with the name that the model uses for it.
#[derive(Clone, Debug)]
pub(crate) struct TypeRef {
    pub(crate) name: Arc<str>,
    pub(crate) declared: Type,
}

impl TypeRef {
    /// The type of every value.
    pub(crate) fn any() -> TypeRef {
        TypeRef { name: "Any".into(), declared: Type::any() }
    }

    pub(crate) fn is_any(&self) -> bool {
        self.declared.is_any()
    }
}

/// An item definition.
#[derive(Debug)]
pub(crate) struct ItemType {
    /// What a value (an element, if it is a collection) is of.
    pub(crate) base: Type,
    /// Whether values are lists.
    pub(crate) is_collection: bool,
    /// What a value (an element, if it is a collection) has to satisfy.
    pub(crate) allowed: Option<Expression>,
    /// What a value as a whole has to satisfy.
    pub(crate) constraint: Option<Expression>,
    /// The type of the results, if values are functions.
    pub(crate) output: Option<TypeRef>,
}

/// The item definitions of a model. They may refer to each other and to themselves, so that the
/// types that FEEL sees only point here, without keeping it.
#[derive(Debug, Default)]
pub(crate) struct Items(OnceLock<Vec<ItemType>>);

impl Items {
    /// Completes the item definitions, once.
    pub(crate) fn complete(&self, items: Vec<ItemType>) {
        let _ = self.0.set(items);
    }

    pub(crate) fn get(&self, index: usize) -> Option<&ItemType> {
        self.0.get()?.get(index)
    }
}

/// The types of a model by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    pub(crate) items: Arc<Items>,
    /// The place of each item definition.
    pub(crate) by_name: BTreeMap<Arc<str>, usize>,
}

impl Types {
    /// The item definition at this place as a type.
    pub(crate) fn reference(&self, index: usize) -> Type {
        Type::named(Arc::new(Reference { items: Arc::downgrade(&self.items), index }))
    }

    /// The item definition of this name.
    pub(crate) fn item(&self, name: &str) -> Option<&ItemType> {
        self.items.get(*self.by_name.get(name)?)
    }
}

/// An item definition of a model, by its place.
struct Reference {
    items: Weak<Items>,
    index: usize,
}

impl fmt::Debug for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "item definition {}", self.index)
    }
}

impl NamedType for Reference {
    fn contains(&self, value: &Value, session: &mut Session<'_>) -> Result<bool, EvaluationError> {
        let Some(items) = self.items.upgrade() else { return Ok(false) };
        let Some(item) = items.get(self.index) else { return Ok(false) };
        item.contains(value, session)
    }

    fn definition(&self) -> Type {
        let items = self.items.upgrade();
        match items.as_ref().and_then(|items| items.get(self.index)) {
            Some(item) if item.is_collection => Type::list(item.base.clone()),
            Some(item) => item.base.clone(),
            None => Type::any(),
        }
    }
}

impl ItemType {
    fn contains(&self, value: &Value, session: &mut Session<'_>) -> Result<bool, EvaluationError> {
        match (self.is_collection, value) {
            (false, value) => {
                if !self.contains_element(value, session)? {
                    return Ok(false);
                }
            }
            (true, Value::List(list)) => {
                for element in list {
                    if !self.contains_element(&element, session)? {
                        return Ok(false);
                    }
                }
            }
            (true, _) => return Ok(false),
        }
        satisfies(value, self.constraint.as_ref(), session)
    }

    fn contains_element(
        &self,
        value: &Value,
        session: &mut Session<'_>,
    ) -> Result<bool, EvaluationError> {
        Ok(self.base.conforms(value, session)? && satisfies(value, self.allowed.as_ref(), session)?)
    }
}

/// Whether the value satisfies the unary tests, if there are any.
pub(crate) fn satisfies(
    value: &Value,
    tests: Option<&Expression>,
    session: &mut Session<'_>,
) -> Result<bool, EvaluationError> {
    let Some(tests) = tests else { return Ok(true) };
    let warnings = session.warning_count();
    let outcome = tests.evaluate_in(&Input::new(&NoVariables, value), session)?;
    session.truncate_warnings(warnings);
    Ok(outcome.as_bool() == Some(true))
}
