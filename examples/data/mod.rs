//! The digits that the examples train on, wherever they are.

use std::path::{Path, PathBuf};

use manabi::data::{Download, Images};
use manabi::{Mnist, Normalizer};

use crate::Result;

/// Training and test set, normalised by the training set's least and greatest pixel.
pub fn load(folder: Option<&Path>) -> Result<(Images, Images)> {
    let Mnist { train, test } = find(folder)?;
    let normalizer = Normalizer::min_max(train.pixels())?;
    Ok((train.normalize(&normalizer)?, test.normalize(&normalizer)?))
}

/// The digits: from a folder that was named, else from the cache, else from the network, else made up.
fn find(folder: Option<&Path>) -> Result<Mnist> {
    let named = folder.map(PathBuf::from).or_else(|| std::env::var_os("MNIST_DIR").map(PathBuf::from));
    if let Some(folder) = named {
        return read(&folder);
    }
    let cached = Download::new().mirrors([""; 0]).fetch();
    let fetched = cached.or_else(|_| {
        eprintln!("data: MNIST is not in the cache, fetching it");
        Download::new().fetch()
    });
    match fetched {
        Ok(folder) => read(&folder),
        Err(error) => {
            eprintln!("data: {error}");
            eprintln!("data: synthetic digits, as MNIST can be neither found nor fetched");
            Ok(Mnist::synthetic(60_000, 10_000, 0)?)
        }
    }
}

fn read(folder: &Path) -> Result<Mnist> {
    let mnist = Mnist::load(folder)?;
    eprintln!("data: MNIST from {}", folder.display());
    Ok(mnist)
}
