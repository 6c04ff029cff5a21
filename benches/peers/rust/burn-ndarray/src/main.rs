//! burn with its ndarray backend.

#[path = "../../burn.rs"]
mod work;

fn main() {
    work::run(burn::tensor::Device::ndarray());
}
