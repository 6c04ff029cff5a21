//! The attributes of a node.

use super::proto;

/// The attributes of a node.
pub(super) struct Attributes<'a>(pub &'a proto::Node);

impl<'a> Attributes<'a> {
    pub fn get(&self, name: &str) -> Option<&'a proto::Attribute> {
        self.0.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Returns a whole number, or the default if there is none.
    pub fn int(&self, name: &str, default: i64) -> Result<i64, String> {
        let Some(attribute) = self.get(name) else { return Ok(default) };
        attribute.i.ok_or_else(|| format!("attribute '{name}': expected a whole number"))
    }

    /// Returns a floating-point number, or the default if there is none.
    pub fn float(&self, name: &str, default: f64) -> Result<f64, String> {
        let Some(attribute) = self.get(name) else { return Ok(default) };
        let value = attribute.f.map(f64::from).filter(|value| value.is_finite());
        value.ok_or_else(|| format!("attribute '{name}': expected a finite number"))
    }

    /// Returns a text, or the default if there is none.
    pub fn text(&self, name: &str, default: &str) -> Result<String, String> {
        let Some(attribute) = self.get(name) else { return Ok(default.into()) };
        let text = attribute.s.as_ref().and_then(|bytes| str::from_utf8(bytes).ok());
        text.map(String::from).ok_or_else(|| format!("attribute '{name}': expected a text"))
    }

    /// Returns a list of whole numbers, if there is one.
    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.get(name).map(|attribute| &attribute.ints[..])
    }

    /// Returns a height and a width, or a single number for both if the rank is 1, or the default if there are none.
    pub fn extent(&self, name: &str, rank: usize, default: Option<usize>) -> Result<[usize; 2], String> {
        let Some(ints) = self.ints(name) else {
            return default
                .map(|n| [n, n])
                .ok_or_else(|| format!("attribute '{name}': expected one, got none"));
        };
        let size = |n: i64| usize::try_from(n).ok().filter(|&n| n < 1_000_000_000);
        let sizes: Option<Vec<usize>> = ints.iter().map(|&n| size(n)).collect();
        sizes
            .filter(|sizes| sizes.len() == rank)
            .map(|sizes| [sizes[0], sizes[rank - 1]])
            .ok_or_else(|| format!("attribute '{name}': expected {rank} number(s), got {ints:?}"))
    }

    /// Returns an error unless a whole number has the only value that is supported.
    pub fn only(&self, name: &str, default: i64, value: i64) -> Result<(), String> {
        match self.int(name, default)? {
            same if same == value => Ok(()),
            other => Err(format!("attribute '{name}': expected {value}, got {other}")),
        }
    }

    /// Returns an error unless a floating-point number is 1.
    pub fn one(&self, name: &str) -> Result<(), String> {
        match self.float(name, 1.0)? {
            1.0 => Ok(()),
            other => Err(format!("attribute '{name}': expected 1, got {other}")),
        }
    }
}
