//! Writes the corpus that is checked in: `cargo run --no-default-features --example seeds`.

use std::path::Path;

use gapvault_fuzz::seeds::{DRAWN, all};

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, name, bytes) in all() {
        let file = corpus.join(target).join(&name);
        std::fs::create_dir_all(corpus.join(target))?;
        if !(name.starts_with(DRAWN) && file.exists()) {
            std::fs::write(file, bytes)?;
        }
    }
    Ok(())
}
