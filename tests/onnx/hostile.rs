//! Damaged and malicious files return errors.

use manabi::activation::Identity;
use manabi::loss::MeanSquaredError;
use manabi::{Affine, Sequential};
use proptest::prelude::*;

use super::wire::{field, file, int, node, tensor};

fn small() -> Vec<u8> {
    let builder = Sequential::<f32>::builder(2).add_layer("affine1", Affine::new(2));
    let model = builder.set_output(Identity).set_error(MeanSquaredError).build().unwrap();
    model.to_onnx_bytes().unwrap()
}

/// Returns the same file without the name of the description, so that the graph alone defines the model.
fn graph() -> Vec<u8> {
    let mut bytes = small();
    let name = b"manabi.nodes";
    let at = bytes.windows(name.len()).rposition(|own| own == name).unwrap();
    bytes[at] = b'M';
    bytes
}

/// A file that is cut between two entries of the metadata is a valid file.
#[test]
fn truncated_at_every_byte() {
    let bytes = small();
    let whole = Sequential::<f32>::from_onnx_bytes(&bytes).unwrap();
    let mut errors = 0;
    for end in 0..bytes.len() {
        match Sequential::<f32>::from_onnx_bytes(&bytes[..end]) {
            Ok(model) => assert_eq!(model.parameter_values(), whole.parameter_values()),
            Err(error) => errors += usize::from(!error.to_string().is_empty()),
        }
    }
    assert!(errors > bytes.len() - 10);
}

/// A file of which only the graph defines the model is an error at every length, except where only metadata is missing.
#[test]
fn truncated_graph() {
    let bytes = graph();
    let whole = Sequential::<f32>::from_onnx_bytes(&bytes).unwrap();
    let mut errors = 0;
    for end in 0..bytes.len() {
        match Sequential::<f32>::from_onnx_bytes(&bytes[..end]) {
            Ok(model) => assert_eq!(model.parameter_values(), whole.parameter_values()),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > bytes.len() / 2);
}

#[test]
fn wrong_graphs() {
    let raw = |bytes: &[u8]| field(9, bytes);
    let matrix = tensor("w", &[2, 2], &raw(&[0; 16]));
    let product = node("MatMul", &["x", "w"], "y");
    let model = Sequential::<f32>::from_onnx_bytes(&file(&[matrix.clone(), product.clone()])).unwrap();
    assert_eq!(model.parameter_values(), [0.0; 6]);

    let chain = |count: usize| -> Vec<Vec<u8>> {
        let name = |i: usize| if i == 0 { "x".to_owned() } else { format!("v{i}") };
        (0..count).map(|i| node("Neg", &[&name(i)], &name(i + 1))).collect()
    };
    for (content, expected) in [
        (
            vec![product.clone()],
            "node 'n' (MatMul): input 'w': expected an input of the graph, an initializer or the output",
        ),
        (vec![matrix.clone(), matrix.clone(), product.clone()], "initializer 'w': its name occurs twice"),
        (vec![matrix.clone(), product.clone(), product.clone()], "the name of its output 'y' occurs twice"),
        (vec![node("Relu", &["a"], "y"), node("Relu", &["y"], "a")], "node 'n' (Relu): input 'a': expected"),
        (vec![node("Relu", &["y"], "y")], "node 'n' (Relu): input 'y': expected"),
        (vec![node("LSTM", &["x"], "y")], "node 'n' (LSTM): expected an operator that a layer computes"),
        (
            vec![node("Exp", &["x"], "y")],
            "node 'n' (Exp): expected a part of an activation function that the crate has",
        ),
        (vec![node("Add", &["x", "x"], "y")], "expected"),
        (vec![], "output 'y': no node computes it"),
        (chain(5_001), "expected at most 5000 nodes, got 5001"),
        (
            vec![tensor("w", &[2, 3], &raw(&[0; 16])), product.clone()],
            "expected 6 values as in its dimensions, got 4",
        ),
        (vec![tensor("w", &[1 << 40, 0], &[]), product.clone()], "expected at least one value"),
        (vec![tensor("w", &[u64::MAX, 2], &raw(&[0; 16])), product.clone()], "dimensions of at least 0"),
        (vec![tensor("w", &[1 << 62, 1 << 62], &raw(&[0; 16])), product.clone()], "dimensions of at least 0"),
        (
            vec![tensor("w", &[3, 2], &raw(&[0; 24])), product.clone()],
            "weight: expected shape [2, 2], got [2, 3]",
        ),
        (vec![tensor("w", &[2, 2], &[int(14, 1)].concat()), product.clone()], "got values in another file"),
        (
            vec![tensor("w", &[2, 2], &raw(&f32::NAN.to_le_bytes().repeat(4))), product.clone()],
            "expected finite values",
        ),
    ] {
        let error = Sequential::<f32>::from_onnx_bytes(&file(&content)).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

/// A graph that uses one large matrix many times would need much more memory than the file.
#[test]
fn a_matrix_used_many_times() {
    let name = |i: usize| if i == 0 { "x".to_owned() } else { format!("v{i}") };
    let nodes =
        (0..100).map(|i| node("MatMul", &[&name(i), if i == 0 { "first" } else { "w" }], &name(i + 1)));
    let first = tensor("first", &[2, 200], &field(9, &[0; 1600]));
    let matrix = tensor("w", &[200, 200], &field(9, &vec![0; 160_000]));
    let content: Vec<Vec<u8>> =
        [first, matrix].into_iter().chain(nodes).chain([node("Relu", &["v100"], "y")]).collect();
    let error = Sequential::<f32>::from_onnx_bytes(&file(&content)).unwrap_err().to_string();
    assert!(error.contains("got many uses of a large one"), "{error}");
}

/// Many empty messages would need much more memory than the file.
#[test]
fn a_million_empty_nodes() {
    let file = field(7, &[0x0a, 0x00].repeat(1_000_000));
    let error = Sequential::<f32>::from_onnx_bytes(&file).unwrap_err().to_string();
    assert!(
        error.ends_with("not an ONNX file: expected fewer messages for the length of the file"),
        "{error}"
    );
}

#[test]
fn lengths_outside_the_file() {
    for file in
        [&[0x3a, 0x05][..], &[0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], &[0x3b]]
    {
        let error = Sequential::<f32>::from_onnx_bytes(file).unwrap_err().to_string();
        assert!(error.starts_with("bytes: at byte "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn changed_bytes(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for mut bytes in [small(), graph()] {
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            let _ = Sequential::<f32>::from_onnx_bytes(&bytes);
        }
    }
}
