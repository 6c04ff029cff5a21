//! Folders of images: pixels compared with Pillow, order, batches, training, and every kind of invalid folder, file and bytes.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use image::{GrayImage, Luma, Rgb, RgbImage};
use manabi::data::{
    Augment, Dataset, ImageFolder, ImageTransform, Images, KFold, Split, Subset, decode_image,
};
use manabi::layer::Flatten;
use manabi::ndarray::{Array2, Array3, array};
use manabi::optim::Adam;
use manabi::{Affine, CrossEntropy, Error, Mnist, Normalizer, Sequential, Shape, Softmax, Trainer};
use proptest::prelude::*;
use tempfile::TempDir;

#[path = "golden_lines/mod.rs"]
mod golden_lines;

static PILLOW: LazyLock<HashMap<&str, Vec<f64>>> =
    LazyLock::new(|| golden_lines::lines(include_str!("golden/image_folder.txt")));

/// Returns the golden files with their names, in ascending order.
fn golden_files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/image_folder");
    let read =
        |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| read(entry.unwrap().path())).collect();
    files.sort();
    files
}

/// Writes images of 8 x 8 pixels of one grey value, and returns their folder.
fn folder(images: &[(&str, u8)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for &(path, pixel) in images {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        GrayImage::from_pixel(8, 8, Luma([pixel])).save(path).unwrap();
    }
    folder
}

fn two_classes() -> TempDir {
    folder(&[("a/1.png", 10), ("a/2.png", 20), ("b/1.png", 30)])
}

/// Returns the samples and the targets of all images.
fn all(data: &dyn Dataset<f32>) -> (Array2<f32>, Array2<f32>) {
    let rows: Vec<usize> = (0..data.len()).collect();
    let mut x = Array2::from_elem((rows.len(), data.input_dim()), f32::NAN);
    let mut t = Array2::from_elem((rows.len(), data.target_dim()), f32::NAN);
    data.gather(&rows, x.view_mut(), t.view_mut()).unwrap();
    (x, t)
}

/// Asserts that the error is `Error::Io` or `Error::Mismatch` of this path, and that its message contains `text`.
#[track_caller]
fn assert_names(error: &Error, path: &Path, text: &str) {
    match error {
        Error::Io { path: got, .. } | Error::Mismatch { file: got, .. } => assert_eq!(got, path, "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(error.to_string().contains(text), "expected {text:?} in {error}");
}

#[test]
fn pixels_are_pillows() {
    let files: HashMap<String, Vec<u8>> = golden_files().into_iter().collect();
    for (name, expected) in PILLOW.iter() {
        let (file, shape) = name.split_once(':').unwrap();
        let dims: Vec<usize> = shape.split('x').map(|dim| dim.parse().unwrap()).collect();
        let shape: [usize; 3] = dims.try_into().unwrap();
        let got = decode_image::<f64>(file, &files[file], shape).unwrap();
        let expected = golden_lines::matrix(expected, expected.len());
        assert_eq!(got.dim(), expected.dim(), "{name}");
        // Two decoders of JPEG may round differently.
        let tolerance = match file {
            "grey.jpg" => 1.0,
            "full.jpg" | "half.jpg" | "progressive.jpg" => 3.0,
            _ => 0.0,
        };
        let distance =
            got.iter().zip(&expected).map(|(got, expected)| (got - expected).abs()).fold(0.0, f64::max);
        assert!(distance <= tolerance, "{name}: a pixel differs by {distance}");
    }
    assert_eq!(PILLOW.len(), 13 * 5 + 4 + 2 + 3 * 3);
}

#[test]
fn colours_become_channels() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    let image = RgbImage::from_fn(3, 2, |x, y| Rgb([x as u8, 10 + y as u8, 20 + (3 * y + x) as u8]));
    image.save(folder.path().join("a/1.png")).unwrap();
    let data = ImageFolder::open(folder.path(), [3, 2, 3]).unwrap();
    assert_eq!(Dataset::<f32>::input_shape(&data), Shape::from([3, 2, 3]));
    let pixels = [0_u8, 1, 2, 0, 1, 2, 10, 10, 10, 11, 11, 11, 20, 21, 22, 23, 24, 25].map(f32::from);
    assert_eq!(all(&data).0.as_slice().unwrap(), pixels);
}

#[test]
fn classes_and_files_are_in_order() {
    // Written in another order. Hidden files and folders, and files beside the classes, are ignored.
    let folder = folder(&[
        ("b/9.png", 1),
        ("b/10.png", 2),
        ("a b/2.jpg", 3),
        ("ä/1.bmp", 4),
        ("B/x.PNG", 5),
        ("b/é.ppm", 6),
    ]);
    fs::create_dir(folder.path().join(".git")).unwrap();
    for file in ["labels.csv", "b/.hidden", ".DS_Store"] {
        fs::write(folder.path().join(file), "no image").unwrap();
    }
    let data = ImageFolder::open(folder.path(), [1, 8, 8]).unwrap();
    assert_eq!(data.class_names(), ["B", "a b", "b", "ä"]);
    let relative = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
    let files: Vec<String> = data.files().iter().map(relative).collect();
    assert_eq!(
        files,
        ["B/x.PNG", "a b/2.jpg", "b/10.png", "b/9.png", "b/é.ppm", "ä/1.bmp"]
            .map(|path| path.replace('/', std::path::MAIN_SEPARATOR_STR))
    );
    assert_eq!((data.len(), data.labels()), (6, &[0, 1, 2, 2, 2, 3][..]));
    let (x, t) = all(&data);
    assert_eq!(x.column(63), array![5.0, 3.0, 2.0, 1.0, 6.0, 4.0]);
    assert_eq!(t.row(4), array![0.0, 0.0, 1.0, 0.0]);
    assert_eq!(Dataset::<f32>::class(&data, 5), Some(3));
}

#[test]
fn a_format_is_recognised_by_the_content() {
    let folder = two_classes();
    fs::rename(folder.path().join("a/1.png"), folder.path().join("a/1.jpg")).unwrap();
    let data = ImageFolder::open(folder.path(), [1, 8, 8]).unwrap();
    assert_eq!(all(&data).0.column(0), array![10.0, 20.0, 30.0]);
}

/// Writes the digits as PNG files, in the order of the returned images.
fn digits(count: usize) -> (TempDir, Images) {
    let Mnist { train, .. } = Mnist::synthetic(count, 1, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut rows: Vec<usize> = (0..count).collect();
    rows.sort_by_key(|&row| train.labels()[row]);
    let labels: Vec<u8> = rows.iter().map(|&row| train.labels()[row]).collect();
    let pixels = Array3::from_shape_fn((count, 28, 28), |(i, y, x)| train.pixels()[[rows[i], 28 * y + x]]);
    for (i, label) in labels.iter().enumerate() {
        let class = folder.path().join(label.to_string());
        fs::create_dir_all(&class).unwrap();
        let image = GrayImage::from_fn(28, 28, |x, y| Luma([pixels[[i, y as usize, x as usize]]]));
        image.save(class.join(format!("{i:04}.png"))).unwrap();
    }
    (folder, Images::new(pixels, labels, 10).unwrap())
}

#[test]
fn training_has_the_bits_of_images_in_memory() {
    let (folder, images) = digits(100);
    let files = ImageFolder::open(folder.path(), [1, 28, 28]).unwrap();
    // The inverse of the scale of z-score is not exact, but the inverse of 256 is.
    for normalizer in [
        Normalizer::z_score(images.pixels()).unwrap(),
        Normalizer::min_max(array![[0.0, 256.0]].view()).unwrap(),
    ] {
        let files = files.clone().normalize(&normalizer).unwrap();
        let images = images.clone().normalize(&normalizer).unwrap();
        assert_eq!(all(&files), all(&images));
        let expected = train(&images, 1, 0);
        for (threads, prefetch) in [(1, 0), (2, 0), (2, 2)] {
            assert_eq!(train(&files, threads, prefetch), expected, "{threads} threads, prefetch {prefetch}");
        }
    }
    let per_pixel = Normalizer::min_max_per_feature(
        Array2::from_shape_fn((2, 784), |(i, j)| 1.0 + (i * j) as f64).view(),
    );
    let (files, images) =
        (files.normalize(per_pixel.as_ref().unwrap()), images.normalize(&per_pixel.unwrap()));
    assert_eq!(all(&files.unwrap()), all(&images.unwrap()));
}

/// Trains on changed images of a part, and returns the parameters and the loss on the other part.
fn train(data: &dyn Dataset<f32>, threads: usize, prefetch: usize) -> (Vec<f32>, f64) {
    let (train, test) = Split::fraction(0.3).stratified(true).seed(1).split(data).unwrap();
    let train = ImageTransform::new().shift(2).horizontal_flip(0.5).augment(&train).unwrap();
    let builder =
        Sequential::builder([1, 28, 28]).add_layer("flatten", Flatten).add_layer("affine1", Affine::new(10));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let trainer = Trainer::new().epochs(2).batch_size(64).optimizer(Adam::new(0.01));
    trainer.threads(threads).prefetch(prefetch).test(&test).fit(&mut model, &train).unwrap();
    (model.parameter_values().to_vec(), model.evaluate(&test).unwrap().loss)
}

#[test]
fn views_and_folds_and_changes_work() {
    let (folder, images) = digits(60);
    let files = ImageFolder::open(folder.path(), [1, 28, 28]).unwrap();
    let folds = |data| KFold::new(3).stratified(true).split(data).unwrap();
    let rows =
        |data| folds(data).iter().map(|(_, validation)| validation.rows().to_vec()).collect::<Vec<_>>();
    assert_eq!(rows(&files as &dyn Dataset<f32>), rows(&images));
    let some = Subset::new(&files as &dyn Dataset<f32>, vec![59, 0, 59]).unwrap().to_samples().unwrap();
    assert_eq!(some.x().row(2), all(&images).0.row(59));
    let change = |image: &mut [f32], _| image.fill(1.0);
    assert_eq!(all(&Augment::new(&files, change)).0, all(&images).0, "only training changes images");
}

#[test]
fn another_folder_has_the_same_classes_and_settings() {
    let (train, same) = (two_classes(), folder(&[("b/x.png", 40), ("a/x.png", 50)]));
    let normalizer = Normalizer::min_max(array![[0.0, 10.0]].view()).unwrap();
    let train = ImageFolder::open(train.path(), [1, 2, 3]).unwrap().normalize(&normalizer).unwrap();
    let other = train.with_folder(same.path()).unwrap();
    assert_eq!((other.class_names(), other.labels()), (train.class_names(), &[0, 1][..]));
    assert_eq!(all(&other).0, array![[5.0; 6], [4.0; 6]]);

    let different = folder(&[("a/x.png", 1), ("c/x.png", 2)]);
    let error = train.with_folder(different.path()).unwrap_err();
    assert_names(&error, different.path(), "expected a subfolder for the class 'b', got none");
    assert!(error.to_string().contains("'c'"), "{error}");
    let fewer = folder(&[("a/x.png", 1)]);
    assert_names(&train.with_folder(fewer.path()).unwrap_err(), fewer.path(), "'b'");
    let more = folder(&[("a/x.png", 1), ("b/x.png", 1), ("c/x.png", 2)]);
    assert_names(&train.with_folder(more.path()).unwrap_err(), more.path(), "got 'c'");
}

#[test]
fn unsupported_shapes() {
    let folder = two_classes();
    let too_large = [3, 65_535, 65_535];
    for shape in
        [[2, 8, 8], [0, 8, 8], [4, 8, 8], [1, 0, 8], [1, 8, 0], [1, 65_536, 1], [3, usize::MAX, 2], too_large]
    {
        let error = ImageFolder::open(folder.path(), shape).unwrap_err();
        assert!(
            matches!(error, Error::Setting { .. })
                && error.to_string().contains("[3, height, width] for RGB"),
            "{error}"
        );
        assert!(matches!(decode_image::<f32>("image", b"", shape), Err(Error::Setting { .. })));
    }
    assert!(matches!(ImageFolder::open(folder.path(), 64), Err(Error::Setting { .. })));
    let wrong = Normalizer::min_max_per_feature(Array2::<f64>::zeros((1, 63)).view()).unwrap();
    let data = ImageFolder::open(folder.path(), [1, 8, 8]).unwrap();
    assert!(matches!(data.normalize(&wrong), Err(Error::Shape { .. })));
}

#[test]
fn invalid_folders() {
    let open = |folder: &Path| ImageFolder::open(folder, [1, 8, 8]).unwrap_err();
    let folder = two_classes();
    let missing = folder.path().join("missing");
    assert_names(&open(&missing), &missing, "");
    let file = folder.path().join("a/1.png");
    assert_names(&open(&file), &file, "");
    // A folder of a class has no classes.
    let class = folder.path().join("a");
    assert_names(&open(&class), &class, "expected a subfolder with images for each class, got no subfolder");

    let empty = folder.path().join("c");
    fs::create_dir(&empty).unwrap();
    assert_names(
        &open(folder.path()),
        &empty,
        "expected at least 1 image, got none: add images or delete the folder",
    );
    let text = empty.join("list.txt");
    fs::write(&text, "1").unwrap();
    assert_names(&open(folder.path()), &text, "move other files out of the folder");
    fs::remove_file(&text).unwrap();
    for name in ["x.y", "x.png"] {
        let inner = empty.join(name);
        fs::create_dir(&inner).unwrap();
        assert_names(&open(folder.path()), &inner, "expected an image, got a folder");
        fs::remove_dir(&inner).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn names_of_classes_are_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = two_classes();
    let name = folder.path().join(std::ffi::OsStr::from_bytes(b"\xFF"));
    fs::create_dir(&name).unwrap();
    assert_names(&ImageFolder::open(folder.path(), [1, 8, 8]).unwrap_err(), &name, "UTF-8");
}

/// Files that break after the scan are errors of the training, which name the file.
#[test]
fn broken_files() {
    let folder = two_classes();
    let data = ImageFolder::open(folder.path(), [1, 8, 8]).unwrap();
    let broken = folder.path().join("a/2.png");
    let gather = || {
        let (mut x, mut t) = (Array2::<f32>::zeros((3, 64)), Array2::zeros((3, 2)));
        data.gather(&[0, 1, 2], x.view_mut(), t.view_mut()).unwrap_err()
    };
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    assert_names(&gather(), &broken, "cannot decode the image");
    assert_names(&gather(), &broken, "replace or delete the file");
    fs::write(&broken, "no image").unwrap();
    assert_names(&gather(), &broken, "expected an image, got a file of an unknown format");
    fs::write(&broken, "").unwrap();
    assert_names(&gather(), &broken, "unknown format");
    fs::remove_file(&broken).unwrap();
    assert_names(&gather(), &broken, "");

    let builder = Sequential::<f32>::builder([1, 8, 8])
        .add_layer("flatten", Flatten)
        .add_layer("affine1", Affine::new(2));
    let mut model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    for prefetch in [0, 2] {
        let error =
            Trainer::new().measure_before(false).prefetch(prefetch).fit(&mut model, &data).unwrap_err();
        assert!(error.to_string().contains(broken.to_str().unwrap()), "{error}");
    }
    fs::write(&broken, whole).unwrap();
    Trainer::new().fit(&mut model, &data).unwrap();
}

/// A truncated file is an error, unless all pixels are there.
#[test]
fn every_truncation() {
    for (name, bytes) in golden_files() {
        let decode = |bytes: &[u8]| decode_image::<f32>(&name, bytes, [3, 21, 27]);
        let whole = decode(&bytes).unwrap();
        let step = 1 + bytes.len() / 500;
        let accepted = (0..bytes.len()).step_by(step).filter(|&end| match decode(&bytes[..end]) {
            Ok(got) => {
                assert_eq!(got, whole, "{name} up to byte {end}");
                true
            }
            Err(error) => {
                assert_names(&error, Path::new(&name), "replace or delete the file");
                false
            }
        });
        // The checksum of the last pixels and the end marker may be missing.
        let accepted = accepted.count();
        assert!(accepted <= 16, "{name}: {accepted} truncations are accepted");
    }
}

/// Bytes that promise more pixels than the limit are refused at once.
#[test]
fn bombs() {
    let png = |width: u32, height: u32| {
        let header = [&b"IHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&header);
        [&b"\x89PNG\r\n\x1A\n\0\0\0\x0D"[..], &header, &crc.sum().to_be_bytes(), &[0, 0, 0, 0], b"IDAT"]
            .concat()
    };
    let gif = [&b"GIF89a\xFF\xFF\xFF\xFF\0\0\0"[..], b",\0\0\0\0\xFF\xFF\xFF\xFF\0\x02"].concat();
    let bmp = |side: i32| {
        let header =
            [&b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"[..], &side.to_le_bytes(), &side.to_le_bytes()]
                .concat();
        [&header[..], b"\x01\0\x18\0", &[0; 24]].concat()
    };
    let bombs = [
        ("sides", png(65_536, 1)),
        ("bytes", png(60_000, 60_000)),
        ("gif", gif),
        ("bmp", bmp(60_000)),
        ("pgm", b"P5 4000000000 4000000000 255\n".to_vec()),
        ("ppm", b"P6 60000 60000 255\n".to_vec()),
        ("pbm", b"P4 4000000000 1\n".to_vec()),
    ];
    for (name, bytes) in bombs {
        let error = decode_image::<f32>(name, &bytes, [1, 8, 8]).unwrap_err();
        assert_names(&error, Path::new(name), "got a larger one");
    }
    // The image is small, but the image between the two passes of the resizing is not.
    let high = [&b"P4 1 65535\n"[..], &[0; 65_535]].concat();
    assert_eq!(decode_image::<f32>("high", &high, [1, 2, 2]).unwrap(), array![[255.0; 4]]);
    let error = decode_image::<f32>("high", &high, [1, 1, 5000]).unwrap_err();
    assert_names(&error, Path::new("high"), "resized to 1x1x5000, got 65535x1, height x width");
    // The grey image has fewer bytes than the limit, but the colour image has more.
    let wide = [&b"P4 65535 1366\n"[..], &vec![0; 1366 * 65_535_usize.div_ceil(8)]].concat();
    let error = decode_image::<f32>("wide", &wide, [3, 8, 8]).unwrap_err();
    assert_names(&error, Path::new("wide"), "resized to 3x8x8, got 1366x65535, height x width");
}

/// A JPEG file may contain a small image with an end marker of its own, and bytes after its end marker.
#[test]
fn jpeg_segments() {
    let files: HashMap<String, Vec<u8>> = golden_files().into_iter().collect();
    let jpeg = &files["half.jpg"];
    let decode = |bytes: &[u8]| decode_image::<f32>("jpeg", bytes, [3, 21, 27]);
    let thumbnail = b"\xFF\xE1\0\x06\xFF\xD8\xFF\xD9";
    let inserted = [&jpeg[..2], thumbnail, &jpeg[2..]].concat();
    assert_eq!(decode(&inserted).unwrap(), decode(jpeg).unwrap());
    assert_eq!(decode(&[&inserted[..], b"more"].concat()).unwrap(), decode(jpeg).unwrap());
    let error = decode(&inserted[..inserted.len() - 20]).unwrap_err();
    assert!(error.to_string().contains("the end is missing"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, file in 0..20_usize) {
        let _ = decode_image::<f32>("any", &bytes, [3, 5, 5]);
        let files = golden_files();
        let (name, start) = &files[file % files.len()];
        let start = &start[..start.len().min(30)];
        let _ = decode_image::<f32>(name, &[start, &bytes].concat(), [3, 5, 5]);
    }

    #[test]
    fn no_changed_file_panics(file in 0..20_usize, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let files = golden_files();
        let (name, mut bytes) = files[file % files.len()].clone();
        for (at, byte) in changes {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        let _ = decode_image::<f32>(name, &bytes, [1, 5, 5]);
    }

    /// Resizing keeps a uniform image uniform, and never leaves the range of its pixels.
    #[test]
    fn resized_pixels_are_averages(
        (height, width) in (1..40_usize, 1..40_usize), to in (1..40_usize, 1..40_usize), low: u8, high: u8, seed: u64,
    ) {
        let pixels: Vec<u8> = (0..height * width).map(|i| if (seed >> (i % 64)) & 1 == 0 { low } else { high }).collect();
        let bytes = [format!("P5 {width} {height} 255\n").as_bytes(), &pixels[..]].concat();
        let x = decode_image::<f32>("pgm", &bytes, [1, to.0, to.1]).unwrap();
        let (low, high) = (low.min(high).into(), low.max(high).into());
        prop_assert!(x.iter().all(|x| (low..=high).contains(x)));
        if (height, width) == to {
            prop_assert!(x.iter().zip(&pixels).all(|(&x, &pixel)| x == f32::from(pixel)));
        }
    }
}
