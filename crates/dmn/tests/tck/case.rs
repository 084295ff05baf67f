//! The cases of a test file.

use std::collections::BTreeMap;

use skep_dmn::Model;
use skep_feel::{Environment, Value};

use super::value::{self, Node};

/// A test file.
pub struct Test {
    /// The file name of the model.
    pub model: String,
    pub cases: Vec<Case>,
}

/// A case: inputs and what they lead to.
pub struct Case {
    pub id: String,
    /// The name of the function or service to call, if the case is about one.
    invocable: Option<String>,
    inputs: BTreeMap<String, Value>,
    pub results: Vec<ResultNode>,
}

/// A decision (or output of a service) and the value that it has to have.
pub struct ResultNode {
    pub name: String,
    pub expected: Value,
    /// Whether the evaluation is expected to fail: null is one way to do so.
    pub is_error: bool,
}

pub fn read(text: &str) -> Test {
    let document = roxmltree::Document::parse(text).unwrap();
    let root = document.root_element();
    let named =
        |name: &'static str| root.children().filter(move |child| child.tag_name().name() == name);
    let model = named("modelName").next().and_then(|node| node.text()).unwrap_or("");
    Test { model: model.trim().to_owned(), cases: named("testCase").map(case).collect() }
}

fn case(node: Node<'_>) -> Case {
    let named =
        |name: &'static str| node.children().filter(move |child| child.tag_name().name() == name);
    let name_of = |node: Node<'_>| node.attribute("name").unwrap_or("").trim().to_owned();
    let about = node.attribute("type").filter(|kind| matches!(*kind, "bkm" | "decisionService"));
    let invocable = about.and_then(|_| node.attribute("invocableName")).map(str::to_owned);
    let results = named("resultNode").map(|result| ResultNode {
        name: name_of(result),
        is_error: result.attribute("errorResult") == Some("true"),
        expected: result
            .children()
            .find(|child| child.tag_name().name() == "expected")
            .map_or(Value::Null, value::of),
    });
    Case {
        id: node.attribute("id").unwrap_or("").to_owned(),
        invocable,
        inputs: named("inputNode").map(|input| (name_of(input), value::of(input))).collect(),
        results: results.collect(),
    }
}

impl Case {
    /// The value of the result node.
    pub fn evaluate(
        &self,
        model: &Model,
        result: &ResultNode,
        environment: &Environment,
    ) -> Result<Value, String> {
        if let Some(name) = &self.invocable {
            let evaluation = model
                .invoke(name, &self.inputs, environment)
                .ok_or_else(|| format!("there is no function or service '{name}'"))?;
            let value = evaluation.output.map_err(|failure| failure.to_string())?;
            // A service with several outputs gives a context of them.
            let output = value.as_context().and_then(|context| context.get(&result.name));
            return Ok(output.unwrap_or(value));
        }
        let name = result.name.as_str();
        let by_name = model.decisions().iter().find(|decision| &*decision.name == name);
        let decision = by_name.or_else(|| model.decision(name));
        let decision = decision.ok_or_else(|| format!("there is no decision '{name}'"))?;
        let evaluation = model
            .evaluate(&decision.id, &self.inputs, environment)
            .ok_or_else(|| "the decision cannot be evaluated".to_owned())?;
        let warnings: Vec<String> = evaluation
            .evaluated_decisions
            .iter()
            .flat_map(|decision| &decision.warnings)
            .map(|warning| format!("{} ({})", warning.message, warning.expression))
            .collect();
        match evaluation.output {
            Ok(value) if value.is_null() && !warnings.is_empty() && !result.expected.is_null() => {
                Err(format!("null with the warnings: {}", warnings.join("; ")))
            }
            Ok(value) => Ok(value),
            Err(failure) => Err(failure.to_string()),
        }
    }
}
