//! The bytes of a snapshot. The layout is documented in the module above it.

pub(super) const VERSION: u32 = 1;
pub(super) const MAGIC: &[u8; 8] = b"SKEPSNAP";
/// Without the meta bytes.
pub(super) const HEADER_BYTES: usize = 24;
/// Without the payload.
pub(super) const CHUNK_HEADER_BYTES: usize = 12;
pub(super) const FOOTER_BYTES: usize = CHUNK_HEADER_BYTES + 16;
const ENTRY_HEADER_BYTES: usize = 9;

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

/// The header, and its crc.
pub(super) fn header(meta: &[u8]) -> (Vec<u8>, u32) {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&(meta.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(meta);
    let crc = crc32c::crc32c(&bytes[16..]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    (bytes, crc)
}

pub(super) fn chunk_crc(header_crc: u32, number: u64, count: u32, payload: &[u8]) -> u32 {
    let mut start = header_crc.to_le_bytes().to_vec();
    start.extend_from_slice(&number.to_le_bytes());
    start.extend_from_slice(&count.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&start), payload)
}

pub(super) fn chunk(header_crc: u32, number: u64, count: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CHUNK_HEADER_BYTES + payload.len());
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&count.to_le_bytes());
    bytes.extend_from_slice(&chunk_crc(header_crc, number, count, payload).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

pub(super) fn footer(header_crc: u32, chunks: u64, entries: u64) -> Vec<u8> {
    let mut bytes = vec![0; CHUNK_HEADER_BYTES];
    bytes.extend_from_slice(&chunks.to_le_bytes());
    bytes.extend_from_slice(&entries.to_le_bytes());
    let crc = footer_crc(header_crc, &bytes);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    bytes
}

pub(super) fn footer_crc(header_crc: u32, footer: &[u8]) -> u32 {
    let start = crc32c::crc32c(&header_crc.to_le_bytes());
    crc32c::crc32c_append(start, &footer[CHUNK_HEADER_BYTES..FOOTER_BYTES])
}

pub(super) fn push_entry(payload: &mut Vec<u8>, table: u8, key: &[u8], value: &[u8]) {
    payload.push(table);
    payload.extend_from_slice(&(key.len() as u32).to_le_bytes());
    payload.extend_from_slice(&(value.len() as u32).to_le_bytes());
    payload.extend_from_slice(key);
    payload.extend_from_slice(value);
}

/// An entry: table, key, value.
pub(super) type Entry<'a> = (u8, &'a [u8], &'a [u8]);

/// The first entry of a payload, and the rest; None when it does not add up.
pub(super) fn take_entry(payload: &[u8]) -> Option<(Entry<'_>, &[u8])> {
    let (head, rest) = payload.split_at_checked(ENTRY_HEADER_BYTES)?;
    let (key, rest) = rest.split_at_checked(u32_at(head, 1) as usize)?;
    let (value, rest) = rest.split_at_checked(u32_at(head, 5) as usize)?;
    Some(((head[0], key, value), rest))
}
