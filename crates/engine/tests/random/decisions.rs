//! The decisions that random models ask for, and the tasks that ask.

use super::bpmn::extensions;
use super::chance::Chance;

/// The name of their file.
pub(crate) const FILE: &str = "grades.dmn";

/// Versions of a graph: the second lacks a decision of the first, and its table fails for more inputs.
const GRAPHS: [&str; 2] = [
    r##"<decision id="checked" name="checked"><literalExpression><text>assert(x, x != null)</text></literalExpression></decision>
<decision id="grade" name="grade">
<informationRequirement><requiredDecision href="#checked"/></informationRequirement>
<decisionTable hitPolicy="COLLECT">
<input><inputExpression><text>checked</text></inputExpression></input><output name="grade"/>
<rule><inputEntry><text>&lt; 3</text></inputEntry><outputEntry><text>checked + 1</text></outputEntry></rule>
<rule><inputEntry><text>&gt; 1</text></inputEntry><outputEntry><text>"many"</text></outputEntry></rule>
</decisionTable></decision>"##,
    r##"<decision id="grade" name="grade">
<decisionTable hitPolicy="UNIQUE">
<input><inputExpression><text>x</text></inputExpression></input><output name="grade"/><output name="rest"/>
<rule><inputEntry><text>&lt; 3</text></inputEntry><outputEntry><text>x</text></outputEntry><outputEntry><text>decision</text></outputEntry></rule>
<rule><inputEntry><text>2</text></inputEntry><outputEntry><text>9</text></outputEntry><outputEntry><text>null</text></outputEntry></rule>
</decisionTable></decision>"##,
];

/// One of the versions, as a file.
pub(crate) fn file(chance: &mut Chance) -> String {
    let body = chance.pick(&GRAPHS);
    format!(
        "<definitions xmlns=\"https://www.omg.org/spec/DMN/20191111/MODEL/\" id=\"grades\" name=\"Grades\" namespace=\"urn:random\">\n{body}</definitions>"
    )
}

/// The inside of a business rule task.
pub(crate) fn task(chance: &mut Chance) -> String {
    let decision = chance.pick(&["grade", "grade", "checked", "=&quot;gra&quot; + &quot;de&quot;"]);
    let binding = chance.pick(&["", "", " bindingType=\"latest\"", " bindingType=\"deployment\""]);
    extensions(&format!(
        r#"<z:calledDecision decisionId="{decision}" resultVariable="y"{binding}/>"#
    ))
}
