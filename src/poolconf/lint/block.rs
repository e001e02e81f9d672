//! A pgbouncer.ini that stands as a block of text in YAML, as in a ConfigMap of Kubernetes or the values of a Helm chart.

use super::ini;

/// The first block that is a pgbouncer.ini, on the lines on which it stands: those before it are blank. `None` when there is none,
/// or the text is PgBouncer's own, which opens with a section or an included file.
pub(super) fn pgbouncer_ini(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines
        .iter()
        .map(|line| line.trim_start())
        .find(|line| !line.is_empty() && !line.starts_with([';', '#']))?;
    if first.starts_with(['[', '%']) {
        return None;
    }
    (1..lines.len()).find_map(|start| {
        let (opening, below) = (lines.get(start - 1)?, lines.get(start..)?);
        if !opens_a_block(opening) {
            return None;
        }
        let outer = indent(opening);
        let block = below.iter().take_while(|line| is_blank(line) || indent(line) > outer);
        let block: Vec<&str> = block.copied().collect();
        let inner = block.iter().find(|line| !is_blank(line)).map(|line| indent(line))?;
        let content: Vec<&str> = block.iter().map(|line| line.get(inner..).unwrap_or_default()).collect();
        let content = content.join("\n");
        ini::looks_like(&content).then(|| "\n".repeat(start) + &content)
    })
}

/// Whether a line ends in `KEY: |`, as a text of several lines is written.
fn opens_a_block(line: &str) -> bool {
    let key_and_style = line.trim_end().rsplit_once(": ");
    key_and_style.is_some_and(|(key, style)| {
        matches!(style.trim_start(), "|" | "|-" | "|+") && !key.contains(['=', '[', ';', '#'])
    })
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    use super::super::{Against, ConfigFormat, lint};

    #[test]
    fn a_block_of_yaml_is_judged_as_the_file_that_it_becomes() {
        let before = "---\napiVersion: v1\nkind: ConfigMap\ndata:\n  userlist.txt: |\n    \"a\" \"b\"\n";
        let map = format!(
            "{before}  pgbouncer.ini: |-\n    [databases]\n    a = host=h\n\n    [pgbouncer]\n    auth_file = /u\n    pool_mode = transact\n  other: 1\n"
        );
        let found =
            |text: &str| lint(text, &Against::DEFAULT_SERVER, &|_| Err("not here".to_owned())).unwrap();
        let (format, findings) = found(&map);
        assert_eq!(format, ConfigFormat::PgbouncerIni);
        let starts: Vec<_> = findings.iter().filter(|one| one.prevents_start).collect();
        assert_eq!(
            (starts.len(), starts[0].line, starts[0].code),
            (1, Some(13), "invalid_value"),
            "{starts:?}"
        );
        let sound = map.replace("transact\n", "transaction\n");
        assert!(found(&sound).1.iter().all(|one| !one.prevents_start), "{:?}", found(&sound));
        let (_, plain) = found("[pgbouncer]\nauth_file = /u\npool_mode: |\n  [databases]\n");
        assert_eq!((plain[0].line, plain[0].code), (Some(3), "syntax"), "a file that is PgBouncer's own");
    }
}
