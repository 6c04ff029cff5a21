//! Named settings, with which a saved model describes its layers, activations, outputs and losses.

use std::fmt::Display;

use num_traits::Zero;

use crate::error::{Error, Result};
use crate::scalar::Scalar;
use crate::shape::Shape;

/// An ordered list of named settings, from which a part of a saved model can be created again.
///
/// # Examples
///
/// ```
/// use manabi::settings::Settings;
///
/// let settings = Settings::new().with("units", 100).with("bias", true).with("weights", vec![1.0, 2.0]);
/// assert_eq!((settings.count("units")?, settings.flag("bias")?), (100, true));
///
/// let error = settings.number("alpha").unwrap_err();
/// assert_eq!(error.to_string(), "setting 'alpha': expected a number, got none");
/// # Ok::<(), manabi::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "the setters return the changed value instead of changing it in place"]
pub struct Settings(Vec<(String, Setting)>);

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Setting {
    /// A number. Only finite numbers can be saved.
    Number(f64),
    /// A switch that is on or off.
    Flag(bool),
    /// A text.
    Text(String),
    /// A list of numbers. Only finite numbers can be saved.
    Numbers(Vec<f64>),
    /// The layers inside a block.
    Layers(Vec<LayerSettings>),
}

/// The description of a layer inside a block in a saved model.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "persistence", derive(serde::Deserialize, serde::Serialize))]
pub struct LayerSettings {
    /// The layer's name in the block.
    pub name: String,
    /// The layer's kind, such as `affine`.
    pub kind: String,
    /// The layer's settings, or `None` if the layer does not provide any.
    pub settings: Option<Settings>,
}

impl Settings {
    /// Creates an empty list of settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a setting. A previous setting with the same name is removed.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Setting>) -> Self {
        let name = name.into();
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value.into()));
        self
    }

    /// Returns the setting with this name, or `None` if it does not exist.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Returns an iterator over the names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns the number with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the setting is missing or not a number.
    pub fn number(&self, name: &str) -> Result<f64> {
        match self.get(name) {
            Some(&Setting::Number(number)) => Ok(number),
            other => Err(unexpected(name, "a number", other)),
        }
    }

    /// Returns the whole number with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the setting is missing or not a whole number from 0 to 2⁵³.
    pub fn count(&self, name: &str) -> Result<usize> {
        // Above this limit, an `f64` cannot represent every whole number.
        match self.get(name) {
            Some(&Setting::Number(n)) if n >= 0.0 && n.fract() == 0.0 && n <= WHOLE => Ok(n as usize),
            other => Err(unexpected(name, "a whole number", other)),
        }
    }

    /// Returns the flag with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the setting is missing or not a flag.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            Some(&Setting::Flag(flag)) => Ok(flag),
            other => Err(unexpected(name, "true or false", other)),
        }
    }

    /// Returns the text with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the setting is missing or not a text.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.get(name) {
            Some(Setting::Text(text)) => Ok(text),
            other => Err(unexpected(name, "text", other)),
        }
    }

    /// Returns the list of numbers with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the setting is missing or not a list of numbers.
    pub fn numbers(&self, name: &str) -> Result<&[f64]> {
        match self.get(name) {
            Some(Setting::Numbers(numbers)) => Ok(numbers),
            other => Err(unexpected(name, "a list of numbers", other)),
        }
    }

    /// Returns the list of layers with this name.
    ///
    /// # Errors
    ///
    /// Returns [`Error::Setting`] if the setting is missing or not a list of layers.
    pub fn layers(&self, name: &str) -> Result<&[LayerSettings]> {
        match self.get(name) {
            Some(Setting::Layers(layers)) => Ok(layers),
            other => Err(unexpected(name, "a list of layers", other)),
        }
    }

    /// Returns an error if a number is finite but becomes infinite when it is converted to `A`.
    pub(crate) fn check_range<A: Scalar>(&self) -> Result<()> {
        let fits = |number: f64| A::of(number).is_finite() == number.is_finite();
        let expected = || format!("a number within the range of {}", std::any::type_name::<A>());
        self.check_numbers(&fits, &expected)
    }

    /// Returns an error if a number is not finite.
    #[cfg(feature = "persistence")]
    pub(crate) fn check_finite(&self) -> Result<()> {
        self.check_numbers(&f64::is_finite, &|| "a finite number".into())
    }

    fn check_numbers(&self, is_right: &dyn Fn(f64) -> bool, expected: &dyn Fn() -> String) -> Result<()> {
        for (name, value) in self.iter() {
            let numbers = match value {
                Setting::Number(number) => std::slice::from_ref(number),
                Setting::Numbers(numbers) => numbers,
                Setting::Layers(layers) => {
                    for LayerSettings { name, settings, .. } in layers {
                        let checked =
                            settings.as_ref().map_or(Ok(()), |own| own.check_numbers(is_right, expected));
                        checked.map_err(|error| error.in_layer(name))?;
                    }
                    continue;
                }
                Setting::Flag(_) | Setting::Text(_) => continue,
            };
            if let Some(number) = numbers.iter().find(|&&number| !is_right(number)) {
                return Err(Error::setting(name, expected(), format!("{number:?}")));
            }
        }
        Ok(())
    }
}

impl FromIterator<(String, Setting)> for Settings {
    fn from_iter<I: IntoIterator<Item = (String, Setting)>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

/// 2⁵³, up to which an `f64` represents every whole number exactly.
const WHOLE: f64 = 9_007_199_254_740_992.0;

fn unexpected(name: &str, expected: &str, got: Option<&Setting>) -> Error {
    let got = match got {
        None => "none".into(),
        Some(Setting::Number(number)) => number.to_string(),
        Some(Setting::Flag(flag)) => flag.to_string(),
        Some(Setting::Text(text)) => format!("{text:?}"),
        Some(Setting::Numbers(numbers)) => format!("{numbers:?}"),
        Some(Setting::Layers(_)) => "a list of layers".into(),
    };
    Error::setting(format!("setting '{name}'"), expected, got)
}

impl From<f64> for Setting {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Setting {
    fn from(number: usize) -> Self {
        Self::Number(number as f64)
    }
}

impl From<bool> for Setting {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for Setting {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<LayerSettings>> for Setting {
    fn from(layers: Vec<LayerSettings>) -> Self {
        Self::Layers(layers)
    }
}

impl From<Vec<f64>> for Setting {
    fn from(numbers: Vec<f64>) -> Self {
        Self::Numbers(numbers)
    }
}

/// Returns an error unless a setting is finite.
pub(crate) fn check_finite(what: &str, value: f64) -> Result<()> {
    check(value.is_finite(), what, "a finite number", value)
}

/// Returns an error unless a setting is finite and above 0 when it is converted to `A`.
pub(crate) fn check_positive<A: Scalar>(what: &str, value: f64) -> Result<()> {
    let rounded = A::of(value);
    check(rounded > A::zero() && rounded.is_finite(), what, "a finite number above 0", value)
}

/// Returns an error unless a setting is at least 0, and finite when it is converted to `A`.
pub(crate) fn check_at_least_0<A: Scalar>(what: &str, value: f64) -> Result<()> {
    check(value >= 0.0 && A::of(value).is_finite(), what, "a finite number of at least 0", value)
}

/// Returns an error unless a setting is a fraction, with 0 and 1 included.
pub(crate) fn check_share(what: &str, value: f64) -> Result<()> {
    check((0.0..=1.0).contains(&value), what, "a value from 0 to 1", value)
}

/// Returns an error unless a setting is a valid decay of a running average: at least 0 and below 1.
pub(crate) fn check_average(what: &str, value: f64) -> Result<()> {
    check((0.0..1.0).contains(&value), what, "at least 0 and below 1", value)
}

/// Returns an error unless a setting is a fraction, with 0 and 1 excluded.
pub(crate) fn check_fraction(what: &str, value: f64) -> Result<()> {
    check(value > 0.0 && value < 1.0, what, "above 0 and below 1", value)
}

/// Checks that the input of a layer has one dimension.
pub(crate) fn check_one_dimension(input: Shape) -> Result<()> {
    check(input.rank() == 1, "input shape", "one dimension (put a Flatten layer before it)", input)
}

/// Returns an error unless a count is at least 1.
pub(crate) fn check_count<N: Display + PartialEq + Zero>(what: &str, count: N) -> Result<()> {
    check(!count.is_zero(), what, "at least 1", count)
}

/// Returns an [`Error::Setting`] unless `is_right`.
pub(crate) fn check(is_right: bool, what: &str, expected: &str, got: impl Display) -> Result<()> {
    if is_right { Ok(()) } else { Err(Error::setting(what, expected, got)) }
}
