//! The processes to load a cluster with. Their models are files in `models/bench/`, built in.

use clap::ValueEnum;

/// A process and what makes its instances finish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Workload {
    /// Start, one job, end
    OneTask,
    /// Start, end; awaited with the result
    SimpleProcess,
    /// Start, a timer of one second, end; awaited with the result
    TimerProcess,
    /// Started by a message, one job, end
    MsgOneTask,
    /// Ten jobs one after the other
    TenTasks,
    /// Instances are created and stay: only creation is measured
    CreateOnly,
}

/// How an instance comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// By creating it.
    Create,
    /// By creating it and waiting for its result.
    CreateWithResult,
    /// By publishing a message.
    Publish,
}

impl Workload {
    /// File name and content of the model.
    pub(crate) fn model(self) -> (&'static str, &'static str) {
        macro_rules! model {
            ($file:literal) => {
                ($file, include_str!(concat!("../../../../models/bench/", $file)))
            };
        }
        match self {
            Self::OneTask => model!("one_task.bpmn"),
            Self::SimpleProcess => model!("simple_process.bpmn"),
            Self::TimerProcess => model!("timer_process.bpmn"),
            Self::MsgOneTask => model!("msg_one_task.bpmn"),
            Self::TenTasks => model!("ten_tasks.bpmn"),
            Self::CreateOnly => model!("waiting.bpmn"),
        }
    }

    /// How its instances start.
    pub(crate) fn start(self) -> Start {
        match self {
            Self::OneTask | Self::TenTasks | Self::CreateOnly => Start::Create,
            Self::SimpleProcess | Self::TimerProcess => Start::CreateWithResult,
            Self::MsgOneTask => Start::Publish,
        }
    }

    /// Jobs that have to be completed for an instance to be complete.
    pub(crate) fn jobs_per_instance(self) -> u32 {
        match self {
            Self::OneTask | Self::MsgOneTask => 1,
            Self::TenTasks => 10,
            Self::SimpleProcess | Self::TimerProcess | Self::CreateOnly => 0,
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneTask => "one_task",
            Self::SimpleProcess => "simple_process",
            Self::TimerProcess => "timer_process",
            Self::MsgOneTask => "msg_one_task",
            Self::TenTasks => "ten_tasks",
            Self::CreateOnly => "create_only",
        }
    }
}

/// Type of the jobs that the generator works on.
pub(crate) const JOB_TYPE: &str = "benchmark-task";

/// Name of the message that starts `msg_one_task`.
pub(crate) const MESSAGE_NAME: &str = "bench-message";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_hold_the_jobs_that_are_waited_for() {
        for workload in Workload::value_variants() {
            let (file, xml) = workload.model();
            let jobs = xml.matches(&format!("type=\"{JOB_TYPE}\"")).count();
            assert_eq!(jobs, workload.jobs_per_instance() as usize, "{file}");
            let published = workload.start() == Start::Publish;
            assert_eq!(xml.contains(MESSAGE_NAME), published, "{file}");
            let named = workload.to_possible_value().expect("a visible value");
            assert_eq!(named.get_name(), workload.name());
        }
    }
}
