use super::Sequential;
use crate::scalar::Scalar;

/// Notes: texts with names that belong to a model, such as the names of its classes or the preprocessing of its table. Files,
/// checkpoints and ONNX files store them. The model does not read them.
///
/// # Examples
///
/// ```
/// use manabi::prelude::*;
///
/// let builder = Sequential::<f32>::builder(4).add_layer("affine1", Affine::new(2));
/// let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build()?;
/// model.set_note("classes", "no,yes");
/// assert_eq!(model.note("classes"), Some("no,yes"));
/// assert_eq!(model.notes().collect::<Vec<_>>(), [("classes", "no,yes")]);
/// assert_eq!(model.remove_note("classes").as_deref(), Some("no,yes"));
/// assert_eq!(model.note("classes"), None);
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Returns the note with this name, if there is one.
    pub fn note(&self, name: &str) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }

    /// Returns the names and the texts of all notes, sorted by name.
    pub fn notes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.notes.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// Sets or replaces the note with this name.
    pub fn set_note(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.notes.insert(name.into(), text.into());
    }

    /// Removes the note with this name and returns its text, if there is one.
    pub fn remove_note(&mut self, name: &str) -> Option<String> {
        self.notes.remove(name)
    }
}
