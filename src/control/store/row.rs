//! Reading columns into the values they stand for.

use std::str::FromStr;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use crate::control::words::Name;

pub(super) fn text(row: &SqliteRow, column: &'static str) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

/// A value that is kept as its text: an id, a birth date.
pub(super) fn parsed<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Unreadable(column))
}

pub(super) fn optional_parsed<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<Option<T>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Unreadable(column))).transpose()
}

/// A value that is kept as one small word.
pub(super) fn word<T>(row: &SqliteRow, column: &'static str, from_word: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    from_word(&text).ok_or(StoreError::Unreadable(column))
}

pub(super) fn name(row: &SqliteRow, column: &'static str) -> Result<Name, StoreError> {
    optional_name(row, column)?.ok_or(StoreError::Unreadable(column))
}

pub(super) fn optional_name(row: &SqliteRow, column: &'static str) -> Result<Option<Name>, StoreError> {
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| Name::new(&text).map_err(|_| StoreError::Unreadable(column))).transpose()
}

pub(super) fn moment(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    optional_moment(row, column)?.ok_or(StoreError::Unreadable(column))
}

pub(super) fn optional_moment(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.try_get(column)?;
    micros.map(|micros| Timestamp::from_microsecond(micros).map_err(|_| StoreError::Unreadable(column))).transpose()
}

pub(super) fn number(row: &SqliteRow, column: &'static str) -> Result<u32, StoreError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| StoreError::Unreadable(column))
}

pub(super) fn flag(row: &SqliteRow, column: &'static str) -> Result<bool, StoreError> {
    Ok(number(row, column)? != 0)
}
