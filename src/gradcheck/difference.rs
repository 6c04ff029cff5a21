/// The slope of a function at a point, by differences.
pub(super) struct Slope {
    /// The extrapolated central difference.
    pub value: f64,
    /// How far it may be from the truth, by rounding and by the step.
    doubt: f64,
    /// What rounding alone can do to it.
    noise: f64,
    /// Slopes to the left and to the right, over the step and over half of it.
    sides: [(f64, f64); 2],
}

impl Slope {
    /// The slope of `g` at `x`, over the step that leaves the least doubt. `size` is that of the terms which `g` sums up:
    /// where they cancel, the sum knows nothing of their rounding.
    pub fn of(mut g: impl FnMut(f64) -> f64, x: f64, size: f64) -> Self {
        let middle = g(x);
        let steps = (3..=9).map(|k| x.abs().max(1.0) * 10_f64.powi(-k));
        let slopes = steps.map(|step| Self::over(&mut g, x, middle, step, size));
        // A step may lead to where the function is infinite.
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
            // The step that was really taken: x ± h is rounded.
            ((middle - below) / (x - left), (above - middle) / (right - x))
        };
        let sides = [sides(step), sides(step / 2.0)];
        let [whole, half] = sides.map(|(left, right)| left / 2.0 + right / 2.0);
        // Below 1e-300 numbers are subnormal, or made of ones that are.
        let noise = (16.0 * f64::EPSILON * size.max((x * half).abs()) + 1e-300) / step;
        Self { value: half + (half - whole) / 3.0, doubt: (half - whole).abs() + noise, noise, sides }
    }

    /// The distance beyond doubt, relative to the greater of both derivatives; infinite if one is NaN.
    pub fn relative_error(&self, analytic: f64) -> f64 {
        match (analytic - self.value).abs() - self.doubt {
            distance if distance <= 0.0 => 0.0,
            distance if distance.is_nan() => f64::INFINITY,
            distance => distance / f64::max(analytic.abs(), self.value.abs()),
        }
    }

    /// Whether the slopes to both sides stay apart as the step shrinks (those of a smooth function come twice as close
    /// when it is halved) and have this derivative between them.
    pub fn is_kink_around(&self, analytic: f64) -> bool {
        let [(left, right), (near_left, near_right)] = self.sides;
        let (gap, near_gap) = (right - left, near_right - near_left);
        let is_kink = (near_gap - gap / 2.0).abs() > 0.05 * gap.abs() + 4.0 * self.noise;
        // As much as the halving changed a slope, so far is it still from that at the point itself.
        let slack = (near_left - left).abs() + (near_right - right).abs() + self.noise;
        let (least, greatest) = (near_left.min(near_right) - slack, near_left.max(near_right) + slack);
        is_kink && (least..=greatest).contains(&analytic)
    }
}
