//! Who may enter a company: people, and programs by their tokens. Their names stand in its history.

use crate::text::{self, TextError};

/// Letters of a name: two given names and two family names, with room.
const LONGEST_NAME: usize = 150;

/// A person's name as it is kept.
pub fn user_name(typed: &str) -> Result<String, TextError> {
    text::required(typed, LONGEST_NAME)
}

/// What a token is for, as it is kept.
pub fn token_name(typed: &str) -> Result<String, TextError> {
    text::required(typed, LONGEST_NAME)
}
