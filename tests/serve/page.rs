//! The status page, as a browser shows it.

use super::super::common::{Pgconn, with};
use super::{DEAD, Endpoint, entry};

/// What is to be seen of a page at this width, by a browser without a window; none where there is no browser.
fn rendered(endpoint: &Endpoint, path: &str, width: u32) -> String {
    let profile = endpoint.folder.join(format!("browser-{width}"));
    let url = format!("http://127.0.0.1:{}{path}", endpoint.port);
    let outcome = Pgconn::of(
        "chromium",
        &[
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            &format!("--user-data-dir={}", profile.display()),
            &format!("--window-size={width},900"),
            "--dump-dom",
            &url,
        ],
    )
    .run();
    assert_eq!(outcome.code, 0, "{outcome}\nthe page is tried in a browser: apt-get install chromium");
    outcome.stdout
}

#[test]
fn people_read_it_at_every_width() {
    let server = with(&[("max_connections", "20")]);
    let list = entry("good", &server, "production = true") + DEAD;
    let endpoint = Endpoint::start("page", &list, &[]);
    for width in [390, 1280] {
        let page = rendered(&endpoint, "/", width);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?}:\n{page}"));
        assert!(at(">dead</a>") < at(">good</a>"), "the worst first");
        assert!(
            page.contains("unhealthy") && page.contains("healthy") && page.contains(">production</span>")
        );
        // What is not known of one that does not answer is not none.
        let dead = page.split("<tr>").find(|row| row.contains(">dead</a>")).unwrap();
        assert!(
            dead.contains("Connection refused") && !dead.contains("none") && dead.contains("unknown"),
            "{dead}"
        );
        assert!(page.contains("<meter") && !page.contains("<script"), "{page}");
        assert!(page.contains("scope=\"row\"") && page.contains("lang=\"en\"") && page.contains("<main>"));
        assert!(page.len() < 16 << 10, "{}", page.len());
        let detail = rendered(&endpoint, "/?target=good", width);
        assert!(
            detail.contains("<h2>Checks</h2>") && detail.contains("long-query") && detail.len() < 16 << 10
        );
    }
}
