//! The servers of a list: the worst first, the cursor on a server, and one entered at a time.

use ratatui_core::buffer::Buffer;
use ratatui_core::layout::Rect;

use super::*;
use crate::live::canvas::lines;
use crate::live::servers::{Found, Listed, News, Servers, Step, Wish};
use crate::live::view::{Look, draw_servers};

fn list(names: &[&str], now: Instant) -> Servers {
    let listed = names.iter().map(|name| Listed { name: (*name).into(), production: *name == "shop-1" });
    // As `--only` has it of a server whose label is its first letter.
    let of: Vec<String> = names.iter().map(|name| format!("team={}", name.chars().next().unwrap())).collect();
    let is_meant = move |at: usize, only: &str| of[at] == only;
    Servers::new(listed.collect(), Box::new(is_meant), Duration::from_secs(5), &[], now)
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
    assert_eq!((servers.listed.places.clone(), servers.cursor), (vec![2, 1, 0, 3], Some(1)));
    let now = servers.now;
    servers.on_news(News::Found(1, found(3, "healthy", "")), now);
    servers.on_news(News::Found(0, found(2, "degraded", "")), now);
    let held = (vec![2, 1, 0, 3], Some(1));
    assert_eq!((servers.listed.places.clone(), servers.cursor), held, "while the cursor was moved");
    let mut left = list(&["a", "b"], now);
    left.on_key(&Key::Char('j'), now);
    left.on_news(News::Found(1, found(0, "down", "")), now);
    left.passes(now + Duration::from_secs(29));
    assert_eq!(left.listed.places, [0, 1]);
    left.passes(now + Duration::from_secs(30));
    assert_eq!((left.listed.places.clone(), left.cursor), (vec![1, 0], Some(0)), "nobody types any more");
    servers.on_key(&Key::Escape, now);
    assert_eq!((servers.listed.places.clone(), servers.cursor), (vec![2, 0, 1, 3], Some(1)));
    assert_eq!(servers.on_key(&Key::Enter, now), Some(Step::Wish(Wish::Enter(1))));
}

fn type_keys(servers: &mut Servers, keys: &str) {
    let now = servers.now;
    for key in keys.chars() {
        let key = if key == '\r' { Key::Enter } else { Key::Char(key) };
        assert_eq!(servers.on_key(&key, now), None, "{key:?}");
    }
}

/// Slots in use, sessions that wait, the oldest transaction.
fn with_numbers(used: i64, waiting: i64, oldest_xact_seconds: Option<f64>) -> Box<Found> {
    Box::new(Found {
        used: Some(used),
        waiting: Some(waiting),
        oldest_xact_seconds,
        ..*found(3, "healthy", "")
    })
}

#[test]
fn a_list_is_sorted_by_what_is_chosen_and_what_is_not_known_stands_last() {
    let now = Instant::now();
    let later = |seconds| now + Duration::from_secs(seconds);
    let mut servers = list(&["b", "c", "a", "d"], now);
    servers.resize((80, 24));
    servers.on_news(News::Found(0, with_numbers(10, 7, None)), later(2));
    servers.on_news(News::Found(1, with_numbers(90, 0, Some(3.0))), later(1));
    servers.on_news(News::Found(2, with_numbers(50, 1, Some(60.0))), later(3));
    let worst = [0, 1, 2, 3];
    assert_eq!(servers.listed.places, worst);
    for (word, places) in [
        ("name", [2, 0, 1, 3]),
        ("slots", [1, 2, 0, 3]),
        ("waiting", [0, 2, 1, 3]),
        ("xact", [2, 1, 0, 3]),
        ("age", [1, 0, 2, 3]),
    ] {
        type_keys(&mut servers, ">");
        assert_eq!(servers.listed.places, places, "{word}");
        assert!(lines(&drawn(&servers, true)).contains(&format!("by {word}")));
    }
    type_keys(&mut servers, "I");
    assert_eq!(
        servers.listed.places,
        [2, 0, 1, 3],
        "the youngest look first, and none at the end all the same"
    );
    type_keys(&mut servers, "I>");
    assert_eq!(servers.listed.places, worst, "behind the last comes the first");
    type_keys(&mut servers, "<sk\r");
    assert_eq!(servers.listed.places, [2, 1, 0, 3], "by xact, one before age");
    type_keys(&mut servers, "jsjjjj");
    assert!(lines(&drawn(&servers, true)).contains("trouble (the worst first)"));
    servers.on_key(&Key::Escape, now);
    assert_eq!((servers.listed.places.clone(), servers.cursor), (vec![2, 1, 0, 3], Some(2)));
    // What is under the cursor comes along, and what Enter enters is what the cursor shows.
    type_keys(&mut servers, ">");
    assert_eq!((servers.listed.places.clone(), servers.cursor), (vec![1, 0, 2, 3], Some(2)));
    assert_eq!(servers.on_key(&Key::Enter, now), Some(Step::Wish(Wish::Enter(2))));
}

#[test]
fn a_list_is_filtered_by_parts_of_names_by_labels_and_by_health() {
    let mut servers = seen((80, 24));
    let mut listed = |typed: &str| {
        type_keys(&mut servers, "/");
        let now = servers.now;
        servers.on_key(&Key::Ctrl('u'), now);
        type_keys(&mut servers, typed);
        type_keys(&mut servers, "\r");
        let mut places = servers.listed.places.clone();
        places.sort_unstable();
        (places, servers.cursor)
    };
    assert_eq!(listed("op-1"), (vec![1], Some(1)));
    assert_eq!(listed("team=c"), (vec![0], None), "the cursor's server is not listed");
    assert_eq!(listed("!team=c"), (vec![1, 2, 3], None));
    assert_eq!(listed("health:down"), (vec![2], None));
    assert_eq!(listed("!health:down !new"), (vec![0, 1], None));
    assert_eq!(listed(""), (vec![0, 1, 2, 3], None));
    type_keys(&mut servers, "/health:bad\r");
    assert!(lines(&drawn(&servers, true)).contains("health: is one of down, unhealthy"));
    let now = servers.now;
    servers.on_key(&Key::Escape, now);
    assert_eq!((servers.line.clone(), servers.listed.places.len()), (None, 4));
    // Whoever is under the cursor stays, though he is not meant any more.
    type_keys(&mut servers, "/health:down\rj");
    servers.on_news(News::Found(2, found(3, "healthy", "")), now);
    servers.on_news(News::Found(0, found(0, "down", "")), now);
    assert_eq!((servers.listed.places.clone(), servers.cursor), (vec![2, 0], Some(2)));
    type_keys(&mut servers, "j");
    assert_eq!((servers.listed.places.clone(), servers.cursor), (vec![0], Some(0)));
    let now = servers.now;
    type_keys(&mut servers, "/");
    servers.on_key(&Key::Ctrl('u'), now);
    servers.on_key(&Key::Backspace, now);
    assert_eq!(servers.line, None, "backspace on an empty line closes it");
    assert_eq!(servers.listed.typed, "health:down");
}

#[test]
fn a_list_that_is_held_shows_what_was_found_meanwhile_once_it_goes_on() {
    let mut servers = seen((120, 40));
    let now = servers.now;
    type_keys(&mut servers, "p");
    servers.on_news(News::Found(0, found(0, "down", "timeout")), now);
    let shown = lines(&drawn(&servers, true));
    assert!(shown.contains("HELD (p)") && shown.contains("38 of 97 slots in use"), "{shown}");
    type_keys(&mut servers, "p");
    let shown = lines(&drawn(&servers, true));
    assert!(!shown.contains("HELD") && shown.contains("2 down"), "{shown}");
}

#[test]
fn the_keys_of_a_list_are_those_that_work_now() {
    let mut servers = seen((120, 40));
    let now = servers.now;
    let keys = |servers: &Servers| lines(&drawn(servers, true)).trim_end().lines().last().unwrap().to_owned();
    assert!(keys(&servers).contains("Esc lets go"), "{}", keys(&servers));
    servers.on_key(&Key::Escape, now);
    assert!(!keys(&servers).contains("Esc"), "{}", keys(&servers));
    for (typed, text) in [("/", "Enter keeps it"), ("s", "Enter sorts")] {
        type_keys(&mut servers, typed);
        assert!(keys(&servers).starts_with(text) || keys(&servers).contains(text), "{}", keys(&servers));
        servers.on_key(&Key::Escape, now);
    }
    assert!(servers.on_key(&Key::Enter, now).is_some());
    assert_eq!(keys(&servers).trim_end(), "Esc stays here");
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
