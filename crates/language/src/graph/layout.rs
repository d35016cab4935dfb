//! Where everything stands: each item becomes a scene of shapes in its own coordinates, and scenes are put into larger ones.
//!
//! What must stay true: whole pixels only, so that the same chart gives the same bytes everywhere; jumps run in lanes of their own beside
//! the column, so that no line crosses an item.

use super::chart::{Case, Chart, Inside, Item, List, Mark, To, Tone};
use super::place::{Face, Line, Scene, Shape, width_of};

const PAD: i32 = 12;
const ROW: i32 = 24;
const DETAIL: i32 = 17;
const GAP: i32 = 34;
const LANE: i32 = 14;
/// Room for the sign of the end beside an item.
const END_ROOM: i32 = 34;
const ITEM_WIDTH_MIN: i32 = 150;
/// Branches of a fork beyond this width stand in further rows.
const FORK_WIDTH_MAX: i32 = 1400;
/// Where lines enter an item, from its top.
const ENTRY: i32 = 18;
const MARGIN: i32 = 24;

/// The whole drawing.
pub(super) fn chart(chart: &Chart) -> Scene {
    let start = pill(&chart.start, "start");
    let list = list(&chart.list, true);
    let mut scene = Scene::default();
    let title = format!("{} tasks", chart.tasks);
    scene.add(Shape::text(0, 0, Face::Title, &chart.title));
    scene.add(Shape::text(width_of(&chart.title, Face::Title) + 12, 0, Face::Small, &title));
    let axis = start.axis.max(list.axis);
    let top = 22;
    scene.put(&start, axis - start.axis, top);
    let from = top + start.h;
    scene.add(Shape::arrow(vec![(axis, from), (axis, from + GAP)]));
    scene.put(&list, axis - list.axis, from + GAP);
    let header = width_of(&chart.title, Face::Title) + 12 + width_of(&title, Face::Small);
    let right = (axis - start.axis + start.w).max(axis - list.axis + list.w).max(header);
    let mut framed = Scene { w: right + 2 * MARGIN, h: from + GAP + list.h + 2 * MARGIN + 8, ..Scene::default() };
    framed.put(&scene, MARGIN, MARGIN + 8);
    framed
}

/// A rounded box of lines in the middle: how it starts or ends.
fn pill(lines: &[String], class: &'static str) -> Scene {
    let w = lines.iter().map(|line| width_of(line, Face::Mono)).max().unwrap_or(0).max(60) + 2 * PAD;
    let h = lines.len() as i32 * DETAIL + 14;
    let mut scene = Scene { w, h, axis: w / 2, ..Scene::default() };
    scene.add(Shape::Box { x: 0, y: 0, w, h, round: 16, class, says: String::new() });
    for (at, line) in lines.iter().enumerate() {
        scene.add(Shape::middle(w / 2, at as i32 * DETAIL + 20, Face::Mono, line));
    }
    scene
}

/// Where a line leaves an item of a list, and for which place of it. `None`: the end of the workflow.
struct Leaves {
    y: i32,
    to: Option<usize>,
    label: Option<String>,
}

/// Everything that leads out of `item`, which stands at `at` of `count`.
fn leaves(item: &Item, scene: &Scene, at: usize, count: usize) -> Vec<Leaves> {
    let place = |to: To| match to {
        To::Next => Some(at + 1),
        To::Item(place) => Some(place),
        To::Exit => Some(count),
        To::End => None,
    };
    let mut out = Vec::new();
    for (case, y) in item.cases.iter().zip(&scene.rows) {
        out.push(Leaves { y: *y, to: place(case.to), label: Some(case.name.clone()) });
    }
    if !always_decides(&item.cases) {
        let label = (!item.cases.is_empty()).then(|| "no case".to_owned());
        out.push(Leaves { y: scene.h - ENTRY, to: place(item.then), label });
    }
    if let Inside::Try(_, _, then) = &item.inside
        && *then != To::Next
    {
        out.push(Leaves { y: scene.h - 2 * ENTRY, to: place(*then), label: None });
    }
    out
}

fn always_decides(cases: &[Case]) -> bool {
    cases.iter().any(|case| case.always)
}

/// A line beside the column, from one place of a list to another.
struct Jump {
    from: usize,
    y: i32,
    to: usize,
    lane: i32,
}

/// Items under each other, with their lines.
fn list(list: &List, root: bool) -> Scene {
    let mut scenes: Vec<Scene> = list.items.iter().map(item).collect();
    let count = scenes.len();
    let mut out: Vec<Vec<Leaves>> = Vec::new();
    for (at, (one, scene)) in list.items.iter().zip(&scenes).enumerate() {
        out.push(leaves(one, scene, at, count));
    }
    let exits = out.iter().enumerate().any(|(at, lines)| lines.iter().any(|line| line.to == Some(count) && at + 1 != count));
    if root {
        scenes.push(pill(&["end".to_owned()], "end"));
    } else if exits {
        scenes.push(dot());
    }
    column(&scenes, &out)
}

/// The sign where lines out of a list meet.
fn dot() -> Scene {
    let mut scene = Scene { w: 12, h: 12, axis: 6, ..Scene::default() };
    scene.add(Shape::Dot { x: 6, y: 6, r: 5 });
    scene
}

fn column(scenes: &[Scene], out: &[Vec<Leaves>]) -> Scene {
    let mut tops = Vec::new();
    let mut y = 0;
    for scene in scenes {
        tops.push(y);
        y += scene.h + GAP;
    }
    let height = (y - GAP).max(0);
    let mut jumps = jumps(out, &tops, scenes);
    let (ahead, back) = assign(&mut jumps, &tops, scenes);
    let ends = out.iter().flatten().any(|line| line.to.is_none());
    let labels: Vec<String> = (0..scenes.len()).map(|at| straight(out, at).unwrap_or_default()).collect();
    let left = scenes.iter().map(|scene| scene.axis).max().unwrap_or(0);
    let beside = labels.iter().map(|label| width_of(label, Face::Small) + 10).max().unwrap_or(0);
    let right = scenes.iter().map(|scene| scene.w - scene.axis).max().unwrap_or(0).max(beside);
    let lead = if back > 0 { back * LANE + LANE } else { 0 };
    let trail = if ahead > 0 { ahead * LANE + LANE } else { 0 } + if ends { END_ROOM } else { 0 };
    let axis = lead + left;
    let mut scene = Scene { w: axis + right + trail, h: height, axis, ..Scene::default() };
    for (at, (top, one)) in tops.iter().zip(scenes).enumerate() {
        scene.put(one, axis - one.axis, *top);
        if at + 1 < scenes.len() && straight(out, at).is_some() {
            let from = top + one.h;
            scene.add(Shape::arrow(vec![(axis, from), (axis, from + GAP)]));
            let label = labels.get(at).map_or("", String::as_str);
            scene.add(Shape::text(axis + 8, from + GAP / 2 + 3, Face::Small, label));
        }
    }
    let room = right + if ends { END_ROOM } else { 0 };
    for jump in &jumps {
        line(&mut scene, jump, &tops, scenes, (axis - left, axis + room));
    }
    for ((lines, top), one) in out.iter().zip(&tops).zip(scenes) {
        for end in lines.iter().filter(|line| line.to.is_none()) {
            let (x, y) = (axis - one.axis + one.w, top + end.y);
            scene.add(Shape::arrow(vec![(x, y), (x + 16, y)]));
            scene.add(Shape::Stop { x: x + 24, y });
        }
    }
    scene
}

/// The label of the line from a place to the next, if there is one.
fn straight(out: &[Vec<Leaves>], at: usize) -> Option<String> {
    let lines: Vec<&Leaves> = out.get(at)?.iter().filter(|line| line.to == Some(at + 1)).collect();
    if lines.is_empty() {
        return None;
    }
    let labels: Vec<&str> = lines.iter().filter_map(|line| line.label.as_deref()).collect();
    Some(super::chart::cut(&labels.join(", ")))
}

fn jumps(out: &[Vec<Leaves>], tops: &[i32], scenes: &[Scene]) -> Vec<Jump> {
    let mut jumps = Vec::new();
    for (from, (lines, top)) in out.iter().zip(tops).enumerate() {
        for line in lines {
            let Some(to) = line.to.filter(|to| *to != from + 1 && *to < scenes.len()) else { continue };
            jumps.push(Jump { from, y: top + line.y, to, lane: 0 });
        }
    }
    jumps
}

/// Gives each jump a lane, the shortest innermost; lines to one place may share theirs. How many lanes lead on, and back.
fn assign(jumps: &mut [Jump], tops: &[i32], scenes: &[Scene]) -> (i32, i32) {
    let span = |jump: &Jump| {
        let end = entry(jump.to, tops, scenes);
        (jump.y.min(end), jump.y.max(end))
    };
    jumps.sort_by_key(|jump| (span(jump).1 - span(jump).0, jump.from, jump.y));
    let mut taken: Vec<(bool, i32, usize, (i32, i32))> = Vec::new();
    let mut most = (0, 0);
    for jump in jumps {
        let (from, to) = span(jump);
        let back = jump.to <= jump.from;
        let clash = |lane: i32| {
            let same = taken.iter().filter(|(side, other, target, _)| *side == back && *other == lane && *target != jump.to);
            same.clone().any(|(_, _, _, (top, bottom))| from < bottom + 8 && *top < to + 8)
        };
        let lane = (0..).find(|lane| !clash(*lane)).unwrap_or(0);
        jump.lane = lane;
        taken.push((back, lane, jump.to, (from, to)));
        let side = if back { &mut most.1 } else { &mut most.0 };
        *side = (*side).max(lane + 1);
    }
    most
}

/// Where lines enter the item at a place.
fn entry(at: usize, tops: &[i32], scenes: &[Scene]) -> i32 {
    let height = scenes.get(at).map_or(0, |scene| scene.h);
    tops.get(at).copied().unwrap_or(0) + ENTRY.min(height / 2)
}

fn line(scene: &mut Scene, jump: &Jump, tops: &[i32], scenes: &[Scene], (left, right): (i32, i32)) {
    let (Some(from), Some(to)) = (scenes.get(jump.from), scenes.get(jump.to)) else { return };
    let y = entry(jump.to, tops, scenes);
    let axis = scene.axis;
    let points = if jump.to <= jump.from {
        let x = left - LANE * (jump.lane + 1);
        vec![(axis - from.axis, jump.y), (x, jump.y), (x, y), (axis - to.axis, y)]
    } else {
        let x = right + LANE * (jump.lane + 1);
        vec![(axis - from.axis + from.w, jump.y), (x, jump.y), (x, y), (axis - to.axis + to.w, y)]
    };
    scene.add(Shape::arrow(points));
}

/// One item with everything inside it.
fn item(item: &Item) -> Scene {
    let head = head(item);
    let inner = match &item.inside {
        Inside::Nothing => return boxed(item, &head, None),
        Inside::Once(inner) => list(inner, false),
        Inside::Loop(inner) => again(&list(inner, false)),
        Inside::Fork(inner) => fork(inner),
        Inside::Try(body, catch, _) => attempt(body, catch),
    };
    boxed(item, &head, Some(&inner))
}

/// The lines at the top of an item.
fn head(item: &Item) -> Scene {
    let mut scene = Scene::default();
    let word = if item.word.is_empty() { 0 } else { width_of(item.word, Face::Word) + 8 };
    if word > 0 {
        scene.add(Shape::Text { x: 0, y: 15, face: Face::Word, tone: Some(item.tone), middle: false, text: item.word.to_owned() });
    }
    scene.add(Shape::text(word, 15, Face::Name, &item.name));
    scene.w = word + width_of(&item.name, Face::Name);
    scene.h = 20;
    for detail in &item.details {
        scene.add(Shape::text(0, scene.h + 12, Face::Mono, detail));
        scene.w = scene.w.max(width_of(detail, Face::Mono));
        scene.h += DETAIL;
    }
    if !item.marks.is_empty() {
        marks(&mut scene, &item.marks);
    }
    scene
}

fn marks(scene: &mut Scene, marks: &[Mark]) {
    let mut x = 0;
    for mark in marks {
        let w = width_of(&mark.text, Face::Small) + 12;
        scene.add(Shape::Badge { x, y: scene.h + 4, w, tone: mark.tone, text: mark.text.clone() });
        x += w + 6;
    }
    scene.w = scene.w.max(x);
    scene.h += 24;
}

/// Puts a head, the rows of a switch and what is inside into a box.
fn boxed(item: &Item, head: &Scene, inner: Option<&Scene>) -> Scene {
    let rows = item.cases.iter().map(|case| width_of(&case.name, Face::Case) + 10 + width_of(&case.when, Face::Mono)).max().unwrap_or(0);
    let inside = inner.map_or(0, |inner| inner.w);
    let w = (head.w.max(rows).max(inside) + 2 * PAD + 4).max(ITEM_WIDTH_MIN);
    let mut h = head.h + PAD + 4;
    let mut scene = Scene { w, axis: w / 2, ..Scene::default() };
    let mut shapes = Scene::default();
    for case in &item.cases {
        shapes.add(Shape::Rule { x: 0, y: h, w });
        shapes.add(Shape::text(PAD + 4, h + 16, Face::Case, &case.name));
        shapes.add(Shape::text(PAD + 14 + width_of(&case.name, Face::Case), h + 16, Face::Mono, &case.when));
        scene.rows.push(h + ROW / 2);
        h += ROW;
    }
    if !item.cases.is_empty() && !always_decides(&item.cases) {
        h += ENTRY;
    }
    if let Some(inner) = inner {
        scene.axis = ((w - inner.w) / 2 + inner.axis).max(PAD);
        shapes.put(inner, scene.axis - inner.axis, h + 6);
        h += inner.h + PAD + 6;
    }
    let class = match (inner.is_some(), item.tone) {
        (true, _) => "within",
        (false, tone) => tone.word(),
    };
    let kind = if item.skippable { "skip" } else { "" };
    let says = [&[item.name.clone()][..], &item.details].concat().join("\n");
    scene.add(Shape::Item { w, h, class, kind, tone: item.tone, says });
    scene.put(head, PAD + 4, 5);
    scene.put(&shapes, 0, 0);
    scene.h = h;
    scene
}

/// A list that runs again and again: a line leads from its end to its beginning.
fn again(inner: &Scene) -> Scene {
    let lead = 2 * LANE + 6;
    let (axis, bottom) = (inner.axis + lead, inner.h + 20);
    let mut scene = Scene { w: inner.w + lead + LANE, h: inner.h + 30, axis, ..Scene::default() };
    scene.put(inner, lead, 10);
    let points = vec![(axis, inner.h + 10), (axis, bottom), (LANE / 2, bottom), (LANE / 2, 0), (axis, 0), (axis, 10)];
    scene.add(Shape::arrow(points));
    scene
}

/// Branches side by side between two bars; in several rows where they are many.
fn fork(list: &List) -> Scene {
    let branches: Vec<Scene> = list.items.iter().map(item).collect();
    let mut rows: Vec<Vec<&Scene>> = vec![Vec::new()];
    let mut width = 0;
    for branch in &branches {
        if width > 0 && width + branch.w > FORK_WIDTH_MAX {
            rows.push(Vec::new());
            width = 0;
        }
        width += branch.w + 20;
        if let Some(row) = rows.last_mut() {
            row.push(branch);
        }
    }
    let mut scene = Scene::default();
    for row in &rows {
        let top = if scene.h == 0 { 0 } else { scene.h + 16 };
        let line = side_by_side(row);
        scene.put(&line, 0, top);
        scene.h = top + line.h;
        scene.w = scene.w.max(line.w);
    }
    scene.axis = scene.w / 2;
    scene
}

fn side_by_side(branches: &[&Scene]) -> Scene {
    let tallest = branches.iter().map(|branch| branch.h).max().unwrap_or(0);
    let bottom = tallest + 2 * 22;
    let mut scene = Scene { h: bottom + 4, ..Scene::default() };
    for branch in branches {
        scene.put(branch, scene.w, 22);
        let axis = scene.w + branch.axis;
        scene.add(Shape::arrow(vec![(axis, 4), (axis, 22)]));
        scene.add(Shape::Line(Line { points: vec![(axis, 22 + branch.h), (axis, bottom)], arrow: false, dashed: false }));
        scene.w += branch.w + 20;
    }
    scene.w = (scene.w - 20).max(0);
    for y in [0, bottom] {
        scene.add(Shape::Bar { x: 0, y, w: scene.w });
    }
    scene
}

/// What is tried, and beside it what is done about errors.
fn attempt(body: &List, catch: &List) -> Scene {
    let (tried, caught) = (panel(body, "tried"), panel(catch, "caught"));
    let mut scene = Scene { w: tried.w + 40 + caught.w, h: tried.h.max(caught.h), axis: tried.axis, ..Scene::default() };
    scene.put(&tried, 0, 0);
    scene.put(&caught, tried.w + 40, 0);
    let points = vec![(tried.w, ENTRY), (tried.w + 40, ENTRY)];
    scene.add(Shape::Line(Line { points, arrow: true, dashed: true }));
    scene
}

fn panel(of: &List, class: &'static str) -> Scene {
    let inner = list(of, false);
    let top = of.title.len() as i32 * DETAIL + PAD;
    let title = of.title.iter().map(|line| width_of(line, Face::Mono)).max().unwrap_or(0);
    let w = inner.w.max(title) + 2 * PAD;
    let axis = (w - inner.w) / 2 + inner.axis;
    let h = if of.items.is_empty() { top } else { top + inner.h + PAD };
    let mut scene = Scene { w, h, axis, ..Scene::default() };
    scene.add(Shape::Box { x: 0, y: 0, w, h, round: 8, class, says: String::new() });
    for (at, line) in of.title.iter().enumerate() {
        scene.add(Shape::text(PAD, at as i32 * DETAIL + 19, Face::Mono, line));
    }
    scene.put(&inner, axis - inner.axis, top);
    scene
}

/// Tones have colours in the drawing's style, by these names.
pub(super) const TONES: [Tone; 6] = [Tone::Plain, Tone::Agent, Tone::Effect, Tone::Person, Tone::Event, Tone::Fault];
