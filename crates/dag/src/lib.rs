//! CIDs and the UnixFS DAG, building and verifying
