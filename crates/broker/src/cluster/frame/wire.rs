//! Numbers, texts and bytes in frames. All integers are little-endian; texts and byte strings begin
//! with their length (u32).

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Why a frame cannot be read. The link that brought it is given up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    /// The bytes end early or contradict themselves.
    #[error("a frame is damaged: {0}")]
    Malformed(&'static str),
    /// The bytes mean something that this version does not know.
    #[error("a frame of another version: {0}")]
    Unknown(String),
}

/// Takes a frame apart.
pub(super) struct Reader(pub(super) Bytes);

impl Reader {
    fn need(&self, bytes: usize, what: &'static str) -> Result<(), FrameError> {
        if self.0.remaining() < bytes { Err(FrameError::Malformed(what)) } else { Ok(()) }
    }

    pub(super) fn u8(&mut self) -> Result<u8, FrameError> {
        self.need(1, "a byte is missing")?;
        Ok(self.0.get_u8())
    }

    pub(super) fn u16(&mut self) -> Result<u16, FrameError> {
        self.need(2, "a number is cut off")?;
        Ok(self.0.get_u16_le())
    }

    pub(super) fn u32(&mut self) -> Result<u32, FrameError> {
        self.need(4, "a number is cut off")?;
        Ok(self.0.get_u32_le())
    }

    pub(super) fn u64(&mut self) -> Result<u64, FrameError> {
        self.need(8, "a number is cut off")?;
        Ok(self.0.get_u64_le())
    }

    pub(super) fn i64(&mut self) -> Result<i64, FrameError> {
        self.need(8, "a number is cut off")?;
        Ok(self.0.get_i64_le())
    }

    pub(super) fn bool(&mut self) -> Result<bool, FrameError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FrameError::Malformed("a truth value is neither 0 nor 1")),
        }
    }

    /// A byte string; it points into the frame.
    pub(super) fn bytes(&mut self) -> Result<Bytes, FrameError> {
        let length = self.u32()? as usize;
        self.need(length, "a byte string is cut off")?;
        Ok(self.0.split_to(length))
    }

    pub(super) fn text(&mut self) -> Result<String, FrameError> {
        String::from_utf8(self.bytes()?.into())
            .map_err(|_| FrameError::Malformed("a text is not UTF-8"))
    }

    /// How many things follow, each of at least `least` bytes: a wrong count must not reserve memory.
    pub(super) fn count(&mut self, least: usize) -> Result<usize, FrameError> {
        let count = self.u32()? as usize;
        match count.checked_mul(least.max(1)) {
            Some(bytes) if bytes <= self.0.remaining() => Ok(count),
            _ => Err(FrameError::Malformed("a list is cut off")),
        }
    }

    /// Everything that is left.
    pub(super) fn rest(&mut self) -> Bytes {
        self.0.split_to(self.0.len())
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), FrameError> {
        if self.0.has_remaining() {
            return Err(FrameError::Malformed("bytes are left over"));
        }
        Ok(())
    }
}

/// Appends a length.
pub(super) fn put_len(out: &mut BytesMut, length: usize) {
    out.put_u32_le(u32::try_from(length).unwrap_or(u32::MAX));
}

/// Appends a byte string.
pub(super) fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.put_slice(bytes);
}

/// Appends a text.
pub(super) fn put_text(out: &mut BytesMut, text: &str) {
    put_bytes(out, text.as_bytes());
}
