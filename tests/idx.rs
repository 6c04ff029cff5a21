//! The idx reader: every type and rank, and every kind of invalid file.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use manabi::data::idx;
use manabi::ndarray::{ArrayD, Axis, Slice, arr0, array};
use manabi::{Error, Result};
use proptest::prelude::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns a header with the dimensions `dims`, followed by `body`.
fn file(code: u8, dims: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, code, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(body);
    bytes
}

fn parse<T: idx::Element>(bytes: &[u8]) -> Result<ArrayD<T>> {
    idx::parse("memory", bytes, idx::LIMIT)
}

/// Reads the bytes as a file, raw and compressed, and checks that the results equal the result of `parse`.
fn read<T: idx::Element + PartialEq>(bytes: &[u8]) -> Result<ArrayD<T>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    let raw = idx::read::<T>(&path);
    // Gzip is recognised without `.gz` in the name.
    fs::write(&path, gzip(bytes)).unwrap();
    let compressed = idx::read::<T>(&path);
    let parsed = parse::<T>(bytes);
    match (&raw, &compressed, &parsed) {
        (Ok(raw), Ok(compressed), Ok(parsed)) => assert!(raw == parsed && compressed == parsed),
        (Err(raw), Err(compressed), Err(parsed)) => {
            assert_eq!(format_error(raw), format_error(compressed));
            assert_eq!(format_error(raw), format_error(parsed));
        }
        other => panic!("{other:?}"),
    }
    raw
}

/// Returns the offset and the reason.
fn format_error(error: &Error) -> (u64, &str) {
    match error {
        Error::Format { offset, reason, .. } => (*offset, reason),
        other => panic!("expected a format error, got {other}"),
    }
}

fn assert_fails<T: idx::Element + PartialEq>(bytes: &[u8], offset: u64, reason: &str) {
    let error = read::<T>(bytes).unwrap_err();
    let got = format_error(&error);
    assert_eq!(got.0, offset, "{error}");
    assert!(got.1.contains(reason), "{error}");
}

#[test]
fn every_type() {
    assert_eq!(read::<u8>(&file(0x08, &[2], &[0, 255])).unwrap(), array![0, 255].into_dyn());
    assert_eq!(read::<i8>(&file(0x09, &[2], &[1, 255])).unwrap(), array![1, -1].into_dyn());
    assert_eq!(read::<i16>(&file(0x0B, &[2], &[1, 2, 0xFF, 0xFE])).unwrap(), array![258, -2].into_dyn());
    assert_eq!(read::<i32>(&file(0x0C, &[1], &[0x80, 0, 0, 1])).unwrap(), array![i32::MIN + 1].into_dyn());
    assert_eq!(read::<f32>(&file(0x0D, &[1], &[0x3F, 0x80, 0, 0])).unwrap(), array![1.0].into_dyn());
    let minus_two = [0xC0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(read::<f64>(&file(0x0E, &[1], &minus_two)).unwrap(), array![-2.0].into_dyn());
}

#[test]
fn every_rank() {
    assert_eq!(read::<u8>(&file(8, &[], &[7])).unwrap(), arr0(7).into_dyn());
    assert_eq!(read::<u8>(&file(8, &[2, 2], &[1, 2, 3, 4])).unwrap(), array![[1, 2], [3, 4]].into_dyn());
    for rank in 0..=255 {
        let mut dims = vec![1; rank];
        if let Some(dim) = dims.last_mut() {
            *dim = 2;
        }
        let body = &[5, 6][..if rank == 0 { 1 } else { 2 }];
        let array = parse::<u8>(&file(8, &dims, body)).unwrap();
        assert_eq!(array.ndim(), rank);
        assert!(array.iter().eq(body));
    }
}

#[test]
fn empty_arrays() {
    for dims in [&[0][..], &[0, 28, 28], &[3, 0], &[0, u32::MAX]] {
        let array = read::<f32>(&file(0x0D, dims, &[])).unwrap();
        assert!(array.is_empty());
        assert!(array.shape().iter().zip(dims).all(|(&got, &dim)| got == dim as usize));
    }
    assert_fails::<u8>(&file(8, &[0, 2], &[1]), 12, "got more bytes");
    assert_fails::<u8>(&file(8, &[0, u32::MAX, u32::MAX, u32::MAX], &[]), 4, "overflow");
}

#[test]
fn a_file_of_several_chunks() {
    let values = ArrayD::from_shape_fn(vec![3, 70_001], |at| (at[0] * 70_001 + at[1]) as i32);
    let folder = tempfile::tempdir().unwrap();
    for name in ["raw", "compressed.gz"] {
        let path = folder.path().join(name);
        idx::write(&path, &values).unwrap();
        assert_eq!(idx::read::<i32>(&path).unwrap(), values);
    }
    assert_eq!(fs::read(folder.path().join("compressed.gz")).unwrap()[..2], [0x1F, 0x8B]);
}

#[test]
fn every_truncation() {
    let whole = file(0x0B, &[2, 3], &[1; 12]);
    assert!(read::<i16>(&whole).is_ok());
    for end in 0..whole.len() {
        assert_fails::<i16>(&whole[..end], end as u64, "the content ends here");
    }
}

#[test]
fn every_truncation_of_the_container() {
    let whole = gzip(&file(0x0B, &[2, 3], &[1; 12]));
    for end in 2..whole.len() {
        let error = parse::<i16>(&whole[..end]).unwrap_err();
        assert!(format_error(&error).0 <= 24, "{error}");
    }
}

#[test]
fn every_corruption_of_the_container() {
    let whole = gzip(&file(0x0B, &[2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    let array = parse::<i16>(&whole).unwrap();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut corrupt = whole.clone();
            corrupt[at] ^= 1 << bit;
            if let Ok(got) = parse::<i16>(&corrupt) {
                assert_eq!(got, array, "byte {at}");
            }
        }
    }
}

/// Zeros after the data, such as padding to whole tape blocks, are ignored, as in gzip and in Python's gzip.
#[test]
fn zeros_behind_gzip_data_are_padding() {
    let whole = file(8, &[3], &[1, 2, 3]);
    let expected = array![1_u8, 2, 3].into_dyn();
    for zeros in [1, 3, 512, 100_000] {
        let padded = [gzip(&whole), vec![0; zeros]].concat();
        assert_eq!(parse::<u8>(&padded).unwrap(), expected, "{zeros}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.gz");
        fs::write(&path, &padded).unwrap();
        assert_eq!(idx::read::<u8>(&path).unwrap(), expected, "{zeros}");
        let between = [gzip(&whole[..5]), vec![0; zeros], gzip(&whole[5..]), vec![0; zeros]].concat();
        assert_eq!(parse::<u8>(&between).unwrap(), expected, "{zeros}");
        for garbage in [&b"x"[..], b"\x1F", b"\x1F\x8B", &[255; 40]] {
            let bytes = [&padded[..], garbage].concat();
            let error = parse::<u8>(&bytes).unwrap_err();
            assert_eq!(format_error(&error).0, whole.len() as u64, "{zeros}: {error}");
        }
    }
    // Zeros count as padding only after the compressed data, not before or within them.
    let (bytes, mut raw) = (gzip(&whole), whole.clone());
    // (A short gzip file ends in zeros, which are part of its length.)
    for length in 2..bytes.len() - 3 {
        assert!(parse::<u8>(&[&bytes[..length], &[0; 600][..]].concat()).is_err(), "{length}");
    }
    raw.push(0);
    assert!(parse::<u8>(&raw).is_err() && parse::<u8>(&gzip(&raw)).is_err());
}

#[test]
fn several_gzip_members_are_one_content() {
    let whole = file(8, &[4], &[1, 2, 3, 4]);
    let bytes = [gzip(&whole[..5]), gzip(&whole[5..])].concat();
    assert_eq!(parse::<u8>(&bytes).unwrap(), array![1, 2, 3, 4].into_dyn());
}

#[test]
fn trailing_bytes() {
    assert_fails::<u8>(&file(8, &[2], &[1, 2, 3]), 10, "got more bytes");
    assert_fails::<f64>(&file(0x0E, &[], &[0; 9]), 12, "got more bytes");
    let mut bytes = gzip(&file(8, &[2], &[1, 2]));
    bytes.push(1);
    assert_eq!(format_error(&parse::<u8>(&bytes).unwrap_err()).0, 10);
}

#[test]
fn wrong_magic() {
    assert_fails::<u8>(&[0, 1, 8, 1, 0, 0, 0, 0], 0, "expected two zero bytes, got [00, 01]");
    assert_fails::<u8>(b"<html></html>", 0, "not an idx file");
}

#[test]
fn wrong_type() {
    assert_fails::<u8>(&file(0x0D, &[1], &[0; 4]), 2, "expected elements of type u8 (0x08), got f32 (0x0D)");
    assert_fails::<i16>(
        &file(0x07, &[1], &[0; 2]),
        2,
        "expected elements of type i16 (0x0B), got unknown (0x07)",
    );
}

/// Allocating the 2^62 bytes of the header in advance would run out of memory.
#[test]
#[cfg(target_pointer_width = "64")]
fn hostile_sizes() {
    let bytes = file(8, &[1 << 31, 1 << 31], &[0; 9]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for content in [&bytes, &gzip(&bytes)] {
        fs::write(&path, content).unwrap();
        let expected = (21, "expected at least 4611686018427387916 bytes, but the content ends here");
        assert_eq!(format_error(&idx::read_with_limit::<u8>(&path, u64::MAX).unwrap_err()), expected);
        assert_eq!(format_error(&idx::parse::<u8>(&path, &content[..], u64::MAX).unwrap_err()), expected);
    }
}

#[test]
fn hostile_sizes_beyond_the_limit() {
    let small = |bytes: &[u8]| idx::parse::<u8>("memory", bytes, 100).unwrap_err();
    let error = small(&file(8, &[93], &[0; 93]));
    assert_eq!(
        format_error(&error),
        (4, "expected at most 100 bytes (the limit), got dimensions [93] with 101 bytes")
    );
    assert!(idx::parse::<u8>("memory", &file(8, &[92], &[0; 92])[..], 100).is_ok());
    assert!(format_error(&small(&file(8, &[u32::MAX; 3], &[]))).1.contains("overflow"));
    assert!(format_error(&small(&file(8, &[u32::MAX; 255], &[]))).1.contains("overflow"));
}

/// Counts the bytes read from the inner reader.
struct Counted<'a>(&'a [u8], &'a mut usize);

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.read(buffer)?;
        *self.1 += n;
        Ok(n)
    }
}

#[test]
fn a_zip_bomb_is_left_alone() {
    let bomb = gzip(&file(8, &[10], &vec![0; 100 << 20]));
    let mut taken = 0;
    let error = idx::parse::<u8>("bomb", Counted(&bomb, &mut taken), idx::LIMIT).unwrap_err();
    assert_eq!(format_error(&error).0, 18);
    assert!(taken <= 1 << 16 && bomb.len() > 1 << 16, "{taken} of {}", bomb.len());
}

#[test]
fn errors_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert!(matches!(idx::read::<u8>(&missing), Err(Error::Io { path, .. }) if path == missing));
    assert!(matches!(idx::read::<u8>(folder.path()), Err(Error::Io { .. })));
    assert!(matches!(idx::write(folder.path(), &array![1_u8]), Err(Error::Io { .. })));
}

#[test]
fn too_many_dimensions_to_write() {
    let path = Path::new("not-written");
    let array = ArrayD::<u8>::zeros(vec![1; 256]);
    assert!(matches!(idx::write(path, &array), Err(Error::Shape { .. })));
    assert!(!path.exists());
}

#[test]
fn written_in_row_major_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array");
    let array = array![[1_i16, 2, 3], [4, 5, 6]];
    idx::write(&path, &array.t()).unwrap();
    assert_eq!(idx::read::<i16>(&path).unwrap(), array.t().into_dyn());
    idx::write(&path, &array.slice_axis(Axis(1), Slice::from(..).step_by(-2))).unwrap();
    assert_eq!(idx::read::<i16>(&path).unwrap(), array![[3, 1], [6, 4]].into_dyn());
}

fn parse_as_anything(bytes: &[u8]) {
    let limit = 1 << 16;
    let _ = idx::parse::<u8>("any", bytes, limit);
    let _ = idx::parse::<i8>("any", bytes, limit);
    let _ = idx::parse::<i16>("any", bytes, u64::MAX);
    let _ = idx::parse::<i32>("any", bytes, limit);
    let _ = idx::parse::<f32>("any", bytes, u64::MAX);
    let _ = idx::parse::<f64>("any", bytes, limit);
}

/// Returns the bits of the values, so that NaN equals itself.
fn bits(array: &ArrayD<f64>) -> (Vec<usize>, Vec<u64>) {
    (array.shape().to_vec(), array.iter().map(|x| x.to_bits()).collect())
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        parse_as_anything(&bytes);
        parse_as_anything(&gzip(&bytes));
        parse_as_anything(&[&[0x1F, 0x8B, 8][..], &bytes].concat());
    }

    #[test]
    fn no_header_panics(code in 7..16_u8, dims in prop::collection::vec(any::<u32>(), 0..6), body: Vec<u8>) {
        let bytes = file(code, &dims, &body);
        parse_as_anything(&bytes);
        parse_as_anything(&gzip(&bytes));
    }

    #[test]
    fn no_small_header_panics(code in 7..16_u8, dims in prop::collection::vec(0..4_u32, 0..6), body: Vec<u8>) {
        parse_as_anything(&file(code, &dims, &body));
    }

    #[test]
    fn what_is_written_is_read(shape in prop::collection::vec(0..5_usize, 0..5), seed: u64, compress: bool) {
        let mut state = seed;
        let array = ArrayD::from_shape_simple_fn(shape, || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(state)
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if compress { "array.gz" } else { "array" });
        idx::write(&path, &array).unwrap();
        prop_assert_eq!(bits(&idx::read(&path).unwrap()), bits(&array));
    }
}

#[test]
fn a_header_without_its_dimensions_names_their_end() {
    assert_fails::<u8>(&file(0x08, &[2, 3, 4], &[])[..9], 9, "expected at least 16 bytes");
}
