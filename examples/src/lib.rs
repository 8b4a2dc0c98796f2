//! Synchronizers as service authors write them: see the examples of this package.
