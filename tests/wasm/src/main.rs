//! Prints the digests of the native platform.

fn main() {
    for (name, digest) in wasm::EXPORTED {
        println!("{name} {}", digest());
    }
}
