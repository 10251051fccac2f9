//! The project's parts together, through the public interface.

mod vectors_merkle;
