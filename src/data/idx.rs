//! The idx format of MNIST: a file with one array, raw or gzip-compressed.
//!
//! Format: two zero bytes, the element type, the number of dimensions; each dimension as a big-endian `u32`; the
//! elements in row-major order, big-endian. The file ends after the last element. Compression is detected by the magic bytes of
//! gzip, not by the file name. Zero bytes after the compressed data are padding.
//!
//! Shapes: any shape with up to 255 dimensions. An array with 0 dimensions has a single element. An array with a dimension of 0
//! has no elements.
//!
//! | byte 2 | element |
//! |---|---|
//! | 0x08 | `u8` |
//! | 0x09 | `i8` |
//! | 0x0B | `i16` |
//! | 0x0C | `i32` |
//! | 0x0D | `f32` |
//! | 0x0E | `f64` |
//!
//! # Errors
//!
//! Reading returns [`Error::Format`], with the file and the offset in the decompressed content, if the content is too short, too
//! long, larger than the limit or of a different element type, or if it cannot be decompressed. No content causes a panic, or an
//! allocation of more than about twice the size of the actual content.
//!
//! # Source
//!
//! Y. LeCun, C. Cortes, C. Burges, *The MNIST database of handwritten digits*, 1998.
//!
//! # Examples
//!
//! ```
//! use manabi::data::idx;
//!
//! let bytes = [0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 7, 0xFF, 0xFF];
//! let array = idx::parse::<i16>("example", &bytes[..], idx::LIMIT)?;
//! assert_eq!(array, manabi::ndarray::array![[7, -1]].into_dyn());
//! # Ok::<(), manabi::Error>(())
//! ```

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::{ArrayD, ArrayRef, Dimension};

use super::gzip::Members;
use crate::error::{Error, Result};
use crate::unfinished;

/// The maximum size of the decompressed content that [`read`] accepts: 1 GiB.
pub const LIMIT: u64 = 1 << 30;

/// The number of bytes to read at a time.
const CHUNK: usize = 1 << 16;

/// An element type of idx files: `u8`, `i8`, `i16`, `i32`, `f32` or `f64`.
pub trait Element: codec::Codec {}

impl<T: codec::Codec> Element for T {}

/// Reads the array of an idx file, raw or gzip-compressed, with at most [`LIMIT`] bytes of content.
///
/// # Errors
///
/// Returns [`Error::Io`] if the file cannot be read, and [`Error::Format`] if it is not a valid idx file with elements of type
/// `T`.
///
/// # Examples
///
/// ```
/// use manabi::data::idx;
/// use manabi::ndarray::array;
///
/// let path = std::env::temp_dir().join(format!("manabi-read-{}.gz", std::process::id()));
/// idx::write(&path, &array![1.5_f32, -2.0])?;
/// assert_eq!(idx::read::<f32>(&path)?, array![1.5, -2.0].into_dyn());
///
/// let error = idx::read::<u8>(&path).unwrap_err();
/// assert!(error.to_string().ends_with("at byte 2: expected elements of type u8 (0x08), got f32 (0x0D)"));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn read<T: Element>(path: impl AsRef<Path>) -> Result<ArrayD<T>> {
    read_with_limit(path, LIMIT)
}

/// Reads the array of an idx file like [`read`], with a custom limit on the number of bytes in the decompressed content,
/// including the header.
///
/// # Errors
///
/// Returns the errors of [`read`].
pub fn read_with_limit<T: Element>(path: impl AsRef<Path>, limit: u64) -> Result<ArrayD<T>> {
    let path = path.as_ref();
    let io_error = |error| Error::Io { path: path.into(), error };
    let file = File::open(path).map_err(io_error)?;
    let metadata = file.metadata().map_err(io_error)?;
    // The length of a pipe or a device is not known.
    let length = metadata.is_file().then_some(metadata.len());
    Source::new(path, file, length)?.array(limit)
}

/// Reads an array in the idx format, raw or gzip-compressed, from any reader. `name` replaces the path in errors. `limit` is the
/// limit of [`read_with_limit`].
///
/// # Errors
///
/// Returns the errors of [`read`].
///
/// # Examples
///
/// ```
/// use manabi::data::idx;
///
/// let truncated = [0, 0, 0x08, 1, 0, 0, 0, 3, 1, 2];
/// let error = idx::parse::<u8>("example", &truncated[..], idx::LIMIT).unwrap_err();
/// assert_eq!(error.to_string(), "example: at byte 10: expected at least 11 bytes, but the content ends here");
/// ```
pub fn parse<T: Element>(name: impl AsRef<Path>, bytes: impl Read, limit: u64) -> Result<ArrayD<T>> {
    Source::new(name.as_ref(), bytes, None)?.array(limit)
}

/// Writes an array as an idx file. The file is gzip-compressed if the path ends in `.gz`. It is written completely or not at all.
///
/// # Errors
///
/// Returns [`Error::Shape`] if the array has more than 255 dimensions or a dimension of at least 2³², and [`Error::Io`] if the
/// file cannot be written.
///
/// # Examples
///
/// ```
/// use manabi::data::idx;
/// use manabi::ndarray::array;
///
/// let path = std::env::temp_dir().join(format!("manabi-write-{}", std::process::id()));
/// idx::write(&path, &array![[1_u8, 2], [3, 4]].t())?;
/// assert_eq!(std::fs::read(&path).unwrap(), [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 3, 2, 4]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), manabi::Error>(())
/// ```
pub fn write<T: Element, D: Dimension>(path: impl AsRef<Path>, array: &ArrayRef<T, D>) -> Result<()> {
    let path = path.as_ref();
    let header = header::<T>(array.shape())?;
    unfinished::write(path, |file| {
        let file = BufWriter::new(file);
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut gzip = GzEncoder::new(file, Compression::default());
            write_to(&mut gzip, &header, array)?;
            gzip.finish()?.flush()
        } else {
            write_to(file, &header, array)
        }
    })
}

/// Returns the header, which precedes the elements.
fn header<T: Element>(shape: &[usize]) -> Result<Vec<u8>> {
    let too_large = || Error::shape("idx array", "with at most 255 dimensions, each below 2^32", shape);
    let mut header = vec![0, 0, T::CODE, u8::try_from(shape.len()).map_err(|_| too_large())?];
    for &dim in shape {
        header.extend(u32::try_from(dim).map_err(|_| too_large())?.to_be_bytes());
    }
    Ok(header)
}

fn write_to<T: Element, D: Dimension>(
    mut out: impl Write,
    header: &[u8],
    array: &ArrayRef<T, D>,
) -> io::Result<()> {
    out.write_all(header)?;
    let mut bytes = Vec::with_capacity(T::SIZE);
    for &value in array {
        bytes.clear();
        value.encode(&mut bytes);
        out.write_all(&bytes)?;
    }
    out.flush()
}

/// Returns a reader of the content, decompressed if it is gzip, and whether it is gzip.
///
/// An idx file starts with a zero byte, so it cannot be mistaken for gzip.
pub(super) fn decompressed<'a>(mut bytes: impl Read + 'a) -> io::Result<(Box<dyn Read + 'a>, bool)> {
    let mut start = Vec::with_capacity(2);
    bytes.by_ref().take(2).read_to_end(&mut start)?;
    let is_gzip = start == [0x1F, 0x8B];
    let bytes = io::Cursor::new(start).chain(bytes);
    Ok((if is_gzip { Box::new(Members::new(BufReader::new(bytes))) } else { Box::new(bytes) }, is_gzip))
}

/// A reader of the decompressed content that tracks the offset.
struct Source<'a> {
    name: &'a Path,
    bytes: Box<dyn Read + 'a>,
    /// The length of the content, if it is known in advance.
    length: Option<u64>,
    offset: u64,
    chunk: Vec<u8>,
}

impl<'a> Source<'a> {
    fn new(name: &'a Path, bytes: impl Read + 'a, length: Option<u64>) -> Result<Self> {
        let opened = decompressed(bytes);
        let (bytes, is_gzip) = opened.map_err(|error| Error::Io { path: name.into(), error })?;
        // The length of a gzip file is not the length of its content.
        let length = if is_gzip { None } else { length };
        Ok(Self { name, bytes, length, offset: 0, chunk: Vec::new() })
    }

    #[inline(never)]
    fn array<T: Element>(mut self, limit: u64) -> Result<ArrayD<T>> {
        let rank = self.magic::<T>()?;
        let shape = self.shape(rank)?;
        let (count, total) = self.size::<T>(&shape, limit)?;
        self.check_length(total)?;
        let values = self.values(count, total)?;
        self.end(total)?;
        let array = ArrayD::from_shape_vec(shape, values);
        array.map_err(|error| self.error(4, format!("expected dimensions of a valid array: {error}")))
    }

    /// Reads the magic bytes and returns the number of dimensions.
    fn magic<T: Element>(&mut self) -> Result<usize> {
        let magic = self.next(4, 4)?;
        let (zeros, code, rank) = ([magic[0], magic[1]], magic[2], magic[3]);
        if zeros != [0, 0] {
            let reason = format!("expected two zero bytes, got {zeros:02X?}: not an idx file");
            return Err(self.error(0, reason));
        }
        if code != T::CODE {
            let (expected, got) = (codec::name(T::CODE), codec::name(code));
            return Err(self.error(2, format!("expected elements of type {expected}, got {got}")));
        }
        Ok(rank.into())
    }

    fn shape(&mut self, rank: usize) -> Result<Vec<usize>> {
        let bytes = self.next(4 * rank, 4 + 4 * rank as u64)?;
        let (dims, _) = bytes.as_chunks();
        Ok(dims.iter().map(|&dim| u32::from_be_bytes(dim) as usize).collect())
    }

    /// Returns the number of elements and the number of bytes of the whole content.
    fn size<T: Element>(&self, shape: &[usize], limit: u64) -> Result<(usize, u64)> {
        // The product of the nonzero dimensions must not overflow either, because the strides depend on it.
        let nonzero =
            shape.iter().filter(|&&dim| dim != 0).try_fold(T::SIZE, |size, &dim| size.checked_mul(dim));
        let bytes = nonzero.filter(|&size| isize::try_from(size).is_ok());
        let bytes = bytes
            .ok_or_else(|| self.error(4, format!("the array size overflows for dimensions {shape:?}")))?;
        let bytes = if shape.contains(&0) { 0 } else { bytes };
        let total = self.offset + bytes as u64;
        if total > limit {
            let reason = format!(
                "expected at most {limit} bytes (the limit), got dimensions {shape:?} with {total} bytes"
            );
            return Err(self.error(4, reason));
        }
        Ok((bytes / T::SIZE, total))
    }

    /// Returns an error before any allocation if the length is known and wrong.
    fn check_length(&self, total: u64) -> Result<()> {
        match self.length {
            Some(length) if length < total => Err(self.ends_early(length, total)),
            Some(length) if length > total => Err(self.goes_on(total)),
            _ => Ok(()),
        }
    }

    fn values<T: Element>(&mut self, count: usize, total: u64) -> Result<Vec<T>> {
        let mut values = Vec::new();
        while values.len() < count {
            let n = (count - values.len()).min(CHUNK / T::SIZE);
            let name = self.name;
            // A known length has been checked. Otherwise the header alone does not justify a large allocation.
            let capacity = if self.length.is_some() { count } else { values.len() + n };
            let chunk = self.next(n * T::SIZE, total)?;
            reserve(&mut values, capacity, count).map_err(|error| Error::Io { path: name.into(), error })?;
            values.extend(chunk.chunks_exact(T::SIZE).map(T::decode));
        }
        Ok(values)
    }

    /// Checks that the content ends here. In gzip, this read also verifies the checksum.
    fn end(&mut self, total: u64) -> Result<()> {
        match self.fill(1)? {
            0 => Ok(()),
            _ => Err(self.goes_on(total)),
        }
    }

    /// Returns the next `n` bytes. `total` is the minimum length of the content according to the bytes read before.
    fn next(&mut self, n: usize, total: u64) -> Result<&[u8]> {
        match self.fill(n)? {
            got if got < n => Err(self.ends_early(self.offset, total)),
            _ => Ok(&self.chunk),
        }
    }

    /// Fills `chunk` with the next `n` bytes, or with fewer bytes if the content ends before.
    fn fill(&mut self, n: usize) -> Result<usize> {
        self.chunk.clear();
        let result = self.bytes.by_ref().take(n as u64).read_to_end(&mut self.chunk);
        self.offset += self.chunk.len() as u64;
        result.map_err(|error| match error.kind() {
            // The decompressor returns these kinds for invalid input.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
                self.error(self.offset, format!("cannot decompress the content from here: {error}"))
            }
            _ => Error::Io { path: self.name.into(), error },
        })
    }

    fn ends_early(&self, offset: u64, total: u64) -> Error {
        self.error(offset, format!("expected at least {total} bytes, but the content ends here"))
    }

    fn goes_on(&self, total: u64) -> Error {
        self.error(total, "expected the end of the content, got more bytes".into())
    }

    fn error(&self, offset: u64, reason: String) -> Error {
        Error::Format { file: self.name.into(), offset, reason }
    }
}

/// Reserves room for at least `capacity` values. The capacity at least doubles each time, but never exceeds `count`.
fn reserve<T>(values: &mut Vec<T>, capacity: usize, count: usize) -> io::Result<()> {
    if capacity > values.capacity() {
        let room = capacity.max(values.capacity().saturating_mul(2)).min(count);
        values.try_reserve_exact(room - values.len())?;
    }
    Ok(())
}

/// The codecs of the element types. The module is private, so other crates cannot add types.
mod codec {
    pub trait Codec: Copy + std::fmt::Debug + Send + Sync + 'static {
        const CODE: u8;
        const SIZE: usize = size_of::<Self>();
        /// Decodes exactly `SIZE` bytes.
        fn decode(bytes: &[u8]) -> Self;
        fn encode(self, bytes: &mut Vec<u8>);
    }

    macro_rules! elements {
        ($($code:literal $type:ident),+) => {
            $(impl Codec for $type {
                const CODE: u8 = $code;

                fn decode(bytes: &[u8]) -> Self {
                    Self::from_be_bytes(bytes.try_into().expect("the length is the size of the type"))
                }

                fn encode(self, bytes: &mut Vec<u8>) {
                    bytes.extend(self.to_be_bytes());
                }
            })+

            /// Returns the name of the type with this code, for messages.
            pub fn name(code: u8) -> String {
                match code {
                    $($code => format!("{} ({code:#04X})", stringify!($type)),)+
                    _ => format!("unknown ({code:#04X})"),
                }
            }
        };
    }

    elements!(0x08 u8, 0x09 i8, 0x0B i16, 0x0C i32, 0x0D f32, 0x0E f64);
}
