//! pgconn: see, size and safely clear PostgreSQL connections.

fn main() {}
