//! Single flipped bits: whether one of them explains that a checksum does not match.

/// The polynomial of crc32c, bits reversed as its algorithm uses it.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// What one more byte does to a remainder, by its lowest byte.
const REMAINDERS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            let low = remainder & 1;
            remainder = (remainder >> 1) ^ (POLYNOMIAL * low);
            bit += 1;
        }
        table[byte] = remainder;
        byte += 1;
    }
    table
};

/// Whether the data has the checksum that it should have after one bit of it is turned. A checksum is linear: what a
/// bit changes in it depends on its distance from the end alone, so one pass from the end finds it. Of data that
/// are wrong in any other way one in 2^32 / bits seems to be so.
pub(super) fn is_one_bit_off(data: &[u8], expected_crc: u32) -> bool {
    let difference = crc32c::crc32c(data) ^ expected_crc;
    let mut changes: [u32; 8] = std::array::from_fn(|bit| REMAINDERS[1 << bit]);
    for _ in data {
        if changes.contains(&difference) {
            return true;
        }
        for change in &mut changes {
            *change = (*change >> 8) ^ REMAINDERS[(*change & 0xff) as usize];
        }
    }
    false
}

/// What `read` finds in the bytes when one bit of them is turned; for few bytes, since every bit is tried.
pub(super) fn one_bit_off<T>(mut bytes: Vec<u8>, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    (0..bytes.len() * 8).find_map(|bit| {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let found = read(&bytes);
        bytes[bit / 8] ^= 1 << (bit % 8);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_single_bit_is_found_and_nothing_else() {
        let data: Vec<u8> = (0..300_u32).map(|at| (at * 7 + at / 13) as u8).collect();
        let crc = crc32c::crc32c(&data);
        assert!(!is_one_bit_off(&data, crc), "nothing is wrong");
        for bit in 0..data.len() * 8 {
            let mut damaged = data.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(is_one_bit_off(&damaged, crc), "bit {bit}");
            damaged[(bit / 8 + 1) % data.len()] ^= 1;
            assert!(!is_one_bit_off(&damaged, crc), "bit {bit} and another one");
        }
        for kept in 0..data.len() - 1 {
            let mut torn = data.clone();
            torn[kept..].fill(0);
            let wrong: u32 = torn.iter().zip(&data).map(|(a, b)| (a ^ b).count_ones()).sum();
            assert_eq!(is_one_bit_off(&torn, crc), wrong == 1, "the first {kept} bytes");
        }
    }

    #[test]
    fn what_a_turned_bit_hides_is_read() {
        let read = |bytes: &[u8]| (bytes == b"whole").then_some("found");
        assert_eq!(one_bit_off(b"whgle".to_vec(), read), Some("found"));
        assert_eq!(one_bit_off(b"whgla".to_vec(), read), None);
    }
}
