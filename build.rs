//! Sets up the linker for a Node.js addon; the pure layers need none of this.

fn main() {
    // Without this, it would run again after a change of any file of the package, and all be built again.
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "binding")]
    napi_build::setup();
}
