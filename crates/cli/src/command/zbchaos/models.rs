//! The built-in models, by the names that the original gives them.

use super::context::Context;
use crate::failure::Failure;
use crate::variables;

macro_rules! models {
    ($($name:literal => $path:literal,)*) => {
        /// Name and text of every built-in model.
        pub(super) const MODELS: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../../../", $path))),)*
        ];
    };
}

models! {
    "bpmn/one_task.bpmn" => "experiments/models/one_task.bpmn",
    "bpmn/msg-catch.bpmn" => "experiments/models/msg-catch.bpmn",
    "bpmn/specific/chaosTimerStart.bpmn" => "experiments/models/chaosTimerStart.bpmn",
    "bpmn/multi-version/multiVersionModel.bpmn" => "models/chaos/multiVersionModel.bpmn",
    "bpmn/multi-version/multiVersionModel_v2.bpmn" => "models/chaos/multiVersionModel_v2.bpmn",
    "bpmn/multi-version/fancyDecision.dmn" => "models/chaos/fancyDecision.dmn",
    "bpmn/multi-version/fancyDecision_v2.dmn" => "models/chaos/fancyDecision_v2.dmn",
    "bpmn/multi-version/multiVersionTask.bpmn" => "experiments/models/multiVersionTask.bpmn",
    "bpmn/multi-version/multiVersionTask_v2.bpmn" => "experiments/models/multiVersionTask_v2.bpmn",
    "bpmn/chaos/actionRunner.bpmn" => "experiments/models/actionRunner.bpmn",
    "bpmn/chaos/chaosExperiment.bpmn" => "experiments/models/chaosExperiment.bpmn",
    "bpmn/chaos/chaosToolkit.bpmn" => "experiments/models/chaosToolkit.bpmn",
}

/// The text of a built-in model, as it is in this run.
pub(super) fn built_in(context: &Context, name: &str) -> Result<Vec<u8>, Failure> {
    let found = MODELS.iter().find(|(known, _)| *known == name);
    let (_, text) = found.ok_or_else(|| {
        let names: Vec<&str> = MODELS.iter().map(|(name, _)| *name).collect();
        Failure::Usage(format!("{name} is not built in; there are {}", names.join(", ")))
    })?;
    Ok(context.run.model(text).into_bytes())
}

/// The model of a path: with `bpmn/` in it a built-in one, else a file.
pub(super) fn read(context: &Context, path: &str) -> Result<Vec<u8>, Failure> {
    match path.find("bpmn/") {
        Some(at) if MODELS.iter().any(|(name, _)| *name == &path[at..]) => {
            built_in(context, &path[at..])
        }
        Some(at) if !std::path::Path::new(path).exists() => built_in(context, &path[at..]),
        _ => variables::read_file(path.as_ref()),
    }
}
