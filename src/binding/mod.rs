//! Translates between JavaScript and the driver.
