//! The largest key of a table, for stores that can only be scanned upwards.

use std::ops::ControlFlow;

use super::{StateError, StateView};

/// Byte by byte: the largest byte that some key still reaches. A few dozen look-ups.
pub(super) fn find<V: StateView + ?Sized>(
    view: &V,
    table: u8,
) -> Result<Option<Vec<u8>>, StateError> {
    if !reaches(view, table, &[])? {
        return Ok(None);
    }
    let mut last = Vec::new();
    loop {
        last.push(0);
        if !reaches(view, table, &last)? {
            last.pop();
            return Ok(Some(last));
        }
        let at = last.len() - 1;
        let (mut low, mut high) = (0u8, u8::MAX);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            last[at] = middle;
            if reaches(view, table, &last)? {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        last[at] = low;
    }
}

/// Whether a table has a key that is not below `from`.
fn reaches<V: StateView + ?Sized>(view: &V, table: u8, from: &[u8]) -> Result<bool, StateError> {
    let mut found = false;
    view.scan(table, from, None, &mut |_, _| {
        found = true;
        ControlFlow::Break(())
    })?;
    Ok(found)
}
