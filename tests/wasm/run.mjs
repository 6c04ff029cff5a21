// Prints the digests computed by a module for wasm32-unknown-unknown: node run.mjs MODULE

import { readFile } from "node:fs/promises";

const module = await WebAssembly.compile(await readFile(process.argv[2]));
// No imports: the module is self-contained.
const { exports } = await WebAssembly.instantiate(module, {});
for (const [name, digest] of Object.entries(exports)) {
    if (typeof digest === "function") console.log(name, BigInt.asUintN(64, digest()).toString());
}
