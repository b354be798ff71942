//! Areas and what the mouse hits in them.

use orchestra::model::{Glyphs, Size};
use orchestra::ui::model::{Message, Model, Pane, Tab};
use orchestra::ui::theme::Depth;
use orchestra::ui::view::{Areas, Class, Hit, hit, layout};
use ratatui::layout::Rect;

use crate::fixture::{key, model, now, shot, theme, with_scene};

fn rects(areas: &Areas) -> Vec<Rect> {
    let framed = areas.panes().flat_map(|(_, framed)| [framed.title, framed.inner]);
    framed.chain(areas.strip).chain([areas.rule, areas.message, areas.footer]).collect()
}

/// Every size from 20x6 on: nothing overlaps, nothing is outside, all cells are covered, and a frame can be drawn.
#[test]
fn panes_tile_the_screen() {
    let base = model(120, 36);
    for cols in (20..140).step_by(3).chain([49, 50, 79, 80, 119, 120]) {
        for rows in 6..45 {
            for focus in [Pane::List, Pane::Main, Pane::Diff, Pane::Monitor] {
                for zoomed in [false, true] {
                    let mut model = Model::new(base.snapshot.clone(), now(), Size::new(rows, cols));
                    model.layout.focus = focus;
                    model.layout.zoomed = zoomed;
                    model.list.selected = Some(key("my-app", "csv-export"));
                    let areas = layout(&model);
                    let screen = Rect::new(0, 0, cols, rows);
                    let rects = rects(&areas);
                    assert!(rects.iter().all(|rect| screen.intersection(*rect) == *rect), "{cols}x{rows} {areas:?}");
                    let divider = areas.divider.map_or(0, |divider| divider.area() - 1);
                    // The divider's joints lie on rules; the monitor's title covers the lowest one.
                    let covered: u32 = rects.iter().map(|rect| rect.area()).sum::<u32>() + divider;
                    assert_eq!(covered + areas.divider.map_or(0, |_| 1), screen.area(), "{cols}x{rows} {areas:?}");
                    for (at, a) in rects.iter().enumerate() {
                        assert!(rects[at + 1..].iter().all(|b| !a.intersects(*b)), "{cols}x{rows} {areas:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_size_can_be_drawn() {
    for (cols, rows) in (1..=60).map(|n| (n * 3, 1 + n / 2)).chain((1..=50).map(|n| (20 + n, n))) {
        for tab in [Tab::Terminal, Tab::Diff, Tab::Spec, Tab::Log] {
            let mut model = model(cols, rows);
            model.main.tab = tab;
            model.layout.focus = Pane::Main;
            let text = "Cannot merge rate-limit: main has changes. Nothing was changed.".to_owned();
            model.messages.errors.push(Message { text, about: None, at: now() });
            model.strip = Some("1/6 The agent plans.".to_owned());
            assert_eq!(shot(&model, None).lines().count(), usize::from(rows));
        }
    }
}

#[test]
fn classes() {
    for (cols, rows, class) in [
        (19, 40, Class::TooSmall),
        (200, 5, Class::TooSmall),
        (20, 6, Class::Single),
        (49, 40, Class::Single),
        (200, 11, Class::Single),
        (50, 12, Class::Stacked),
        (79, 30, Class::Stacked),
        (80, 24, Class::Compact),
        (120, 36, Class::Wide),
    ] {
        assert_eq!(layout(&model(cols, rows)).class, class, "{cols}x{rows}");
    }
}

/// A session is resized with the screen only: not by tabs, messages or the focus.
#[test]
fn the_terminal_keeps_its_size() {
    for (cols, rows) in [(120, 36), (80, 24), (60, 30)] {
        let size = layout(&model(cols, rows)).terminal;
        for change in [
            (|model: &mut Model| model.main.tab = Tab::Diff) as fn(&mut Model),
            |model| model.layout.focus = Pane::Monitor,
            |model| model.main.attached = true,
            |model| model.messages.errors.push(Message { text: "x".repeat(300), about: None, at: now() }),
        ] {
            let mut model = model(cols, rows);
            change(&mut model);
            assert_eq!(layout(&model).terminal, size, "{cols}x{rows}");
        }
    }
    assert_eq!(layout(&model(120, 36)).terminal, Some(Rect::new(38, 1, 81, 14)));
    assert_eq!(layout(&model(80, 24)).terminal, Some(Rect::new(29, 1, 50, 12)));
}

#[test]
fn the_diff_folds_to_its_title_below_twelve_rows() {
    let height = |rows| layout(&model(120, rows)).diff.unwrap().inner.height;
    assert!(height(18) > 0);
    assert_eq!(height(13), 0);
}

#[test]
fn the_mouse_hits_what_is_drawn() {
    let model = model(120, 36);
    let theme = theme(Glyphs::Unicode, Depth::True);
    let frame = shot(&model, None);
    let column = |row: usize, text: &str| {
        let line = frame.lines().nth(row).unwrap();
        line[..line.find(text).unwrap()].chars().count() as u16
    };
    with_scene(&model, &theme, None, |scene| {
        let at = |x, y| hit(scene, x, y);
        assert_eq!(at(10, 10), Some(Hit::ListRow(key("my-app", "csv-export"))));
        assert_eq!(at(10, 8), Some(Hit::Pane(Pane::List)), "a title");
        assert_eq!(at(36, 8), Some(Hit::Divider));
        assert_eq!(at(50, 8), Some(Hit::Pane(Pane::Main)));
        assert_eq!(at(50, 20), Some(Hit::Pane(Pane::Diff)));
        assert_eq!(at(50, 30), Some(Hit::Pane(Pane::Monitor)));
        for (name, tab) in [
            ("[terminal]", Tab::Terminal),
            ("diff spec", Tab::Diff),
            ("spec pipe", Tab::Spec),
            ("pipeline log", Tab::Pipeline),
            ("log ─", Tab::Log),
        ] {
            let x = column(0, name);
            assert_eq!(at(x, 0), Some(Hit::Tab(tab)), "{name}");
            assert_ne!(at(x - 1, 0), Some(Hit::Tab(tab)), "{name}");
        }
        for (name, command) in [("Space peek", "peek"), ("x stop", "stop"), ("? help", "help")] {
            let x = column(35, name);
            assert_eq!(at(x, 35), Some(Hit::Footer(command)));
            assert_eq!(at(x + name.len() as u16 - 1, 35), Some(Hit::Footer(command)));
        }
        assert_eq!(at(80, 35), None);
        assert_eq!(at(10, 34), None);
        assert_eq!(at(500, 500), None);
    });
}
