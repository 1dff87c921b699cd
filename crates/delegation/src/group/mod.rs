//! The bilinear group BLS12-381, with safe types (spec D-1 to D-4).
//!
//! Guarantees: a parsed `G1`, `G2` or `Gt` is canonically encoded, in the subgroup of prime order r and not the
//! identity; a `Scalar` is in `1..r`. Products with scalars keep that. Operations on scalars run in constant time:
//! no branch and no address depends on a scalar's value.

mod fixed;
mod gt;
mod point;
mod power;
mod raw;
mod scalar;
mod torus;
mod window;

pub use gt::{Gt, pair, pair_generator};
pub use point::{G1, G2};
pub use scalar::Scalar;
