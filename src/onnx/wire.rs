//! The check of a file before it is decoded: all lengths are inside the file, and the number of messages is small enough for the
//! length of the file.

use std::path::Path;

use crate::error::{Error, Result};

/// The number of messages and texts that any file may contain.
const FREE: usize = 1 << 15;
/// The number of bytes of a file for every further message or text.
const BYTES_PER_ITEM: usize = 32;

/// The fields of a message that contain messages, with their fields.
struct Fields(&'static [(u64, Fields)]);

const NONE: Fields = Fields(&[]);
const TENSOR: Fields = Fields(&[(13, NONE)]);
const NODE: Fields = Fields(&[(5, Fields(&[(5, TENSOR)]))]);
const VALUE: Fields = Fields(&[(2, Fields(&[(1, Fields(&[(2, Fields(&[(1, NONE)]))]))]))]);
const GRAPH: Fields = Fields(&[(1, NODE), (5, TENSOR), (11, VALUE), (12, VALUE)]);
const MODEL: Fields = Fields(&[(7, GRAPH), (8, NONE), (14, NONE)]);

/// Checks a file. The time is proportional to its length.
pub(super) fn check(file: &Path, bytes: &[u8]) -> Result<()> {
    let mut count = Count { left: FREE + bytes.len() / BYTES_PER_ITEM };
    count.message(bytes, 0, &MODEL).map_err(|(at, reason)| Error::Format {
        file: file.into(),
        offset: at as u64,
        reason: format!("not an ONNX file: {reason}"),
    })
}

/// The number of messages and texts that may still follow.
struct Count {
    left: usize,
}

impl Count {
    /// Checks a message that begins at the byte `start` of the file. An error contains its place in the file.
    fn message(&mut self, bytes: &[u8], start: usize, fields: &Fields) -> Result<(), (usize, String)> {
        let mut at = 0;
        while at < bytes.len() {
            let here = start + at;
            let ends = || (start + bytes.len(), "expected the rest of a field, got the end".to_owned());
            let key = varint(bytes, &mut at).ok_or_else(ends)?;
            let length = match key & 7 {
                0 => varint(bytes, &mut at).map(|_| 0),
                1 => Some(8),
                2 => varint(bytes, &mut at),
                5 => Some(4),
                other => return Err((here, format!("expected a field of type 0, 1, 2 or 5, got {other}"))),
            };
            let length = usize::try_from(length.ok_or_else(ends)?).unwrap_or(usize::MAX);
            let content = at.checked_add(length).and_then(|end| bytes.get(at..end)).ok_or_else(ends)?;
            if key & 7 == 2 {
                let few = || (here, "expected fewer messages for the length of the file".to_owned());
                self.left = self.left.checked_sub(1).ok_or_else(few)?;
                if let Some((_, inner)) = fields.0.iter().find(|(number, _)| *number == key >> 3) {
                    self.message(content, start + at, inner)?;
                }
            }
            at += length;
        }
        Ok(())
    }
}

/// Reads a number of at most 10 bytes.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
