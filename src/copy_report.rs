/// The names of the parameters and buffers that were copied to a model, from another model by
/// [`copy_matching`](crate::Sequential::copy_matching) or from a file by `persistence::LoadOptions`, and of those that were not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyReport {
    /// The names that were copied.
    pub copied: Vec<String>,
    /// The names that only the changed model has. They kept their values.
    pub missing: Vec<String>,
    /// The names that only the other model, or the file, has.
    pub unexpected: Vec<String>,
    /// The names with different shapes: the shape in the changed model, and the shape in the other model. For a file, both are
    /// shapes as files store them.
    pub mismatched: Vec<(String, Vec<usize>, Vec<usize>)>,
}
