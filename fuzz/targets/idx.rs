//! Bytes as idx files of every type, raw or compressed: an array of what was there, or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manabi::data::idx;

/// Enough for what the seeds grow into.
const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    read::<u8>(bytes);
    read::<i8>(bytes);
    read::<i16>(bytes);
    read::<i32>(bytes);
    read::<f32>(bytes);
    read::<f64>(bytes);
});

fn read<T: idx::Element>(bytes: &[u8]) {
    let Ok(array) = idx::parse::<T>("fuzz", bytes, LIMIT) else { return };
    let header = 4 + 4 * array.ndim();
    let content = header + size_of::<T>() * array.len();
    assert!(content as u64 <= LIMIT);
    // A raw file is exactly its content.
    assert!(bytes[0] != 0 || bytes.len() == content);
}
