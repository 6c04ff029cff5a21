use super::{TrainableActFn, scaled};
use crate::scalar::Real;

/// The parametric ReLU: a leaky ReLU with a learned slope.
///
/// Formula: z = u for u > 0, else α·u.
///
/// Derivative: with respect to u, 1 for u > 0, else α; with respect to α, 0 for u > 0, else u.
///
/// Shapes: elementwise. α has one value per layer, or one per unit with
/// [`TrainableActivation::per_unit`](crate::layer::TrainableActivation::per_unit).
///
/// Numerics: exact up to one rounding. The derivative at the kink 0 is α.
///
/// | parameter | purpose | default | range |
/// |---|---|---|---|
/// | `alpha` α | initial slope for u ≤ 0 | 0.25 | finite |
///
/// # Errors
///
/// Building a model returns [`Error::Layer`](crate::Error::Layer) if `alpha` is out of range.
///
/// # Source
///
/// He, Zhang, Ren and Sun, *Delving deep into rectifiers*, 2015.
///
/// # Examples
///
/// ```
/// use manabi::activation::PRelu;
/// use manabi::layer::TrainableActivation;
/// use manabi::{Activation, Affine, CrossEntropy, Sequential, Softmax};
///
/// let model = Sequential::<f32>::builder(784)
///     .add_layer("affine1", Affine::new(100))
///     .add_layer("prelu1", TrainableActivation::new(PRelu::default()).per_unit(true))
///     .add_layer("affine2", Affine::new(10))
///     .set_output(Softmax)
///     .set_error(CrossEntropy)
///     .build()?;
/// assert_eq!(model.parameter("prelu1.alpha")?.len(), 100);
/// # Ok::<(), manabi::Error>(())
/// ```
#[doc = ""]
#[doc = include_str!("plot/prelu.svg")]
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "PReLU")]
pub struct PRelu {
    alpha: f64,
}

impl PRelu {
    /// Creates a PReLU function with this initial α.
    pub fn new(alpha: f64) -> Self {
        Self { alpha }
    }
}

impl Default for PRelu {
    fn default() -> Self {
        Self::new(0.25)
    }
}

impl TrainableActFn for PRelu {
    const KIND: &'static str = "prelu";
    const PARAMETER: &'static str = "alpha";
    // The name in PyTorch.
    const SAVED_AS: &'static str = "weight";

    fn start(&self) -> f64 {
        self.alpha
    }

    #[inline(always)]
    fn z<A: Real>(u: A, alpha: A) -> A {
        if u > A::zero() { u } else { scaled(alpha, u) }
    }

    #[inline(always)]
    fn dz_du<A: Real>(u: A, alpha: A, _z: A) -> A {
        if u > A::zero() { A::one() } else { alpha }
    }

    #[inline(always)]
    fn dz_dp<A: Real>(u: A, _alpha: A, _z: A) -> A {
        u.min(A::zero())
    }
}
