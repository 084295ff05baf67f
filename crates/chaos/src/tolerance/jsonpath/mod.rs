//! JSON paths, in the dialect that the Chaos Toolkit uses (jsonpath2): `$.a[*][?(@.b = 1)].c`.
//!
//! A filter looks at the value it stands behind, not at the values within it. Beyond that dialect,
//! names may stand in single quotes and `==` is `=`.

mod evaluate;
mod parse;

use serde_json::Value;

/// A path that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path(Node);

impl Path {
    /// Reads a path.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::path(text).map(Self)
    }

    /// The values that the path leads to, in order.
    pub(crate) fn values(&self, root: &Value) -> Vec<Value> {
        evaluate::node(&self.0, root, root)
    }
}

/// Where a path begins, and its steps.
#[derive(Debug, Clone, PartialEq)]
struct Node {
    /// At the root, or where the filter stands.
    from_root: bool,
    steps: Vec<Step>,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// Whether it is taken from every value below as well.
    descend: bool,
    subscripts: Vec<Subscript>,
}

/// What a step selects.
#[derive(Debug, Clone, PartialEq)]
enum Subscript {
    Name(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>, Option<i64>),
    Wildcard,
    Filter(Condition),
    /// Names and indexes that another path leads to.
    Path(Node),
    Call(Function, Vec<Operand>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    CharAt,
    Entries,
    Keys,
    Length,
    Substring,
    Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(Node),
    Value(Value),
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparison, Operand),
    Some(Operand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Compared with what jsonpath2 answers for the same.
    #[test]
    fn paths_lead_where_they_should() {
        let root = json!({
            "a": [{"b": 1, "c": "x"}, {"b": 2, "c": "y"}, {"b": 3}],
            "name": "b",
            "n": {"deep": {"b": 9}, "list": [1, 2, 3, 4]},
            "word": "chaos",
        });
        for (path, expected) in [
            ("$", vec![root.clone()]),
            ("$.word", vec![json!("chaos")]),
            ("$[\"word\"]", vec![json!("chaos")]),
            ("$['word','name']", vec![json!("chaos"), json!("b")]),
            ("$.a[0].b", vec![json!(1)]),
            ("$.a[-1].b", vec![json!(3)]),
            ("$.a[7]", vec![]),
            ("$.a[-7]", vec![]),
            ("$.a[*].b", vec![json!(1), json!(2), json!(3)]),
            ("$.a[0,2].b", vec![json!(1), json!(3)]),
            ("$.n.list[1:3]", vec![json!(2), json!(3)]),
            ("$.n.list[::2]", vec![json!(1), json!(3)]),
            ("$.n.list[-2:]", vec![json!(3), json!(4)]),
            ("$.n.list[:-2]", vec![json!(1), json!(2)]),
            ("$.n.list[3:0:-1]", vec![json!(4), json!(3), json!(2)]),
            ("$..b", vec![json!(1), json!(2), json!(3), json!(9)]),
            ("$.a[*][?(@.b = 2)].c", vec![json!("y")]),
            ("$.a[*][?(@.b > 1 and @.c)].b", vec![json!(2)]),
            ("$.a[*][?(@.b < 2 or @.b >= 3)].b", vec![json!(1), json!(3)]),
            ("$.a[*][?(not @.c)].b", vec![json!(3)]),
            ("$.a[*][?(not not @.c)].b", vec![json!(1), json!(2)]),
            ("$.a[*][?(@.b != 2 and (@.b <= 1 or @.b = 3))].b", vec![json!(1), json!(3)]),
            ("$.a[*][?(@ = {\"b\": 3})].b", vec![json!(3)]),
            ("$.a[*][?(@.c = \"x\")].b", vec![json!(1)]),
            ("$.a[*][?(@.c < \"z\")].b", vec![]),
            ("$[?(true)].word", vec![json!("chaos")]),
            ("$[?(false)].word", vec![]),
            ("$.a.length()", vec![json!(3)]),
            ("$.word[length()]", vec![json!(5)]),
            ("$.word.charAt(1)", vec![json!("h")]),
            ("$.word.substring(1,3)", vec![json!("ha")]),
            ("$.word.substring(-2)", vec![json!("os")]),
            ("$.n.deep.keys()", vec![json!(["b"])]),
            ("$.n.deep.values()", vec![json!([9])]),
            ("$.n.deep.entries()", vec![json!([["b", 9]])]),
            ("$.n.deep[$.name]", vec![json!(9)]),
            ("$.n[?(@.list.length() = 4)].deep.b", vec![json!(9)]),
            ("$.missing.b", vec![]),
            (" $ . word ", vec![json!("chaos")]),
        ] {
            let parsed = Path::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(parsed.values(&root), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "",
            "a.b",
            "$.",
            "$.a[]",
            "$[?@.a]",
            "$.a.nope()",
            "$.a b",
            "$[1.5]",
            "$[?(@.a]",
            "$.a-b",
            "$[?(@.a = )]",
            "$['a]",
            "$[01]",
            "$.a.length(",
            "$[?(@.a = 1 = 2)]",
        ] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
        let deep = format!("$[?{}@.a", "(".repeat(50_000));
        assert!(Path::parse(&deep).is_err());
        let deep = format!("${}", "[$".repeat(50_000));
        assert!(Path::parse(&deep).is_err());
    }
}
