//! ONNX files (feature `onnx`): models that run elsewhere, and models from elsewhere.
//!
//! [`Sequential::save_onnx`](crate::Sequential::save_onnx) writes a file for ONNX Runtime and other programs, and
//! [`Sequential::load_onnx`](crate::Sequential::load_onnx) reads it back with the same bits. It also reads files that other
//! programs wrote, if they consist of layers of this crate. [`Export`] sets options and gives the nodes of custom parts.
//!
//! # Examples
//!
//! ```
//! use manabi::{Activation, Affine, CrossEntropy, Mish, Sequential, Softmax};
//!
//! let model = Sequential::<f32>::builder(4)
//!     .add_layer("affine1", Affine::new(8))
//!     .add_layer("mish1", Activation::new(Mish))
//!     .add_layer("affine2", Affine::new(3))
//!     .set_output(Softmax)
//!     .set_error(CrossEntropy)
//!     .build()?;
//! let loaded = Sequential::<f32>::from_onnx_bytes(&model.to_onnx_bytes()?)?;
//! assert_eq!(loaded.parameter_values(), model.parameter_values());
//! # Ok::<(), manabi::Error>(())
//! ```

mod arrays;
mod export;
mod functions;
mod graph;
mod import;
mod layers;
mod lower;
mod node;
mod operators;
mod proto;
mod read;
mod recognise;
mod samples;
mod scale;
mod tensor;
mod values;
mod wire;

pub use export::Export;
pub use graph::{Attribute, Graph, Part};

use prost::Message;

/// The name of this crate in files.
const PRODUCER: &str = "manabi";
/// The metadata entry with the description of the model in JSON.
const DESCRIPTION: &str = "manabi";
/// The metadata entry with the fingerprint of the nodes.
const FINGERPRINT: &str = "manabi.nodes";

/// Returns a number that changes if a program has changed the nodes. Then the description no longer applies.
fn fingerprint(graph: &proto::Graph) -> String {
    let bytes = graph.node.iter().flat_map(Message::encode_to_vec);
    // The FNV-1a hash.
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
