//! The acts of the demonstration, in their order.

pub mod attacks;
pub mod failure;
pub mod opening;
pub mod recovery;
pub mod sharing;
pub mod visit;
