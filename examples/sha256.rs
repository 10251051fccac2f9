//! SHA-256 of files and nothing else, on so many threads: `sha256 THREADS FILE…`, what any check of them takes at least.

#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::fs::File;
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use gapvault::crypto::{Digest, Hasher};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (threads, files) = arguments.split_first().ok_or("usage: sha256 THREADS FILE…")?;
    let next = AtomicUsize::new(0);
    let work = || -> std::io::Result<()> {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            println!("{}  {file}", digest(file)?);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.parse::<usize>()?).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread was lost")??;
        }
        Ok(())
    })
}

fn digest(file: &str) -> std::io::Result<Digest> {
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 128 * 1024]);
    let mut source = File::open(file)?;
    loop {
        match source.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            got => hasher.update(buffer.get(..got).unwrap_or_default()),
        }
    }
}
