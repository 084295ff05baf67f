//! What must hold for every file and every evaluation of its decisions. That nothing panics and the
//! stack suffices is checked by running at all.

use std::cell::Cell;

use skep_dmn::{Decision, DecisionEvaluation, Model, Options, Violations, limits, outline, parse};
use skep_feel::{Budget, Dialect, Environment, Value, Variables};

use super::models::{FUNCTIONS, files};
use super::mutation;
use crate::feel::checks::DIALECTS;
use crate::feel::choices::Choices;
use crate::feel::values;

/// What most evaluations may use, so that thousands of them are done in a second.
const QUICK: Budget = Budget { steps_max: 1_500, bytes_max: 64 * 1024, depth_max: 600 };

/// The larger budget, for some.
const LARGE: Budget = Budget { steps_max: 40_000, bytes_max: 1024 * 1024, depth_max: 600 };

/// Decisions of one file that are evaluated.
const DECISIONS: usize = 5;

/// How often something came out; a test that nothing comes out of tests nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub files: u32,
    pub read: u32,
    pub evaluations: u32,
    pub without_null: u32,
    pub failed: u32,
    pub with_rules: u32,
    pub with_several: u32,
}

/// A value for every name: the same bytes give the same values.
struct AnyVariables<'a> {
    bytes: &'a [u8],
    /// Whether one was made of bytes that nobody checked, which may say more than they hold.
    unsound: Cell<bool>,
}

impl Variables for AnyVariables<'_> {
    fn get(&self, name: &str) -> Option<Value> {
        let at = name.bytes().fold(0, |sum, byte| sum * 7 + usize::from(byte));
        let at = at % (self.bytes.len() + 1);
        let (before, behind) = self.bytes.split_at(at);
        let bytes = [behind, before].concat();
        let value = values::variables(&mut Choices::new(&bytes), &[name]).remove(name)?;
        if Value::from_msgpack(&value.to_msgpack()).is_err() {
            self.unsound.set(true);
        }
        Some(value)
    }
}

/// Files made of the choices, the second imported by the first. One in eight is read in both dialects
/// and more than once, the others once in one.
pub fn generated_files(choices: &mut Choices<'_>, counts: &mut Counts) {
    let head = choices.byte();
    let length = usize::from(choices.byte() % 64);
    let of_variables = choices.fork(length);
    let files = files(choices);
    let xml = match head >> 4 {
        0..=13 => files.xml,
        _ => mutation::mutated(&files.xml, choices),
    };
    let thorough = head & 0x0e == 0x0e;
    for dialect in DIALECTS {
        if !thorough && dialect != DIALECTS[usize::from(head & 1)] {
            continue;
        }
        let imported = if xml.contains("<import") { &*files.imported } else { "" };
        let imported = parse(imported, &Options { dialect, ..Options::default() }).ok();
        let imports = imported.into_iter().collect();
        file(&xml, dialect, imports, thorough, &mut of_variables.clone(), counts);
    }
}

/// A file: refused with places, or read, and then its decisions are evaluated over random variables.
pub fn file(
    xml: &str,
    dialect: Dialect,
    imports: Vec<Model>,
    thorough: bool,
    of_variables: &mut Choices<'_>,
    counts: &mut Counts,
) {
    counts.files += 1;
    let options = Options { dialect, imports };
    let read = parse(xml, &options);
    if thorough {
        let _ = outline(xml);
    }
    let again = thorough.then(|| parse(xml, &options));
    let model = match read {
        Ok(model) => model,
        Err(found) => {
            refused(xml, &found);
            if let Some(again) = again {
                assert_eq!(again.err(), Some(found), "{xml}: read again, other violations");
            }
            return;
        }
    };
    counts.read += 1;
    let again = again.map(|again| again.unwrap_or_else(|found| panic!("{xml}: {found}")));
    let bytes = of_variables.take(60);
    let budget = if thorough && of_variables.once_in(4) { LARGE } else { QUICK };
    let environment = Environment { random_seed: 7, budget, ..Environment::at(1_767_323_045_678) };
    let models: Vec<&Model> = [&model].into_iter().chain(&options.imports).collect();
    let variables = || AnyVariables { bytes, unsound: Cell::new(false) };
    let evaluated = |model: &Model| -> Vec<(DecisionEvaluation, bool)> {
        let decisions = model.decisions().iter().take(DECISIONS);
        let evaluate = |decision: &Decision| {
            let variables = variables();
            let found = model.evaluate(&decision.id, &variables, &environment);
            let found = found.unwrap_or_else(|| panic!("{xml}: no decision {}", decision.id));
            (found, !variables.unsound.get())
        };
        decisions.map(evaluate).collect()
    };
    let all = evaluated(&model);
    if let Some(again) = &again {
        let others = evaluated(again);
        assert_eq!(shown(&all), shown(&others), "{xml}: read again, another outcome");
    }
    for (decision, (found, sound)) in model.decisions().iter().zip(&all) {
        traced(xml, &models, &decision.id, found, *sound, counts);
        // What was compiled before costs less now, so that one that ran out of steps may end.
        if found.output.is_err() {
            continue;
        }
        let untraced = model.output(&decision.id, &variables(), &environment).unwrap();
        assert_eq!(shown(&found.output), shown(&untraced), "{xml}: without a trace");
        if thorough {
            let warm = model.evaluate(&decision.id, &variables(), &environment).unwrap();
            let large = Environment { budget: LARGE, ..environment.clone() };
            let large = model.evaluate(&decision.id, &variables(), &large).unwrap();
            let (found, warm, large) = (shown(found), shown(&warm), shown(&large));
            assert_eq!(found, warm, "{xml}: evaluated again, another outcome");
            assert_eq!(found, large, "{xml}: a larger budget, another outcome");
        }
    }
    for name in FUNCTIONS {
        let _ = model.invoke(name, &variables(), &environment);
    }
}

fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

/// Every violation has a place and a reason.
fn refused(xml: &str, found: &Violations) {
    assert!(!found.violations.is_empty(), "{xml}");
    let lines = xml.lines().count() + 1;
    for violation in &found.violations {
        let is_of_file = violation.construct.is_empty();
        let has_place = !violation.element_id.is_empty() || violation.line > 0;
        assert!(is_of_file || has_place, "{xml}: no place: {violation:?}");
        assert!(violation.line as usize <= lines, "{xml}: {violation:?}");
        assert!(!violation.reason.is_empty());
        assert!(violation.to_string().ends_with(&violation.reason));
    }
    assert!(found.to_string().contains(&found.violations[0].reason));
}

/// The trace of the evaluation of a decision: each decision at most once, what it required before it,
/// and in each what the file has.
fn traced(
    xml: &str,
    models: &[&Model],
    asked: &str,
    found: &DecisionEvaluation,
    sound: bool,
    counts: &mut Counts,
) {
    counts.evaluations += 1;
    counts.with_several += u32::from(found.evaluated_decisions.len() > 1);
    let last = found.evaluated_decisions.last();
    match &found.output {
        Ok(value) => {
            counts.without_null += u32::from(!value.is_null());
            let last = last.unwrap_or_else(|| panic!("{xml}: no trace of {asked}"));
            assert_eq!(&*last.decision_id, asked, "{xml}: the asked decision is not the last");
            assert_eq!(shown(value), shown(&last.output), "{xml}: {asked}");
            let _ = value.to_json();
            if sound {
                let packed = Value::from_msgpack(&value.to_msgpack());
                assert!(packed.is_ok(), "{xml}: {asked} gave {value}, which cannot be stored");
            }
        }
        Err(failure) => {
            counts.failed += 1;
            assert!(!failure.message.is_empty(), "{xml}: {failure:?}");
            let is_of_input = failure.message.starts_with("failed to evaluate the input");
            let is_last = last.is_some_and(|last| last.decision_id == failure.decision_id);
            assert!(is_of_input || is_last, "{xml}: what failed is not the last: {failure:?}");
        }
    }
    for evaluated in &found.evaluated_decisions {
        let id = &evaluated.decision_id;
        let times = |decisions: &mut dyn Iterator<Item = &std::sync::Arc<str>>| {
            decisions.filter(|other| *other == id).count()
        };
        let known: usize = models
            .iter()
            .map(|model| times(&mut model.decisions().iter().map(|decision| &decision.id)))
            .sum();
        let seen =
            times(&mut found.evaluated_decisions.iter().map(|decision| &decision.decision_id));
        assert!((1..=known).contains(&seen), "{xml}: {id} was evaluated {seen} times");
        // The ids, texts and places are those of the file or of what it imports.
        assert!(evaluated.warnings.len() <= limits::WARNINGS_MAX, "{xml}: {id}");
        for warning in &evaluated.warnings {
            assert!(!warning.message.is_empty());
            let part = warning.expression.get(warning.span.clone());
            assert!(part.is_some(), "{xml}: {warning:?}");
        }
        counts.with_rules += u32::from(!evaluated.matched_rules.is_empty());
        for rule in &evaluated.matched_rules {
            assert!(rule.rule_index > 0, "{xml}: {rule:?}");
            // Of imported files the text is not here.
            if models.len() == 1 {
                let rules = xml.matches("rule").count();
                assert!(rule.rule_index as usize <= rules, "{xml}: {rule:?}");
            }
        }
        let inputs = evaluated.inputs.iter().map(|input| &input.value);
        let outputs = evaluated.matched_rules.iter().flat_map(|rule| &rule.outputs);
        for value in inputs.chain(outputs.map(|output| &output.value)) {
            let _ = (value.to_json(), value.to_msgpack());
        }
    }
}
