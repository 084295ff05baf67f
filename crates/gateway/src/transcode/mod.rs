//! JSON text to MessagePack and back, without a tree in between.
//!
//! Clients speak JSON, the engine keeps MessagePack: every variable document passes here twice.
//! [`document_to_msgpack`] reads a JSON object in one pass and writes MessagePack in the smallest
//! form; [`msgpack_to_json`] writes the JSON back. Key order is kept, integers of 64 bits stay
//! exact, nesting and size are limited, and a key that occurs twice is refused: whichever of the
//! two values were dropped, somebody would miss it.

mod read;
mod write;

pub use read::{document_to_msgpack, document_to_msgpack_or_empty, headers_to_json};
pub use write::{append_json, append_json_string, msgpack_to_json};

/// An empty MessagePack map.
pub const EMPTY_DOCUMENT: &[u8] = &[0x80];

/// Why a text or document cannot be transcoded. The message is meant for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TranscodeError(pub(crate) String);

/// How many bytes at the start stand in a JSON string as they are: no control character, quote or
/// backslash. Looks at eight bytes at a time.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let slash = word ^ (ONES * u64::from(b'\\'));
        // A byte below its bound borrows. The lowest mark is exact; false ones can only be above it.
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let quotes = quote.wrapping_sub(ONES) & !quote;
        let slashes = slash.wrapping_sub(ONES) & !slash;
        let marks = (controls | quotes | slashes) & HIGH;
        if marks != 0 {
            return index * 8 + (marks.trailing_zeros() / 8) as usize;
        }
    }
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    chunks.len() * 8 + rest.iter().position(special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
