//! Before an experiment begins: its configuration, secrets and strategies.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::{Run, new_journal};
use crate::clock::Moment;
use crate::configuration;
use crate::document::Document;
use crate::log::Level;
use crate::observer::{Event, Observer};
use crate::options::RunOptions;
use crate::outcome::RunError;
use crate::program::Programs;
use crate::provider::{self, Failure, Surroundings};
use crate::redact::Redactor;
use crate::signal::Signals;
use crate::template::Names;

impl Run {
    pub(super) async fn configure(
        document: Document,
        options: RunOptions,
        programs: Arc<dyn Programs>,
        observer: Arc<dyn Observer>,
        signals: Signals,
    ) -> Result<Self, RunError> {
        let (mut names, findings) = configuration::load(&document, &options.variables);
        if !findings.is_empty() {
            for finding in &findings {
                let message = &finding.to_string();
                observer.see(&Event::Said { level: Level::Error, message });
            }
            return Err(RunError::Invalid(findings));
        }
        let redactor = Redactor::of(&names.secrets);
        let say = |level: Level, message: &str| {
            observer.see(&Event::Said { level, message: &redactor.text(message) });
        };
        let failures = dynamic(&mut names, &options, programs.as_ref(), &say).await;
        for failure in &failures {
            say(Level::Debug, failure);
        }
        if !failures.is_empty() {
            // Without a space, as the original has it.
            say(
                Level::Warning,
                "Some of the dynamic configuration failed to be loaded.Please review the log file \
                 for understanding what happened.",
            );
        }
        let mut experiment = document.value;
        if let Value::Object(map) = &mut experiment {
            if let Some(title) = map.get("title") {
                let title = names.substitute(title);
                map.insert("title".to_owned(), title);
            }
            let dry = options.dry.map_or(Value::Null, |dry| Value::String(dry.to_string()));
            map.insert("dry".to_owned(), dry);
        }
        let strategies = strategies(&experiment, &options)?;
        let journal = new_journal(redactor.value(&experiment), Moment::now());
        Ok(Self {
            experiment,
            names,
            options,
            hypothesis_strategy: strategies.0,
            rollback_strategy: strategies.1,
            programs,
            observer,
            signals,
            redactor,
            journal: Mutex::new(journal),
            next_id: AtomicU64::new(1),
        })
    }
}

type Strategies = (crate::options::HypothesisStrategy, crate::options::RollbackStrategy);

/// What the caller wants, or else the experiment.
fn strategies(experiment: &Value, options: &RunOptions) -> Result<Strategies, RunError> {
    let runtime = |part: &str| {
        experiment
            .get("runtime")?
            .get(part)?
            .get("strategy")
            .map(|text| text.as_str().unwrap_or(""))
    };
    let hypothesis = match (options.hypothesis_strategy, runtime("hypothesis")) {
        (Some(strategy), _) => strategy,
        (None, Some(text)) => text.parse().map_err(RunError::Crashed)?,
        (None, None) => Default::default(),
    };
    let rollbacks = match (options.rollback_strategy, runtime("rollbacks")) {
        (Some(strategy), _) => strategy,
        (None, Some(text)) => text.parse().map_err(RunError::Crashed)?,
        (None, None) => Default::default(),
    };
    Ok((hypothesis, rollbacks))
}

/// Asks the probes among the configuration; those without an answer are left out.
async fn dynamic(
    names: &mut Names,
    options: &RunOptions,
    programs: &dyn Programs,
    say: &(impl Fn(Level, &str) + Sync),
) -> Vec<String> {
    let mut failures = Vec::new();
    let entries = std::mem::take(&mut names.configuration);
    let probes: Map<String, Value> = configuration::dynamic(&entries).into_iter().collect();
    for (key, value) in entries {
        if !probes.contains_key(&key) {
            names.configuration.insert(key, value);
            continue;
        }
        let surroundings = Surroundings { names, options, programs };
        let answer = provider::run(&value, surroundings).await;
        let kind = value.get("provider").and_then(|provider| provider.get("type"));
        let kind = kind.and_then(Value::as_str).unwrap_or("").to_owned();
        if let Ok(answer) = &answer
            && let Some(warning) = answer.warning
        {
            say(Level::Warning, warning);
        }
        match answer.map(|answer| result_of(&kind, answer.output)) {
            Ok(Ok(value)) => {
                names.configuration.insert(key, value);
            }
            Ok(Err(message)) | Err(Failure::Failed(message) | Failure::Crash(message)) => {
                failures.push(format!("Failed to load configuration '{key}': {message}"));
            }
        }
    }
    failures
}

/// The part of a result that becomes a value of the configuration.
fn result_of(kind: &str, output: Value) -> Result<Value, String> {
    let text = |key: &str| output.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    match kind {
        "process" if output.get("status").and_then(Value::as_i64) == Some(0) => {
            Ok(Value::String(text("stdout").trim().to_owned()))
        }
        "process" => Err(text("stderr")),
        "http" => Ok(output.get("body").cloned().unwrap_or(Value::Null)),
        _ => Ok(output),
    }
}
