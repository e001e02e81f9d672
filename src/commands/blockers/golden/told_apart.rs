//! What is not the same is not shown as the same, however narrow the terminal is and however long the names are.

use super::*;
use crate::model::lock::MODES;

#[test]
fn tables_of_the_same_name_are_told_apart_at_every_width() {
    let of = |relation| lock("relation", "AccessExclusiveLock", Some(relation), None);
    let two = || {
        waits(vec![
            root(21877, &[of("public.orders"), of("public.stock")]),
            waiter(22041, 41.0, &[21877], of("public.orders"), ALTER),
            root(21903, &[of("archive.orders")]),
            waiter(22050, 29.0, &[21903], of("archive.orders"), ALTER),
            waiter(22051, 29.0, &[21877], of("public.stock"), ALTER),
        ])
    };
    for width in 40..=200 {
        let shown = screen(two(), width, false);
        let line = |pid: &str| {
            let is_its = |line: &&str| line.split_whitespace().take(2).any(|word| word == pid);
            shown.lines().skip_while(|line| !line.starts_with("PID")).find(is_its).unwrap()
        };
        // At 40 columns they are cut off, and differ all the same.
        let schemas = if width < 60 { ["Excl p", "Excl a"] } else { ["public.orders", "archive.orders"] };
        for (pid, schema) in [("22041", schemas[0]), ("22050", schemas[1])] {
            assert!(line(pid).contains(schema), "{width}: {shown}");
        }
        assert!(width > 100 || !line("22051").contains("public"), "{width}: {shown}");
    }
}

/// What stands in the column of this title in the rows of the tree, which are the last lines.
fn cells(shown: &str, title: &str, rows: usize) -> Option<Vec<String>> {
    let lines: Vec<&str> = shown.lines().collect();
    let header = lines.iter().position(|line| line.starts_with("PID "))?;
    let at = lines[header]
        .find(&format!(" {title} "))
        .or_else(|| lines[header].strip_suffix(title).map(|before| before.len() - 1))?
        + 1;
    let cell = |line: &&str| {
        let rest: String = line.chars().skip(at).collect();
        rest.split("  ").next().unwrap_or_default().to_owned()
    };
    Some(lines[header + 1..].iter().take(rows).map(cell).collect())
}

#[test]
fn however_long_a_table_is_called_its_lock_modes_are_told_apart_and_the_query_is_there() {
    for table in
        ["public.orders", "public.customer_invoices", "accounting_department.general_ledger_entries_2024"]
    {
        let modes = || {
            let lock = |mode| lock("relation", mode, Some(table), None);
            let waiters =
                (22041..).zip(MODES).map(|(pid, mode)| waiter(pid, 41.0, &[21877], lock(mode), SELECT));
            let holders = (21800..).zip(MODES).map(|(pid, mode)| root(pid, &[lock(mode)]));
            let root = root(21877, &[lock("AccessExclusiveLock")]);
            waits(holders.chain([root]).chain(waiters).collect())
        };
        for width in 40..=200 {
            let mut report = Blockers::new(modes(), false);
            report.advice = Vec::new();
            let mut text = Vec::new();
            let look = Look { width: Some(width), ..Look::default() };
            table::write(&report.blocks(&Head::default()), look, &mut text).unwrap();
            let shown = String::from_utf8(text).unwrap();
            let locks = cells(&shown, "LOCK", 17).unwrap_or_else(|| panic!("{width}: {shown}"));
            let told: std::collections::HashSet<&String> = locks.iter().collect();
            assert_eq!(told.len(), 16, "{table} at {width}: {shown}");
            let name = table.split_once('.').unwrap().1;
            assert!(
                width < 80 || locks.iter().all(|lock| lock.contains(name.get(..9).unwrap_or(name))),
                "{width}: {shown}"
            );
            assert!(width < 120 || locks.iter().all(|lock| lock.contains(name)), "{width}: {shown}");
            let header = shown.lines().find(|line| line.starts_with("PID ")).unwrap();
            let query = header.find("QUERY").map_or(0, |at| width - at);
            assert!(query >= [(80, 24), (120, 40)].iter().rfind(|(of, _)| width >= *of).map_or(0, |at| at.1));
        }
    }
}
