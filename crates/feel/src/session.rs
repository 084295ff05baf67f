//! One budget over several evaluations, as a decision needs them: its table cells, its functions, and
//! the decisions that it requires count against the same steps, bytes and depth.

use crate::{Environment, EvaluationError, Value, Warning, limits};

/// What is left of the budget of an evaluation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meter {
    pub(crate) steps_left: u64,
    pub(crate) bytes_left: u64,
    pub(crate) depth: u32,
    /// How many random numbers were drawn.
    pub(crate) random_draws: u64,
}

impl Meter {
    pub(crate) fn of(environment: &Environment) -> Meter {
        Meter {
            steps_left: environment.budget.steps_max,
            bytes_left: environment.budget.bytes_max,
            depth: 0,
            random_draws: 0,
        }
    }
}

/// Evaluations that share an environment, its budget, and a list of warnings.
#[derive(Debug)]
pub struct Session<'e> {
    environment: &'e Environment,
    pub(crate) meter: Meter,
    pub(crate) warnings: Vec<Warning>,
}

impl<'e> Session<'e> {
    /// A session with the whole budget of the environment.
    pub fn new(environment: &'e Environment) -> Session<'e> {
        Session { environment, meter: Meter::of(environment), warnings: Vec::new() }
    }

    pub(crate) fn resumed(
        environment: &'e Environment,
        meter: Meter,
        warnings: Vec<Warning>,
    ) -> Session<'e> {
        Session { environment, meter, warnings }
    }

    /// The time, zone, seed and budget of the evaluations.
    pub fn environment(&self) -> &'e Environment {
        self.environment
    }

    /// The warnings since the last call, in the order of evaluation; the list is empty afterwards.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// How many warnings there are.
    pub fn warning_count(&self) -> usize {
        self.warnings.len()
    }

    /// Adds a warning, unless there are [`limits::WARNINGS_MAX`] already.
    pub fn add_warning(&mut self, warning: Warning) {
        if self.warnings.len() < limits::WARNINGS_MAX {
            self.warnings.push(warning);
        }
    }

    /// Drops all warnings but the first `count`.
    pub fn truncate_warnings(&mut self, count: usize) {
        self.warnings.truncate(count);
    }

    /// The value, unless it nests deeper than [`limits::VALUE_DEPTH_MAX`]; for lists and contexts
    /// that are built outside an expression.
    pub fn checked(&self, value: Value) -> Result<Value, EvaluationError> {
        match value.extent().depth > limits::VALUE_DEPTH_MAX {
            true => Err(EvaluationError::ValueDepthExceeded(limits::VALUE_DEPTH_MAX)),
            false => Ok(value),
        }
    }

    /// Counts steps of work that is not an expression's, such as the rules of a table.
    pub fn spend_steps(&mut self, count: u64) -> Result<(), EvaluationError> {
        match self.meter.steps_left.checked_sub(count) {
            Some(left) => {
                self.meter.steps_left = left;
                Ok(())
            }
            None => Err(EvaluationError::StepsExceeded(self.environment.budget.steps_max)),
        }
    }

    /// Counts the work of looking at all of a value.
    pub fn spend_walk(&mut self, value: &Value) -> Result<(), EvaluationError> {
        self.spend_steps(value.extent().bytes / 24)
    }

    /// Counts bytes of values that are built outside an expression.
    pub fn spend_bytes(&mut self, count: u64) -> Result<(), EvaluationError> {
        match self.meter.bytes_left.checked_sub(count) {
            Some(left) => {
                self.meter.bytes_left = left;
                Ok(())
            }
            None => Err(EvaluationError::BytesExceeded(self.environment.budget.bytes_max)),
        }
    }

    /// Goes so many levels deeper; an error beyond the limit of the budget. Whoever calls it calls
    /// [`Session::leave`] afterwards.
    pub fn enter(&mut self, levels: u32) -> Result<(), EvaluationError> {
        let depth_max = self.environment.budget.depth_max;
        let depth = self.meter.depth.saturating_add(levels);
        if depth > depth_max {
            return Err(EvaluationError::DepthExceeded(depth_max));
        }
        self.meter.depth = depth;
        Ok(())
    }

    /// Takes the levels of [`Session::enter`] back.
    pub fn leave(&mut self, levels: u32) {
        self.meter.depth = self.meter.depth.saturating_sub(levels);
    }
}
