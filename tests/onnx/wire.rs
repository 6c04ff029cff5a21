//! The bytes of ONNX files, without the crate's help.

/// Returns the field of a message with this content.
pub fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    varint(content.len() as u64, &mut bytes);
    bytes.extend(content);
    bytes
}

/// Returns the field of a message with a whole number.
pub fn int(number: u8, value: u64) -> Vec<u8> {
    let mut bytes = vec![number << 3];
    varint(value, &mut bytes);
    bytes
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

pub fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    field(1, &[inputs, field(2, output.as_bytes()), field(3, b"n"), field(4, operator.as_bytes())].concat())
}

pub fn tensor(name: &str, dims: &[u64], more: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&dim| int(1, dim)).collect();
    field(5, &[dims, int(2, 1), field(8, name.as_bytes()), more.to_vec()].concat())
}

/// Returns an attribute with a list of whole numbers.
pub fn ints(name: &str, values: &[u64]) -> Vec<u8> {
    let values: Vec<u8> = values.iter().flat_map(|&value| int(8, value)).collect();
    field(5, &[field(1, name.as_bytes()), values, vec![0xa0, 0x01, 7]].concat())
}

/// Returns an attribute with a whole number.
pub fn int_attribute(name: &str, value: u64) -> Vec<u8> {
    field(5, &[field(1, name.as_bytes()), int(3, value), vec![0xa0, 0x01, 2]].concat())
}

/// Returns a node with attributes.
pub fn node_with(operator: &str, inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let plain = node(operator, inputs, output);
    // The content follows the key and the length of one byte.
    field(1, &[plain[2..].to_vec(), attributes.concat()].concat())
}

/// Returns a file with the input x of the shape (batch, 2), the output y and this content of the graph.
pub fn file(content: &[Vec<u8>]) -> Vec<u8> {
    file_of(&[3, 2], content)
}

/// Returns a file with the input x of this shape, the output y and this content of the graph.
pub fn file_of(shape: &[u64], content: &[Vec<u8>]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&dim| field(1, &int(1, dim))).collect();
    let value = |number, name: &[u8]| {
        field(number, &[field(1, name), field(2, &field(1, &[int(1, 1), field(2, &dims)].concat()))].concat())
    };
    let values = [value(11, b"x"), value(12, b"y")].concat();
    [field(7, &[content.concat(), values].concat()), field(8, &int(2, 17))].concat()
}
