//! Certificates, enrolment and tickets, as a service
