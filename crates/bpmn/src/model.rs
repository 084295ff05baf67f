//! The executable process: what the engine walks.
//!
//! One [`Process`] per executable `bpmn:process` of a file. Elements and sequence flows live in two
//! vectors and refer to each other by index, so that the engine never searches by text on its hot
//! path. Index 0 is always the process itself. Indexes are private to one parsed model: everything
//! that outlives it (records, state) names elements by their id.

use std::collections::BTreeMap;
use std::sync::Arc;

use skep_feel::Expression;

/// Position of an element in [`Process::elements`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementIndex(pub u32);

/// Position of a sequence flow in [`Process::flows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowIndex(pub u32);

impl ElementIndex {
    /// The process itself.
    pub const PROCESS: ElementIndex = ElementIndex(0);
}

/// One executable process.
#[derive(Clone, Debug)]
pub struct Process {
    /// `bpmn:process@id`.
    pub id: Arc<str>,
    /// `bpmn:process@name`, or the id.
    pub name: Arc<str>,
    /// `zeebe:versionTag@value`, empty when absent.
    pub version_tag: Arc<str>,
    /// All elements, the process first; parents come before their children.
    pub elements: Vec<Element>,
    /// All sequence flows.
    pub flows: Vec<SequenceFlow>,
    /// Element id to index; sequence flows are not in it.
    pub elements_by_id: BTreeMap<Arc<str>, ElementIndex>,
    /// Warnings that did not stop the deployment (for example dropped empty headers).
    pub warnings: Vec<String>,
}

/// One flow element, or the process itself.
#[derive(Clone, Debug)]
pub struct Element {
    /// BPMN id.
    pub id: Arc<str>,
    /// BPMN name, or the id.
    pub name: Arc<str>,
    /// What it is and what it needs.
    pub kind: ElementKind,
    /// The enclosing process or sub-process; `None` for the process itself.
    pub scope: Option<ElementIndex>,
    /// Sequence flows that end here, in document order.
    pub incoming: Vec<FlowIndex>,
    /// Sequence flows that start here, in the order of the `bpmn:outgoing` children (the order in
    /// which conditions are asked); those that are not listed follow in document order.
    pub outgoing: Vec<FlowIndex>,
    /// `zeebe:input`, in document order.
    pub inputs: Vec<Mapping>,
    /// `zeebe:output`, in document order.
    pub outputs: Vec<Mapping>,
    /// Boundary events attached to this activity, in document order.
    pub boundary_events: Vec<ElementIndex>,
    /// Children of a process or sub-process, in document order (events, activities, gateways).
    pub children: Vec<ElementIndex>,
}

/// What an element is, with all that its behavior needs.
#[derive(Clone, Debug)]
pub enum ElementKind {
    /// The process; holds its start events.
    Process(Scope),
    /// Embedded sub-process.
    SubProcess(Scope),
    /// Start event of a process or embedded sub-process.
    StartEvent(CatchEvent),
    /// Intermediate catch event.
    IntermediateCatchEvent(CatchEvent),
    /// Intermediate throw event without a trigger.
    IntermediateThrowEvent,
    /// Boundary event.
    BoundaryEvent(BoundaryEvent),
    /// End event.
    EndEvent(EndEvent),
    /// Service task.
    ServiceTask(JobTask),
    /// Send task.
    SendTask(JobTask),
    /// Script task that a job worker runs.
    ScriptTaskJob(JobTask),
    /// Script task that evaluates a FEEL expression.
    ScriptTaskExpression(ScriptExpression),
    /// Business rule task that a job worker runs.
    BusinessRuleTaskJob(JobTask),
    /// Business rule task that evaluates a decision.
    BusinessRuleTaskDecision(CalledDecision),
    /// Job-based user task.
    UserTaskJob(UserTaskJob),
    /// Receive task.
    ReceiveTask(MessageEvent),
    /// Manual task: passes through.
    ManualTask,
    /// `bpmn:task`: passes through.
    UndefinedTask,
    /// Call activity.
    CallActivity(CallActivity),
    /// Exclusive gateway.
    ExclusiveGateway(ExclusiveGateway),
    /// Parallel gateway.
    ParallelGateway,
    /// Event-based gateway; `targets` are the catch events behind its outgoing flows, in order.
    EventBasedGateway {
        /// Catch events behind the outgoing flows.
        targets: Vec<ElementIndex>,
    },
}

/// Start events of a process or sub-process.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The none start event, if there is one.
    pub none_start: Option<ElementIndex>,
    /// Start events with a trigger (process only, for now).
    pub event_starts: Vec<ElementIndex>,
}

/// A sequence flow.
#[derive(Clone, Debug)]
pub struct SequenceFlow {
    /// BPMN id.
    pub id: Arc<str>,
    /// Where it starts.
    pub source: ElementIndex,
    /// Where it ends.
    pub target: ElementIndex,
    /// Condition; only on flows that leave an exclusive gateway.
    pub condition: Option<Expression>,
}

/// One `zeebe:input` or `zeebe:output`.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where the value comes from.
    pub source: Value,
    /// Segments of the target path; at least one.
    pub target: Vec<Arc<str>>,
}

/// An attribute that may be static text or an expression (`=` prefix).
#[derive(Clone, Debug)]
pub enum Value {
    /// The text as it stands.
    Static(Arc<str>),
    /// FEEL.
    Expression(Expression),
}

/// What a job needs.
#[derive(Clone, Debug)]
pub struct JobTask {
    /// Job type; must give a string.
    pub job_type: Value,
    /// Retries; must give an integer. `None` means 3.
    pub retries: Option<Value>,
    /// Static headers, in document order, empty ones dropped.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
}

/// Job-based user task: type `io.camunda.zeebe:userTask`, one retry, details as reserved headers.
#[derive(Clone, Debug, Default)]
pub struct UserTaskJob {
    /// Static headers of the model.
    pub headers: Vec<(Arc<str>, Arc<str>)>,
    /// Form key (`camunda-forms:bpmn:ID` for embedded forms); absent when no form.
    pub form_key: Option<Arc<str>>,
    /// Assignee: string.
    pub assignee: Option<Value>,
    /// Candidate groups: list of strings (static text is a comma list).
    pub candidate_groups: Option<Value>,
    /// Candidate users: list of strings (static text is a comma list).
    pub candidate_users: Option<Value>,
    /// Due date: ISO date-time with offset.
    pub due_date: Option<Value>,
    /// Follow-up date: ISO date-time with offset.
    pub follow_up_date: Option<Value>,
}

/// FEEL script.
#[derive(Clone, Debug)]
pub struct ScriptExpression {
    /// The expression.
    pub expression: Expression,
    /// Name of the variable that takes the result.
    pub result_variable: Arc<str>,
}

/// Decision of a business rule task.
#[derive(Clone, Debug)]
pub struct CalledDecision {
    /// Decision id; must give a string.
    pub decision_id: Value,
    /// Name of the variable that takes the output.
    pub result_variable: Arc<str>,
    /// Which version is evaluated.
    pub binding: Binding,
}

/// Call activity.
#[derive(Clone, Debug)]
pub struct CallActivity {
    /// Called process id; must give a string.
    pub process_id: Value,
    /// Copy all variables that are visible at the call activity into the child.
    pub propagate_all_parent_variables: bool,
    /// Merge all variables of the child's root scope back.
    pub propagate_all_child_variables: bool,
    /// Which version is called.
    pub binding: Binding,
}

/// `bindingType` of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Latest version at the time of the call.
    Latest,
    /// The version that was deployed in the same deployment.
    Deployment,
    /// Latest version that carries the tag.
    VersionTag(Arc<str>),
}

/// Exclusive gateway.
#[derive(Clone, Debug)]
pub struct ExclusiveGateway {
    /// The default flow.
    pub default_flow: Option<FlowIndex>,
}

/// An event that waits for a trigger, or the none start event.
#[derive(Clone, Debug)]
pub enum CatchEvent {
    /// No trigger.
    None,
    /// Message.
    Message(MessageEvent),
    /// Timer.
    Timer(TimerEvent),
}

/// Message trigger.
#[derive(Clone, Debug)]
pub struct MessageEvent {
    /// Message name; must give a string. Static (or constant) for start events of a process.
    pub name: Value,
    /// Correlation key; must give a string or number. `None` only on start events of a process.
    pub correlation_key: Option<Expression>,
}

/// Timer trigger.
#[derive(Clone, Debug)]
pub struct TimerEvent {
    /// Which of the three definitions it carries.
    pub kind: TimerKind,
    /// The text or expression.
    pub value: Value,
}

/// Kind of timer definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerKind {
    /// `timeDate`.
    Date,
    /// `timeDuration`.
    Duration,
    /// `timeCycle`.
    Cycle,
}

/// Boundary event.
#[derive(Clone, Debug)]
pub struct BoundaryEvent {
    /// The activity it is attached to.
    pub attached_to: ElementIndex,
    /// `cancelActivity`.
    pub interrupting: bool,
    /// What triggers it.
    pub trigger: BoundaryTrigger,
}

/// Trigger of a boundary event.
#[derive(Clone, Debug)]
pub enum BoundaryTrigger {
    /// Message.
    Message(MessageEvent),
    /// Timer.
    Timer(TimerEvent),
    /// Error; `None` catches every code.
    Error {
        /// Error code, static.
        code: Option<Arc<str>>,
    },
}

/// End event.
#[derive(Clone, Debug)]
pub enum EndEvent {
    /// No trigger.
    None,
    /// Throws an error.
    Error {
        /// Error code; must give a non-empty string.
        code: Value,
    },
    /// Ends everything else in its scope.
    Terminate,
    /// Message end event: a job.
    Message(JobTask),
}

impl Process {
    /// The element at `index`; the process itself when out of range, which a parsed model never is.
    #[must_use]
    pub fn element(&self, index: ElementIndex) -> &Element {
        self.elements.get(index.0 as usize).unwrap_or_else(|| self.root())
    }

    /// The sequence flow at `index`.
    #[must_use]
    pub fn flow(&self, index: FlowIndex) -> Option<&SequenceFlow> {
        self.flows.get(index.0 as usize)
    }

    /// Looks an element up by its id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<(ElementIndex, &Element)> {
        let index = *self.elements_by_id.get(id)?;
        Some((index, self.element(index)))
    }

    /// The process as an element.
    ///
    /// # Panics
    /// When the model has no elements; parsing never gives such a model.
    #[must_use]
    pub fn root(&self) -> &Element {
        self.elements.first().expect("a parsed process has at least the process element")
    }
}
