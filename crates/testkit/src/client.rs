//! Weakened clients: the controls of the attacks on client flows.
