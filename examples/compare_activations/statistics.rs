//! Statistics over a few seeds: means, intervals and paired tests.

use statrs::distribution::{ContinuousCDF, StudentsT};

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the sample standard deviation, with divisor n − 1.
pub fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

fn students_t(values: &[f64]) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, values.len() as f64 - 1.0).ok()
}

/// Returns half the width of the 95 % confidence interval of the mean, by Student's t; NaN for fewer than two values.
pub fn half_interval(values: &[f64]) -> f64 {
    let quantile = students_t(values).map_or(f64::NAN, |t| t.inverse_cdf(0.975));
    quantile * deviation(values) / (values.len() as f64).sqrt()
}

/// Returns the p-value of the two-sided paired t test.
pub fn t_test(differences: &[f64]) -> f64 {
    let error = deviation(differences) / (differences.len() as f64).sqrt();
    if error == 0.0 {
        return if mean(differences) == 0.0 { 1.0 } else { 0.0 };
    }
    let t = (mean(differences) / error).abs();
    students_t(differences).map_or(f64::NAN, |distribution| 2.0 * distribution.sf(t))
}

/// Returns the p-value of Wilcoxon's signed-rank test, two-sided and exact. Differences of 0 are omitted; ties receive their mean
/// rank.
pub fn signed_rank_test(differences: &[f64]) -> f64 {
    let mut sizes: Vec<f64> = differences.iter().map(|d| d.abs()).filter(|&d| d != 0.0).collect();
    sizes.sort_by(f64::total_cmp);
    // Twice the rank, which is an integer even for ties: the count of smaller differences plus the count up to this one.
    let twice_rank = |size: f64| {
        let below = sizes.iter().filter(|&&other| other < size).count();
        let up_to = sizes.iter().filter(|&&other| other <= size).count();
        below + up_to + 1
    };
    let ranks: Vec<usize> = sizes.iter().map(|&size| twice_rank(size)).collect();
    let total: usize = ranks.iter().sum();
    let positive: usize =
        differences.iter().filter(|&&d| d > 0.0).map(|&difference| twice_rank(difference)).sum();
    // For each sum, the number of the 2ⁿ choices of signs whose positive ranks have this sum.
    let mut choices = vec![0.0; total + 1];
    choices[0] = 1.0;
    for &rank in &ranks {
        for sum in (rank..=total).rev() {
            choices[sum] += choices[sum - rank];
        }
    }
    let tail: f64 = choices[..=positive.min(total - positive)].iter().sum();
    (2.0 * tail / choices.iter().sum::<f64>()).min(1.0)
}

/// Returns the p-values after Holm's correction for multiple tests.
pub fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut corrected, mut greatest) = (vec![0.0; values.len()], 0.0_f64);
    for (i, &place) in order.iter().enumerate() {
        greatest = greatest.max(values[place] * (values.len() - i) as f64).min(1.0);
        corrected[place] = greatest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    /// Student's own data: the additional hours of sleep with one drug compared to another.
    const SLEEP: [f64; 10] = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];

    #[test]
    fn students_sleep() {
        assert_relative_eq!(mean(&SLEEP), 1.58, max_relative = 1e-12);
        assert_relative_eq!(deviation(&SLEEP), 1.229995483, max_relative = 1e-9);
        assert_relative_eq!(t_test(&SLEEP), 0.00283289, max_relative = 1e-6);
        // t = 2.262157163 for 9 degrees of freedom.
        assert_relative_eq!(
            half_interval(&SLEEP),
            2.262157163 * 1.229995483 / 10_f64.sqrt(),
            max_relative = 1e-8
        );
    }

    #[test]
    fn signed_ranks() {
        // All differences have the same sign: 2 of the 2ⁿ choices are as extreme.
        assert_eq!(signed_rank_test(&[1.0, 2.0, 3.0, 4.0, 5.0]), 2.0 / 32.0);
        assert_eq!(signed_rank_test(&SLEEP), 2.0 / 512.0);
        // Ranks 1, 2, 3 with one negative: sums up to 1 come from {} and {1}, sums up to 2 from {2} too.
        assert_eq!(signed_rank_test(&[-1.0, 2.0, 3.0]), 4.0 / 8.0);
        assert_eq!(signed_rank_test(&[1.0, -2.0, 3.0]), 6.0 / 8.0);
        // Two ties share rank 1.5: sums up to 1.5 come from {} and from either tie.
        assert_eq!(signed_rank_test(&[1.0, -1.0, 3.0]), 6.0 / 8.0);
        assert_eq!(signed_rank_test(&[1.0, -1.0]), 1.0);
        assert_eq!(signed_rank_test(&[0.0, 0.0]), 1.0);
    }

    #[test]
    fn holms_correction() {
        let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (corrected, expected) in corrected.into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert_relative_eq!(corrected, expected, max_relative = 1e-12);
        }
        assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
    }

    #[test]
    fn no_difference_is_no_evidence() {
        assert_eq!(t_test(&[0.0; 5]), 1.0);
        assert_eq!(t_test(&[0.5; 5]), 0.0);
    }
}
