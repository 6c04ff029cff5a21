/// The slope of a function at a point, by differences.
pub(super) struct Slope {
    /// The extrapolated central difference.
    pub value: f64,
    /// What rounding of the function's values can do to it.
    noise: f64,
    /// Slopes to the left and to the right, over the step and over half of it.
    sides: [(f64, f64); 2],
}

impl Slope {
    pub fn of(mut g: impl FnMut(f64) -> f64, x: f64) -> Self {
        let step = f64::max(1e-4, 1e-9 * x.abs());
        let (middle, mut size) = (g(x), 0.0_f64);
        let mut sides = |h: f64| {
            let (left, right) = (x - h, x + h);
            let (below, above) = (g(left), g(right));
            size = size.max(below.abs()).max(above.abs());
            // The step that was really taken: x ± h is rounded.
            ((middle - below) / (x - left), (above - middle) / (right - x))
        };
        let sides = [sides(step), sides(step / 2.0)];
        let [whole, half] = sides.map(|(left, right)| (left + right) / 2.0);
        let noise = (8.0 * f64::EPSILON * size + f64::from_bits(8)) / step;
        Self { value: (4.0 * half - whole) / 3.0, noise, sides }
    }

    /// The distance beyond rounding, relative to the greater of both derivatives; infinite if one is NaN.
    pub fn relative_error(&self, analytic: f64) -> f64 {
        match (analytic - self.value).abs() - self.noise {
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
        let slopes = [left, right, near_left, near_right];
        let least = slopes.into_iter().fold(f64::INFINITY, f64::min) - self.noise;
        let greatest = slopes.into_iter().fold(f64::NEG_INFINITY, f64::max) + self.noise;
        is_kink && (least..=greatest).contains(&analytic)
    }
}
