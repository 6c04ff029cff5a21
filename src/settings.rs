//! Settings: the plain data by which a saved model describes its layers, activations, outputs and losses.

use std::fmt::Display;

use num_traits::Zero;

use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// Named settings, in order: what a saved model says of a layer, so that it can be made again.
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
    /// A number, finite if it is to be saved.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A word.
    Text(String),
    /// Several numbers, finite if they are to be saved.
    Numbers(Vec<f64>),
    /// Layers inside a block.
    Layers(Vec<LayerSettings>),
}

/// What a saved model says of a layer inside a block.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "persistence", derive(serde::Deserialize, serde::Serialize))]
pub struct LayerSettings {
    /// The layer's name in the block.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Its settings, if it tells them.
    pub settings: Option<Settings>,
}

impl Settings {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// These settings and one more, which takes the place of one of the same name.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Setting>) -> Self {
        let name = name.into();
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, value.into()));
        self
    }

    /// The setting of this name.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// All settings, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The number of this name; an error if there is none.
    pub fn number(&self, name: &str) -> Result<f64> {
        match self.get(name) {
            Some(&Setting::Number(number)) => Ok(number),
            other => Err(unexpected(name, "a number", other)),
        }
    }

    /// The whole number of this name; an error if there is none.
    pub fn count(&self, name: &str) -> Result<usize> {
        // Whole numbers above are not all of them an `f64`.
        match self.get(name) {
            Some(&Setting::Number(n)) if n >= 0.0 && n.fract() == 0.0 && n <= WHOLE => Ok(n as usize),
            other => Err(unexpected(name, "a whole number", other)),
        }
    }

    /// The flag of this name; an error if there is none.
    pub fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            Some(&Setting::Flag(flag)) => Ok(flag),
            other => Err(unexpected(name, "true or false", other)),
        }
    }

    /// The text of this name; an error if there is none.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self.get(name) {
            Some(Setting::Text(text)) => Ok(text),
            other => Err(unexpected(name, "a text", other)),
        }
    }

    /// The numbers of this name; an error if there are none.
    pub fn numbers(&self, name: &str) -> Result<&[f64]> {
        match self.get(name) {
            Some(Setting::Numbers(numbers)) => Ok(numbers),
            other => Err(unexpected(name, "a list of numbers", other)),
        }
    }

    /// The layers of this name; an error if there are none.
    pub fn layers(&self, name: &str) -> Result<&[LayerSettings]> {
        match self.get(name) {
            Some(Setting::Layers(layers)) => Ok(layers),
            other => Err(unexpected(name, "a list of layers", other)),
        }
    }

    /// An error if one of the numbers is finite, but infinite as a number of a model.
    pub(crate) fn check_range<A: Scalar>(&self) -> Result<()> {
        let fits = |number: f64| A::of(number).is_finite() == number.is_finite();
        let expected = || format!("a number within the range of {}", std::any::type_name::<A>());
        self.check_numbers(&fits, &expected)
    }

    /// An error if one of the numbers is not finite.
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

/// 2⁵³, up to which an `f64` holds every whole number.
const WHOLE: f64 = 9_007_199_254_740_992.0;

fn unexpected(name: &str, expected: &str, got: Option<&Setting>) -> Error {
    let got = got.map_or("none".into(), |value| format!("{value:?}"));
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

/// An error unless a setting is finite.
pub(crate) fn check_finite(what: &str, value: f64) -> Result<()> {
    check(value.is_finite(), what, "a finite number", value)
}

/// An error unless a setting is finite and above 0, also in the precision of a model.
pub(crate) fn check_positive<A: Scalar>(what: &str, value: f64) -> Result<()> {
    let rounded = A::of(value);
    check(rounded > A::zero() && rounded.is_finite(), what, "a finite number above 0", value)
}

/// An error unless a setting is at least 0 and finite, also in the precision of a model.
pub(crate) fn check_at_least_0<A: Scalar>(what: &str, value: f64) -> Result<()> {
    check(value >= 0.0 && A::of(value).is_finite(), what, "a finite number of at least 0", value)
}

/// An error unless a setting is a share of something, or all or nothing of it.
pub(crate) fn check_share(what: &str, value: f64) -> Result<()> {
    check((0.0..=1.0).contains(&value), what, "0 to 1", value)
}

/// An error unless a setting is a share of the past that a running average can keep, or of inputs that dropout can drop.
pub(crate) fn check_average(what: &str, value: f64) -> Result<()> {
    check((0.0..1.0).contains(&value), what, "at least 0 and below 1", value)
}

/// An error unless a setting is a true share.
pub(crate) fn check_fraction(what: &str, value: f64) -> Result<()> {
    check(value > 0.0 && value < 1.0, what, "above 0 and below 1", value)
}

/// An error unless a count is at least 1.
pub(crate) fn check_count<N: Display + PartialEq + Zero>(what: &str, count: N) -> Result<()> {
    check(!count.is_zero(), what, "at least 1", count)
}

/// An error unless a setting is right.
pub(crate) fn check(is_right: bool, what: &str, expected: &str, got: impl Display) -> Result<()> {
    if is_right { Ok(()) } else { Err(Error::setting(what, expected, got)) }
}
