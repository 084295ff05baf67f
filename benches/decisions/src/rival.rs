//! dsntk, used as its own tools use it.

use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_feel::{Evaluator, FeelScope, Name};
use dsntk_model_evaluator::ModelEvaluator;

use crate::kit::{Case, Folder};
use crate::{Figure, cases};

pub struct Rival {
    scope: FeelScope,
    context: FeelContext,
}

impl Rival {
    pub fn new(variables: &[(&'static str, String)]) -> Result<Rival, String> {
        let context = context(variables)?;
        Ok(Rival { scope: context.clone().into(), context })
    }

    /// One call of the work; none if the engine cannot do it.
    pub fn work<'a>(&'a self, work: &'a cases::Work) -> Result<Box<dyn Fn() + 'a>, String> {
        Ok(match work {
            cases::Work::Evaluate(text) => {
                let evaluator = prepare(&self.scope, text)?;
                Box::new(move || drop(std::hint::black_box(evaluator(&self.scope))))
            }
            cases::Work::Prepare(text) => {
                Box::new(move || drop(std::hint::black_box(prepare(&self.scope, text))))
            }
            cases::Work::Table { .. } => {
                let model = model(&[cases::table()])?;
                Box::new(move || {
                    let (namespace, name) = (cases::TABLE_NAMESPACE, cases::TABLE_NAME);
                    let decision = cases::TABLE_DECISION;
                    let value = model.evaluate_invocable(namespace, name, decision, &self.context);
                    drop(std::hint::black_box(value));
                })
            }
        })
    }

    /// The value that the work gives, as text.
    pub fn value(&self, work: &cases::Work) -> Result<String, String> {
        Ok(match work {
            cases::Work::Evaluate(text) => prepare(&self.scope, text)?(&self.scope).to_string(),
            cases::Work::Prepare(_) => String::new(),
            cases::Work::Table { .. } => {
                let (namespace, name) = (cases::TABLE_NAMESPACE, cases::TABLE_NAME);
                let model = model(&[cases::table()])?;
                model
                    .evaluate_invocable(namespace, name, cases::TABLE_DECISION, &self.context)
                    .to_string()
            }
        })
    }
}

fn prepare(scope: &FeelScope, text: &str) -> Result<Evaluator, String> {
    let node =
        dsntk_feel_parser::parse_expression(scope, text, false).map_err(|e| e.to_string())?;
    Ok(dsntk_feel_evaluator::prepare(&node))
}

fn evaluated(text: &str) -> Result<Value, String> {
    let scope = FeelScope::default();
    Ok(prepare(&scope, text)?(&scope))
}

fn context<N: AsRef<str>>(variables: &[(N, String)]) -> Result<FeelContext, String> {
    let mut context = FeelContext::default();
    for (name, text) in variables {
        let name = dsntk_feel_parser::parse_longest_name(name.as_ref())
            .unwrap_or_else(|_| Name::from(name.as_ref()));
        context.set_entry(&name, evaluated(text)?);
    }
    Ok(context)
}

fn model(texts: &[String]) -> Result<std::sync::Arc<ModelEvaluator>, String> {
    let mut definitions = Vec::new();
    for text in texts {
        definitions.push(dsntk_model::parse(text).map_err(|error| error.to_string())?);
    }
    ModelEvaluator::new(&definitions).map_err(|error| error.to_string())
}

/// Builds the models of all folders and evaluates all cases.
pub fn kit(folders: &[Folder]) -> Figure {
    struct Prepared<'k> {
        folder: &'k Folder,
        namespace: String,
        name: String,
        inputs: Vec<Option<FeelContext>>,
    }
    let prepared: Vec<Prepared<'_>> = folders
        .iter()
        .filter_map(|folder| {
            let document = roxmltree::Document::parse(folder.models.last()?).ok()?;
            let attribute = |name| Some(document.root_element().attribute(name)?.trim().to_owned());
            let inputs = folder.cases.iter().map(|case| context(&case.inputs).ok()).collect();
            Some(Prepared {
                folder,
                namespace: attribute("namespace")?,
                name: attribute("name")?,
                inputs,
            })
        })
        .collect();
    let mut values: Vec<(&Case, Value)> = Vec::new();
    let started = std::time::Instant::now();
    for Prepared { folder, namespace, name, inputs } in &prepared {
        let Ok(model) = model(&folder.models) else { continue };
        for (case, input) in folder.cases.iter().zip(inputs) {
            let Some(input) = input else { continue };
            let value = model.evaluate_invocable(namespace, name, &case.invocable, input);
            values.push((case, value));
        }
    }
    let elapsed = started.elapsed();
    let agrees = |(case, value): &&(&Case, Value)| match &case.expected {
        None => value.is_null(),
        Some(text) => evaluated(text).is_ok_and(|expected| {
            dsntk_feel_evaluator::evaluate_equals(value, &expected)
                || value.to_string() == expected.to_string()
        }),
    };
    Figure { elapsed, evaluated: values.len(), agreeing: values.iter().filter(agrees).count() }
}
