//! Payload cells: codec byte, key id byte, bytes.
//!
//! | codec | key id | bytes |
//! |---|---|---|
//! | 0 | 0 | JSON |
//! | 1 | dictionary | JSON under zstd with that dictionary |
//! | 2 | key | sealed; not written yet |
//!
//! What must stay true: a dictionary never changes once rows were written with it; a better one gets the next number. Reading a cell
//! never builds more than [`UNPACKED_BYTES_MAX`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

use super::RowError;

/// Codec byte: plain JSON.
const JSON: u8 = 0;
/// Codec byte: zstd with a dictionary.
const ZSTD: u8 = 1;
/// The first dictionary: words alone. It is read and not written any more.
const WORDS_1: u8 = 1;
/// The dictionary that is written with: the words, and the tables by which what is left is coded. Built for each row, these tables took
/// more time than finding the words.
const WORDS_2: u8 = 2;
/// Below this many bytes of JSON nothing is gained.
const PACKED_BYTES_MIN: usize = 192;
/// Longest JSON a cell may hold, in bytes.
const UNPACKED_BYTES_MAX: usize = 16 << 20;
/// zstd's level: the fastest of the ordinary ones.
const LEVEL: i32 = 1;

/// What typical rows share; docs/adr/0002-store.md says how each was made.
static FIRST: &[u8] = include_bytes!("words-1.txt");
static SECOND: &[u8] = include_bytes!("words-2.dict");
static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(SECOND, LEVEL));
static DECODER_1: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(FIRST));
static DECODER_2: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(SECOND));

type Unpacker = RefCell<Option<Decompressor<'static>>>;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(packer(&ENCODER));
    static UNPACKER_1: Unpacker = RefCell::new(Decompressor::with_prepared_dictionary(&DECODER_1).ok());
    static UNPACKER_2: Unpacker = RefCell::new(Decompressor::with_prepared_dictionary(&DECODER_2).ok());
}

/// The cell names its dictionary, so that the bytes inside need not.
fn packer(words: &'static EncoderDictionary<'static>) -> Option<Compressor<'static>> {
    let mut packer = Compressor::with_prepared_dictionary(words).ok()?;
    packer.set_parameter(CParameter::DictIdFlag(false)).ok()?;
    Some(packer)
}

/// A cell that holds `json`.
pub(super) fn pack(json: &[u8]) -> Vec<u8> {
    if json.len() >= PACKED_BYTES_MIN
        && let Some(packed) =
            PACKER.with_borrow_mut(|packer| packer.as_mut()?.compress(json).ok()).filter(|packed| packed.len() < json.len())
    {
        return cell(ZSTD, WORDS_2, &packed);
    }
    cell(JSON, 0, json)
}

fn cell(codec: u8, key: u8, bytes: &[u8]) -> Vec<u8> {
    let mut cell = Vec::with_capacity(bytes.len() + 2);
    cell.extend_from_slice(&[codec, key]);
    cell.extend_from_slice(bytes);
    cell
}

/// The JSON inside a cell.
///
/// # Errors
/// [`RowError`] for an unknown codec or dictionary, and for bytes that do not unpack.
pub(super) fn unpack(cell: &[u8]) -> Result<Cow<'_, [u8]>, RowError> {
    match cell.split_at_checked(2) {
        Some(([JSON, _], json)) => Ok(Cow::Borrowed(json)),
        Some(([ZSTD, WORDS_1], packed)) => UNPACKER_1.with_borrow_mut(|unpacker| unpacked(unpacker, packed)).map(Cow::Owned),
        Some(([ZSTD, WORDS_2], packed)) => UNPACKER_2.with_borrow_mut(|unpacker| unpacked(unpacker, packed)).map(Cow::Owned),
        Some(([codec, _], _)) => Err(RowError::Codec(*codec)),
        Some(_) | None => Err(RowError::Payload("it is shorter than its two head bytes".to_owned())),
    }
}

fn unpacked(unpacker: &mut Option<Decompressor<'static>>, packed: &[u8]) -> Result<Vec<u8>, RowError> {
    let damaged = || RowError::Payload("it does not unpack".to_owned());
    let size = Decompressor::upper_bound(packed).filter(|size| *size <= UNPACKED_BYTES_MAX).ok_or_else(damaged)?;
    unpacker.as_mut().and_then(|unpacker| unpacker.decompress(packed, size).ok()).ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn cells_give_back_what_they_hold() {
        for size in [0, 1, 191, 192, 5_000, 300_000] {
            let json: Vec<u8> = b"{\"fact\":[1,2,3]}".iter().copied().cycle().take(size).collect();
            assert_eq!(unpack(&pack(&json)).unwrap().as_ref(), json.as_slice());
        }
        assert!(pack(&vec![b'a'; 5_000]).len() < 100);
    }

    #[test]
    fn rows_of_the_first_dictionary_are_read() {
        let json =
            br#"{"command":{"timer":{"id":"timeout:"}},"facts":[{"timer_fired":{"id":"timeout:"}},{"iterated":{"at":"a","index":3}}]}"#;
        let first = EncoderDictionary::copy(FIRST, LEVEL);
        let packed = Compressor::with_prepared_dictionary(&first).unwrap().compress(json).unwrap();
        assert_eq!(unpack(&cell(ZSTD, WORDS_1, &packed)).unwrap().as_ref(), json);
    }

    #[test]
    fn the_tables_of_the_second_dictionary_make_rows_smaller() {
        let json = br#"{"command":{"outcome":{"effect":"eff_01M7Y1D1VN1SYP3K9TT7C20G4R","attempt":1,"result":{"done":{"value":
            {"step":1}}},"worker":"builtin","took_ms":0}},"ambient":{"now_us":1795230697333887,"seed":13504570750465281758},"facts":
            [{"attempted":{"effect":"eff_01M7Y1D1VN1SYP3K9TT7C20G4R","attempt":1}},{"completed":{"at":"s1","task":0,
            "effect":"eff_01M7Y1D1VN1SYP3K9TT7C20G4R"}}]}"#;
        let first = EncoderDictionary::copy(FIRST, LEVEL);
        let before = Compressor::with_prepared_dictionary(&first).unwrap().compress(json).unwrap();
        let (before, after) = (cell(ZSTD, WORDS_1, &before).len(), pack(json).len());
        assert!(after * 100 < before * 95, "{after} of {before}");
    }

    #[test]
    fn what_is_no_cell_is_an_error() {
        let mut cut = pack(&vec![b'a'; 5_000]);
        cut.truncate(8);
        for wrong in [&b""[..], b"\0", b"\x07\0{}", b"\x01\x09xx", b"\x01\x01xx", b"\x01\x02xx", &cut] {
            assert!(unpack(wrong).is_err(), "{wrong:?}");
        }
    }
}
