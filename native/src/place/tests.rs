//! Placed circuits do the same as their sources.
