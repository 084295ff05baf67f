//! Intents: what a record wishes or states about its value. Numbers as in `spec/engine.md` 4.4.

macro_rules! intents {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "the names are the documentation")]
        pub enum $name { $($variant = $number,)* }

        impl $name {
            /// The name that exporters and golden scripts show.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// The intent with this number.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

intents! {
    /// Intents of JOB.
    JobIntent {
        Created = 0 "CREATED", Complete = 1 "COMPLETE", Completed = 2 "COMPLETED",
        TimeOut = 3 "TIME_OUT", TimedOut = 4 "TIMED_OUT", Fail = 5 "FAIL", Failed = 6 "FAILED",
        UpdateRetries = 7 "UPDATE_RETRIES", RetriesUpdated = 8 "RETRIES_UPDATED",
        Cancel = 9 "CANCEL", Canceled = 10 "CANCELED",
        ThrowError = 11 "THROW_ERROR", ErrorThrown = 12 "ERROR_THROWN",
        RecurAfterBackoff = 13 "RECUR_AFTER_BACKOFF", RecurredAfterBackoff = 14 "RECURRED_AFTER_BACKOFF",
        Yield = 15 "YIELD", Yielded = 16 "YIELDED",
        UpdateTimeout = 17 "UPDATE_TIMEOUT", TimeoutUpdated = 18 "TIMEOUT_UPDATED",
        Update = 20 "UPDATE", Updated = 21 "UPDATED",
    }
    /// Intents of JOB_BATCH.
    JobBatchIntent { Activate = 0 "ACTIVATE", Activated = 1 "ACTIVATED", }
    /// Intents of DEPLOYMENT.
    DeploymentIntent {
        Create = 0 "CREATE", Created = 1 "CREATED", Distribute = 2 "DISTRIBUTE",
        Distributed = 3 "DISTRIBUTED", FullyDistributed = 4 "FULLY_DISTRIBUTED",
    }
    /// Intents of PROCESS.
    ProcessIntent { Created = 0 "CREATED", Deleting = 1 "DELETING", Deleted = 2 "DELETED", }
    /// Intents of DECISION.
    DecisionIntent { Created = 0 "CREATED", Deleted = 1 "DELETED", }
    /// Intents of DECISION_REQUIREMENTS.
    DecisionRequirementsIntent { Created = 0 "CREATED", Deleted = 1 "DELETED", }
    /// Intents of DECISION_EVALUATION.
    DecisionEvaluationIntent { Evaluated = 0 "EVALUATED", Failed = 1 "FAILED", Evaluate = 2 "EVALUATE", }
    /// Intents of PROCESS_INSTANCE.
    ProcessInstanceIntent {
        Cancel = 0 "CANCEL", SequenceFlowTaken = 1 "SEQUENCE_FLOW_TAKEN",
        ElementActivating = 2 "ELEMENT_ACTIVATING", ElementActivated = 3 "ELEMENT_ACTIVATED",
        ElementCompleting = 4 "ELEMENT_COMPLETING", ElementCompleted = 5 "ELEMENT_COMPLETED",
        ElementTerminating = 6 "ELEMENT_TERMINATING", ElementTerminated = 7 "ELEMENT_TERMINATED",
        ActivateElement = 8 "ACTIVATE_ELEMENT", CompleteElement = 9 "COMPLETE_ELEMENT",
        TerminateElement = 10 "TERMINATE_ELEMENT",
    }
    /// Intents of PROCESS_INSTANCE_CREATION.
    ProcessInstanceCreationIntent {
        Create = 0 "CREATE", Created = 1 "CREATED",
        CreateWithAwaitingResult = 2 "CREATE_WITH_AWAITING_RESULT",
    }
    /// Intents of PROCESS_INSTANCE_RESULT.
    ProcessInstanceResultIntent { Completed = 0 "COMPLETED", }
    /// Intents of PROCESS_INSTANCE_BATCH: work that goes on in slices.
    ProcessInstanceBatchIntent {
        Terminate = 0 "TERMINATE", Activate = 1 "ACTIVATE",
        Enqueued = 10 "ENQUEUED", Continue = 11 "CONTINUE", Continued = 12 "CONTINUED",
    }
    /// Intents of PROCESS_EVENT: a trigger that waits for its element.
    ProcessEventIntent { Triggering = 0 "TRIGGERING", Triggered = 1 "TRIGGERED", }
    /// Intents of VARIABLE.
    VariableIntent { Created = 0 "CREATED", Updated = 1 "UPDATED", }
    /// Intents of VARIABLE_DOCUMENT.
    VariableDocumentIntent { Update = 0 "UPDATE", Updated = 1 "UPDATED", }
    /// Intents of INCIDENT.
    IncidentIntent { Created = 0 "CREATED", Resolve = 1 "RESOLVE", Resolved = 2 "RESOLVED", }
    /// Intents of TIMER.
    TimerIntent {
        Created = 0 "CREATED", Trigger = 1 "TRIGGER", Triggered = 2 "TRIGGERED",
        Cancel = 3 "CANCEL", Canceled = 4 "CANCELED",
    }
    /// Intents of MESSAGE.
    MessageIntent {
        Publish = 0 "PUBLISH", Published = 1 "PUBLISHED", Expire = 2 "EXPIRE", Expired = 3 "EXPIRED",
    }
    /// Intents of MESSAGE_BATCH.
    MessageBatchIntent { Expire = 0 "EXPIRE", }
    /// Intents of MESSAGE_CORRELATION.
    MessageCorrelationIntent {
        Correlating = 0 "CORRELATING", Correlate = 1 "CORRELATE", Correlated = 2 "CORRELATED",
        NotCorrelated = 3 "NOT_CORRELATED",
    }
    /// Intents of MESSAGE_SUBSCRIPTION: the message's side.
    MessageSubscriptionIntent {
        Create = 0 "CREATE", Created = 1 "CREATED", Correlate = 2 "CORRELATE",
        Correlated = 3 "CORRELATED", Reject = 4 "REJECT", Rejected = 5 "REJECTED",
        Delete = 6 "DELETE", Deleted = 7 "DELETED", Correlating = 8 "CORRELATING",
    }
    /// Intents of PROCESS_MESSAGE_SUBSCRIPTION: the instance's side.
    ProcessMessageSubscriptionIntent {
        Creating = 0 "CREATING", Create = 1 "CREATE", Created = 2 "CREATED",
        Correlate = 3 "CORRELATE", Correlated = 4 "CORRELATED",
        Deleting = 5 "DELETING", Delete = 6 "DELETE", Deleted = 7 "DELETED",
        Acknowledge = 20 "ACKNOWLEDGE", Acknowledged = 21 "ACKNOWLEDGED",
    }
    /// Intents of MESSAGE_START_EVENT_SUBSCRIPTION.
    MessageStartEventSubscriptionIntent {
        Created = 0 "CREATED", Correlated = 1 "CORRELATED", Deleted = 2 "DELETED",
    }
    /// Intents of SIGNAL.
    SignalIntent { Broadcast = 0 "BROADCAST", Broadcasted = 1 "BROADCASTED", }
    /// Intents of RESOURCE_DELETION.
    ResourceDeletionIntent { Delete = 0 "DELETE", Deleting = 1 "DELETING", Deleted = 2 "DELETED", }
    /// Intents of COMMAND_DISTRIBUTION.
    CommandDistributionIntent {
        Started = 0 "STARTED", Distributing = 1 "DISTRIBUTING", Acknowledge = 2 "ACKNOWLEDGE",
        Acknowledged = 3 "ACKNOWLEDGED", Finished = 4 "FINISHED", Enqueued = 5 "ENQUEUED",
        Received = 20 "RECEIVED",
    }
    /// Intents of SCALE: more partitions.
    ScaleIntent {
        ScaleUp = 0 "SCALE_UP", ScalingUp = 1 "SCALING_UP", ScaledUp = 2 "SCALED_UP",
        Status = 3 "STATUS", StatusResponse = 4 "STATUS_RESPONSE",
        PartitionBootstrapped = 6 "PARTITION_BOOTSTRAPPED",
        Bootstrap = 20 "BOOTSTRAP", Bootstrapping = 21 "BOOTSTRAPPING",
    }
    /// Intents of CHECKPOINT: the cut that backups of all partitions share.
    CheckpointIntent { Create = 0 "CREATE", Created = 1 "CREATED", Ignored = 2 "IGNORED", }
    /// Intents of ERROR: the engine failed on a command; the instance has an incident.
    ErrorIntent { Created = 0 "CREATED", }
}
