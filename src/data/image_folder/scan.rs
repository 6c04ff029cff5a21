//! The files of a folder with a subfolder for each class.

use std::path::{Path, PathBuf};

use image::ImageFormat;

use crate::error::{Error, Result};

/// A class: its name and its files in ascending order of their names.
pub(super) type Class = (String, Vec<PathBuf>);

/// Returns the classes in ascending order of their names. The order is the same on every file system.
pub(super) fn scan(folder: &Path) -> Result<Vec<Class>> {
    let folders = entries(folder)?.into_iter().filter(|path| path.is_dir());
    let classes: Vec<Class> =
        folders.map(|class| Ok((name(&class)?, images(&class)?))).collect::<Result<_>>()?;
    match classes.is_empty() {
        true => mismatch(folder, "expected a subfolder with images for each class, got no subfolder".into()),
        false => Ok(classes),
    }
}

/// Returns an error unless the classes are `names`.
pub(super) fn check(folder: &Path, classes: &[Class], names: &[String]) -> Result<()> {
    let missing = names.iter().filter(|name| classes.iter().all(|(class, _)| class != *name));
    let unknown = classes.iter().filter(|(class, _)| !names.contains(class));
    let missing = missing.map(|name| format!("expected a subfolder for the class '{name}', got none"));
    let unknown =
        unknown.map(|(class, _)| format!("expected only classes of the other folder, got '{class}'"));
    let problems: Vec<String> = missing.chain(unknown).collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::Mismatch { file: folder.into(), problems }),
    }
}

/// Returns the paths in a folder in ascending order, without hidden ones.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let io_error = |error| Error::Io { path: folder.into(), error };
    let paths = folder.read_dir().map_err(io_error)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(io_error)?;
    paths.retain(|path| !path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    paths.sort_unstable();
    Ok(paths)
}

fn name(class: &Path) -> Result<String> {
    match class.file_name().and_then(|name| name.to_str()) {
        Some(name) => Ok(name.into()),
        None => mismatch(class, "expected the name of a class in UTF-8: rename the folder".into()),
    }
}

fn images(class: &Path) -> Result<Vec<PathBuf>> {
    let files = entries(class)?;
    match files.iter().find(|file| !is_image(file) || file.is_dir()) {
        Some(folder) if folder.is_dir() => {
            let parent = class.display();
            mismatch(
                folder,
                format!("expected an image, got a folder: if its name is a class, open {parent}"),
            )
        }
        Some(file) => {
            let expected = "expected an image, whose name ends in .png, .jpg, .webp, .gif, .bmp or .ppm";
            mismatch(file, format!("{expected}: move other files out of the folder"))
        }
        None if files.is_empty() => {
            mismatch(class, "expected at least 1 image, got none: add images or delete the folder".into())
        }
        None => Ok(files),
    }
}

/// Returns whether a file has the extension of a format that can be read.
fn is_image(file: &Path) -> bool {
    file.extension().and_then(ImageFormat::from_extension).is_some_and(|format| format.reading_enabled())
}

fn mismatch<T>(file: &Path, problem: String) -> Result<T> {
    Err(Error::Mismatch { file: file.into(), problems: vec![problem] })
}
