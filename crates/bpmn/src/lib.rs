//! BPMN XML to a validated executable process.
