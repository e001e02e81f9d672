//! `size --provider --memory`: what the service's own tables say.

use super::size;

/// Facts: RDS' formula, Neon's and Azure's and Supabase's tables, DigitalOcean's 25 per GiB.
const TABLES: [(&str, &str, u64); 19] = [
    ("rds", "1GiB", 112),
    ("rds", "2GiB", 225),
    ("rds", "32GiB", 3604),
    ("rds", "64GiB", 5000),
    ("supabase", "512MB", 60),
    ("supabase", "1GB", 60),
    ("supabase", "2GB", 90),
    ("supabase", "6GB", 120),
    ("supabase", "256GB", 500),
    ("neon", "1GB", 104),
    ("neon", "2GB", 209),
    ("neon", "12GB", 1258),
    ("neon", "32GB", 3357),
    ("neon", "36GB", 4000),
    ("azure", "2GiB", 50),
    ("azure", "4GiB", 429),
    ("azure", "64GiB", 5000),
    ("digitalocean", "1GB", 25),
    ("crunchy", "1GB", 500),
];

#[test]
fn max_connections_is_the_provider_s_for_that_memory() {
    for (provider, memory, expected) in TABLES {
        let line = format!("--cores 2 --provider {provider} --memory {memory}");
        let plan = size(&format!("{line} --json")).success().json();
        let inputs = plan["inputs"].as_array().unwrap();
        let input = inputs.iter().find(|input| input["name"] == "max_connections").unwrap();
        let wanted =
            serde_json::json!({"name": "max_connections", "value": expected, "source": "provider_default"});
        assert_eq!(input, &wanted, "{line}");
        let words = format!("provider default: max_connections {expected}, reserved_slots ");
        let table = size(&format!("{line} -v")).success().stdout;
        assert!(table.contains(&words), "{line}:\n{table}");
        assert!(!table.contains("is assumed; give"), "{line}:\n{table}");
        assert!(!table.contains("more than the"), "the provider runs so many: {line}:\n{table}");
    }
}

#[test]
fn what_is_given_wins_over_the_provider_s_default() {
    let plan = size("--cores 2 --provider rds --memory 1GiB --max-connections 80 --json").success().json();
    assert!(
        plan["inputs"].to_string().contains(r#"{"name":"max_connections","source":"given","value":80}"#)
            || plan["inputs"]
                .to_string()
                .contains(r#"{"name":"max_connections","value":80,"source":"given"}"#),
        "{plan}"
    );
    let table = size("--cores 2 --provider rds --memory 1GiB").success().stdout;
    let words = "! max_connections 112 is RDS's default for this memory, LEAST(DBInstanceClassMemory / 9531392, 5000)";
    assert!(table.contains(words), "{table}");
}

/// Below 4 GiB a whole GiB for the system would leave nothing: a quarter is kept there.
#[test]
fn a_small_server_can_be_planned() {
    let plan = size("--cores 1 --memory 1GiB --json").success().json();
    assert_eq!(plan["memory"]["operating_system_bytes"], 268_435_456);
    assert_eq!(plan["memory"]["connections_that_fit"], 51);
}
