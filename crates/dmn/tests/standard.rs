//! Models and what DMN 1.5 says that they give, in the `Dmn` dialect: `standard/cases.txt`. A line
//! `== model.dmn` begins the cases of a model, `== model.dmn + other.dmn` those of one that may import
//! others. A case is `element | variables | result`: the element is a decision, a decision service or a
//! business knowledge model, by id or name. The result is what `string(value)` shows, texts in JSON
//! quotes; `REFUSED` if the model is refused. `#` begins a comment.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use skep_dmn::{Model, Options};
use skep_feel::{Dialect, Environment, Expression, Names, NoVariables, Syntax, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standard")
}

#[test]
fn every_case_of_the_standard_gives_its_result() {
    let table = std::fs::read_to_string(folder().join("cases.txt")).unwrap();
    let (mut model, mut count, mut failures) = (Err("no model yet".to_owned()), 0, String::new());
    for (line, number) in table.lines().zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(files) = line.strip_prefix("== ") {
            model = read(files);
            continue;
        }
        let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [element, variables, expected] = fields[..] else {
            panic!("line {number}: expected `element | variables | result`");
        };
        let found = match &model {
            Ok(model) => evaluate(model, element, &variables_of(variables)),
            Err(violations) if expected == "REFUSED" => {
                assert!(violations.contains(element), "line {number}: {violations}");
                "REFUSED".to_owned()
            }
            Err(violations) => format!("REFUSED: {violations}"),
        };
        if found != expected {
            writeln!(
                failures,
                "line {number}: {element} {variables}\n  expected {expected}\n  found    {found}"
            )
            .unwrap();
        }
        count += 1;
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(count > 60, "only {count} cases were found");
}

/// The first of the files, which may import those behind it; each of them may import those behind it.
fn read(files: &str) -> Result<Model, String> {
    let mut imports = Vec::new();
    for file in files.split(" + ").collect::<Vec<_>>().into_iter().rev() {
        let xml = std::fs::read_to_string(folder().join(file)).unwrap();
        let options = Options { dialect: Dialect::Dmn, imports: imports.clone() };
        imports.push(skep_dmn::parse(&xml, &options).map_err(|error| error.to_string())?);
    }
    Ok(imports.pop().unwrap())
}

fn variables_of(text: &str) -> BTreeMap<String, Value> {
    if text.is_empty() {
        return BTreeMap::new();
    }
    let names = Names::none();
    let syntax = Syntax { dialect: Dialect::Dmn, names: &names };
    let expression = Expression::parse_in(text, &syntax).unwrap();
    let value = expression.evaluate(&NoVariables, &Environment::at(0)).unwrap().value;
    let context = value.as_context().expect("the variables are a context");
    context.entries().iter().map(|(key, value)| (key.to_string(), value.clone())).collect()
}

fn evaluate(model: &Model, element: &str, variables: &BTreeMap<String, Value>) -> String {
    let environment = Environment::at(0);
    let decision =
        model.decisions().iter().find(|found| &*found.name == element || &*found.id == element);
    let evaluation = match decision {
        Some(decision) => model.evaluate(&decision.id, variables, &environment),
        None => model.invoke(element, variables, &environment),
    };
    match evaluation.map(|evaluation| evaluation.output) {
        None => "there is no such element".to_owned(),
        Some(Err(failure)) => format!("FAIL: {failure}"),
        Some(Ok(value @ Value::String(_))) => value.to_json(),
        Some(Ok(value)) => value.shown_in(Dialect::Dmn).to_string(),
    }
}
