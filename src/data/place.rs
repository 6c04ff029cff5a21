use crate::random::Noise;

/// Where the rows that are handed to [`Dataset::gather_at`](super::Dataset::gather_at) belong in a run, and the random numbers
/// of each.
///
/// [`Trainer`](crate::Trainer) gives every batch of training its epoch and its number, and the seed of
/// [`noise_seed`](crate::Trainer::noise_seed). A run that goes on from a checkpoint counts on, so that the places are those of
/// a run that was never interrupted. All that is measured without training is an evaluation: validation and test sets, the
/// training set before the first epoch, [`Sequential::evaluate`](crate::Sequential::evaluate).
///
/// ```
/// use manabi::data::Place;
///
/// let place = Place::training(2, 7).seed(10);
/// assert!(place.training && !Place::evaluation().training);
/// assert_eq!((place.epoch, place.batch, place.start), (2, 7, 0));
/// // The noise of a sample depends on seed, epoch and row, not on the batch or the thread.
/// assert_eq!(place.noise(42), Place::training(2, 9).seed(10).rows_from(3).noise(42));
/// assert_ne!(place.noise(42), Place::training(3, 7).seed(10).noise(42));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Whether the batch is for training. If not, it is for an evaluation, whose samples must be the same every time.
    pub training: bool,
    /// The number of the epoch, from 1; 0 in an evaluation.
    pub epoch: usize,
    /// The number of the batch in the epoch, from 1; 0 in an evaluation.
    pub batch: usize,
    /// The position in the batch of the first row handed over. It is above 0 where a batch is gathered in parts.
    pub start: usize,
    seed: u32,
    /// How many data sets that may draw noise of their own the rows have passed.
    depth: u32,
}

impl Place {
    /// Returns the place of a batch to train on, from its epoch and its number in the epoch, both from 1. The seed is 0.
    pub fn training(epoch: usize, batch: usize) -> Self {
        Self { training: true, epoch, batch, start: 0, seed: 0, depth: 0 }
    }

    /// Returns the place of a batch that is not trained on.
    pub fn evaluation() -> Self {
        Self { training: false, ..Self::training(0, 0) }
    }

    /// Sets the seed of the noise.
    pub fn seed(self, seed: u32) -> Self {
        Self { seed, ..self }
    }

    /// Returns the place of the rows behind the first `rows` of these, for a part of them.
    pub fn rows_from(self, rows: usize) -> Self {
        Self { start: self.start + rows, ..self }
    }

    /// Returns the random numbers of a sample in this epoch, by its row in the data set. Rows and columns of the noise are free
    /// to use: they may be those of an image.
    pub fn noise(&self, row: usize) -> Noise {
        // Layers have the places from 0 on.
        let own = (u32::MAX - self.depth) as usize;
        Noise::new(self.seed, self.epoch as u64).layer(own).layer(row)
    }

    /// Returns the same place for the data set behind one that draws noise, where other noise is drawn.
    pub(super) fn behind(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}
