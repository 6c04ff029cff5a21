use crate::random::Noise;

/// The place in a run of the rows passed to [`Dataset::gather_at`](super::Dataset::gather_at), which also determines their noise.
///
/// [`Trainer`](crate::Trainer) sets the epoch, the number of the batch and the seed
/// ([`noise_seed`](crate::Trainer::noise_seed)) for every batch of training. A run that resumes from a checkpoint continues these
/// numbers, so the places are the same as in an uninterrupted run. Every pass without training is an evaluation: on validation
/// and test sets, on the training set before the first epoch, and in [`Sequential::evaluate`](crate::Sequential::evaluate).
///
/// # Examples
///
/// ```
/// use manabi::data::Place;
///
/// let place = Place::training(2, 7).seed(10);
/// assert!(place.training && !Place::evaluation().training);
/// assert_eq!((place.epoch, place.batch, place.start), (2, 7, 0));
/// // The noise of a sample depends on the seed, the epoch and the row, but not on the batch or the thread.
/// assert_eq!(place.noise(42), Place::training(2, 9).seed(10).rows_from(3).noise(42));
/// assert_ne!(place.noise(42), Place::training(3, 7).seed(10).noise(42));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Whether the batch is for training. Otherwise it is for an evaluation, whose samples must be the same every time.
    pub training: bool,
    /// The number of the epoch, from 1, or 0 in an evaluation.
    pub epoch: usize,
    /// The number of the batch in the epoch, from 1, or 0 in an evaluation.
    pub batch: usize,
    /// The position of the first row in the batch. It is above 0 if the batch is gathered in parts and this is not the first
    /// part.
    pub start: usize,
    seed: u32,
    /// The number of noise-drawing data sets around the data set that receives this place.
    depth: u32,
}

impl Place {
    /// Returns the place of a training batch, given its epoch and its number in the epoch, both from 1. The seed is 0.
    pub fn training(epoch: usize, batch: usize) -> Self {
        Self { training: true, epoch, batch, start: 0, seed: 0, depth: 0 }
    }

    /// Returns the place of a batch for evaluation.
    pub fn evaluation() -> Self {
        Self { training: false, ..Self::training(0, 0) }
    }

    /// Sets the seed of the noise.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// Returns the place of the remaining rows after the first `rows` rows.
    pub fn rows_from(self, rows: usize) -> Self {
        Self { start: self.start + rows, ..self }
    }

    /// Returns the noise of a sample in this epoch, given its row in the data set. The rows and columns of the noise can be used
    /// freely, such as for the rows and columns of an image.
    pub fn noise(&self, row: usize) -> Noise {
        // Layers use the indices from 0 upwards, so data sets use the indices from `u32::MAX` downwards.
        let own = (u32::MAX - self.depth) as usize;
        Noise::new(self.seed, self.epoch as u64).layer(own).layer(row)
    }

    /// Returns the same place with different noise, for the data set inside one that draws noise.
    pub(super) fn behind(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}
