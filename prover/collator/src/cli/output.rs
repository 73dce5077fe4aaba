//! What a command prints: its result on standard output, as text or as JSON; everything else on standard error.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use clap::builder::styling::{AnsiColor, Style};
use serde_json::{Value, json};

use super::failure::{Failure, Kind};
use super::timings::Timings;

/// Where and how results are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    colours: bool,
    timings: Option<&'static Timings>,
}

impl Output {
    /// Colours are for terminals whose user has not set `NO_COLOR` (<https://no-color.org>). A result for a machine has the timings
    /// in it, if there are any.
    pub(crate) fn new(json: bool, timings: Option<&'static Timings>) -> Self {
        Self { json, colours: colours(&io::stdout()), timings }
    }

    /// Whether the result is for a machine.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints the result: `value` for a machine, `text` for a person.
    ///
    /// # Errors
    /// When standard output cannot be written, for example because the reader of a pipe went away.
    pub(crate) fn result(self, value: &Value, text: &str) -> Result<(), Failure> {
        if self.json { self.json_line(value.clone()) } else { self.line(text.trim_end()) }
    }

    fn json_line(self, mut value: Value) -> Result<(), Failure> {
        if let (Some(timings), Some(fields)) = (self.timings, value.as_object_mut()) {
            fields.insert("timings".into(), timings.to_json());
        }
        self.line(value)
    }

    /// Prints one line on standard output.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub(crate) fn line(self, line: impl fmt::Display) -> Result<(), Failure> {
        writeln!(io::stdout().lock(), "{line}")
            .map_err(|error| Failure::misuse(format!("cannot write the result: {error}")))
    }

    /// Prints one line of a narrated result; nothing when a machine reads.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub(crate) fn say(self, line: impl fmt::Display) -> Result<(), Failure> {
        if self.json { Ok(()) } else { self.line(line) }
    }

    /// Says why the command failed: on standard error, and to a machine as the result.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            // Nothing is left to be done if this fails too: the exit code says what happened.
            let _ = self.json_line(
                json!({ "result": failure.kind.name(), "reason": failure.what, "next": failure.next }),
            );
        }
        let mut stderr = io::stderr().lock();
        let word = match failure.kind {
            Kind::Refused => "refused",
            Kind::Misuse => "error",
        };
        let _ = writeln!(stderr, "{word}: {}", failure.what);
        if !failure.next.is_empty() {
            let _ = writeln!(stderr, "  next: {}", failure.next);
        }
    }

    /// A heading.
    pub(crate) fn heading(self, text: impl fmt::Display) -> String {
        self.styled(Style::new().bold().fg_color(Some(AnsiColor::Cyan.into())), text)
    }

    /// Something that went as it should.
    pub(crate) fn good(self, text: impl fmt::Display) -> String {
        self.styled(Style::new().fg_color(Some(AnsiColor::Green.into())), text)
    }

    /// Something that was refused.
    pub(crate) fn bad(self, text: impl fmt::Display) -> String {
        self.styled(Style::new().fg_color(Some(AnsiColor::Red.into())), text)
    }

    /// Something the user should not overlook.
    pub(crate) fn warning(self, text: impl fmt::Display) -> String {
        self.styled(Style::new().bold().fg_color(Some(AnsiColor::Yellow.into())), text)
    }

    /// A figure.
    pub(crate) fn strong(self, text: impl fmt::Display) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// An aside.
    pub(crate) fn faint(self, text: impl fmt::Display) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    fn styled(self, style: Style, text: impl fmt::Display) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}

/// Whether colours are wanted there.
pub(crate) fn colours(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A two-column list: names, and values aligned behind the longest name.
pub(crate) fn table<'a>(rows: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:width$}  {value}\n")).collect()
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: impl fmt::Display) -> String {
    const GROUP: usize = 3;
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(GROUP) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 block`, `2 blocks`.
pub(crate) fn counted(count: u64, name: &str) -> String {
    format!("{} {name}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A number of bytes with the unit a reader wants.
pub(crate) fn bytes(count: u64) -> String {
    const KILO: u64 = 1000;
    const MEGA: u64 = KILO * KILO;
    // Beyond this, whole bytes say nothing.
    const SHOW_BYTES_BELOW: u64 = 10 * KILO;
    match count {
        0..SHOW_BYTES_BELOW => format!("{} B", grouped(count)),
        SHOW_BYTES_BELOW..MEGA => format!("{:.1} kB", count as f64 / KILO as f64),
        _ => format!("{:.1} MB", count as f64 / MEGA as f64),
    }
}

/// A duration with the unit a reader wants.
pub(crate) fn duration(time: std::time::Duration) -> String {
    const MILLI: f64 = 1e3;
    const MICRO: f64 = 1e6;
    // Below these many seconds the smaller unit reads better.
    const SHOW_SECONDS_FROM: f64 = 1.0;
    const SHOW_MILLIS_FROM: f64 = 1e-3;
    match time.as_secs_f64() {
        seconds if seconds >= SHOW_SECONDS_FROM => format!("{seconds:.1} s"),
        seconds if seconds >= SHOW_MILLIS_FROM => format!("{:.2} ms", seconds * MILLI),
        seconds => format!("{:.0} µs", seconds * MICRO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0u64, 12, 999, 1000, 262_144, 1_000_000].map(grouped),
            ["0", "12", "999", "1,000", "262,144", "1,000,000"]
        );
    }

    #[test]
    fn quantities_have_the_unit_a_reader_wants() {
        assert_eq!([842, 9_999, 118_400, 5_300_000].map(bytes), ["842 B", "9,999 B", "118.4 kB", "5.3 MB"]);
        assert_eq!(
            [Duration::from_micros(730), Duration::from_micros(3_456), Duration::from_millis(12_340)]
                .map(duration),
            ["730 µs", "3.46 ms", "12.3 s"]
        );
    }

    #[test]
    fn a_table_aligns_its_values() {
        assert_eq!(table([("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
    }
}
