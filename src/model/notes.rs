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
/// model.set_note("classes", "no,yes".to_owned());
/// assert_eq!(model.note("classes"), Some("no,yes"));
/// model.set_note("classes", None);
/// assert_eq!(model.note("classes"), None);
/// # Ok::<(), manabi::Error>(())
/// ```
impl<A: Scalar> Sequential<A> {
    /// Returns the note with this name, if there is one.
    pub fn note(&self, name: &str) -> Option<&str> {
        self.notes.get(name).map(String::as_str)
    }

    /// Sets or replaces the note with this name. `None` removes it.
    pub fn set_note(&mut self, name: impl Into<String>, text: impl Into<Option<String>>) {
        match text.into() {
            Some(text) => self.notes.insert(name.into(), text),
            None => self.notes.remove(&name.into()),
        };
    }
}
