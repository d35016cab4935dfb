//! Shapes in whole pixels, and how wide a text will be.
//!
//! What must stay true: widths are guessed without fonts, on the generous side, so that a text stays in its box with any usual font.

use super::chart::Tone;

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    Title,
    Name,
    Word,
    Case,
    Small,
    Mono,
}

impl Face {
    /// The class in the style.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Title => "ti",
            Self::Name => "na",
            Self::Word => "wo",
            Self::Case => "ca",
            Self::Small => "sm",
            Self::Mono => "mo",
        }
    }

    /// Size in tenths of a pixel, and whether every character is as wide.
    fn size(self) -> (i32, bool) {
        match self {
            Self::Title => (175, false),
            Self::Name => (148, false),
            Self::Word => (118, false),
            Self::Case => (140, false),
            Self::Small => (110, false),
            Self::Mono => (115, true),
        }
    }
}

/// About how many pixels wide a text is.
pub(super) fn width_of(text: &str, face: Face) -> i32 {
    let (size, mono) = face.size();
    let permille: i32 = text.chars().map(|c| if mono && c.is_ascii() { 605 } else { permille(c) }).sum();
    permille * size / 10_000 + i32::from(permille > 0)
}

fn permille(c: char) -> i32 {
    match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' | ' ' | 't' | 'f' | 'r' | '(' | ')' | '[' | ']' => 400,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 960,
        'A'..='Z' => 740,
        _ if c.is_ascii() => 630,
        // Letters of most alphabets; what is East Asian or a symbol is as wide as high.
        '\u{80}'..='\u{10ff}' => 700,
        _ => 1100,
    }
}

/// A line with corners.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) points: Vec<(i32, i32)>,
    pub(super) arrow: bool,
    pub(super) dashed: bool,
}

/// One thing to draw.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Box {
        x: i32,
        y: i32,
        w: i32,
        h: i32,
        round: i32,
        class: &'static str,
        says: String,
    },
    /// The box of an item at the origin of its scene, with the bar of its tone.
    Item {
        w: i32,
        h: i32,
        class: &'static str,
        kind: &'static str,
        tone: Tone,
        says: String,
    },
    Text {
        x: i32,
        y: i32,
        face: Face,
        tone: Option<Tone>,
        middle: bool,
        text: String,
    },
    Badge {
        x: i32,
        y: i32,
        w: i32,
        tone: Tone,
        text: String,
    },
    Rule {
        x: i32,
        y: i32,
        w: i32,
    },
    Bar {
        x: i32,
        y: i32,
        w: i32,
    },
    Dot {
        x: i32,
        y: i32,
        r: i32,
    },
    /// The sign of the workflow's end.
    Stop {
        x: i32,
        y: i32,
    },
    Line(Line),
}

impl Shape {
    pub(super) fn text(x: i32, y: i32, face: Face, text: &str) -> Self {
        Self::Text { x, y, face, tone: None, middle: false, text: text.to_owned() }
    }

    pub(super) fn middle(x: i32, y: i32, face: Face, text: &str) -> Self {
        Self::Text { x, y, face, tone: None, middle: true, text: text.to_owned() }
    }

    pub(super) fn arrow(points: Vec<(i32, i32)>) -> Self {
        Self::Line(Line { points, arrow: true, dashed: false })
    }
}

/// Shapes with the room they take.
#[derive(Clone, Debug, Default)]
pub(super) struct Scene {
    pub(super) w: i32,
    pub(super) h: i32,
    /// Where lines come in from above and leave below.
    pub(super) axis: i32,
    /// Where lines leave the rows of a switch.
    pub(super) rows: Vec<i32>,
    pub(super) shapes: Vec<(i32, i32, Shape)>,
}

impl Scene {
    pub(super) fn add(&mut self, shape: Shape) {
        self.shapes.push((0, 0, shape));
    }

    /// Puts another scene into this one; its own room is the caller's affair.
    pub(super) fn put(&mut self, other: &Self, x: i32, y: i32) {
        self.shapes.extend(other.shapes.iter().map(|(dx, dy, shape)| (dx + x, dy + y, shape.clone())));
    }
}
