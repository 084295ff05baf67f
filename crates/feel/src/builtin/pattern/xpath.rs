//! Reads regular expressions as the standard has them: those of XML Schema, with the additions and
//! flags of XPath 2.0 (`^`, `$`, reluctant quantifiers, groups, back-references).

use super::blocks::block;
use crate::limits::REGEX_DEPTH_MAX;

/// A regular expression.
#[derive(Debug)]
pub(super) enum Node {
    /// One character of this class, in the syntax of the `regex` crate.
    Class(String),
    /// The start of the text (with the flag `m`, of a line).
    Start,
    /// The end of the text (with the flag `m`, of a line).
    End,
    /// The group of this number.
    Group(usize, Box<Node>),
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
        greedy: bool,
    },
    /// What the group of this number matched.
    Again(usize),
}

/// The flags of a regular expression.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// `.` is any character.
    pub(super) dot_all: bool,
    /// `^` and `$` are of lines.
    pub(super) lines: bool,
    /// Upper and lower case are the same.
    pub(super) caseless: bool,
    /// White space in the pattern has no meaning.
    pub(super) spaced: bool,
}

impl Flags {
    /// The flags `s`, `m`, `i`, `x`; none if there is another.
    pub(super) fn of(text: &str) -> Option<Flags> {
        let mut flags = Flags::default();
        for flag in text.chars() {
            match flag {
                's' => flags.dot_all = true,
                'm' => flags.lines = true,
                'i' => flags.caseless = true,
                'x' => flags.spaced = true,
                _ => return None,
            }
        }
        Some(flags)
    }
}

/// A pattern that was read.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) root: Node,
    pub(super) flags: Flags,
    /// How many groups there are.
    pub(super) groups: usize,
    /// Whether it refers back to a group, which no automaton can follow.
    pub(super) refers_back: bool,
}

/// Reads a pattern; none if it is invalid.
pub(super) fn read(text: &str, flags: Flags) -> Option<Pattern> {
    let text: Vec<char> = match flags.spaced {
        true => without_spaces(text),
        false => text.chars().collect(),
    };
    let mut reader = Reader {
        text: &text,
        at: 0,
        flags,
        groups: 0,
        closed: Vec::new(),
        refers_back: false,
        depth: 0,
    };
    let root = reader.alternatives()?;
    if reader.at < text.len() {
        return None;
    }
    Some(Pattern { root, flags, groups: reader.groups, refers_back: reader.refers_back })
}

/// The pattern without white space outside of classes.
fn without_spaces(text: &str) -> Vec<char> {
    let mut kept = Vec::with_capacity(text.len());
    let (mut brackets, mut escaped) = (0u32, false);
    for character in text.chars() {
        if brackets == 0 && matches!(character, ' ' | '\t' | '\n' | '\r') {
            continue;
        }
        match character {
            '[' if !escaped => brackets += 1,
            ']' if !escaped => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
        kept.push(character);
    }
    kept
}

struct Reader<'a> {
    text: &'a [char],
    at: usize,
    flags: Flags,
    groups: usize,
    /// Groups that are complete, to which a back-reference may refer.
    closed: Vec<usize>,
    refers_back: bool,
    depth: u32,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn alternatives(&mut self) -> Option<Node> {
        if self.depth >= REGEX_DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let mut branches = vec![self.branch()?];
        while self.eat('|') {
            branches.push(self.branch()?);
        }
        self.depth -= 1;
        match branches.len() {
            1 => branches.pop(),
            _ => Some(Node::Alternatives(branches)),
        }
    }

    fn branch(&mut self) -> Option<Node> {
        let mut pieces = Vec::new();
        while !matches!(self.peek(), None | Some('|' | ')')) {
            let atom = self.atom()?;
            pieces.push(self.quantified(atom)?);
        }
        Some(Node::Sequence(pieces))
    }

    fn quantified(&mut self, atom: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('?') => (0, Some(1)),
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('{') => {
                self.at += 1;
                let least = self.count()?;
                let most = match self.eat(',') {
                    true if self.peek() == Some('}') => None,
                    true => Some(self.count()?),
                    false => Some(least),
                };
                // The closing brace is eaten below, like any other quantifier.
                if self.peek() != Some('}') || most.is_some_and(|most| most < least) {
                    return None;
                }
                (least, most)
            }
            _ => return Some(atom),
        };
        if matches!(atom, Node::Start | Node::End) {
            return None;
        }
        self.at += 1;
        let greedy = !self.eat('?');
        Some(Node::Repeat { node: Box::new(atom), least, most, greedy })
    }

    fn count(&mut self) -> Option<u32> {
        let start = self.at;
        while self.peek().is_some_and(|digit| digit.is_ascii_digit()) {
            self.at += 1;
        }
        let digits: String = self.text.get(start..self.at)?.iter().collect();
        digits.parse().ok()
    }

    fn atom(&mut self) -> Option<Node> {
        Some(match self.next()? {
            '(' => return self.group(),
            '[' => Node::Class(self.class()?),
            '.' if self.flags.dot_all => Node::Class(r"(?s:.)".into()),
            '.' => Node::Class(r"[^\n\r]".into()),
            '^' => Node::Start,
            '$' => Node::End,
            '\\' => match self.peek()? {
                digit if digit.is_ascii_digit() => return self.back_reference(),
                _ => Node::Class(self.escape()?),
            },
            '?' | '*' | '+' | '{' | '}' | ']' | ')' | '|' => return None,
            character => Node::Class(literal(character)),
        })
    }

    fn group(&mut self) -> Option<Node> {
        if self.peek() == Some('?') {
            self.at += 1;
            // Other kinds of groups look around, which XPath does not know.
            if !self.eat(':') {
                return None;
            }
            let inner = self.alternatives()?;
            return self.eat(')').then_some(Node::Sequence(vec![inner]));
        }
        self.groups += 1;
        let number = self.groups;
        let inner = self.alternatives()?;
        if !self.eat(')') {
            return None;
        }
        self.closed.push(number);
        Some(Node::Group(number, Box::new(inner)))
    }

    /// As many digits as make the number of a group that is complete.
    fn back_reference(&mut self) -> Option<Node> {
        let mut number = self.next()?.to_digit(10)? as usize;
        if !self.closed.contains(&number) {
            return None;
        }
        while let Some(digit) = self.peek().and_then(|digit| digit.to_digit(10)) {
            let longer = number.checked_mul(10)?.checked_add(digit as usize)?;
            if !self.closed.contains(&longer) {
                break;
            }
            number = longer;
            self.at += 1;
        }
        self.refers_back = true;
        Some(Node::Again(number))
    }

    /// What follows a backslash, as a class.
    fn escape(&mut self) -> Option<String> {
        Some(match self.next()? {
            'n' => r"\n".into(),
            'r' => r"\r".into(),
            't' => r"\t".into(),
            's' => r"[ \t\n\r]".into(),
            'S' => r"[^ \t\n\r]".into(),
            'd' => r"\p{Nd}".into(),
            'D' => r"\P{Nd}".into(),
            'w' => r"[^\p{P}\p{Z}\p{C}]".into(),
            'W' => r"[\p{P}\p{Z}\p{C}]".into(),
            'i' => format!("[{NAME_START}]"),
            'I' => format!("[^{NAME_START}]"),
            'c' => format!("[{NAME_START}{NAME_REST}]"),
            'C' => format!("[^{NAME_START}{NAME_REST}]"),
            'p' => self.category(false)?,
            'P' => self.category(true)?,
            character if r"\|.?*+(){}[]-^$".contains(character) => literal(character),
            _ => return None,
        })
    }

    fn category(&mut self, negated: bool) -> Option<String> {
        if !self.eat('{') {
            return None;
        }
        let start = self.at;
        while self.next()? != '}' {}
        let name: String = self.text.get(start..self.at - 1)?.iter().collect();
        if let Some(name) = name.strip_prefix("Is") {
            let (first, last) = block(name)?;
            let caret = if negated { "^" } else { "" };
            return Some(format!(r"[{caret}\x{{{first:X}}}-\x{{{last:X}}}]"));
        }
        const CATEGORIES: [&str; 37] = [
            "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P",
            "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Z", "Zs", "Zl", "Zp", "S", "Sm", "Sc", "Sk",
            "So", "C", "Cc", "Cf", "Co", "Cn", "Cs",
        ];
        let kind = if negated { 'P' } else { 'p' };
        CATEGORIES.contains(&&*name).then(|| format!(r"\{kind}{{{name}}}"))
    }

    /// The rest of a class behind `[`.
    fn class(&mut self) -> Option<String> {
        if self.depth >= REGEX_DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let caret = if self.eat('^') { "^" } else { "" };
        let mut members = String::new();
        let mut subtracted = None;
        loop {
            match self.next()? {
                ']' if !members.is_empty() => break,
                '[' | ']' => return None,
                '-' if self.peek() == Some('[') && !members.is_empty() => {
                    self.at += 1;
                    subtracted = Some(self.class()?);
                    if !self.eat(']') {
                        return None;
                    }
                    break;
                }
                first => self.member(first, &mut members)?,
            }
        }
        self.depth -= 1;
        Some(match subtracted {
            Some(subtracted) => format!("[[{caret}{members}]--{subtracted}]"),
            None => format!("[{caret}{members}]"),
        })
    }

    /// A character, escape or range of a class.
    fn member(&mut self, first: char, members: &mut String) -> Option<()> {
        let low = match first {
            '\\' => match self.single_escape() {
                Some(character) => character,
                None => {
                    members.push_str(&self.escape()?);
                    return Some(());
                }
            },
            character => character,
        };
        let follows = self.text.get(self.at + 1).copied();
        if self.peek() == Some('-') && !matches!(follows, None | Some(']' | '[' | '-')) {
            self.at += 1;
            let high = match self.next()? {
                '\\' => self.single_escape()?,
                character => character,
            };
            if high < low {
                return None;
            }
            members.push_str(&format!("{}-{}", literal(low), literal(high)));
        } else {
            members.push_str(&literal(low));
        }
        Some(())
    }

    /// The one character that the escape here stands for, if it is such an escape.
    fn single_escape(&mut self) -> Option<char> {
        let character = match self.peek()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other if r"\|.?*+(){}[]-^$".contains(other) => other,
            _ => return None,
        };
        self.at += 1;
        Some(character)
    }
}

/// The character itself, inside or outside of a class.
fn literal(character: char) -> String {
    match character.is_alphanumeric() {
        true => character.to_string(),
        false => format!(r"\x{{{:X}}}", u32::from(character)),
    }
}

/// What names in XML may start with.
const NAME_START: &str = r":A-Z_a-z\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{2FF}\x{370}-\x{37D}\x{37F}-\x{1FFF}\x{200C}-\x{200D}\x{2070}-\x{218F}\x{2C00}-\x{2FEF}\x{3001}-\x{D7FF}\x{F900}-\x{FDCF}\x{FDF0}-\x{FFFD}\x{10000}-\x{EFFFF}";
/// What else they may have behind the start.
const NAME_REST: &str = r"\-.0-9\x{B7}\x{300}-\x{36F}\x{203F}-\x{2040}";
