//! Licence expressions, as `Cargo.toml` files carry them: whether the licences that we accept satisfy one.

/// Whether one of the choices that `expression` offers needs accepted licences only.
///
/// Understands `AND`, `OR`, `WITH`, parentheses, and the old `MIT/Apache-2.0`.
pub(crate) fn is_satisfied(expression: &str, accepted: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, accepted };
    let satisfied = parser.either();
    // What was not understood is not accepted.
    satisfied && parser.words.is_empty()
}

struct Parser<'a> {
    words: &'a [&'a str],
    accepted: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn either(&mut self) -> bool {
        let mut satisfied = self.both();
        while self.take("OR") {
            satisfied |= self.both();
        }
        satisfied
    }

    fn both(&mut self) -> bool {
        let mut satisfied = self.single();
        while self.take("AND") {
            satisfied &= self.single();
        }
        satisfied
    }

    fn single(&mut self) -> bool {
        if self.take("(") {
            let satisfied = self.either();
            return self.take(")") && satisfied;
        }
        let Some((licence, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        if !self.take("WITH") {
            return (self.accepted)(licence);
        }
        let Some((exception, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        // An exception only ever grants more.
        (self.accepted)(licence) || (self.accepted)(&format!("{licence} WITH {exception}"))
    }
}

#[cfg(test)]
mod tests {
    use super::is_satisfied;

    #[test]
    fn a_choice_needs_one_accepted_licence() {
        let accepted = |licence: &str| ["MIT", "Apache-2.0"].contains(&licence);
        for fine in [
            "MIT",
            "GPL-3.0 OR MIT",
            "MIT/BSL-1.0",
            "(MIT OR ISC) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR ISC",
            "MIT AND (ISC OR Apache-2.0)",
        ] {
            assert!(is_satisfied(fine, &accepted), "{fine}");
        }
        for refused in ["", "GPL-3.0", "MIT AND ISC", "(MIT", "MIT ISC", "ISC OR (MIT AND GPL-3.0)"]
        {
            assert!(!is_satisfied(refused, &accepted), "{refused}");
        }
    }
}
