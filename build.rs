//! Sets up the linker for a Node.js addon; the pure layers need none of this.

fn main() {
    // Without this, a change of any file of the package would run this again and rebuild
    // everything.
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "binding")]
    napi_build::setup();
}
