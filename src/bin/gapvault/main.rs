//! The gapvault command line.

fn main() {}
