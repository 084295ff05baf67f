//! The conformance kit: folders with models and test cases, whose values become FEEL texts that each
//! engine evaluates for itself before anything is measured.

use std::fs;
use std::path::{Path, PathBuf};

use roxmltree::Node;

/// A folder of the kit.
pub struct Folder {
    /// The texts of its models; the tested one last.
    pub models: Vec<String>,
    pub cases: Vec<Case>,
}

/// A test case of one result.
pub struct Case {
    /// The name of the decision or decision service.
    pub invocable: String,
    /// Name and FEEL text of each input.
    pub inputs: Vec<(String, String)>,
    /// The FEEL text of the expected value; none if an error is expected.
    pub expected: Option<String>,
}

/// Every folder below `path` that has test cases.
pub fn read(path: &Path) -> Result<Vec<Folder>, String> {
    let mut folders = Vec::new();
    let mut pending = vec![path.to_path_buf()];
    while let Some(folder) = pending.pop() {
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        let has = |path: &Path, name: &str| path.extension().is_some_and(|found| found == name);
        for tests in paths.iter().filter(|path| has(path, "xml")) {
            let tests = text_of(tests)?;
            if let Some(read) = read_tests(
                &tests,
                &paths.iter().filter(|path| has(path, "dmn")).collect::<Vec<_>>(),
            )? {
                folders.push(read);
            }
        }
        pending.extend(paths.into_iter().filter(|path| path.is_dir()));
    }
    Ok(folders)
}

fn text_of(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_tests(text: &str, models: &[&PathBuf]) -> Result<Option<Folder>, String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != "testCases" {
        return Ok(None);
    }
    let tested = child(root, "modelName").and_then(|node| node.text()).unwrap_or("").trim();
    let is_tested = |path: &Path| path.file_name().is_some_and(|name| name == tested);
    let mut models = models.to_vec();
    models.sort_by_key(|path| is_tested(path));
    let models = models.into_iter().map(|path| text_of(path)).collect::<Result<_, _>>()?;
    let mut cases = Vec::new();
    for case in root.children().filter(|node| node.tag_name().name() == "testCase") {
        let nodes =
            |name: &'static str| case.children().filter(move |node| node.tag_name().name() == name);
        let name = |node: Node<'_, '_>| node.attribute("name").unwrap_or("").to_owned();
        let inputs: Vec<_> = nodes("inputNode").map(|node| (name(node), value(node))).collect();
        for result in nodes("resultNode") {
            let is_error = result.attribute("errorResult") == Some("true");
            cases.push(Case {
                invocable: case
                    .attribute("invocableName")
                    .map_or_else(|| name(result), str::to_owned),
                inputs: inputs.clone(),
                expected: child(result, "expected").filter(|_| !is_error).map(value),
            });
        }
    }
    Ok(Some(Folder { models, cases }))
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The FEEL text of the value that stands below the node.
fn value(node: Node<'_, '_>) -> String {
    let elements =
        |name: &'static str| node.children().filter(move |child| child.tag_name().name() == name);
    if let Some(list) = child(node, "list") {
        if is_nil(list) {
            return "null".to_owned();
        }
        let items: Vec<String> =
            list.children().filter(|item| item.tag_name().name() == "item").map(value).collect();
        return format!("[{}]", items.join(", "));
    }
    if elements("component").next().is_some() {
        let entries: Vec<String> = elements("component")
            .map(|entry| {
                format!("{}: {}", quoted(entry.attribute("name").unwrap_or("")), value(entry))
            })
            .collect();
        return format!("{{{}}}", entries.join(", "));
    }
    match child(node, "value") {
        Some(simple) if !is_nil(simple) => literal(simple),
        _ => "null".to_owned(),
    }
}

fn is_nil(node: Node<'_, '_>) -> bool {
    attribute(node, "nil") == Some("true")
}

/// An attribute by its name without a prefix.
fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|attribute| attribute.name() == name).map(|attribute| attribute.value())
}

fn literal(node: Node<'_, '_>) -> String {
    let text = node.text().unwrap_or("");
    let kind = attribute(node, "type").unwrap_or("xsd:string");
    match kind.rsplit(':').next().unwrap_or("") {
        "decimal" | "double" | "integer" | "int" | "long" | "float" => {
            format!("number({}, \" \", \".\")", quoted(text.trim()))
        }
        "boolean" => text.trim().to_owned(),
        "date" => format!("date({})", quoted(text.trim())),
        "time" => format!("time({})", quoted(text.trim())),
        "dateTime" => format!("date and time({})", quoted(text.trim())),
        "duration" | "dayTimeDuration" | "yearMonthDuration" => {
            format!("duration({})", quoted(text.trim()))
        }
        _ => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{text}\"")
}
