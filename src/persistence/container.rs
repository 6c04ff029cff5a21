//! The safetensors format: eight bytes with the length of the header, the header in JSON, and the data of the tensors.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, View, serialize};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};

/// The maximum length of a header.
const HEADER: usize = 100_000_000;
/// The maximum number of dimensions of a tensor.
const DIMENSIONS: usize = 8;
/// The number of bytes that store the length of the header.
const LENGTH: usize = 8;

/// The first bytes of the files that PyTorch's `torch.save` writes: a ZIP archive, or a pickle in old versions.
const PICKLES: [&[u8]; 2] = [b"PK\x03\x04", b"\x80\x02"];
/// What to do with such a file.
const PICKLE: &str = "not a safetensors file, but one of torch.save: in Python, save its state_dict with \
                      safetensors.torch.save_file, and read that file with load_weights or LoadOptions";

/// The content of a file.
pub(crate) struct Container<'a> {
    /// The description of the model, if this crate wrote the file.
    pub description: Option<String>,
    pub tensors: Vec<Tensor<'a>>,
}

/// An array in a file.
pub(crate) struct Tensor<'a> {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// The values in row-major order, little-endian. The length agrees with the shape and the type.
    pub data: &'a [u8],
}

impl<'a> Container<'a> {
    /// Parses a file. Only the header is copied.
    ///
    /// The tensors must fill the content after the header without gaps or overlaps.
    pub fn parse(file: &Path, bytes: &'a [u8]) -> Result<Self> {
        let error = |offset, reason| Error::Format { file: file.into(), offset, reason };
        let (header, data) = split(file, bytes)?;
        let Header { notes, tensors } = serde_json::from_slice(header)
            // A header is one line, so the column is the offset.
            .map_err(|reason| error((LENGTH + reason.column()) as u64, format!("header: {reason}")))?;
        // The library rejects gaps, overlaps, and lengths that do not agree with the shape and the type.
        let metadata = Metadata::new(None, tensors.clone())
            .map_err(|reason| error(LENGTH as u64, format!("header: {reason}")))?;
        if metadata.data_len() != data.len() {
            let reason = format!("expected {} bytes of tensor data, got {}", metadata.data_len(), data.len());
            return Err(error((LENGTH + header.len()) as u64, reason));
        }
        let tensors =
            tensors.into_iter().map(|(name, TensorInfo { dtype, shape, data_offsets: (start, end) })| {
                Tensor { name, dtype, shape, data: &data[start..end] }
            });
        Ok(Self { description: notes.manabi, tensors: tensors.collect() })
    }
}

/// Splits the content into the header and the data of the tensors.
fn split<'a>(file: &Path, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let error = |offset: usize, reason| Error::Format { file: file.into(), offset: offset as u64, reason };
    let ends = |expected| {
        error(bytes.len(), format!("expected at least {expected} bytes, but the content ends here"))
    };
    let (length, rest) = bytes.split_first_chunk::<LENGTH>().ok_or_else(|| ends(LENGTH as u64))?;
    let length = u64::from_le_bytes(*length);
    if length > HEADER as u64 {
        let reason = match PICKLES.iter().any(|start| bytes.starts_with(start)) {
            true => PICKLE.into(),
            false => {
                format!("not a safetensors file: expected a header of at most {HEADER} bytes, got {length}")
            }
        };
        return Err(error(0, reason));
    }
    rest.split_at_checked(length as usize).ok_or_else(|| ends(LENGTH as u64 + length))
}

/// Returns the content of a file with these tensors. They are sorted by type and otherwise keep their order.
pub(crate) fn write(tensors: Vec<(String, Outgoing<'_>)>, description: String) -> Result<Vec<u8>> {
    if let Some((name, tensor)) = tensors.iter().find(|(_, tensor)| tensor.shape.len() > DIMENSIONS) {
        return Err(Error::shape(name, format!("at most {DIMENSIONS} dimensions"), &tensor.shape));
    }
    let notes = [("manabi".into(), description)].into_iter().collect();
    serialize(tensors, Some(notes))
        .map_err(|error| Error::setting("tensors", "tensors that the safetensors format can store", error))
}

/// The header of a file.
struct Header {
    notes: Notes,
    /// Sorted by the offsets of their data.
    tensors: Vec<(String, TensorInfo)>,
}

/// The content of `__metadata__`.
#[derive(Default, Deserialize)]
struct Notes {
    manabi: Option<String>,
}

/// The entry of a tensor in the header. The limited number of dimensions prevents large allocations.
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
                f.write_str("a map from names to tensors")
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
                    return Err(M::Error::custom(format!("duplicate tensor name '{}'", twice[0].0)));
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

/// An array to be written to a file. Its bytes are computed on demand.
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
