//! Parses bytes as idx files of every type, raw or compressed. The result is an array or an error. An accepted raw file has
//! exactly the length of its content.

#![no_main]

use libfuzzer_sys::fuzz_target;
use manabi::data::idx;

/// The size limit of the content, enough for inputs derived from the seeds.
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
    // A raw file contains its header and elements, and nothing else.
    assert!(bytes[0] != 0 || bytes.len() == content);
}
