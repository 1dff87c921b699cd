//! Consensus, network, state database and transaction pool
