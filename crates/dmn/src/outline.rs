//! What a file says about itself before it is read: enough to put files that import each other in
//! order.

use std::sync::Arc;

/// The namespace of a file and those that it imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// The namespace of its definitions.
    pub namespace: Arc<str>,
    /// The namespaces of its imports, in the order of the file.
    pub imports: Vec<Arc<str>>,
}

/// Looks at the head of a file; nothing when it is no XML, which [`crate::parse`] tells more about.
pub fn outline(xml: &str) -> Option<Outline> {
    let document = crate::xml::read(xml).ok()?;
    let definitions = document.root_element();
    let imports = definitions.children().filter(|child| child.tag_name().name() == "import");
    Some(Outline {
        namespace: definitions.attribute("namespace").unwrap_or_default().into(),
        imports: imports
            .filter_map(|import| import.attribute("namespace"))
            .map(Arc::from)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_what_it_imports() {
        let xml = r#"<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" namespace="a">
            <import name="b" namespace="b" importType="https://www.omg.org/spec/DMN/20191111/MODEL/"/>
            <decision id="d"><import namespace="not here"/></decision></definitions>"#;
        let expected = Outline { namespace: "a".into(), imports: vec!["b".into()] };
        assert_eq!(outline(xml), Some(expected));
        assert_eq!(outline("<definitions"), None);
        assert_eq!(outline("<definitions/>"), Some(Outline::default()));
    }
}
