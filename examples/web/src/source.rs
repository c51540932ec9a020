//! What this program was built from, so that a running container can tell.

/// Changed by hand (or by a test) to see which sources are in the image.
pub const REVISION: &str = "first";

/// Read by the compiler from a file that is not Rust source.
pub const GREETING: &str = include_str!("../templates/greeting.txt");
