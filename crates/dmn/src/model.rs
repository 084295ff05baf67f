//! A decision requirements graph that was read and found to be whole.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use skep_feel::{Dialect, Environment, Value, Variables};

use crate::evaluate;
use crate::evaluation::{DecisionEvaluation, Failure};
use crate::logic::{Boxed, FunctionLogic};
use crate::types::{TypeRef, Types};
use crate::violation::Violations;

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The dialect of its expressions.
    pub dialect: Dialect,
    /// Models that it may import, found by their namespace.
    pub imports: Vec<Model>,
}

/// A decision requirements graph; cloning copies a pointer.
#[derive(Clone)]
pub struct Model(Arc<Inner>);

struct Inner {
    id: Arc<str>,
    name: Arc<str>,
    namespace: Arc<str>,
    dialect: Dialect,
    types: Types,
    imports: Vec<Model>,
    graph: Graph,
    by_id: BTreeMap<Arc<str>, Target>,
}

/// What a model has to evaluate.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) inputs: Vec<InputData>,
    pub(crate) knowledge: Vec<Knowledge>,
    pub(crate) services: Vec<Service>,
}

impl Graph {
    /// Where the elements are by their ids; of one id the first decision, so that it can be evaluated.
    fn by_id(&self) -> BTreeMap<Arc<str>, Target> {
        let mut all = BTreeMap::new();
        let mut add = |ids: &mut dyn Iterator<Item = &Arc<str>>, kind: fn(Place) -> Target| {
            for (index, id) in ids.enumerate() {
                all.entry(id.clone()).or_insert_with(|| kind(Place::own(index)));
            }
        };
        add(&mut self.decisions.iter().map(|found| &found.id), Target::Decision);
        add(&mut self.inputs.iter().map(|found| &found.id), Target::Input);
        add(&mut self.knowledge.iter().map(|found| &found.id), Target::Knowledge);
        add(&mut self.services.iter().map(|found| &found.id), Target::Service);
        all
    }
}

/// A decision of a model.
#[derive(Debug)]
pub struct Decision {
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The version tag of its `zeebe:versionTag` extension, or empty.
    pub version_tag: Arc<str>,
    pub(crate) variable: Arc<str>,
    pub(crate) type_ref: TypeRef,
    /// Decisions and inputs in the order of their evaluation.
    pub(crate) required: Box<[Target]>,
    pub(crate) bindings: Box<[Binding]>,
    /// None if it is undecided.
    pub(crate) logic: Option<Boxed>,
}

/// An input data.
#[derive(Debug)]
pub(crate) struct InputData {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) type_ref: TypeRef,
}

/// A business knowledge model.
#[derive(Debug)]
pub(crate) struct Knowledge {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) variable: Arc<str>,
    /// The type of its results.
    pub(crate) type_ref: TypeRef,
    pub(crate) parameters: Box<[Arc<str>]>,
    pub(crate) logic: FunctionLogic,
    /// The names that it and the functions that it calls may read from around the call, in Camunda's
    /// dialect.
    pub(crate) free: Box<[Arc<str>]>,
    pub(crate) bindings: Box<[Binding]>,
}

/// A decision service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) variable: Arc<str>,
    /// The type of its results.
    pub(crate) type_ref: TypeRef,
    /// The names of the inputs.
    pub(crate) parameters: Box<[Arc<str>]>,
    /// Input data, then input decisions.
    pub(crate) inputs: Box<[Target]>,
    pub(crate) outputs: Box<[Target]>,
    pub(crate) output_names: Box<[Arc<str>]>,
}

/// An element of a model or of one that it imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    Decision(Place),
    Input(Place),
    Knowledge(Place),
    Service(Place),
}

/// Where an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which import of the model; none for the model itself.
    pub(crate) import: Option<u32>,
    /// Which element of its kind.
    pub(crate) index: u32,
}

impl Place {
    /// A place in the model itself.
    pub(crate) fn own(index: usize) -> Place {
        Place { import: None, index: u32::try_from(index).unwrap_or(u32::MAX) }
    }
}

impl Target {
    /// The element of the same kind at another place.
    pub(crate) fn at(self, place: Place) -> Target {
        match self {
            Target::Decision(_) => Target::Decision(place),
            Target::Input(_) => Target::Input(place),
            Target::Knowledge(_) => Target::Knowledge(place),
            Target::Service(_) => Target::Service(place),
        }
    }

    /// The element as its own model sees it.
    pub(crate) fn own(self) -> Target {
        self.at(Place { import: None, ..self.place() })
    }

    pub(crate) fn place(self) -> Place {
        match self {
            Target::Decision(place)
            | Target::Input(place)
            | Target::Knowledge(place)
            | Target::Service(place) => place,
        }
    }
}

/// A name and what it means.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: Arc<str>,
    pub(crate) source: Source,
}

impl Binding {
    /// What the name means: what `of` gives for an element, or a context of that for the members of
    /// an import.
    pub(crate) fn value(&self, of: &dyn Fn(Target) -> Option<Value>) -> Option<Value> {
        match &self.source {
            Source::Element(target) => of(*target),
            Source::Import(members) => {
                let entries = members
                    .iter()
                    .map(|member| (member.name.clone(), member.value(of).unwrap_or(Value::Null)));
                Some(Value::Context(entries.collect()))
            }
        }
    }
}

/// What a name means.
#[derive(Debug)]
pub(crate) enum Source {
    Element(Target),
    /// A context of what is required of an imported model.
    Import(Vec<Binding>),
}

/// Reads a model; every finding if it is not whole.
pub fn parse(xml: &str, options: &Options) -> Result<Model, Violations> {
    crate::read::read(xml, options)
}

impl Model {
    pub(crate) fn new(
        id: Arc<str>,
        name: Arc<str>,
        namespace: Arc<str>,
        dialect: Dialect,
        types: Types,
        imports: Vec<Model>,
        graph: Graph,
    ) -> Model {
        let by_id = graph.by_id();
        Model(Arc::new(Inner { id, name, namespace, dialect, types, imports, graph, by_id }))
    }

    /// The id of the definitions, which identifies the decision requirements graph.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The name of the definitions.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The namespace of the definitions.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// The dialect in which the model was read.
    pub fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// The decisions in the order of the file.
    pub fn decisions(&self) -> &[Decision] {
        &self.0.graph.decisions
    }

    /// The decision with this id.
    pub fn decision(&self, decision_id: &str) -> Option<&Decision> {
        self.decision_index(decision_id).and_then(|index| self.decisions().get(index))
    }

    fn decision_index(&self, decision_id: &str) -> Option<usize> {
        match self.0.by_id.get(decision_id)? {
            Target::Decision(place) => Some(place.index as usize),
            _ => None,
        }
    }

    /// Evaluates a decision with all that it requires; none if there is no such decision.
    pub fn evaluate(
        &self,
        decision_id: &str,
        variables: &dyn Variables,
        environment: &Environment,
    ) -> Option<DecisionEvaluation> {
        let index = self.decision_index(decision_id)?;
        Some(evaluate::decision(self, index, variables, environment))
    }

    /// Like [`Model::evaluate`], without the trace: for those who want the output and not what led to
    /// it. A failure does not tell the inputs of the table then.
    pub fn output(
        &self,
        decision_id: &str,
        variables: &dyn Variables,
        environment: &Environment,
    ) -> Option<Result<Value, Failure>> {
        let index = self.decision_index(decision_id)?;
        Some(evaluate::output(self, index, variables, environment))
    }

    /// Calls a business knowledge model or a decision service, found by its name or id; none if there
    /// is no such element. Each parameter is the variable of its name, null if there is none.
    pub fn invoke(
        &self,
        invocable: &str,
        arguments: &dyn Variables,
        environment: &Environment,
    ) -> Option<DecisionEvaluation> {
        let graph = self.graph();
        let knowledge = graph.knowledge.iter().position(|found| {
            [&found.name, &found.variable, &found.id].iter().any(|name| &***name == invocable)
        });
        let service = graph.services.iter().position(|found| {
            [&found.name, &found.variable, &found.id].iter().any(|name| &***name == invocable)
        });
        let target = match (knowledge, service) {
            (Some(index), _) => Target::Knowledge(Place::own(index)),
            (None, Some(index)) => Target::Service(Place::own(index)),
            (None, None) => return None,
        };
        Some(evaluate::invocable(self, target, arguments, environment))
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.0.graph
    }

    pub(crate) fn types(&self) -> &Types {
        &self.0.types
    }

    pub(crate) fn imports(&self) -> &[Model] {
        &self.0.imports
    }

    /// Whether both are the same model in memory.
    pub(crate) fn is(&self, other: &Model) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The model in which the target of this one is.
    pub(crate) fn model_of(&self, target: Target) -> Option<&Model> {
        match target.place().import {
            None => Some(self),
            Some(import) => self.imports().get(import as usize),
        }
    }

    /// The element with this id, as seen by a model that has this one as the given import.
    pub(crate) fn target(&self, id: &str, import: u32) -> Option<Target> {
        let target = *self.0.by_id.get(id)?;
        Some(target.at(Place { import: Some(import), ..target.place() }))
    }

    /// The name of the variable of an element of this model.
    pub(crate) fn variable_of(&self, target: Target) -> Option<Arc<str>> {
        let (graph, index) = (self.graph(), target.place().index as usize);
        match target {
            Target::Decision(_) => graph.decisions.get(index).map(|found| &found.variable),
            Target::Input(_) => graph.inputs.get(index).map(|found| &found.name),
            Target::Knowledge(_) => graph.knowledge.get(index).map(|found| &found.variable),
            Target::Service(_) => graph.services.get(index).map(|found| &found.variable),
        }
        .cloned()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decisions: Vec<&str> = self.decisions().iter().map(|found| &*found.id).collect();
        formatter
            .debug_struct("Model")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("decisions", &decisions)
            .finish_non_exhaustive()
    }
}
