//! The servers of a list: the worst first, the cursor on a server, and one entered at a time.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

use super::*;
use crate::live::canvas::lines;
use crate::live::servers::{Found, Listed, News, Servers, Step, Wish};
use crate::live::view::{Look, draw_servers};

fn list(names: &[&str], now: Instant) -> Servers {
    let listed = names.iter().map(|name| Listed { name: (*name).into(), production: *name == "shop-1" });
    Servers::new(listed.collect(), Duration::from_secs(5), &[], now)
}

fn found(rank: u8, health: &'static str, summary: &str) -> Box<Found> {
    let is_up = rank > 0;
    Box::new(Found {
        health,
        rank,
        summary: summary.into(),
        used: is_up.then_some(38),
        usable: is_up.then_some(97),
        hidden: is_up.then_some(0),
        waiting: is_up.then_some(2),
        oldest_xact_seconds: is_up.then_some(3_725.0),
    })
}

/// Four of which three have been looked at, six seconds ago.
fn seen(size: (u16, u16)) -> Servers {
    let now = Instant::now();
    let mut servers = list(&["calm", "shop-1", "evil\u{202e}\u{1b}[31m", "new"], now);
    servers.resize(size);
    servers.on_news(News::Found(0, found(3, "healthy", "38 of 97 slots in use")), now);
    servers.on_news(News::Found(1, found(1, "unhealthy", "idle-xact: pid 21877 has been idle for 2h")), now);
    servers.on_news(News::Found(2, found(0, "down", "timeout: no answer within 10s")), now);
    let now = now + Duration::from_secs(6);
    servers.on_key(&Key::Char('j'), now);
    servers.on_key(&Key::Char('j'), now);
    servers
}

fn drawn(servers: &Servers, color: bool) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, servers.size.0, servers.size.1));
    draw_servers(servers, Look { color }, &mut buffer);
    buffer
}

#[test]
fn golden_lists_are_what_is_written_down() {
    let mut shown = String::new();
    for size in [(60, 12), (80, 24), (120, 40)] {
        shown.push_str(&format!(
            "# {} columns, {} lines\n{}\n",
            size.0,
            size.1,
            lines(&drawn(&seen(size), true))
        ));
    }
    let path = format!("{}/src/live/tests/golden/servers.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("PGCONN_BLESS").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), shown, "./dev bless writes it anew");
    let without = drawn(&seen((80, 24)), false);
    assert!(without.content().iter().all(|cell| cell.fg == ratatui_core::style::Color::Reset));
}

#[test]
fn the_worst_stand_first_and_the_cursor_stays_on_its_server() {
    let mut servers = seen((80, 24));
    assert_eq!((servers.order.clone(), servers.cursor), (vec![2, 1, 0, 3], Some(1)));
    let now = servers.now;
    servers.on_news(News::Found(1, found(3, "healthy", "")), now);
    servers.on_news(News::Found(0, found(2, "degraded", "")), now);
    assert_eq!((servers.order.clone(), servers.cursor), (vec![2, 0, 1, 3], Some(1)));
    assert_eq!(servers.on_key(&Key::Enter, now), Some(Step::Wish(Wish::Enter(1))));
}

#[test]
fn only_q_leaves_and_only_who_is_wanted_is_entered() {
    let now = Instant::now();
    let mut servers = list(&["a", "b"], now);
    assert_eq!(servers.on_key(&Key::Enter, now), None);
    assert_eq!(servers.on_key(&Key::Escape, now), None, "Esc never quits");
    servers.on_key(&Key::Char('j'), now);
    assert_eq!(servers.on_key(&Key::Enter, now), Some(Step::Wish(Wish::Enter(0))));
    // Esc takes it back, and what comes of it then leads nowhere.
    assert_eq!(servers.on_key(&Key::Char('j'), now), None);
    assert_eq!(servers.on_key(&Key::Escape, now), Some(Step::Wish(Wish::Stay)));
    assert_eq!(servers.on_news(News::Entered(0, Ok(())), now), None);
    assert_eq!(servers.on_key(&Key::Enter, now), Some(Step::Wish(Wish::Enter(0))));
    assert_eq!(servers.on_news(News::Entered(0, Err("refused".into())), now), None);
    servers.resize((80, 24));
    assert!(lines(&drawn(&servers, true)).contains("a: refused"));
    assert_eq!(servers.on_key(&Key::Enter, now), Some(Step::Wish(Wish::Enter(0))));
    assert_eq!(servers.on_news(News::Entered(0, Ok(())), now), Some(Step::Go(0)));
    assert_eq!(servers.on_key(&Key::Char('q'), now), Some(Step::Quit));
}

#[test]
fn esc_at_the_top_of_a_screen_that_was_entered_goes_back_and_no_other_does() {
    for in_list in [true, false] {
        let mut bench = Bench::new(Setup { in_list, ..setup((80, 24)) });
        bench.looks(&[row(session(101, 1))]);
        let goes_back = |bench: &Bench| bench.effects.iter().any(|effect| matches!(effect, Effect::Back));
        bench.keys("j?");
        bench.key(Key::Escape);
        bench.key(Key::Escape);
        assert!(!goes_back(&bench), "a page, then the order that is held");
        bench.key(Key::Escape);
        assert_eq!(goes_back(&bench), in_list);
        assert!(!bench.effects.iter().any(|effect| matches!(effect, Effect::Quit)));
    }
}
