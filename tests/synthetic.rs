//! The generator of synthetic digits: shapes, reproducibility, and images similar to MNIST.

use manabi::Mnist;
use manabi::data::synthetic_digits;
use ndarray::{Array3, s};

fn digits(count: usize, seed: u32) -> (Array3<u8>, Vec<u8>) {
    synthetic_digits(count, seed).unwrap()
}

/// The FNV-1a digest, which detects a changed byte without storing the images.
fn hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

#[test]
fn images_and_labels_have_the_promised_shapes() {
    for count in [0, 1, 7] {
        let (images, labels) = digits(count, 3);
        assert_eq!((images.dim(), labels.len()), ((count, 28, 28), count));
    }
}

#[test]
fn a_seed_means_the_same_bytes_for_good() {
    let (images, labels) = digits(1000, 1);
    assert_eq!((hash(images), hash(labels)), (13_257_673_637_181_328_768, 13_224_881_544_567_773_062));
}

#[test]
fn a_smaller_count_gives_the_first_digits() {
    let (images, labels) = digits(50, 4);
    let (first_images, first_labels) = digits(20, 4);
    assert_eq!((images.slice(s![..20, .., ..]), &labels[..20]), (first_images.view(), &first_labels[..]));
}

#[test]
fn other_seeds_give_other_digits() {
    let ((a, _), (b, _)) = (digits(200, 1), digits(200, 2));
    for x in a.outer_iter() {
        assert!(b.outer_iter().all(|y| x != y));
    }
}

#[test]
fn every_digit_comes_equally_often() {
    let (_, labels) = digits(10_000, 5);
    for digit in 0..=9 {
        let count = labels.iter().filter(|&&label| label == digit).count();
        assert!((880..=1120).contains(&count), "expected 880 to 1120 images of {digit}, got {count}"); // 4 standard deviations
    }
}

#[test]
fn every_image_has_ink_in_the_middle_and_little_at_the_border() {
    let (images, _) = digits(10_000, 6);
    let sum = |pixels: ndarray::ArrayView2<u8>| pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>();
    for image in images.outer_iter() {
        let (all, inner) = (sum(image), sum(image.slice(s![2..26, 2..26])));
        assert!(all > 10 * 255 && image.iter().any(|&pixel| pixel > 200));
        assert!(all < 400 * 255);
        assert!(10 * (all - inner) < all, "too much ink at the border: {} of {all}", all - inner);
    }
    let empty = |image: &ndarray::ArrayView2<u8>| sum(image.view()) == sum(image.slice(s![1..27, 1..27]));
    assert!(images.outer_iter().filter(empty).count() > 9_800);
}

#[test]
fn train_and_test_are_two_parts_of_one_stream() {
    let (images, labels) = digits(30, 8);
    let mnist = Mnist::synthetic(20, 10, 8).unwrap();
    assert_eq!([mnist.train.labels(), mnist.test.labels()].concat(), labels);
    assert!(mnist.test.pixels().iter().eq(images.slice(s![20.., .., ..]).iter()));
    assert!(Mnist::synthetic(0, 10, 8).is_err() && Mnist::synthetic(10, 0, 8).is_err());
}

#[test]
fn more_than_fits_is_an_error() {
    assert!(synthetic_digits(usize::MAX, 1).is_err() && synthetic_digits(1 << 50, 1).is_err());
    assert!(Mnist::synthetic(usize::MAX, 1, 1).is_err());
}
