//! Go's notation of durations, as `holdTime`, `keepaliveTime` and `connectTime` use it.

use std::time::Duration;

/// Why a text is not one of the durations that these fields can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Not a sequence of numbers with units.
    #[error("not a duration such as 90s or 1m30s")]
    Malformed,
    /// A well-formed duration below zero.
    #[error("a negative duration")]
    Negative,
    /// Beyond what Go can hold: 2^63 - 1 nanoseconds, some 292 years.
    #[error("a duration of more than 292 years")]
    TooLong,
}

/// Reads a duration as Go's `time.ParseDuration` does: `1m30s`, `1.5h`, `300ms`, `0`.
///
/// Written by hand although `kube::core::Duration` reads the same notation, because that one panics on text that any
/// writer of an object can send us (`1s-1s`, and numbers beyond its range) and takes an empty text for zero.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let (negative, unsigned) = match text.strip_prefix(['+', '-']) {
        Some(unsigned) => (text.starts_with('-'), unsigned),
        None => (false, text),
    };
    let nanoseconds = if unsigned == "0" { 0 } else { sum(unsigned)? };
    if negative && nanoseconds > 0 {
        return Err(DurationError::Negative);
    }
    i64::try_from(nanoseconds).map_err(|_| DurationError::TooLong)?;
    Ok(Duration::from_nanos(nanoseconds))
}

/// The nanoseconds of one or more numbers with units.
fn sum(mut rest: &str) -> Result<u64, DurationError> {
    if rest.is_empty() {
        return Err(DurationError::Malformed);
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c != '.' && !c.is_ascii_digit());
        let (number, tail) = rest.split_at(unit_at.ok_or(DurationError::Malformed)?);
        let unit_end = tail.find(|c: char| c == '.' || c.is_ascii_digit());
        let (unit, tail) = tail.split_at(unit_end.unwrap_or(tail.len()));
        let part = nanoseconds_of(number, unit_nanoseconds(unit)?)?;
        total = total.checked_add(part).ok_or(DurationError::TooLong)?;
        rest = tail;
    }
    Ok(total)
}

fn unit_nanoseconds(unit: &str) -> Result<u64, DurationError> {
    Ok(match unit {
        "ns" => 1,
        // The micro sign, and the Greek letter that looks like it.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return Err(DurationError::Malformed),
    })
}

/// `whole.fraction` times the unit; digits of the fraction below a nanosecond do not count.
fn nanoseconds_of(number: &str, unit: u64) -> Result<u64, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return Err(DurationError::Malformed);
    }
    let whole: u64 = match whole {
        "" => 0,
        digits => digits.parse().map_err(|_| DurationError::TooLong)?,
    };
    let whole = whole.checked_mul(unit).ok_or(DurationError::TooLong)?;
    // 15 digits: the hour's 3.6e12 nanoseconds have no more to give, and the product fits u128 with ease.
    let fraction = &fraction[..fraction.len().min(15)];
    let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let digits: u128 = fraction.parse().unwrap_or(0);
    let below_one = u64::try_from(digits * u128::from(unit) / scale).unwrap_or(0);
    whole.checked_add(below_one).ok_or(DurationError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("-0", 0),
            ("0s", 0),
            ("90s", 90_000),
            ("+90s", 90_000),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("1.s", 1_000),
            ("300ms", 300),
            ("1000000000000ns", 1_000_000),
            ("2000\u{b5}s3000\u{3bc}s", 5),
            ("0.0000000000000000000000001h", 0),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_without_a_panic() {
        for (text, error) in [
            ("", DurationError::Malformed),
            ("-", DurationError::Malformed),
            ("+-1s", DurationError::Malformed),
            ("90", DurationError::Malformed),
            ("s", DurationError::Malformed),
            (".s", DurationError::Malformed),
            ("1.2.3s", DurationError::Malformed),
            ("1d", DurationError::Malformed),
            ("1 s", DurationError::Malformed),
            ("1s-1s", DurationError::Malformed),
            ("1e3s", DurationError::Malformed),
            ("\u{665}s", DurationError::Malformed),
            ("-1s", DurationError::Negative),
            ("2562048h", DurationError::TooLong),
            ("2562047h2562047h", DurationError::TooLong),
            ("99999999999999999999999999s", DurationError::TooLong),
        ] {
            assert_eq!(parse_duration(text), Err(error), "{text}");
        }
    }
}
