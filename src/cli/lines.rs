//! Reading JSON Lines: a line ends at `\n` and at nothing else, and of a line that
//! is too long no more than the limit is ever held.

use std::io::{self, BufRead};

/// Lines of an input, without their ends. A line that is too long is `None`.
pub(super) struct Lines<R> {
    input: R,
    longest: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R, longest: usize) -> Self {
        Self { input, longest }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Option<Vec<u8>>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        let (mut is_too_long, mut has_begun) = (false, false);
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(Err(error)),
            };
            if available.is_empty() && !has_begun {
                return None;
            }
            has_begun = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            is_too_long |= line.len() + part.len() > self.longest;
            if is_too_long {
                line = Vec::new();
            } else {
                line.extend_from_slice(part);
            }
            let is_over = end.is_some() || available.is_empty();
            let n_used = end.map_or(available.len(), |end| end + 1);
            self.input.consume(n_used);
            if is_over {
                return Some(Ok((!is_too_long).then_some(line)));
            }
        }
    }
}

/// What is written in the place of an answer to a line that cannot be read.
pub(super) fn invalid_line(number: u64, why: &str) -> String {
    serde_json::json!({ "line": number, "error": { "code": "invalid_line", "message": why } }).to_string()
}
