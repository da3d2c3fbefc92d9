//! Sets up the linker for a Node.js addon; the pure floors need nothing of it.

fn main() {
    #[cfg(feature = "binding")]
    napi_build::setup();
}
