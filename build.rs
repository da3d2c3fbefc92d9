//! Sets up the linker for a Node.js addon; the pure layers need none of this.

fn main() {
    // Otherwise, a change of any file of the package would rebuild everything.
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "binding")]
    napi_build::setup();
}
