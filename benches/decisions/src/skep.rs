//! Skep's two crates.

use std::collections::BTreeMap;

use skep_dmn::{Model, Options};
use skep_feel::{Dialect, Environment, Expression, Names, NoVariables, Syntax, Value};

use crate::kit::{Case, Folder};
use crate::{Figure, cases};

pub struct Skep {
    variables: BTreeMap<String, Value>,
    environment: Environment,
}

impl Skep {
    /// The variables as the engine holds them: read from MessagePack, but for those named `built`.
    pub fn new(variables: &[(&'static str, String)]) -> Result<Skep, String> {
        let mut read = BTreeMap::new();
        for (name, text) in variables {
            let mut value = evaluated(text)?;
            if !name.starts_with("built") {
                let packed = value.to_msgpack();
                value = Value::from_msgpack(&packed).map_err(|error| error.to_string())?;
            }
            read.insert((*name).to_owned(), value);
        }
        Ok(Skep { variables: read, environment: Environment::at(0) })
    }

    /// One call of the work; an error if the engine cannot do it.
    pub fn work<'a>(&'a self, work: &'a cases::Work) -> Result<Box<dyn Fn() + 'a>, String> {
        Ok(match work {
            cases::Work::Evaluate(text) => {
                let expression = Expression::parse(text).map_err(|error| error.to_string())?;
                Box::new(move || {
                    let evaluation = expression.evaluate(&self.variables, &self.environment);
                    drop(std::hint::black_box(evaluation));
                })
            }
            cases::Work::Prepare(text) => {
                Box::new(move || drop(std::hint::black_box(Expression::parse(text))))
            }
            cases::Work::Table { traced: false } => {
                let (model, id) = table()?;
                Box::new(move || {
                    let output = model.output(&id, &self.variables, &self.environment);
                    drop(std::hint::black_box(output));
                })
            }
            cases::Work::Table { traced: true } => {
                let (model, id) = table()?;
                Box::new(move || {
                    let evaluation = model.evaluate(&id, &self.variables, &self.environment);
                    drop(std::hint::black_box(evaluation));
                })
            }
        })
    }

    /// The value that the work gives, as text.
    pub fn value(&self, work: &cases::Work) -> Result<String, String> {
        Ok(match work {
            cases::Work::Evaluate(text) => {
                let expression = Expression::parse(text).map_err(|error| error.to_string())?;
                let evaluation = expression.evaluate(&self.variables, &self.environment);
                evaluation.map_err(|error| error.to_string())?.value.to_string()
            }
            cases::Work::Prepare(_) => String::new(),
            cases::Work::Table { .. } => {
                let (model, id) = table()?;
                let evaluation = model.evaluate(&id, &self.variables, &self.environment);
                let evaluation = evaluation.ok_or("no such decision")?;
                evaluation.output.map_err(|failure| failure.message)?.to_string()
            }
        })
    }
}

fn table() -> Result<(Model, String), String> {
    let model = skep_dmn::parse(&cases::table(), &Options::default());
    let model = model.map_err(|violations| violations.to_string())?;
    let decision = model.decisions().first().ok_or("no decision")?;
    let id = decision.id.to_string();
    Ok((model, id))
}

fn evaluated(text: &str) -> Result<Value, String> {
    let names = Names::none();
    let syntax = Syntax { dialect: Dialect::Dmn, names: &names };
    let expression = Expression::parse_in(text, &syntax).map_err(|error| error.to_string())?;
    let evaluation = expression.evaluate(&NoVariables, &Environment::at(0));
    Ok(evaluation.map_err(|error| error.to_string())?.value)
}

fn model(texts: &[String]) -> Option<Model> {
    let mut options = Options { dialect: Dialect::Dmn, imports: Vec::new() };
    // Imported ones come first, but not in any order among themselves.
    let mut waiting: Vec<&String> = texts.iter().collect();
    let tested = waiting.pop()?;
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|text| match skep_dmn::parse(text, &options) {
            Ok(model) => {
                options.imports.push(model);
                false
            }
            Err(_) => true,
        });
        if waiting.len() == before {
            break;
        }
    }
    skep_dmn::parse(tested, &options).ok()
}

/// Builds the models of all folders and evaluates all cases.
pub fn kit(folders: &[Folder]) -> Figure {
    let prepared: Vec<(&Folder, Vec<Option<BTreeMap<String, Value>>>)> = folders
        .iter()
        .map(|folder| {
            let inputs = |case: &Case| {
                let inputs = case.inputs.iter();
                inputs.map(|(name, text)| Some((name.clone(), evaluated(text).ok()?))).collect()
            };
            (folder, folder.cases.iter().map(inputs).collect())
        })
        .collect();
    let environment = Environment::at(0);
    let mut values: Vec<(&Case, Option<Value>)> = Vec::new();
    let started = std::time::Instant::now();
    for (folder, inputs) in &prepared {
        let Some(model) = model(&folder.models) else { continue };
        for (case, input) in folder.cases.iter().zip(inputs) {
            let Some(input) = input else { continue };
            let decision =
                model.decisions().iter().find(|decision| *decision.name == *case.invocable);
            let Some(decision) = decision else { continue };
            if let Some(evaluation) = model.evaluate(&decision.id, input, &environment) {
                values.push((case, evaluation.output.ok()));
            }
        }
    }
    let elapsed = started.elapsed();
    let agrees = |(case, value): &&(&Case, Option<Value>)| match (&case.expected, value) {
        (None, value) => value.as_ref().is_none_or(Value::is_null),
        (Some(text), Some(value)) => evaluated(text)
            .is_ok_and(|expected| *value == expected || value.to_string() == expected.to_string()),
        (Some(_), None) => false,
    };
    Figure { elapsed, evaluated: values.len(), agreeing: values.iter().filter(agrees).count() }
}
