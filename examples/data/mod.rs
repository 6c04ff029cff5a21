//! The digits on which the examples train.

use std::path::{Path, PathBuf};

use manabi::data::{Download, Images};
use manabi::{Mnist, Normalizer};

use crate::Result;

/// Returns the training and test sets, normalised by the minimum and maximum pixel of the training set.
pub fn load(folder: Option<&Path>) -> Result<(Images, Images)> {
    let Mnist { train, test } = find(folder)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    Ok((train.normalize(&normalizer)?, test.normalize(&normalizer)?))
}

/// Returns MNIST from the given folder, the cache or the network, in this order, or else synthetic digits.
fn find(folder: Option<&Path>) -> Result<Mnist> {
    let named = folder.map(PathBuf::from).or_else(|| std::env::var_os("MNIST_DIR").map(PathBuf::from));
    if let Some(folder) = named {
        return read(&folder);
    }
    let cached = Download::new().mirrors([""; 0]).fetch();
    let fetched = cached.or_else(|_| {
        eprintln!("data: MNIST is not in the cache; downloading it");
        Download::new().fetch()
    });
    match fetched {
        Ok(folder) => read(&folder),
        Err(error) => {
            eprintln!("data: {error}");
            eprintln!("data: using synthetic digits, because MNIST was neither found nor downloaded");
            Ok(Mnist::synthetic(60_000, 10_000, 0)?)
        }
    }
}

fn read(folder: &Path) -> Result<Mnist> {
    let mnist = Mnist::load(folder)?;
    eprintln!("data: MNIST from {}", folder.display());
    Ok(mnist)
}
