//! A validator: HTTP interface, mailboxes, configuration
