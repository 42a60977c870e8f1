//! Whether a text is in capitals.

/// At least eight letters, nearly all of them capitals. "NASA" and "OK" are not shouting.
pub fn is_shouting(text: &str) -> bool {
    let (mut upper, mut letters) = (0_u32, 0_u32);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        upper += u32::from(c.is_uppercase());
    }
    letters >= 8 && f64::from(upper) >= 0.8 * f64::from(letters)
}

#[cfg(test)]
mod tests {
    #[test]
    fn capitals_count_from_eight_letters_on() {
        assert!(super::is_shouting("WHERE IS MY ORDER"));
        assert!(!super::is_shouting("OK NASA"));
        assert!(!super::is_shouting("Where is my ORDER from IKEA"));
        assert!(!super::is_shouting("12345678 !!!"));
    }
}
