//! The project's parts together, through the public interface.

mod format_pages;
mod vectors_merkle;
