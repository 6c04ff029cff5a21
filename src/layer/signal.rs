//! Layers for signals. A signal is an image with one row, so each of them is the layer for images with another shape.

/// Implements [`Layer`](super::Layer) for a layer whose field `image` is a layer for images with a window of rank 1.
macro_rules! signal_layer {
    ($layer:ident, $kind:literal) => {
        impl<A: Scalar> Layer<A> for $layer {
            fn kind(&self) -> &str {
                $kind
            }

            fn output_shape(&self, input: Shape) -> Result<Shape> {
                Layer::<A>::output_shape(&self.image, input)
            }

            fn parameters(&self, input: Shape) -> Vec<TensorSpec> {
                Layer::<A>::parameters(&self.image, input)
            }

            fn row_wise(&self, training: bool) -> bool {
                Layer::<A>::row_wise(&self.image, training)
            }

            fn settings(&self) -> Option<Settings> {
                Layer::<A>::settings(&self.image)
            }

            fn forward(&self, pass: Forward<'_, A>) {
                self.image.forward(pass);
            }

            fn backward(&self, pass: Backward<'_, A>) {
                self.image.backward(pass);
            }
        }
    };
}
pub(super) use signal_layer;
