//! The tables of FEEL cases: one case a line, `expression | variables | result | warnings`.
//!
//! `unary tests` alone on a line begins a part whose expressions are unary tests; `⏎` in an
//! expression is a line break; `#` begins a comment. Two comments say more: `#   RESULT` right
//! after a case is what Camunda's own FEEL gives where Skep differs on purpose, and `# since 8.7`
//! says that the cases after it are of that version of Camunda.

/// A table's name and text.
macro_rules! embedded {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../feel/tests/cases/", $name)))
    };
}

/// The tables that come with Skep, each with the name of its file.
pub(crate) const TABLES: &[(&str, &str)] = &[
    embedded!("arguments.txt"),
    embedded!("differences.txt"),
    embedded!("differences_unary.txt"),
    embedded!("functions.txt"),
    embedded!("guide_functions.txt"),
    embedded!("guide_language.txt"),
    embedded!("guide_temporal.txt"),
    embedded!("guide_unary_tests.txt"),
    embedded!("language.txt"),
    embedded!("newer.txt"),
    embedded!("operators.txt"),
    embedded!("operators_in_tests.txt"),
    embedded!("processes.txt"),
    embedded!("temporal.txt"),
    embedded!("unary_tests.txt"),
    embedded!("zeebe.txt"),
];

/// What separates the fields of a line.
const SEPARATOR: &str = " | ";

/// What begins the comment with the result of Camunda's own FEEL.
const ELSEWHERE: &str = "#   ";

/// What begins the comment with the version of the cases that follow.
const SINCE: &str = "# since ";

/// One case of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Case {
    /// File and line, for people.
    pub(crate) place: String,
    /// The expression, or the unary tests.
    pub(crate) text: String,
    /// The variables: a FEEL context, or empty.
    pub(crate) variables: String,
    /// The result: what `string` shows (texts in JSON quotes), `PARSE`, or `FAIL`.
    pub(crate) expected: String,
    /// Whether the text is unary tests; the input is the variable `?`.
    pub(crate) unary: bool,
    /// What Camunda gives where Skep differs on purpose.
    pub(crate) elsewhere: Option<String>,
    /// The version of Camunda that has this first, if it is newer than the tables' own.
    pub(crate) since: Option<String>,
}

/// Reads a table. A line without a result is an error that names the line.
pub(crate) fn read(name: &str, text: &str) -> Result<Vec<Case>, String> {
    let mut cases: Vec<Case> = Vec::new();
    let (mut unary, mut since, mut after_case) = (false, None, false);
    for (line, number) in text.lines().zip(1..) {
        let place = format!("{name}:{number}");
        let case_before = std::mem::replace(&mut after_case, false);
        if let Some(version) = line.strip_prefix(SINCE) {
            since = Some(version.trim().to_owned());
        } else if let Some(result) = line.strip_prefix(ELSEWHERE).filter(|_| case_before) {
            if let Some(case) = cases.last_mut() {
                case.elsewhere = Some(result.trim().to_owned());
            }
        } else if line.trim() == "unary tests" {
            unary = true;
        } else if !line.starts_with('#') && !line.trim().is_empty() {
            let mut fields = line.split(SEPARATOR).map(str::trim);
            let (Some(text), Some(variables), Some(expected)) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(format!("{place}: expected `expression | variables | result`"));
            };
            cases.push(Case {
                place,
                text: text.replace('⏎', "\n"),
                variables: variables.to_owned(),
                expected: expected.to_owned(),
                unary,
                elsewhere: None,
                since: since.clone(),
            });
            after_case = true;
        }
    }
    Ok(cases)
}
