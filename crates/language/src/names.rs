//! Names that an author gives: what a reader of a journal sees of them must be what they are.
//!
//! What must stay true: no name holds a character that shows nothing, looks like nothing, or turns the text around it.

use crate::finding::{Code, Log, Place};
use crate::yaml::shown;

/// Ranges of characters that show nothing or steer what stands around them (Unicode: Default_Ignorable_Code_Point, Bidi_Control, line and
/// paragraph separators, unassigned specials).
const UNSEEN: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{ffff}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

fn is_unseen(c: char) -> bool {
    c.is_control() || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Says which character of `name` nobody sees.
pub(crate) fn check_seen(name: &str, at: Place, log: &Log) {
    if let Some(c) = name.chars().find(|c| is_unseen(*c)) {
        let visible: String = name.chars().map(|c| if is_unseen(c) { '?' } else { c }).collect();
        let message = format!("name `{}` holds U+{:04X}, which is invisible or turns text around", shown(&visible), u32::from(c));
        log.error_hint(Code::WrongValue, at, message, "write the name in characters that are seen as they are");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_is_a_name_in_any_script() {
        for name in ["a", "d/d", "Größe", "退款", "возврат", "إرجاع", "धन वापसी", "refund 💶", "e#2", "f[0]"]
        {
            assert!(!name.chars().any(is_unseen), "{name}");
        }
    }

    #[test]
    fn what_is_not_seen_is_none() {
        for c in ['\0', '\u{1b}', '\u{85}', '\u{200b}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{e0041}', '\u{ad}', '\u{3164}'] {
            assert!(is_unseen(c), "{:04x}", u32::from(c));
        }
    }
}
