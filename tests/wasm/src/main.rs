//! The digests as they are natively.

fn main() {
    for (name, digest) in wasm::EXPORTED {
        println!("{name} {}", digest());
    }
}
