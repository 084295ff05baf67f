//! Which BPMN elements there are in a process, and which of them can run.

/// A flow node, by the name of its XML element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Process,
    SubProcess,
    StartEvent,
    IntermediateCatchEvent,
    IntermediateThrowEvent,
    BoundaryEvent,
    EndEvent,
    ServiceTask,
    SendTask,
    ScriptTask,
    BusinessRuleTask,
    UserTask,
    ReceiveTask,
    ManualTask,
    UndefinedTask,
    CallActivity,
    ExclusiveGateway,
    ParallelGateway,
    EventBasedGateway,
    /// A flow node that is refused. It is kept so that the flows at it do not look broken too.
    Unsupported,
}

/// What a child element of a process or sub-process is.
pub(crate) enum ScopeChild {
    /// Something that flows lead to.
    FlowNode(Tag),
    /// `bpmn:sequenceFlow`.
    SequenceFlow,
    /// No meaning for the execution.
    Ignored,
    /// Refused, with the reason.
    Refused(&'static str),
}

/// Sorts the children of processes and sub-processes.
pub(crate) fn scope_child(name: &str) -> ScopeChild {
    let tag = match name {
        "subProcess" => Tag::SubProcess,
        "startEvent" => Tag::StartEvent,
        "intermediateCatchEvent" => Tag::IntermediateCatchEvent,
        "intermediateThrowEvent" => Tag::IntermediateThrowEvent,
        "boundaryEvent" => Tag::BoundaryEvent,
        "endEvent" => Tag::EndEvent,
        "serviceTask" => Tag::ServiceTask,
        "sendTask" => Tag::SendTask,
        "scriptTask" => Tag::ScriptTask,
        "businessRuleTask" => Tag::BusinessRuleTask,
        "userTask" => Tag::UserTask,
        "receiveTask" => Tag::ReceiveTask,
        "manualTask" => Tag::ManualTask,
        "task" => Tag::UndefinedTask,
        "callActivity" => Tag::CallActivity,
        "exclusiveGateway" => Tag::ExclusiveGateway,
        "parallelGateway" => Tag::ParallelGateway,
        "eventBasedGateway" => Tag::EventBasedGateway,
        "sequenceFlow" => return ScopeChild::SequenceFlow,
        "documentation"
        | "extensionElements"
        | "auditing"
        | "monitoring"
        | "laneSet"
        | "textAnnotation"
        | "association"
        | "group"
        | "dataObject"
        | "dataObjectReference"
        | "dataStoreReference"
        | "property"
        | "ioSpecification"
        | "ioBinding"
        | "supports"
        | "incoming"
        | "outgoing"
        | "dataInputAssociation"
        | "dataOutputAssociation"
        | "categoryValueRef" => return ScopeChild::Ignored,
        other => match unsupported_flow_node(other) {
            Some(_) => Tag::Unsupported,
            None => return ScopeChild::Refused(refused_child(other)),
        },
    };
    ScopeChild::FlowNode(tag)
}

/// Why a flow node cannot run, and what to do instead; nothing if it can run.
pub(crate) fn unsupported_flow_node(name: &str) -> Option<&'static str> {
    Some(match name {
        "inclusiveGateway" => {
            "inclusive gateways are not supported yet; use exclusive and parallel gateways"
        }
        "complexGateway" => {
            "complex gateways are not supported; use exclusive and parallel gateways"
        }
        "adHocSubProcess" => {
            "ad-hoc sub-processes are not supported yet; model the order with gateways in an embedded sub-process"
        }
        "transaction" => {
            "transaction sub-processes are not supported; use an embedded sub-process with error boundary events"
        }
        "choreographyTask" | "subChoreography" | "callChoreography" => {
            "choreographies are not supported; model each participant as a process"
        }
        "event" | "implicitThrowEvent" => {
            "events of unknown position are not supported; use a start, intermediate, boundary or end event"
        }
        _ => return None,
    })
}

/// Why a child of a process, sub-process or flow node in the BPMN namespace cannot be read.
pub(crate) fn refused_child(name: &str) -> &'static str {
    match name {
        "multiInstanceLoopCharacteristics" => {
            "multi-instance markers are not supported yet; remove the marker"
        }
        "standardLoopCharacteristics" => {
            "standard loop markers are not supported; model the loop with an exclusive gateway"
        }
        "resourceRole" | "performer" | "humanPerformer" | "potentialOwner" => {
            "BPMN resource roles are not supported; use zeebe:assignmentDefinition on a user task"
        }
        "correlationSubscription" => {
            "BPMN correlation subscriptions are not supported; use zeebe:subscription on the bpmn:message"
        }
        _ => "this element is not known here; remove it",
    }
}

impl Tag {
    /// Tasks, sub-processes and call activities: what a boundary event can be attached to.
    pub(crate) fn is_activity(self) -> bool {
        match self {
            Tag::SubProcess
            | Tag::ServiceTask
            | Tag::SendTask
            | Tag::ScriptTask
            | Tag::BusinessRuleTask
            | Tag::UserTask
            | Tag::ReceiveTask
            | Tag::ManualTask
            | Tag::UndefinedTask
            | Tag::CallActivity => true,
            Tag::Process
            | Tag::StartEvent
            | Tag::IntermediateCatchEvent
            | Tag::IntermediateThrowEvent
            | Tag::BoundaryEvent
            | Tag::EndEvent
            | Tag::ExclusiveGateway
            | Tag::ParallelGateway
            | Tag::EventBasedGateway
            | Tag::Unsupported => false,
        }
    }

    /// Whether it passes a token on at once, without waiting for anything.
    pub(crate) fn is_pass_through(self) -> bool {
        matches!(
            self,
            Tag::ManualTask
                | Tag::UndefinedTask
                | Tag::IntermediateThrowEvent
                | Tag::ExclusiveGateway
                | Tag::ParallelGateway
        )
    }

    /// Whether a BPMN child element (besides those of every flow node) belongs to it.
    pub(crate) fn allows_child(self, name: &str) -> bool {
        match self {
            Tag::StartEvent
            | Tag::IntermediateCatchEvent
            | Tag::IntermediateThrowEvent
            | Tag::BoundaryEvent
            | Tag::EndEvent => {
                name.ends_with("EventDefinition")
                    || matches!(
                        name,
                        "eventDefinitionRef"
                            | "dataInput"
                            | "dataOutput"
                            | "inputSet"
                            | "outputSet"
                    )
            }
            Tag::ScriptTask => name == "script",
            Tag::UserTask => name == "rendering",
            _ => false,
        }
    }
}
