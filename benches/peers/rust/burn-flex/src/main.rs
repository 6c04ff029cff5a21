//! burn with its flex backend.

#[path = "../../burn.rs"]
mod work;

fn main() {
    work::run(burn::tensor::Device::flex());
}
