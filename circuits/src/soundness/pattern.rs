//! Patterns over namespace paths, in which declarations are written.

/// Whether `path` matches `pattern`, in which `*` stands for any characters.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(previous) = last.replace(part) {
            match rest.find(previous) {
                Some(at) => rest = &rest[at + previous.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => rest.is_empty(),
    }
}

/// What a circuit's author declares of all variables whose path matches a pattern, and why.
#[derive(Clone, Debug)]
pub(super) struct Declaration {
    pub(super) pattern: String,
    pub(super) reason: String,
}

impl Declaration {
    pub(super) fn new(pattern: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), reason: reason.into() }
    }
}

/// Declarations, and which of them were needed.
#[derive(Debug)]
pub(super) struct Declarations<'a> {
    all: &'a [Declaration],
    needed: Vec<bool>,
}

impl<'a> Declarations<'a> {
    pub(super) fn new(all: &'a [Declaration]) -> Self {
        Self { all, needed: vec![false; all.len()] }
    }

    /// The first declaration that matches `path`, which is needed from now on.
    pub(super) fn declared(&mut self, path: &str) -> Option<&'a Declaration> {
        let place = self.all.iter().position(|declaration| matches(&declaration.pattern, path))?;
        self.needed[place] = true;
        Some(&self.all[place])
    }

    /// The patterns of declarations that nothing needed.
    pub(super) fn unneeded(&self) -> impl Iterator<Item = String> + '_ {
        let unneeded = self.all.iter().zip(&self.needed).filter(|(_, needed)| !**needed);
        unneeded.map(|(declaration, _)| declaration.pattern.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (pattern, path, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/bc", false),
            ("a/*", "a/b/c", true),
            ("*/c", "a/b/c", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn the_first_match_counts_and_the_others_are_unneeded() {
        let all = [Declaration::new("a*", ""), Declaration::new("ab", ""), Declaration::new("c", "")];
        let mut declarations = Declarations::new(&all);
        assert!(declarations.declared("ab").is_some_and(|declaration| declaration.pattern == "a*"));
        assert!(declarations.declared("d").is_none());
        assert_eq!(declarations.unneeded().collect::<Vec<_>>(), ["ab", "c"]);
    }
}
