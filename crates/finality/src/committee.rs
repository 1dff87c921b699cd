//! A committee: validators' keys of one epoch; from genesis.
