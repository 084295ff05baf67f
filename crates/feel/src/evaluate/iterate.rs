//! `for`, `some`, `every` and filters.

use super::compare::quick;
use super::{Evaluated, Evaluator};
use crate::node::{Comparison, Filter, For, Iterator, Kind, Node, Quantified, Span};
use crate::temporal::Date;
use crate::{Dialect, List, ListIter, Number, Range, Value};

/// What an iterator runs over, never built in memory for a range.
enum Domain {
    List(List),
    Integers {
        from: i64,
        to: i64,
    },
    /// Days since 1970-01-01.
    Days {
        from: i64,
        to: i64,
    },
}

impl Domain {
    fn for_each(&self, mut visit: impl FnMut(Value) -> Evaluated<Flow>) -> Evaluated<Flow> {
        match self {
            Domain::List(list) => {
                for element in list {
                    if let Flow::Break = visit(element)? {
                        return Ok(Flow::Break);
                    }
                }
            }
            Domain::Integers { from, to } | Domain::Days { from, to } => {
                let step = if from <= to { 1 } else { -1 };
                let mut at = *from;
                loop {
                    let element = match self {
                        Domain::Days { .. } => Date::from_epoch_days(at).map(Value::Date).into(),
                        _ => at.into(),
                    };
                    if let Flow::Break = visit(element)? {
                        return Ok(Flow::Break);
                    }
                    if at == *to {
                        break;
                    }
                    at += step;
                }
            }
        }
        Ok(Flow::Continue)
    }
}

enum Flow {
    Continue,
    Break,
}

/// The results of a `for`: shared while the body can read them as `partial`.
enum Results {
    Values(Vec<Value>),
    Partial(List, u32),
}

impl Evaluator<'_> {
    pub(super) fn for_return(&mut self, node: &For) -> Evaluated {
        let mut results = match node.partial {
            Some(slot) => Results::Partial(List::from(Vec::new()), slot),
            None => Results::Values(Vec::new()),
        };
        if !self.for_level(&node.iterators, &node.body, &mut results)? {
            return Ok(Value::Null);
        }
        match results {
            Results::Values(values) => self.list(values),
            Results::Partial(list, _) => self.checked(Value::List(list)),
        }
    }

    /// Runs the first of the iterators with the others inside; false if a domain is no list.
    fn for_level(
        &mut self,
        iterators: &[Iterator],
        body: &Node,
        results: &mut Results,
    ) -> Evaluated<bool> {
        let Some((iterator, inner)) = iterators.split_first() else {
            self.for_body(body, results)?;
            return Ok(true);
        };
        let Some(domain) = self.domain(iterator)? else { return Ok(false) };
        self.enter()?;
        let flow = domain.for_each(|element| {
            self.steps(1)?;
            self.set_local(iterator.slot, element);
            if self.for_level(inner, body, results)? { Ok(Flow::Continue) } else { Ok(Flow::Break) }
        })?;
        self.meter.depth -= 1;
        Ok(matches!(flow, Flow::Continue))
    }

    fn for_body(&mut self, body: &Node, results: &mut Results) -> Evaluated<()> {
        match results {
            Results::Values(values) => {
                let value = self.eval(body)?;
                self.bytes(24)?;
                values.push(value);
            }
            Results::Partial(list, slot) => {
                self.set_local(*slot, Value::List(list.clone()));
                let value = self.eval(body)?;
                self.set_local(*slot, Value::Null);
                // The list is copied if the body kept it.
                self.bytes(24)?;
                if value.extent().depth >= list_depth_of(list) {
                    self.steps(list.len() as u64)?;
                    self.bytes(24 * list.len() as u64)?;
                }
                list.push(value);
                self.checked(Value::List(list.clone()))?;
            }
        }
        Ok(())
    }

    fn domain(&mut self, iterator: &Iterator) -> Evaluated<Option<Domain>> {
        let value = self.eval(&iterator.domain)?;
        self.steps(value.scan_steps())?;
        let (start, end) = match (&iterator.end, value) {
            (None, Value::List(list)) => return Ok(Some(Domain::List(list))),
            (None, Value::Range(range)) => match self.elements_of(&range) {
                Some(domain) => return Ok(Some(domain)),
                None => {
                    self.warn_type("list", &Value::Range(range), iterator.domain.span);
                    return Ok(None);
                }
            },
            (None, other) if self.dialect().is_dmn() && !other.is_null() => {
                return Ok(Some(Domain::List(vec![other].into())));
            }
            (None, other) => {
                self.warn_type("list", &other, iterator.domain.span);
                return Ok(None);
            }
            (Some(end), start) => (start, self.eval(end)?),
        };
        if let (Value::Date(from), Value::Date(to)) = (&start, &end)
            && self.dialect().is_dmn()
        {
            let (from, to) = (from.epoch_days(), to.epoch_days());
            return Ok(Some(Domain::Days { from, to }));
        }
        match (integer(&start), integer(&end)) {
            (Some(from), Some(to)) => Ok(Some(Domain::Integers { from, to })),
            (None, _) => {
                self.warn_type("number", &start, iterator.domain.span);
                Ok(None)
            }
            (_, None) => {
                self.warn_type("number", &end, iterator.domain.span);
                Ok(None)
            }
        }
    }

    /// The whole numbers or days of a range; none of another range, and without a bound.
    fn elements_of(&self, range: &Range) -> Option<Domain> {
        if let (Value::Date(start), Value::Date(end)) = (&range.start, &range.end)
            && self.dialect().is_dmn()
        {
            let within = within(range, start.epoch_days(), end.epoch_days())?;
            return Some(match within {
                Integers::Some { from, to } => Domain::Days { from, to },
                Integers::None => Domain::List(Vec::new().into()),
            });
        }
        let within = within(range, integer(&range.start)?, integer(&range.end)?)?;
        Some(match within {
            Integers::Some { from, to } => Domain::Integers { from, to },
            Integers::None => Domain::List(Vec::new().into()),
        })
    }

    pub(super) fn quantified(&mut self, node: &Quantified) -> Evaluated {
        let mut undecided = false;
        let complete = self.quantified_level(node, &node.iterators, &mut undecided)?;
        Ok(match complete {
            None => Value::Null,
            Some(Flow::Break) => Value::Boolean(!node.every),
            Some(Flow::Continue) if undecided => Value::Null,
            Some(Flow::Continue) => Value::Boolean(node.every),
        })
    }

    /// Breaks at the first decisive element; none if a domain is no list.
    fn quantified_level(
        &mut self,
        node: &Quantified,
        iterators: &[Iterator],
        undecided: &mut bool,
    ) -> Evaluated<Option<Flow>> {
        let Some((iterator, inner)) = iterators.split_first() else {
            return self.quantified_condition(node, undecided).map(Some);
        };
        let Some(domain) = self.domain(iterator)? else { return Ok(None) };
        self.enter()?;
        let mut invalid = false;
        let flow = domain.for_each(|element| {
            self.steps(1)?;
            self.set_local(iterator.slot, element);
            match self.quantified_level(node, inner, undecided)? {
                Some(flow) => Ok(flow),
                None => {
                    invalid = true;
                    Ok(Flow::Break)
                }
            }
        })?;
        self.meter.depth -= 1;
        Ok((!invalid).then_some(flow))
    }

    fn quantified_condition(&mut self, node: &Quantified, undecided: &mut bool) -> Evaluated<Flow> {
        match self.condition(&node.condition)? {
            Value::Boolean(value) if value != node.every => return Ok(Flow::Break),
            Value::Boolean(_) => {}
            other => {
                *undecided = true;
                self.warn_type("boolean", &other, node.condition.span);
            }
        }
        Ok(Flow::Continue)
    }

    pub(super) fn filter(&mut self, filter: &Filter, span: Span) -> Evaluated {
        let target = self.eval(&filter.target)?;
        self.steps(target.scan_steps())?;
        let list = match target {
            Value::List(list) => list,
            // What is no list is a list of one.
            other if self.dialect().is_dmn() && !other.is_null() => List::from(vec![other]),
            other => {
                self.warn_type("list", &other, span);
                return Ok(Value::Null);
            }
        };
        if let Some(Value::Number(place)) = filter.condition.literal() {
            return Ok(element_at(&list, *place, self.dialect()).into());
        }
        if list.is_empty() && self.dialect().is_dmn() {
            return self.filter_nothing(filter);
        }
        /// Places for elements that are made before any is kept.
        const KEPT_MIN: usize = 32;
        let mut kept = Vec::with_capacity(list.len().min(KEPT_MIN));
        let entry_test = EntryTest::of(filter);
        let mut elements = list.iter();
        for position in 0..elements.len() {
            self.steps(1 + elements.scan_steps())?;
            if let Some(decided) = entry_test.as_ref().and_then(|test| test.next(&mut elements)) {
                kept.extend(decided);
                continue;
            }
            let Some(element) = elements.next() else { break };
            self.steps(element.scan_steps())?;
            self.set_local(filter.slot, element);
            match self.condition(&filter.condition)? {
                Value::Boolean(true) => {
                    let element = self.take_local(filter.slot);
                    kept.push(element);
                }
                // A number is no condition but the place of an element.
                Value::Number(index) if position == 0 => {
                    self.set_local(filter.slot, Value::Null);
                    return Ok(element_at(&list, index, self.dialect()).into());
                }
                Value::Boolean(_) | Value::Null => {}
                other => {
                    if self.dialect().is_dmn() {
                        self.warn_type("boolean", &other, filter.condition.span);
                        self.set_local(filter.slot, Value::Null);
                        return Ok(Value::Null);
                    }
                }
            }
        }
        self.set_local(filter.slot, Value::Null);
        self.list(kept)
    }

    /// An empty list has no element at any place; by a condition it stays empty.
    fn filter_nothing(&mut self, filter: &Filter) -> Evaluated {
        match self.quietly(&filter.condition)? {
            Value::Number(_) => Ok(Value::Null),
            _ => self.list(Vec::new()),
        }
    }
}

/// The element at a place from 1, or from -1 backwards; none beyond the list. Camunda's dialect cuts
/// a fraction off.
pub(super) fn element_at(list: &List, place: Number, dialect: Dialect) -> Option<Value> {
    if dialect.is_dmn() && !place.is_integer() {
        return None;
    }
    let place = place.truncate_to_i64()?;
    let position = if place < 0 { place.saturating_add(list.len() as i64) } else { place - 1 };
    list.get(usize::try_from(position).ok()?)
}

/// A filter by an entry of the elements and a constant, `orders[total > 100]`: decided without the
/// evaluator where the element has the entry and it is of the type of the constant.
struct EntryTest<'n> {
    key: &'n str,
    comparison: Comparison,
    constant: &'n Value,
}

impl<'n> EntryTest<'n> {
    fn of(filter: &'n Filter) -> Option<EntryTest<'n>> {
        let Kind::Compare(comparison, operands) = &filter.condition.kind else { return None };
        let [left, right] = &**operands;
        let Kind::Scoped(scoped) = &left.kind else { return None };
        let is_of_element = scoped.items.first() == Some(&filter.slot);
        let (comparison, constant) = (*comparison, right.literal()?);
        is_of_element.then_some(EntryTest { key: &scoped.name, comparison, constant })
    }

    /// The next element if it is kept, none inside if it is not.
    #[inline]
    fn next(&self, elements: &mut ListIter<'_>) -> Option<Option<Value>> {
        elements.next_if(self.key, |entry| quick(self.comparison, entry, self.constant))
    }
}

fn list_depth_of(list: &List) -> u16 {
    Value::List(list.clone()).extent().depth
}

enum Integers {
    None,
    Some { from: i64, to: i64 },
}

/// What is left between the bounds of a range, whether or not they belong to it.
fn within(range: &Range, start: i64, end: i64) -> Option<Integers> {
    let step = if start <= end { 1 } else { -1 };
    let from = if range.start_included { start } else { start.checked_add(step)? };
    let to = if range.end_included { end } else { end.checked_sub(step)? };
    let is_empty = if step == 1 { from > to } else { from < to };
    Some(if is_empty { Integers::None } else { Integers::Some { from, to } })
}

fn integer(value: &Value) -> Option<i64> {
    value.as_number()?.truncate_to_i64()
}
