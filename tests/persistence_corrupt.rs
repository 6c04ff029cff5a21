//! Invalid files: they return an error, leave the model unchanged, and use no more memory than the length of the file.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;

use manabi::activation::PRelu;
use manabi::layer::{Flatten, TrainableActivation};
use manabi::{Activation, Affine, CrossEntropy, Error, Normalizer, Sequential, Softmax, Swish};
use ndarray::Array2;
use proptest::prelude::*;

/// Tracks the number of bytes this thread has allocated, and its maximum.
struct Watching;

thread_local! {
    static LIVE: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn change(bytes: isize) {
    let _ = LIVE.try_with(|live| {
        let (now, most) = live.get();
        live.set((now + bytes, most.max(now + bytes)));
    });
}

// SAFETY: every call is forwarded to the system allocator.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        change(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While the content moves, both blocks are allocated.
        change(size as isize);
        change(-(layout.size() as isize));
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Returns the peak memory of `run`, in excess of the memory allocated before.
fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let (now, _) = LIVE.get();
    LIVE.set((now, now));
    let result = run();
    (result, (LIVE.get().1 - now) as usize)
}

fn model() -> Sequential<f32> {
    Sequential::builder(30)
        .add_layer("affine1", Affine::new(40))
        .add_layer("prelu1", TrainableActivation::new(PRelu::default()))
        .add_layer("affine2", Affine::new(50))
        .add_layer("swish1", Activation::new(Swish::default()))
        .add_layer("affine3", Affine::new(3))
        .set_output(Softmax)
        .set_error(CrossEntropy)
        .build()
        .unwrap()
}

/// Checks that every way of loading returns an error, leaves the model unchanged and uses little memory. Returns the error of
/// loading the weights.
fn refused(bytes: &[u8]) -> String {
    let mut model = model();
    model.parameter_values_mut().fill(0.5);
    let (error, most) = peak(|| model.weights_from_bytes(bytes).unwrap_err());
    assert!(model.parameter_values().iter().all(|&value| value == 0.5));
    assert!(most <= bytes.len() + SMALL, "{most} bytes for weights from {}", bytes.len());
    let (loaded, most) = peak(|| Sequential::<f32>::from_bytes(bytes).map(drop));
    assert!(loaded.is_err());
    assert!(most <= bytes.len() + SMALL, "{most} bytes for a model from {}", bytes.len());
    error.to_string()
}

/// The memory for names, descriptions, plans and messages.
const SMALL: usize = 12 << 10;

/// Returns a file of header and tensor data.
fn file(header: &str, numbers: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), numbers].concat()
}

/// Returns the header and the tensor data of a saved model.
fn parts() -> (String, Vec<u8>) {
    parts_of(&model())
}

fn parts_of(model: &Sequential<f32>) -> (String, Vec<u8>) {
    let bytes = model.to_bytes().unwrap();
    let length = u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    (String::from_utf8(bytes[8..8 + length].to_vec()).unwrap(), bytes[8 + length..].to_vec())
}

/// Returns the error after a change of the header.
fn refused_with(from: &str, to: &str) -> String {
    let (header, numbers) = parts();
    assert!(header.contains(from), "{header}");
    refused(&file(&header.replacen(from, to, 1), &numbers))
}

#[test]
fn truncated_files() {
    let bytes = model().to_bytes().unwrap();
    for length in (0..bytes.len()).step_by(64) {
        let error = refused(&bytes[..length]);
        assert!(error.starts_with("bytes: at byte "), "{error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(refused(&longer).contains("bytes of tensor data, got"));
    // The same file on disk. Reading it uses memory of the file's length.
    let path = tempfile::NamedTempFile::new().unwrap();
    for length in (0..bytes.len()).step_by(640) {
        fs::write(&path, &bytes[..length]).unwrap();
        let mut model = model();
        let (result, most) = peak(|| model.load_weights(&path));
        assert!(matches!(result, Err(Error::Format { .. })));
        assert!(most <= length + SMALL, "{most} bytes from {length}");
    }
}

#[test]
fn reading_takes_little_more_than_the_file() {
    let bytes = model().to_bytes().unwrap();
    let mut model = model();
    let (result, most) = peak(|| model.weights_from_bytes(&bytes));
    result.unwrap();
    assert!(most <= SMALL, "{most} bytes");
    let (result, most) = peak(|| Sequential::<f32>::from_bytes(&bytes));
    result.unwrap();
    // Loading creates a registry of all built-in parts.
    assert!(most <= bytes.len() + 2 * SMALL, "{most} bytes from {}", bytes.len());
}

#[test]
fn headers_that_promise_too_much() {
    let (header, numbers) = parts();
    let mut bytes = file(&header, &numbers);
    bytes[..8].copy_from_slice(&(1_u64 << 63).to_le_bytes());
    let expected = "bytes: at byte 0: not a safetensors file: expected a header of at most 100000000 bytes, got 9223372036854775808";
    assert_eq!(refused(&bytes), expected);
    for length in [0, 1, bytes.len() as u64 - 7, 100_000_000, 100_000_001, u64::MAX] {
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        refused(&bytes);
    }
    // Sizes whose sum with the header's length exceeds 64 bits.
    let huge = (1_u64 << 61) - 1;
    let tensor = |i: u64| {
        format!(
            r#""t{i}":{{"dtype":"U8","shape":[{huge}],"data_offsets":[{},{}]}}"#,
            i * huge,
            (i + 1) * huge
        )
    };
    let tensors: Vec<String> = (0..8).map(tensor).collect();
    assert!(
        refused(&file(&format!("{{{}}}", tensors.join(",")), &[])).contains("bytes of tensor data, got 0")
    );
    let huge = r#"{"t":{"dtype":"F64","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}"#;
    assert!(refused(&file(huge, &[])).contains("overflow"));
}

#[test]
fn headers_that_are_long_for_nothing() {
    let long = |piece: &str| piece.repeat(1_000_000 / piece.len());
    let headers = [
        format!(r#"{{"t":{{"dtype":"F32","shape":[{}0],"data_offsets":[0,0]}}}}"#, long("0,")),
        format!(r#"{{"t":{{"dtype":"F32","other":[{}0]}}}}"#, long("0,")),
        format!(r#"{{"t":{}"#, long("[")),
        format!(r#"{{"t":{}"#, long(r#"{"t":"#)),
        format!(r#"{{"__metadata__":{{"other":"{}"}}}}"#, long("x")),
        format!(r#"{{"__metadata__":{{"manabi":"{}"}}}}"#, long("[")),
        long(" "),
    ];
    for header in headers {
        refused(&file(&header, &[]));
    }
    // The parsed form of many small tensors is larger than their text.
    let many: Vec<String> =
        (0..20_000).map(|i| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#)).collect();
    let numbers = format!(r#"[{}0]"#, long("0,"));
    let description = format!(
        r#"{{\"version\":1,\"input_dim\":1,\"layers\":[{{\"name\":\"a\",\"kind\":\"affine\",\"settings\":{{\"units\":{numbers}}}}}]"#
    );
    for header in
        [format!("{{{}}}", many.join(",")), format!(r#"{{"__metadata__":{{"manabi":"{description}"}}}}"#)]
    {
        let bytes = file(&header, &[]);
        let (result, most) = peak(|| Sequential::<f32>::from_bytes(&bytes).map(drop));
        assert!(result.is_err());
        assert!(most <= 10 * bytes.len(), "{most} bytes from {}", bytes.len());
    }
}

#[test]
fn tensors_that_do_not_lie_one_after_another() {
    let tensor = |name: &str, start: usize, end: usize| {
        format!(
            r#""{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#,
            (end - start) / 4
        )
    };
    let two = |a, b| file(&format!("{{{a},{b}}}"), &[0; 16]);
    // Overlapping, identical, with a gap, reversed, past the end, short of the end, and a duplicate name.
    assert!(refused(&two(tensor("a", 0, 12), tensor("b", 8, 16))).contains("invalid offset for tensor `b`"));
    assert!(refused(&two(tensor("a", 0, 16), tensor("b", 0, 16))).contains("invalid offset"));
    assert!(refused(&two(tensor("a", 0, 4), tensor("b", 8, 16))).contains("invalid offset for tensor `b`"));
    let backwards = r#""b":{"dtype":"F32","shape":[1],"data_offsets":[8,4]}"#.to_string();
    assert!(refused(&two(tensor("a", 0, 8), backwards)).contains("invalid offset"));
    assert!(
        refused(&two(tensor("a", 0, 8), tensor("b", 8, 20)))
            .contains("expected 20 bytes of tensor data, got 16")
    );
    assert!(
        refused(&two(tensor("a", 0, 8), tensor("b", 8, 12)))
            .contains("expected 12 bytes of tensor data, got 16")
    );
    assert!(refused(&two(tensor("a", 0, 8), tensor("a", 8, 16))).contains("duplicate tensor name 'a'"));
    let longer = r#""b":{"dtype":"F32","shape":[3],"data_offsets":[8,16]}"#.to_string();
    assert!(refused(&two(tensor("a", 0, 8), longer)).contains("invalid shape"));
}

#[test]
fn other_names_shapes_types_and_numbers() {
    let start = "bytes: incompatible content: ";
    assert_eq!(
        refused_with("affine2.weight", "affine9.weight"),
        format!("{start}missing affine2.weight; unexpected affine9.weight")
    );
    assert_eq!(
        refused_with(r#""shape":[40,30]"#, r#""shape":[30,40]"#),
        format!("{start}affine1.weight: expected shape [40, 30], got [30, 40]")
    );
    assert_eq!(
        refused_with(r#""shape":[40,30]"#, r#""shape":[1200]"#),
        format!("{start}affine1.weight: expected shape [40, 30], got [1200]")
    );
    let (header, numbers) = parts();
    for other in ["I32", "U32"] {
        let bytes = file(&header.replace("F32", other), &numbers);
        assert!(
            refused(&bytes)
                .starts_with(&format!("{start}affine1.weight: expected type F32, got {other}; affine1"))
        );
    }
    assert!(refused_with("F32", "F64").contains("invalid shape, data type, or offset"));
    assert!(refused_with("F32", "F31").contains("unknown variant `F31`"));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for place in [0, numbers.len() / 4 - 1] {
            let mut numbers = numbers.clone();
            numbers[4 * place..4 * place + 4].copy_from_slice(&value.to_le_bytes());
            let error = refused(&file(&header, &numbers));
            assert!(error.contains(&format!("expected finite values, got {value} at index ")), "{error}");
        }
    }
}

#[test]
fn descriptions_that_make_no_sense() {
    let error = |from: &str, to: &str| {
        let (header, numbers) = parts();
        assert!(header.contains(from), "{header}");
        let bytes = file(&header.replacen(from, to, 1), &numbers);
        // The weights are valid.
        model().weights_from_bytes(&bytes).unwrap();
        let error = Sequential::<f32>::from_bytes(&bytes).unwrap_err().to_string();
        error.strip_prefix("bytes: incompatible content: ").expect("incompatible content").to_string()
    };
    assert_eq!(
        error(r#"\"version\":2"#, r#"\"version\":3"#),
        "version of the description: expected 1 to 2, got 3"
    );
    assert_eq!(
        error(r#"\"version\":2"#, r#"\"version\":0"#),
        "version of the description: expected 1 to 2, got 0"
    );
    assert!(error(r#"\"version\":2,"#, "").starts_with("description: missing field `version`"));
    assert!(error(r#"\"input_dim\":30"#, r#"\"input_dim\":-30"#).starts_with("description: invalid type"));
    assert!(
        error(r#"\"input_dim\":30"#, r#"\"input_dim\":31"#)
            .contains("affine1.weight: expected shape [40, 31]")
    );
    assert_eq!(
        error(r#"\"input_dim\":30"#, r#"\"input_dim\":0"#),
        "input shape: expected at least 1 in each dimension, got 0"
    );
    assert_eq!(
        error(r#"affine2\""#, r#"affine1\""#),
        "duplicate layer name \"affine1\": give each layer a unique name"
    );
    assert_eq!(
        error(r#"\"units\":50.0"#, r#"\"units\":0.5"#),
        "layer 'affine2': kind 'affine': setting 'units': expected a whole number, got 0.5"
    );
    assert_eq!(
        error(r#"\"units\":50.0"#, r#"\"unit\":50.0"#),
        "layer 'affine2': kind 'affine': setting 'units': expected a whole number, got none"
    );
    assert!(
        error(r#"\"units\":50.0"#, r#"\"units\":50.0,\"more\":1"#)
            .contains("the registry created 'affine' with")
    );
    // Layers without data in the file: nothing is allocated for them.
    for units in ["1e6", "1e12", "9e15"] {
        let (_, most) = peak(|| error(r#"\"units\":50.0"#, &format!(r#"\"units\":{units}"#)));
        assert!(most < 200_000, "{most} bytes");
    }
    let unknown =
        "output: kind 'hardmax' is not in the registry: add it to a Registry and call load_with_registry";
    assert_eq!(error(r#"\"softmax\""#, r#"\"hardmax\""#), unknown);
    assert!(
        error(r#"\"softmax\""#, r#"\"identity\""#)
            .starts_with("output: expected softmax for loss cross_entropy_error")
    );
    let (header, numbers) = parts();
    let bytes = file(&header.replacen("manabi", "nabima", 1), &numbers);
    let error = Sequential::<f32>::from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("no description of a model in the metadata"), "{error}");
    assert!(Normalizer::from_bytes(&bytes).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// After any change, loading returns an error or a model that can be saved again.
    #[test]
    fn changed_bytes_never_panic(changes in prop::collection::vec((0..2000_usize, any::<u8>()), 1..4)) {
        let mut bytes = model().to_bytes().unwrap();
        for (place, value) in changes {
            bytes[place] = value;
        }
        let mut other = model();
        let before = other.parameter_values().to_vec();
        if other.weights_from_bytes(&bytes).is_err() {
            prop_assert_eq!(other.parameter_values(), before);
        }
        if let Ok(loaded) = Sequential::<f32>::from_bytes(&bytes) {
            let again = Sequential::<f32>::from_bytes(&loaded.to_bytes().unwrap()).unwrap();
            prop_assert_eq!(again.parameter_values(), loaded.parameter_values());
        }
        let _ = Normalizer::from_bytes(&bytes);
    }
}

#[test]
fn errors_name_the_byte() {
    let (header, numbers) = parts();
    let at = |bytes: &[u8]| match Sequential::<f32>::from_bytes(bytes) {
        Err(Error::Format { offset, .. }) => offset,
        other => panic!("{other:?}"),
    };
    // JSON columns count from 1, after eight bytes of length.
    assert_eq!(at(&file("[]", &[])), 8);
    assert_eq!(at(&file(&format!("{header}x"), &numbers)), 8 + header.len() as u64 + 1);
    assert_eq!(at(&file(&header, &numbers[4..])), 8 + header.len() as u64);
    assert!(
        refused(&file(&header, &numbers)[..20])
            .contains(&format!("expected at least {} bytes", 8 + header.len()))
    );
}

#[test]
fn tensors_have_at_most_8_dimensions() {
    let shape = |rank: usize| format!(r#""shape":[{}40,30]"#, "1,".repeat(rank - 2));
    let eight = refused_with(r#""shape":[40,30]"#, &shape(8));
    assert!(
        eight.contains("affine1.weight: expected shape [40, 30], got [1, 1, 1, 1, 1, 1, 40, 30]"),
        "{eight}"
    );
    let nine = refused_with(r#""shape":[40,30]"#, &shape(9));
    assert!(nine.contains("invalid length 9, expected at most 8 dimensions"), "{nine}");
}

#[test]
fn a_double_model_takes_single_values_and_no_others() {
    let (header, numbers) = parts();
    let mut double = Sequential::<f64>::from_bytes(&file(&header, &numbers)).unwrap();
    for other in ["I32", "U32"] {
        let error = double.weights_from_bytes(&file(&header.replace("F32", other), &numbers)).unwrap_err();
        assert!(error.to_string().contains(&format!("expected type F64, got {other}")), "{error}");
    }
}

#[test]
fn a_normaliser_has_statistics() {
    let error = |to: &str| {
        let mut model = model();
        model
            .set_input_normalizer(
                Normalizer::min_max_per_feature(Array2::<f32>::zeros((1, 30)).view()).unwrap(),
            )
            .unwrap();
        let (header, numbers) = parts_of(&model);
        let from = header.find(r#"\"statistics\":[["#).expect("a normaliser");
        let end = from + header[from..].find("]]").unwrap() + 2;
        let header = format!("{}{to}{}", &header[..from], &header[end..]);
        Sequential::<f32>::from_bytes(&file(&header, &numbers)).unwrap_err().to_string()
    };
    let got = error(r#"\"statistics\":[]"#);
    assert!(got.contains("(shift, scale) pairs of a normaliser: expected at least 1, got 0"), "{got}");
}

#[test]
fn an_input_has_one_to_three_dimensions() {
    let builder = Sequential::<f32>::builder([1, 2, 3])
        .add_layer("flatten1", Flatten)
        .add_layer("affine1", Affine::new(2));
    let model = builder.set_output(Softmax).set_error(CrossEntropy).build().unwrap();
    let (header, numbers) = parts_of(&model);
    assert!(header.contains("[1,2,3]"), "{header}");
    let load =
        |shape: &str| Sequential::<f32>::from_bytes(&file(&header.replace("[1,2,3]", shape), &numbers));
    assert!(load("[2,3]").is_ok());
    for (shape, length) in [("[1,2,3,1]", 4), ("[]", 0)] {
        let error = load(shape).unwrap_err().to_string();
        assert!(error.contains(&format!("invalid length {length}, expected")), "{error}");
        assert!(error.contains("1 to 3 dimensions"), "{error}");
    }
}

/// Version 1 left it to the user to apply the normaliser, which may not fit the inputs of the model.
#[test]
fn a_normaliser_of_version_1_need_not_fit() {
    let mut model = model();
    let normalizer = Normalizer::min_max_per_feature(Array2::<f32>::zeros((1, 30)).view()).unwrap();
    model.set_input_normalizer(normalizer).unwrap();
    let (header, numbers) = parts_of(&model);
    let header = header.replacen("[[0.0,1.0],", "[", 1);
    let error = Sequential::<f32>::from_bytes(&file(&header, &numbers)).unwrap_err().to_string();
    assert!(error.contains("normaliser of the inputs"), "{error}");
    let header = header.replace(r#"\"version\":2"#, r#"\"version\":1"#);
    assert!(Sequential::<f32>::from_bytes(&file(&header, &numbers)).unwrap().input_normalizer().is_none());
}
