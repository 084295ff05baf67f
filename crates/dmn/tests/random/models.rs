//! Random models, mostly whole: decisions that require each other, inputs, business knowledge models,
//! decision services, types and an import; and now and then a reference to nowhere or a cycle.

use std::fmt::Write;

use super::boxed;
use crate::feel::choices::Choices;

/// Names of inputs and variables; the generated expressions read these, by their first letters.
const INPUTS: [&str; 9] = ["n", "s", "b", "d", "l", "c", "u", "x", "l2"];

/// Names of the variables of decisions.
const DECISIONS: [&str; 7] = ["c2", "n", "item", "missing", "l2", "Applicant Age", "is it"];

/// Names of business knowledge models, decision services and the import.
pub const FUNCTIONS: [&str; 4] = ["f", "g", "h", "service"];

/// Types: of FEEL, of the file, and none.
const TYPES: [&str; 12] = [
    "number", "string", "boolean", "Any", "date", "list", "tNumber", "tTexts", "tPerson", "tTree",
    "tFew", "nothing",
];
const TYPES_OF_FEEL: usize = 6;

const NAMESPACES: [&str; 6] = [
    "https://www.omg.org/spec/DMN/20230324/MODEL/",
    "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "https://www.omg.org/spec/DMN/20191111/MODEL/",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "http://www.omg.org/spec/DMN/none",
];

const ITEMS: &str = r#"<itemDefinition name="tNumber"><typeRef>number</typeRef></itemDefinition>
<itemDefinition name="tTexts" isCollection="true"><typeRef>string</typeRef></itemDefinition>
<itemDefinition name="tFew"><typeRef>number</typeRef><allowedValues><text>1, 2, 3</text></allowedValues></itemDefinition>
<itemDefinition name="tPerson"><itemComponent name="a"><typeRef>number</typeRef></itemComponent><itemComponent name="b"><typeRef>string</typeRef></itemComponent></itemDefinition>
<itemDefinition name="tTree"><itemComponent name="a"><typeRef>number</typeRef></itemComponent><itemComponent name="c" isCollection="true"><typeRef>tTree</typeRef></itemComponent></itemDefinition>
"#;

/// A file and one that it may import.
#[derive(Debug)]
pub struct Files {
    pub xml: String,
    pub imported: String,
}

pub fn files(choices: &mut Choices<'_>) -> Files {
    let length = choices.below(48);
    let mut of_imported = choices.fork(length);
    let mut imported = Writer::new(&mut of_imported);
    imported.definitions("other", false);
    let imported = imported.out;
    let mut writer = Writer::new(choices);
    let imports = writer.choices.once_in(4);
    writer.definitions("ns", imports);
    Files { xml: writer.out, imported }
}

/// Writes XML.
pub(super) struct Writer<'c, 'a> {
    pub(super) choices: &'c mut Choices<'a>,
    pub(super) out: String,
    /// Ids given so far.
    pub(super) ids: u32,
    /// Business knowledge models of the file.
    functions: usize,
    /// Whether the file declares types.
    types: bool,
}

impl<'c, 'a> Writer<'c, 'a> {
    fn new(choices: &'c mut Choices<'a>) -> Writer<'c, 'a> {
        Writer { choices, out: String::new(), ids: 0, functions: 0, types: false }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// An attribute `id` of its own; now and then one that there is, or none.
    pub(super) fn id(&mut self) {
        self.ids += 1;
        let id = match self.choices.below(256) {
            250..=254 => return,
            255 => self.ids / 2,
            _ => self.ids,
        };
        let _ = write!(self.out, " id=\"i{id}\"");
    }

    /// `<text>`, with what XML cannot hold left out.
    pub(super) fn text(&mut self, text: &str) {
        let text: String =
            text.chars().filter(|letter| !letter.is_control() && *letter < '\u{fffe}').collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        self.push("<text>");
        self.push(&text);
        self.push("</text>");
    }

    pub(super) fn type_ref(&mut self) {
        if self.choices.once_in(4) {
            let known = if self.types { TYPES.len() - 1 } else { TYPES_OF_FEEL };
            let known = if self.choices.once_in(64) { TYPES.len() } else { known };
            let name = self.choices.pick(&TYPES[..known]);
            let _ = write!(self.out, " typeRef=\"{name}\"");
        }
    }

    /// The name of something that can be called, mostly one that there is.
    pub(super) fn function(&mut self) -> &'static str {
        let there = self.choices.below(self.functions);
        if self.functions > 0 && !self.choices.once_in(12) {
            return FUNCTIONS[there];
        }
        self.choices.pick(&FUNCTIONS)
    }

    fn variable(&mut self, name: &str) {
        self.push("<variable");
        let _ = write!(self.out, " name=\"{name}\"");
        self.type_ref();
        self.push("/>");
    }

    fn definitions(&mut self, namespace: &str, imports: bool) {
        let model = match self.choices.below(128) {
            which @ 122.. => NAMESPACES[which - 122],
            _ => NAMESPACES[0],
        };
        let _ = writeln!(
            self.out,
            "<definitions xmlns=\"{model}\" id=\"{namespace}\" name=\"{namespace}\" namespace=\"{namespace}\">"
        );
        if imports {
            let name = self.choices.pick(&["", "other", "i m"]);
            let _ = writeln!(
                self.out,
                "<import name=\"{name}\" namespace=\"other\" importType=\"{model}\"/>"
            );
        }
        self.types = self.choices.once_in(3);
        self.push(if self.types { ITEMS } else { "" });
        let inputs = self.choices.below(6);
        for (index, name) in INPUTS.iter().enumerate().take(inputs) {
            let _ = write!(self.out, "<inputData id=\"in{index}\" name=\"{name}\">");
            self.variable(name);
            self.push("</inputData>\n");
        }
        let functions = self.choices.below(4);
        self.functions = functions;
        for index in 0..functions {
            self.knowledge(index, functions);
        }
        let decisions = 1 + self.choices.below(5);
        for index in 0..decisions {
            self.decision(index, decisions, inputs, functions, imports);
        }
        if self.choices.once_in(4) {
            self.service(decisions, inputs);
        }
        self.push("</definitions>\n");
    }

    fn knowledge(&mut self, index: usize, functions: usize) {
        let name = FUNCTIONS[index];
        let _ = write!(self.out, "<businessKnowledgeModel id=\"k{index}\" name=\"{name}\">");
        self.push("<encapsulatedLogic");
        self.id();
        self.push(">");
        for parameter in ["a", "b", "n"].iter().take(self.choices.below(4)) {
            let _ = write!(self.out, "<formalParameter name=\"{parameter}\"");
            self.type_ref();
            self.push("/>");
        }
        boxed::expression(self, 3);
        self.push("</encapsulatedLogic>");
        for _ in 0..self.choices.below(3) {
            // Mostly earlier ones, so that there is no cycle.
            let end = if self.choices.once_in(12) { functions } else { index };
            if end == 0 {
                continue;
            }
            let other = self.choices.below(end);
            let _ = write!(
                self.out,
                "<knowledgeRequirement><requiredKnowledge href=\"#k{other}\"/></knowledgeRequirement>"
            );
        }
        self.push("</businessKnowledgeModel>\n");
    }

    fn decision(
        &mut self,
        index: usize,
        decisions: usize,
        inputs: usize,
        functions: usize,
        imports: bool,
    ) {
        let name = DECISIONS[index];
        let _ = write!(self.out, "<decision id=\"d{index}\" name=\"D {index}\">");
        if !self.choices.once_in(8) {
            self.variable(name);
        }
        let require = |kind: &str, what: &str, href: &str| {
            format!("<{kind}Requirement><required{what} href=\"{href}\"/></{kind}Requirement>")
        };
        for _ in 0..self.choices.below(4) {
            // Mostly earlier ones, so that there is no cycle.
            let end = if self.choices.once_in(24) { decisions + 1 } else { index };
            if end > 0 {
                let href = format!("#d{}", self.choices.below(end));
                self.push(&require("information", "Decision", &href));
            }
        }
        for input in 0..inputs {
            if self.choices.below(2) == 0 {
                self.push(&require("information", "Input", &format!("#in{input}")));
            }
        }
        for function in 0..functions {
            if self.choices.below(2) == 0 {
                self.push(&require("knowledge", "Knowledge", &format!("#k{function}")));
            }
        }
        if imports && self.choices.below(2) == 0 {
            self.push(&require("information", "Decision", "other#d0"));
            if self.choices.once_in(4) {
                self.push(&require("knowledge", "Knowledge", "other#k0"));
            }
        }
        if self.choices.once_in(24) {
            self.push(&require("knowledge", "Knowledge", "#sv"));
        }
        if !self.choices.once_in(32) {
            boxed::expression(self, 4);
        }
        self.push("</decision>\n");
    }

    fn service(&mut self, decisions: usize, inputs: usize) {
        self.push("<decisionService id=\"sv\" name=\"service\"><variable name=\"service\"/>");
        let _ = write!(self.out, "<outputDecision href=\"#d{}\"/>", decisions - 1);
        if decisions > 2 {
            self.push("<encapsulatedDecision href=\"#d1\"/>");
        }
        if decisions > 1 && self.choices.below(2) == 0 {
            self.push("<inputDecision href=\"#d0\"/>");
        }
        for input in 0..inputs {
            let _ = write!(self.out, "<inputData href=\"#in{input}\"/>");
        }
        self.push("</decisionService>\n");
    }
}
