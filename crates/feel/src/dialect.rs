//! The two dialects of FEEL.

/// Which rules apply where Camunda's FEEL and the DMN standard differ; chosen when an expression is
/// parsed. `docs/feel-dialects.md` lists the differences case by case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// As Camunda 8 evaluates: names are Java-like identifiers or in backticks; null-friendly.
    #[default]
    Camunda,
    /// As DMN 1.5 says and its conformance tests check: declared names may have several words.
    Dmn,
}

impl Dialect {
    /// Whether the rules of the DMN standard apply.
    #[inline]
    pub fn is_dmn(self) -> bool {
        self == Dialect::Dmn
    }
}
