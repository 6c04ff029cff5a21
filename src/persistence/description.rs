//! The description of a model in a file, in JSON: the layers in order, the output, the loss, and the normalisers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::progress::Progress;
use crate::data::Normalizer;
use crate::error::{Error, Result};
use crate::settings::{LayerSettings, Setting, Settings};
use crate::shape::Shape;

/// The version of the format that this crate writes. The crate reads this version and all lower ones. Version 2 has shapes,
/// blocks and the normaliser of the targets.
pub(crate) const VERSION: u32 = 2;

/// Replaces the path in errors about content that was not read from a file.
pub(crate) const BYTES: &str = "bytes";

/// A model without the values of its parameters and buffers.
#[derive(Deserialize, Serialize)]
pub(crate) struct Description {
    pub version: u32,
    #[serde(rename = "input_dim")]
    pub input: Shape,
    pub layers: Vec<LayerSettings>,
    pub output: Part,
    pub loss: Part,
    /// The normaliser of the inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalizer: Option<Statistics>,
    /// The normaliser of the targets, in files of version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_normalizer: Option<Statistics>,
    /// Texts that belong to the model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Progress>,
}

impl Description {
    /// Returns the description as files store it.
    pub fn to_json(&self) -> Result<String> {
        let check = |settings: &Option<Settings>| settings.as_ref().map_or(Ok(()), Settings::check_finite);
        for LayerSettings { name, settings, .. } in &self.layers {
            check(settings).map_err(|error| error.in_layer(name))?;
        }
        check(&self.output.settings)?;
        check(&self.loss.settings)?;
        serde_json::to_string(self).map_err(|error| Error::setting("settings", "finite numbers", error))
    }

    /// Returns a message about the first part that differs from the saved model, or `None` if the models have the same parts.
    pub fn difference(&self, saved: &Self) -> Option<String> {
        let (expected, got) = (self.parts(), saved.parts());
        let none = (String::new(), "none".to_owned());
        (0..expected.len().max(got.len())).find_map(|i| {
            let (part, expected) = expected.get(i).unwrap_or(&none);
            let (saved_part, got) = got.get(i).unwrap_or(&none);
            let part = if part.is_empty() { saved_part } else { part };
            (expected != got).then(|| format!("{part} of the model: expected {expected}, got {got}"))
        })
    }

    /// Returns a label and the JSON text of every part. The layers come last, because models can have different numbers of
    /// layers. Notes are no part: training does not depend on them.
    fn parts(&self) -> Vec<(String, String)> {
        let units = (&self.normalizer, &self.target_normalizer);
        let mut parts = vec![
            ("input shape".to_owned(), json(&self.input)),
            ("output".to_owned(), json(&self.output)),
            ("loss".to_owned(), json(&self.loss)),
            ("normaliser of the inputs".to_owned(), json(units.0)),
            ("normaliser of the targets".to_owned(), json(units.1)),
        ];
        parts.extend((1..).zip(&self.layers).map(|(number, layer)| (format!("layer {number}"), json(layer))));
        parts
    }
}

/// Returns a part as text. Values that JSON cannot represent are not finite, and no file contains them.
fn json(part: &impl Serialize) -> String {
    serde_json::to_string(part).unwrap_or_else(|error| error.to_string())
}

/// The kind of an output or a loss, and its settings if it can be recreated from them.
#[derive(Deserialize, Serialize)]
pub(crate) struct Part {
    pub kind: String,
    pub settings: Option<Settings>,
}

/// The statistics of a normaliser.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Statistics {
    pub per_feature: bool,
    /// The shift and the scale of each feature, or one pair for all features.
    pub statistics: Vec<(f64, f64)>,
}

impl Statistics {
    pub fn of(normalizer: &Normalizer) -> Self {
        let (per_feature, statistics) = (normalizer.is_per_feature(), normalizer.statistics().to_vec());
        Self { per_feature, statistics }
    }

    pub fn normalizer(self) -> Result<Normalizer> {
        Normalizer::of_statistics(self.statistics, self.per_feature)
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, setting) in self.iter() {
            map.serialize_entry(name, setting)?;
        }
        map.end()
    }
}

impl Serialize for Setting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Numbers(numbers) => numbers.serialize(serializer),
            Self::Layers(layers) => layers.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from names to settings")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Settings, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, Setting>()? {
                    entries.push(entry);
                }
                Ok(entries.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = Setting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a Boolean, a string, a list of numbers, or a list of layers")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Setting, E> {
                Ok(Setting::Number(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Setting, E> {
                Ok(Setting::Number(number as f64))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Setting, E> {
                Ok(Setting::Number(number as f64))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Setting, E> {
                Ok(Setting::Flag(flag))
            }
            fn visit_str<E>(self, text: &str) -> Result<Setting, E> {
                Ok(Setting::Text(text.into()))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Setting, S::Error> {
                let (mut numbers, mut layers) = (Vec::new(), Vec::new());
                while let Some(element) = seq.next_element()? {
                    match element {
                        Element::Number(number) => numbers.push(number),
                        Element::Layer(layer) => layers.push(layer),
                    }
                }
                match (layers.is_empty(), numbers.is_empty()) {
                    (true, _) => Ok(Setting::Numbers(numbers)),
                    (false, true) => Ok(Setting::Layers(layers)),
                    (false, false) => Err(S::Error::custom("a list that contains both numbers and layers")),
                }
            }
        }
        deserializer.deserialize_any(Value)
    }
}

/// An element of a list in settings.
#[derive(Deserialize)]
#[serde(untagged)]
enum Element {
    Number(f64),
    Layer(LayerSettings),
}

/// Stores one dimension as a number, and several dimensions as a list.
impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.dims() {
            [size] => size.serialize(serializer),
            dims => dims.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Dims;
        impl<'de> Visitor<'de> for Dims {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one dimension, or a list of 1 to 3 dimensions")
            }
            fn visit_u64<E: serde::de::Error>(self, size: u64) -> Result<Shape, E> {
                usize::try_from(size).map(Shape::from).map_err(E::custom)
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Shape, S::Error> {
                let mut dims = Vec::new();
                while let Some(dim) = seq.next_element()? {
                    if dims.len() == Shape::MAX_RANK {
                        return Err(S::Error::invalid_length(dims.len() + 1, &self));
                    }
                    dims.push(dim);
                }
                Shape::of_dims(&dims).ok_or_else(|| S::Error::invalid_length(dims.len(), &self))
            }
        }
        deserializer.deserialize_any(Dims)
    }
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Parses a description, and returns a specific error for an unknown version.
pub(crate) fn parse(file: &Path, description: Option<&str>) -> Result<Description> {
    let mismatch = |problem| Error::Mismatch { file: file.into(), problems: vec![problem] };
    let json = description.ok_or_else(|| {
        mismatch(
            "no description of a model in the metadata (use load_weights to load weights alone, \
            and LoadOptions if they have other names)"
                .into(),
        )
    })?;
    let malformed = |error| mismatch(format!("description: {error}"));
    let Version { version } = serde_json::from_str(json).map_err(malformed)?;
    if !(1..=VERSION).contains(&version) {
        return Err(mismatch(format!("version of the description: expected 1 to {VERSION}, got {version}")));
    }
    serde_json::from_str(json).map_err(malformed)
}
