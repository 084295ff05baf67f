//! Files with parts of them elsewhere, twice or gone: elements where they have no meaning.

use crate::feel::choices::Choices;

/// The file after a few changes, most of which keep the tags whole.
pub fn mutated(xml: &str, choices: &mut Choices<'_>) -> String {
    let mut xml = xml.to_owned();
    for _ in 0..=choices.below(3) {
        let tags: Vec<usize> = xml.match_indices('<').map(|(at, _)| at).collect();
        let mut tag = || tags.get(choices.below(tags.len())).copied().unwrap_or(0);
        let (one, other, to) = (tag(), tag(), tag());
        let (start, end) = (one.min(other), one.max(other));
        match choices.below(4) {
            0 => xml.replace_range(start..end, ""),
            1 => {
                let part = element(&xml, one).to_owned();
                xml.insert_str(to, &part);
            }
            2 => {
                let part = element(&xml, one).to_owned();
                xml.replace_range(one..one + part.len(), "");
                let to = if to > one { to.saturating_sub(part.len()).max(one) } else { to };
                let to = (0..=to.min(xml.len())).rev().find(|at| xml.is_char_boundary(*at));
                xml.insert_str(to.unwrap_or(0), &part);
            }
            _ => {
                let part = xml.get(start..end.min(start + 400)).unwrap_or_default().to_owned();
                xml.insert_str(to, &part);
            }
        }
    }
    xml
}

/// The element that begins at the place, as far as counting tags tells.
fn element(xml: &str, at: usize) -> &str {
    let rest = xml.get(at..).unwrap_or_default();
    let mut depth = 0_u32;
    for (start, _) in rest.match_indices('<') {
        let tag = rest.get(start..).unwrap_or_default();
        let end = tag.find('>').map_or(tag.len(), |end| end + 1);
        let tag = tag.get(..end).unwrap_or_default();
        if tag.starts_with("</") {
            depth = depth.saturating_sub(1);
        } else if !tag.ends_with("/>") {
            depth += 1;
        }
        if depth == 0 {
            return rest.get(..start + end).unwrap_or_default();
        }
    }
    rest
}
