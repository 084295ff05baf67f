//! The built-in functions with the kinds of their parameters and results.

use std::sync::LazyLock;

/// Kinds of values that expressions are generated for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Any,
    Boolean,
    Number,
    Text,
    Date,
    Time,
    DateTime,
    Days,
    Months,
    List,
    Context,
    Range,
    Function,
}

pub const KINDS: [Kind; 13] = [
    Kind::Any,
    Kind::Boolean,
    Kind::Number,
    Kind::Text,
    Kind::Date,
    Kind::Time,
    Kind::DateTime,
    Kind::Days,
    Kind::Months,
    Kind::List,
    Kind::Context,
    Kind::Range,
    Kind::Function,
];

impl Kind {
    fn of(letter: &str) -> Kind {
        match letter {
            "b" => Kind::Boolean,
            "n" => Kind::Number,
            "s" => Kind::Text,
            "d" => Kind::Date,
            "t" => Kind::Time,
            "D" => Kind::DateTime,
            "p" => Kind::Days,
            "m" => Kind::Months,
            "l" => Kind::List,
            "c" => Kind::Context,
            "r" => Kind::Range,
            "f" => Kind::Function,
            _ => Kind::Any,
        }
    }
}

/// A function.
pub struct Signature {
    pub name: &'static str,
    pub parameters: Vec<(&'static str, Kind)>,
    pub result: Kind,
}

/// `name | parameter:kind, ... | kind`, a line each.
const TABLE: &str = "
count | list:l | n
min | list:l | *
max | list:l | *
min | list:n, list:n | n
max | list:d, list:d | d
sum | list:l | n
product | list:l | n
mean | list:l | n
median | list:l | n
stddev | list:l | n
mode | list:l | l
all | list:l | b
any | list:l | b
not | negand:b | b
is defined | value:* | b
get or else | value:*, default:* | *
assert | value:*, condition:b | *
assert | value:*, condition:b, cause:s | *
fromAi | value:* | *
get value | context:c, key:s | *
get value | context:c, keys:l | *
get entries | context:c | l
context put | context:c, key:s, value:* | c
context put | context:c, keys:l, value:* | c
put | context:c, key:s, value:* | c
context merge | contexts:l | c
put all | contexts:c, contexts:c | c
context | entries:l | c
string | from:* | s
number | from:s | n
number | from:s, grouping separator:s | n
number | from:s, grouping separator:s, decimal separator:s | n
to json | value:* | s
from json | value:s | *
list contains | list:l, element:* | b
sublist | list:l, start position:n | l
sublist | list:l, start position:n, length:n | l
append | list:l, items:* | l
concatenate | lists:l, lists:l | l
insert before | list:l, position:n, newItem:* | l
remove | list:l, position:n | l
list replace | list:l, position:n, newItem:* | l
list replace | list:l, match:f, newItem:* | l
reverse | list:l | l
index of | list:l, match:* | l
union | lists:l, lists:l | l
distinct values | list:l | l
duplicate values | list:l | l
flatten | list:l | l
sort | list:l, precedes:f | l
string join | list:l | s
string join | list:l, delimiter:s | s
string join | list:l, delimiter:s, prefix:s, suffix:s | s
is empty | list:l | b
partition | list:l, size:n | l
decimal | n:n, scale:n | n
floor | n:n | n
floor | n:n, scale:n | n
ceiling | n:n | n
ceiling | n:n, scale:n | n
round up | n:n, scale:n | n
round down | n:n, scale:n | n
round half up | n:n, scale:n | n
round half down | n:n, scale:n | n
abs | n:n | n
abs | n:p | p
abs | n:m | m
modulo | dividend:n, divisor:n | n
sqrt | number:n | n
log | number:n | n
exp | number:n | n
odd | number:n | b
even | number:n | b
random number | | n
matches | input:s, pattern:s | b
matches | input:s, pattern:s, flags:s | b
replace | input:s, pattern:s, replacement:s | s
replace | input:s, pattern:s, replacement:s, flags:s | s
split | string:s, delimiter:s | l
extract | string:s, pattern:s | l
substring | string:s, start position:n | s
substring | string:s, start position:n, length:n | s
string length | string:s | n
upper case | string:s | s
lower case | string:s | s
substring before | string:s, match:s | s
substring after | string:s, match:s | s
contains | string:s, match:s | b
starts with | string:s, match:s | b
ends with | string:s, match:s | b
trim | string:s | s
is blank | string:s | b
uuid | | s
to base64 | value:s | s
from base64 | value:s | s
before | a:r, b:r | b
before | a:n, b:r | b
after | a:r, b:n | b
after | point1:d, point2:d | b
meets | range1:r, range2:r | b
met by | range1:r, range2:r | b
overlaps | range1:r, range2:r | b
overlaps before | range1:r, range2:r | b
overlaps after | range1:r, range2:r | b
finishes | a:n, b:r | b
finished by | a:r, b:r | b
includes | a:r, b:n | b
during | a:n, b:r | b
starts | a:r, b:r | b
started by | a:r, b:n | b
coincides | a:r, b:r | b
date | from:s | d
date | from:D | d
date | year:n, month:n, day:n | d
time | from:s | t
time | from:D | t
time | hour:n, minute:n, second:n | t
time | hour:n, minute:n, second:n, offset:p | t
date and time | from:s | D
date and time | date:d, time:t | D
date and time | date:D, timezone:s | D
duration | from:s | p
duration | from:s | m
years and months duration | from:d, to:d | m
years and months duration | from:D, to:D | m
now | | D
today | | d
day of year | date:d | n
day of week | date:d | s
month of year | date:D | s
week of year | date:d | n
last day of month | date:d | d
cycle | interval:p | s
cycle | repetitions:n, interval:m | s
range | from:s | r
is | value1:*, value2:* | b
list | list:* | l
nn sum | values:l | n
";

/// All functions.
pub static FUNCTIONS: LazyLock<Vec<Signature>> =
    LazyLock::new(|| TABLE.lines().filter(|line| !line.is_empty()).map(signature).collect());

fn signature(line: &'static str) -> Signature {
    let mut fields = line.split('|').map(str::trim);
    let mut field = || fields.next().unwrap_or("");
    let (name, parameters, result) = (field(), field(), Kind::of(field()));
    let parameters = parameters
        .split(',')
        .filter_map(|parameter| parameter.trim().split_once(':'))
        .map(|(name, letter)| (name, Kind::of(letter)))
        .collect();
    Signature { name, parameters, result }
}

/// The functions whose result may be of the kind.
pub fn giving(kind: Kind) -> Vec<&'static Signature> {
    let fits = |signature: &&Signature| {
        kind == Kind::Any || signature.result == kind || signature.result == Kind::Any
    };
    FUNCTIONS.iter().filter(fits).collect()
}
