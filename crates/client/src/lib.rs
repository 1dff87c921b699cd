//! The flows of the protocol: wallet, practitioner, reader
