//! Opens an emitted pool on the server of DATABASE_URL, and compares it with the plan: 9 connections, 1 kept, 7 s.
//! `deadpool.rs` and `sqlx.rs` are the emitted files.

mod deadpool;
mod sqlx;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("sqlx") => {
            let pool = sqlx::connect().await.unwrap();
            let options = pool.options();
            assert_eq!((options.get_max_connections(), options.get_min_connections()), (9, 1));
            let timeout: String =
                ::sqlx::query_scalar("show statement_timeout").fetch_one(&pool).await.unwrap();
            assert_eq!(timeout, "7s");
            let name: String = ::sqlx::query_scalar("show application_name").fetch_one(&pool).await.unwrap();
            assert_eq!(name, "shop");
        }
        Some("deadpool") => {
            let pool = deadpool::pool().unwrap();
            assert_eq!(pool.status().max_size, 9);
            let client = pool.get().await.unwrap();
            let row = client.query_one("show statement_timeout", &[]).await.unwrap();
            assert_eq!(row.get::<_, String>(0), "7s");
            let row = client.query_one("show application_name", &[]).await.unwrap();
            assert_eq!(row.get::<_, String>(0), "shop");
            tokio::spawn(deadpool::close_old(pool.clone()));
        }
        target => panic!("{target:?}"),
    }
}
