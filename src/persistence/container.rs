//! The safetensors format: eight bytes with the length of a header in JSON, the header, the numbers.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, View, serialize};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};

/// The longest header.
const HEADER: usize = 100_000_000;
/// The most dimensions of a tensor.
const DIMENSIONS: usize = 8;
/// The bytes that say how long the header is.
const LENGTH: usize = 8;

/// A file's content.
pub(crate) struct Container<'a> {
    /// What the crate says of the numbers, if it wrote the file.
    pub description: Option<String>,
    pub tensors: Vec<Tensor<'a>>,
}

/// An array in a file.
pub(crate) struct Tensor<'a> {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// The numbers in row-major order, little-endian: as many as shape and type say.
    pub data: &'a [u8],
}

impl<'a> Container<'a> {
    /// Reads the header. Besides it nothing is copied.
    ///
    /// Tensors lie one after another without a gap, from the header to the end; no two share a byte.
    pub fn parse(file: &Path, bytes: &'a [u8]) -> Result<Self> {
        let error = |offset, reason| Error::Format { file: file.into(), offset, reason };
        let (header, data) = split(file, bytes)?;
        let Header { notes, tensors } = serde_json::from_slice(header)
            // Headers are one line, so that the column is the place.
            .map_err(|reason| error((LENGTH + reason.column()) as u64, format!("header: {reason}")))?;
        // The library looks for gaps, for overlaps, and whether shapes, types and lengths agree.
        let metadata = Metadata::new(None, tensors.clone())
            .map_err(|reason| error(LENGTH as u64, format!("header: {reason}")))?;
        if metadata.data_len() != data.len() {
            let reason = format!("expected {} bytes of numbers, got {}", metadata.data_len(), data.len());
            return Err(error((LENGTH + header.len()) as u64, reason));
        }
        let tensors =
            tensors.into_iter().map(|(name, TensorInfo { dtype, shape, data_offsets: (start, end) })| {
                Tensor { name, dtype, shape, data: &data[start..end] }
            });
        Ok(Self { description: notes.manabi, tensors: tensors.collect() })
    }
}

/// The header's bytes and those behind it.
fn split<'a>(file: &Path, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let error = |offset: usize, reason| Error::Format { file: file.into(), offset: offset as u64, reason };
    let ends =
        |expected| error(bytes.len(), format!("expected at least {expected} bytes, the content ends here"));
    let (length, rest) = bytes.split_first_chunk::<LENGTH>().ok_or_else(|| ends(LENGTH as u64))?;
    let length = u64::from_le_bytes(*length);
    if length > HEADER as u64 {
        let reason =
            format!("expected a header of at most {HEADER} bytes, got {length}: not a safetensors file");
        return Err(error(0, reason));
    }
    rest.split_at_checked(length as usize).ok_or_else(|| ends(LENGTH as u64 + length))
}

/// The content of a file with these tensors, in this order but for the types.
pub(crate) fn write(tensors: Vec<(String, Outgoing<'_>)>, description: String) -> Result<Vec<u8>> {
    if let Some((name, tensor)) = tensors.iter().find(|(_, tensor)| tensor.shape.len() > DIMENSIONS) {
        return Err(Error::shape(name, format!("at most {DIMENSIONS} dimensions"), &tensor.shape));
    }
    let notes = [("manabi".into(), description)].into_iter().collect();
    serialize(tensors, Some(notes))
        .map_err(|error| Error::setting("tensors", "what safetensors can hold", error))
}

/// What a header says.
struct Header {
    notes: Notes,
    /// In the order of their numbers.
    tensors: Vec<(String, TensorInfo)>,
}

/// What stands under `__metadata__`.
#[derive(Default, Deserialize)]
struct Notes {
    manabi: Option<String>,
}

/// A tensor as the header has it; with few dimensions, so that a long list of them is not kept.
#[derive(Deserialize)]
struct Entry {
    dtype: Dtype,
    shape: Shape,
    data_offsets: (usize, usize),
}

struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names and tensors")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Header, M::Error> {
                let (mut notes, mut tensors) = (None, Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" && notes.is_none() {
                        notes = Some(map.next_value()?);
                        continue;
                    }
                    let Entry { dtype, shape: Shape(shape), data_offsets } = map.next_value()?;
                    tensors.push((name, TensorInfo { dtype, shape, data_offsets }));
                }
                tensors.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                if let Some(twice) = tensors.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                    return Err(M::Error::custom(format!("tensor '{}' stands there twice", twice[0].0)));
                }
                tensors.sort_by_key(|(_, info)| info.data_offsets);
                Ok(Header { notes: notes.unwrap_or_default(), tensors })
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dimensions;
        impl<'de> Visitor<'de> for Dimensions {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {DIMENSIONS} dimensions")
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Shape, S::Error> {
                let mut shape = Vec::new();
                while let Some(n) = seq.next_element()? {
                    if shape.len() == DIMENSIONS {
                        return Err(S::Error::invalid_length(DIMENSIONS + 1, &self));
                    }
                    shape.push(n);
                }
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(Dimensions)
    }
}

/// An array on its way into a file: its numbers are made when they are asked for.
pub(crate) struct Outgoing<'a> {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub length: usize,
    pub bytes: Box<dyn Fn() -> Vec<u8> + 'a>,
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        (self.bytes)().into()
    }

    fn data_len(&self) -> usize {
        self.length
    }
}
