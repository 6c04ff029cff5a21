/// The slope of a function at a point, computed from differences.
pub(super) struct Slope {
    /// The extrapolated central difference.
    pub value: f64,
    /// The uncertainty of the value, due to rounding and the size of the step.
    doubt: f64,
    /// The part of the uncertainty that is due to rounding.
    noise: f64,
    /// The slopes to the left and to the right, over the step and over half the step.
    sides: [(f64, f64); 2],
}

impl Slope {
    /// Returns the slope of `g` at `x`, over the step with the smallest uncertainty.
    ///
    /// `size` is the size of the terms that `g` adds up. If they cancel, the sum does not show how large their rounding errors
    /// are.
    pub fn of(mut g: impl FnMut(f64) -> f64, x: f64, size: f64) -> Self {
        let middle = g(x);
        let steps = (3..=9).map(|k| x.abs().max(1.0) * 10_f64.powi(-k));
        let slopes = steps.map(|step| Self::over(&mut g, x, middle, step, size));
        // A step may reach a point at which the function is infinite, and the uncertainty is then NaN.
        let better = |best: Self, slope: Self| match slope.doubt < best.doubt || best.doubt.is_nan() {
            true => slope,
            false => best,
        };
        slopes.reduce(better).expect("there is more than one step")
    }

    fn over(g: &mut impl FnMut(f64) -> f64, x: f64, middle: f64, step: f64, size: f64) -> Self {
        let mut size = size.max(middle.abs());
        let mut sides = |h: f64| {
            let (left, right) = (x - h, x + h);
            let (below, above) = (g(left), g(right));
            size = size.max(below.abs()).max(above.abs());
            // Divides by the actual step, because x ± h is rounded.
            ((middle - below) / (x - left), (above - middle) / (right - x))
        };
        let sides = [sides(step), sides(step / 2.0)];
        let [whole, half] = sides.map(|(left, right)| left / 2.0 + right / 2.0);
        // Values below 1e-300 may be subnormal, or computed from subnormal values.
        let noise = (16.0 * f64::EPSILON * size.max((x * half).abs()) + 1e-300) / step;
        Self { value: half + (half - whole) / 3.0, doubt: (half - whole).abs() + noise, noise, sides }
    }

    /// Returns the difference beyond the uncertainty, relative to the larger derivative, or infinity if a derivative is NaN.
    pub fn relative_error(&self, analytic: f64) -> f64 {
        match (analytic - self.value).abs() - self.doubt {
            distance if distance <= 0.0 => 0.0,
            distance if distance.is_nan() => f64::INFINITY,
            distance => distance / f64::max(analytic.abs(), self.value.abs()),
        }
    }

    /// Returns whether the point is a kink and the derivative is between the slopes to the left and to the right.
    ///
    /// At a kink, the two slopes stay apart as the step shrinks. If the function is smooth, halving the step halves the gap.
    pub fn is_kink_around(&self, analytic: f64) -> bool {
        let [(left, right), (near_left, near_right)] = self.sides;
        let (gap, near_gap) = (right - left, near_right - near_left);
        let is_kink = (near_gap - gap / 2.0).abs() > 0.05 * gap.abs() + 4.0 * self.noise;
        // After halving the step, the error of a slope is about the change due to the halving.
        let slack = (near_left - left).abs() + (near_right - right).abs() + self.noise;
        let (least, greatest) = (near_left.min(near_right) - slack, near_left.max(near_right) + slack);
        is_kink && (least..=greatest).contains(&analytic)
    }
}
