//! Random expressions, mostly well-typed: operators and functions get what they expect, so that
//! evaluation gets deep, and now and then something else.

use super::choices::Choices;
use super::functions::{FUNCTIONS, KINDS, Kind, giving};
use super::literals;
use super::values::KEYS;

/// Levels of a generated expression.
const DEPTH: u32 = 6;

/// Bytes of text after which only literals follow.
const BYTES: usize = 600;

const TYPES: [&str; 16] = [
    "number",
    "string",
    "boolean",
    "date",
    "time",
    "date and time",
    "days and time duration",
    "years and months duration",
    "list<number>",
    "list<Any>",
    "context<a: number, b: string>",
    "range<date>",
    "function<number, string> -> boolean",
    "Any",
    "Null",
    "context<a: list<context<b: list<Any>>>>",
];

/// The text of an expression.
pub fn expression(choices: &mut Choices<'_>) -> String {
    let kind = choices.pick(&KINDS);
    let mut writer = Writer { choices, out: String::new(), locals: Vec::new() };
    writer.expression(kind, DEPTH);
    writer.out
}

/// The text of unary tests.
pub fn unary_tests(choices: &mut Choices<'_>) -> String {
    let mut writer = Writer { choices, out: String::new(), locals: Vec::new() };
    let negated = writer.choices.once_in(4);
    writer.push(if negated { "not(" } else { "" });
    for index in 0..=writer.choices.below(3) {
        writer.push(if index > 0 { ", " } else { "" });
        writer.test(DEPTH - 1);
    }
    writer.push(if negated { ")" } else { "" });
    writer.out
}

struct Writer<'c, 'a> {
    choices: &'c mut Choices<'a>,
    out: String,
    locals: Vec<String>,
}

impl Writer<'_, '_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn expression(&mut self, kind: Kind, depth: u32) {
        if depth == 0 || self.out.len() > BYTES || self.choices.is_exhausted() {
            return self.leaf(kind);
        }
        let kind = match kind {
            Kind::Any => self.choices.pick(&KINDS),
            kind if self.choices.once_in(16) => {
                let _ = kind;
                self.choices.pick(&KINDS)
            }
            kind => kind,
        };
        match self.choices.below(16) {
            0..=3 => self.leaf(kind),
            4..=6 => self.call(kind, depth - 1),
            7..=11 => self.compound(kind, depth - 1),
            12 => self.one_of(depth - 1, "if ", &[Kind::Boolean, kind, kind]),
            13 => self.path(kind, depth - 1),
            14 => self.invocation(kind, depth - 1),
            _ => {
                self.push("(");
                self.expression(kind, depth - 1);
                self.push(")");
            }
        }
    }

    fn leaf(&mut self, kind: Kind) {
        if self.choices.below(3) == 1 {
            if self.choices.below(2) == 0 && !self.locals.is_empty() {
                let index = self.choices.below(self.locals.len());
                let name = self.locals[index].clone();
                return self.push(&name);
            }
            return self.variable(kind);
        }
        let text = match kind {
            Kind::Any => "null".to_owned(),
            Kind::Boolean => self.choices.pick(&["true", "false"]).to_owned(),
            Kind::Number => literals::number(self.choices),
            Kind::Text => literals::text(self.choices),
            Kind::Date => literals::date(self.choices),
            Kind::Time => literals::time(self.choices),
            Kind::DateTime => literals::date_time(self.choices),
            Kind::Days => literals::days(self.choices),
            Kind::Months => literals::months(self.choices),
            Kind::List => {
                self.choices.pick(&["[]", "[1, 2, 3]", "[null]", "[\"a\", 1]"]).to_owned()
            }
            Kind::Context => {
                self.choices.pick(&["{}", "{a: 1}", "{a: {b: null}, c: [1]}"]).to_owned()
            }
            Kind::Range => {
                self.choices.pick(&["[1..10]", "(1..3)", "[1..10 ** 30]", "]1..5["]).to_owned()
            }
            Kind::Function => self
                .choices
                .pick(&["function(a, b) a < b", "function() 1", "function(a) a(a)"])
                .to_owned(),
        };
        self.push(&text);
    }

    /// A variable; its first letter says what it mostly holds.
    fn variable(&mut self, kind: Kind) {
        let name = match kind {
            Kind::Any | Kind::Function => {
                self.choices.pick(&["x", "item", "partial", "?", "missing"])
            }
            Kind::Boolean => "b",
            Kind::Number => "n",
            Kind::Text => "s",
            Kind::Date => "d",
            Kind::Time => "t",
            Kind::DateTime => "u",
            Kind::Days => "v",
            Kind::Months => "w",
            Kind::List => self.choices.pick(&["l", "l2"]),
            Kind::Context => self.choices.pick(&["c", "c2"]),
            Kind::Range => "r",
        };
        self.push(name);
    }

    fn call(&mut self, kind: Kind, depth: u32) {
        let candidates =
            if self.choices.once_in(12) { FUNCTIONS.iter().collect() } else { giving(kind) };
        let signature = candidates[self.choices.below(candidates.len())];
        self.push(signature.name);
        self.push("(");
        let named = self.choices.once_in(6);
        for (index, (name, kind)) in signature.parameters.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            if named {
                self.push(name);
                self.push(": ");
            }
            self.expression(*kind, depth);
        }
        self.push(")");
    }

    /// `words` before the parts: `if` then `then` then `else`.
    fn one_of(&mut self, depth: u32, first: &str, kinds: &[Kind; 3]) {
        for (word, kind) in [first, " then ", " else "].into_iter().zip(kinds) {
            self.push(word);
            self.expression(*kind, depth);
        }
    }

    fn binary(&mut self, left: Kind, operator: &str, right: Kind, depth: u32) {
        self.expression(left, depth);
        self.push(operator);
        self.expression(right, depth);
    }

    fn compound(&mut self, kind: Kind, depth: u32) {
        use Kind::{Any, Boolean, Context, Date, DateTime, Days, List, Months, Number, Text, Time};
        match kind {
            Boolean => self.boolean(depth),
            Number => {
                let (left, operator, right) = self.choices.pick(&[
                    (Number, " + ", Number),
                    (Number, " - ", Number),
                    (Number, " * ", Number),
                    (Number, " / ", Number),
                    (Number, " ** ", Number),
                    (Days, " / ", Days),
                    (Months, " / ", Months),
                ]);
                self.binary(left, operator, right, depth);
            }
            Text => self.binary(Text, " + ", Text, depth),
            Date | Time | DateTime => {
                let step = self.choices.pick(&[Days, Months]);
                let operator = self.choices.pick(&[" + ", " - "]);
                self.binary(kind, operator, step, depth);
            }
            Days | Months => {
                let (left, operator, right) = self.choices.pick(&[
                    (kind, " + ", kind),
                    (kind, " - ", kind),
                    (kind, " * ", Number),
                    (kind, " / ", Number),
                    (Date, " - ", Date),
                    (DateTime, " - ", DateTime),
                    (Time, " - ", Time),
                ]);
                self.binary(left, operator, right, depth);
            }
            List => self.list(depth),
            Context => self.context(depth),
            Kind::Range => {
                let bound = self.choices.pick(&[Number, Date, Text, Days, DateTime, Any]);
                let open = self.choices.pick(&["[", "(", "]"]);
                self.push(open);
                self.expression(bound, depth);
                self.push("..");
                self.expression(bound, depth);
                let close = self.choices.pick(&["]", ")", "["]);
                self.push(close);
            }
            Kind::Function => {
                self.push("function(p, q) ");
                self.bound(&["p", "q"], |writer| writer.expression(Any, depth));
            }
            Any => self.expression(Any, depth),
        }
    }

    fn boolean(&mut self, depth: u32) {
        let kind = self.choices.pick(&KINDS);
        match self.choices.below(8) {
            0 | 1 => {
                let operator = self.choices.pick(&[" = ", " != ", " < ", " <= ", " > ", " >= "]);
                self.binary(kind, operator, kind, depth);
            }
            2 => {
                let operator = self.choices.pick(&[" and ", " or "]);
                self.binary(Kind::Boolean, operator, Kind::Boolean, depth);
            }
            3 => {
                self.expression(kind, depth);
                self.push(" between ");
                self.expression(kind, depth);
                self.push(" and ");
                self.expression(kind, depth);
            }
            4 => {
                self.expression(kind, depth);
                self.push(" instance of ");
                let name = self.choices.pick(&TYPES);
                self.push(name);
            }
            5 => {
                self.expression(kind, depth);
                self.push(" in (");
                self.test(depth);
                self.push(", ");
                self.test(depth);
                self.push(")");
            }
            6 => self.binary(kind, " in ", Kind::Range, depth),
            _ => {
                let word = self.choices.pick(&["some ", "every "]);
                self.push(word);
                self.iterations(depth, " satisfies ", Kind::Boolean);
            }
        }
    }

    fn test(&mut self, depth: u32) {
        match self.choices.below(5) {
            0 => self.push("null"),
            1 => {
                let operator = self.choices.pick(&["< ", "<= ", "> ", ">= ", "= ", "!= "]);
                self.push(operator);
                self.expression(Kind::Any, depth.saturating_sub(1));
            }
            2 => self.expression(Kind::Range, depth.saturating_sub(1)),
            3 => self.expression(Kind::Boolean, depth.saturating_sub(1)),
            _ => self.expression(Kind::Any, depth.saturating_sub(1)),
        }
    }

    fn list(&mut self, depth: u32) {
        match self.choices.below(4) {
            0 => {
                let kind = self.choices.pick(&KINDS);
                self.push("[");
                for index in 0..self.choices.below(5) {
                    self.push(if index > 0 { ", " } else { "" });
                    self.expression(kind, depth);
                }
                self.push("]");
            }
            1 => {
                self.push("for ");
                self.iterations(depth, " return ", Kind::Any);
            }
            2 => {
                self.expression(Kind::List, depth);
                self.push("[");
                self.bound(&["item", "a", "b"], |writer| {
                    writer.expression(Kind::Boolean, depth);
                });
                self.push("]");
            }
            _ => {
                self.expression(Kind::List, depth);
                self.push(".");
                let key = self.choices.pick(&["a", "b", "c", "`is it`"]);
                self.push(key);
            }
        }
    }

    /// `i in ... , j in ...`, the word, and a body that knows `i` and `j`.
    fn iterations(&mut self, depth: u32, word: &str, body: Kind) {
        let names = if self.choices.once_in(3) { &["i", "j"][..] } else { &["i"] };
        for (index, name) in names.iter().enumerate() {
            self.push(if index > 0 { ", " } else { "" });
            self.push(name);
            self.push(" in ");
            match self.choices.below(4) {
                0 => self.push("1..5"),
                1 => self.expression(Kind::List, depth),
                2 => self.expression(Kind::Range, depth),
                _ => self.binary(Kind::Number, "..", Kind::Number, depth),
            }
        }
        self.push(word);
        self.bound(&["i", "j", "partial"], |writer| writer.expression(body, depth));
    }

    fn context(&mut self, depth: u32) {
        self.push("{");
        for index in 0..self.choices.below(4) {
            self.push(if index > 0 { ", " } else { "" });
            let key = self.choices.pick(&["a", "b", "c", "\"is it\"", "`x`"]);
            self.push(key);
            self.push(": ");
            self.bound(&["a", "b"], |writer| writer.expression(Kind::Any, depth));
        }
        self.push("}");
    }

    fn path(&mut self, kind: Kind, depth: u32) {
        if self.choices.below(2) == 0 {
            self.push("{r: ");
            self.expression(kind, depth);
            return self.push("}.r");
        }
        const PROPERTIES: [&str; 20] = [
            "year",
            "month",
            "day",
            "weekday",
            "hour",
            "minute",
            "second",
            "time offset",
            "timezone",
            "years",
            "months",
            "days",
            "hours",
            "minutes",
            "seconds",
            "start",
            "end",
            "start included",
            "end included",
            "value",
        ];
        self.expression(Kind::Any, depth);
        self.push(".");
        let key = if self.choices.below(2) == 0 {
            self.choices.pick(&PROPERTIES)
        } else {
            self.choices.pick(&KEYS)
        };
        self.push(key);
    }

    fn invocation(&mut self, kind: Kind, depth: u32) {
        match self.choices.below(3) {
            0 => {
                self.push("(function(p) ");
                self.bound(&["p"], |writer| writer.expression(kind, depth));
                self.push(")(");
                self.expression(Kind::Any, depth);
                self.push(")");
            }
            1 => {
                self.push("{f: function(g, p) if p < 1 then ");
                self.expression(kind, depth);
                self.push(" else g(g, p - 1), r: f(f, ");
                self.expression(Kind::Number, depth);
                self.push(")}.r");
            }
            _ => {
                self.expression(Kind::List, depth);
                self.push("[");
                self.expression(Kind::Number, depth);
                self.push("]");
            }
        }
    }

    fn bound(&mut self, names: &[&str], write: impl FnOnce(&mut Self)) {
        let before = self.locals.len();
        self.locals.extend(names.iter().map(|name| (*name).to_owned()));
        write(self);
        self.locals.truncate(before);
    }
}
