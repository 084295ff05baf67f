//! Paths that are like others: `*` stands for anything, `?` for one character.

/// Whether a path is like a pattern; one without a star only has to be in the path.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return path.contains(pattern);
    }
    let (pattern, path): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), path.chars().collect());
    let (mut at, mut here) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while here < path.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, here));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == path[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                // The last star takes one more.
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                here = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, path, is_like) in [
            ("*", "production-s/leader-restart", true),
            ("*/leader-*", "production-s/leader-restart", true),
            ("*/leader-*", "production-s/follower-restart", false),
            ("leader", "production-s/leader-restart", true),
            ("*restart", "production-s/multiple-leader-restart-refs", false),
            ("production-?/*-refs", "production-s/multiple-leader-restart-refs", true),
            ("a*b*c", "aXbbYc", true),
            ("a*b*c", "aXc", false),
        ] {
            assert_eq!(matches(pattern, path), is_like, "{pattern} {path}");
        }
    }
}
