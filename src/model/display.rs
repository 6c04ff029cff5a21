use std::fmt;

use super::Sequential;
use crate::scalar::Scalar;

/// Prints the table from the article: one line each for the input, every layer, the output and the loss.
impl<A: Scalar> fmt::Display for Sequential<A> {
    #[inline(never)]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "input - 0 {}", self.input_shape())?;
        for slot in self.slots() {
            let (kind, input, output) = (slot.layer.kind(), slot.declared.input, slot.declared.output);
            writeln!(f, "{} {kind} {input} {output}", slot.name)?;
        }
        writeln!(f, "output {} {}", self.output.kind(), self.output_dim())?;
        write!(f, "error {}", self.loss.kind())
    }
}

/// Prints one line without values: `Sequential<f32>(784 -> 10, 3 layers, 84060 parameters)`.
impl<A: Scalar> fmt::Debug for Sequential<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (precision, input, output) = (std::any::type_name::<A>(), self.input_shape(), self.output_dim());
        let plural = |count, thing| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
        let (layers, parameters) =
            (plural(self.slots().len(), "layer"), plural(self.parameter_count(), "parameter"));
        write!(f, "Sequential<{precision}>({input} -> {output}, {layers}, {parameters})")
    }
}

impl<A: Scalar> Sequential<A> {
    /// Describes every layer, the output and the loss with all their settings, by name.
    pub(crate) fn describe(&self, mut add: impl FnMut(&str, String)) {
        self.slots()
            .iter()
            .for_each(|slot| add(&format!("layer '{}'", slot.name), format!("{:?}", slot.layer)));
        add("output", format!("{:?}", self.output));
        add("error", format!("{:?}", self.loss));
    }

    /// Returns a table of the layers with the number of parameters of each.
    ///
    /// # Examples
    ///
    /// ```
    /// use manabi::layer::Flatten;
    /// use manabi::{Activation, Affine, CrossEntropy, Mish, Sequential, Softmax};
    ///
    /// let model = Sequential::<f32>::builder([1, 28, 28])
    ///     .add_layer("flatten", Flatten)
    ///     .add_layer("affine1", Affine::new(100))
    ///     .add_layer("mish1", Activation::new(Mish))
    ///     .add_layer("affine2", Affine::new(10))
    ///     .set_output(Softmax)
    ///     .set_error(CrossEntropy)
    ///     .build()?;
    /// let table = "\
    /// layer    kind       input  output  parameters
    /// flatten  flatten  1x28x28     784           0
    /// affine1  affine       784     100       78500
    /// mish1    mish         100     100           0
    /// affine2  affine       100      10        1010
    /// total                                   79510";
    /// assert_eq!(model.summary(), table);
    /// # Ok::<(), manabi::Error>(())
    /// ```
    pub fn summary(&self) -> String {
        let row = |cells: [&dyn ToString; 5]| cells.map(|cell| cell.to_string());
        let mut rows = vec![row([&"layer", &"kind", &"input", &"output", &"parameters"])];
        rows.extend(self.slots().iter().map(|slot| {
            let declared = &slot.declared;
            row([&slot.name, &slot.layer.kind(), &declared.input, &declared.output, &declared.size])
        }));
        rows.push(row([&"total", &"", &"", &"", &self.parameter_count()]));
        let width = |i: usize| rows.iter().map(|cells| cells[i].chars().count()).max().unwrap_or(0);
        let widths: [usize; 5] = std::array::from_fn(width);
        let line = |[name, kind, input, output, parameters]: &[String; 5]| {
            let [w0, w1, w2, w3, w4] = widths;
            format!("{name:w0$}  {kind:w1$}  {input:>w2$}  {output:>w3$}  {parameters:>w4$}")
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
